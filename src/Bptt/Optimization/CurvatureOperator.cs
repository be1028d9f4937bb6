// A matrix of second derivatives of a training loss as a product with flat vectors: what conjugate gradients need.

using Bptt.LinearAlgebra;
using Bptt.Passes;
using Bptt.Sharding;

namespace Bptt.Optimization;

/// <summary>v ↦ (H + λI) v at one point, with H the Hessian or the Gauss–Newton matrix of the objective and λ that of
/// the penalties on the weights.</summary>
internal sealed class CurvatureOperator
{
    private readonly TrainingPoint _at;
    private readonly double _penalty;
    private readonly CurvatureMultiplication? _multiply;
    private readonly ShardQuantity _quantity; // which matrix, where shards compute it
    private readonly ParameterArray _direction;
    private readonly ParameterArray _product;
    private readonly double[]? _states;
    private readonly double[] _stateProduct;

    /// <param name="at">The point; its passes must be readable.</param>
    /// <param name="penalty">λ.</param>
    /// <param name="quantity">H, where shards compute it.</param>
    /// <param name="matrix">H; null where shards compute it.</param>
    private CurvatureOperator(
        TrainingPoint at, double penalty, ShardQuantity quantity, CurvatureMultiplication? matrix)
    {
        _quantity = quantity;
        _at = at;
        _penalty = penalty;
        _multiply = matrix;
        ParameterArray weights = at.Parameters.Model.Weights;
        _direction = new ParameterArray(weights.InputSize, weights.HiddenSize, weights.OutputSize);
        _product = new ParameterArray(weights.InputSize, weights.HiddenSize, weights.OutputSize);
        int states = at.Parameters.Count - at.Parameters.WeightCount;
        _states = states > 0 ? new double[states] : null;
        _stateProduct = new double[states];
    }

    /// <summary>With the Hessian.</summary>
    /// <param name="at">The point; its passes must be readable.</param>
    /// <param name="penalty">λ.</param>
    public static CurvatureOperator Hessian(TrainingPoint at, double penalty) =>
        new(
            at,
            penalty,
            ShardQuantity.HessianProduct,
            at.Shards is null ? LossCurvature.Of(at.Backward).MultiplyByHessian : null);

    /// <summary>With the Gauss–Newton matrix.</summary>
    /// <inheritdoc cref="Hessian"/>
    public static CurvatureOperator GaussNewton(TrainingPoint at, double penalty) =>
        new(
            at,
            penalty,
            ShardQuantity.GaussNewtonProduct,
            at.Shards is null ? LossCurvature.Of(at.Backward).MultiplyByGaussNewton : null);

    /// <summary>uᵀ(H + λI)u for the unit vector u along ∂L/∂θ, which must not be zero.</summary>
    public double AlongGradient()
    {
        double[] along = _at.Gradient.ToArray();
        VectorMath.Scale(1.0 / VectorMath.PowerOfTwoNear(_at.Gradient), along);
        double[] product = new double[along.Length];
        Multiply(along, product);
        return VectorMath.Dot(along, product) / VectorMath.Dot(along, along);
    }

    /// <summary>One product.</summary>
    /// <param name="vector">v, in the order of the parameters.</param>
    /// <param name="product">Receives the product.</param>
    public void Multiply(ReadOnlySpan<double> vector, Span<double> product)
    {
        int weights = _at.Parameters.WeightCount;
        if (_multiply is null)
        {
            _at.Shards!.Multiply(_quantity, _at.Parameters, vector, product);
        }
        else
        {
            vector[..weights].CopyTo(_direction.Values);
            vector[weights..].CopyTo(_states);
            _multiply(FlatDirection.Of(_direction, _states), _product, _stateProduct);
            _product.Values.CopyTo(product);
            _stateProduct.CopyTo(product[weights..]);
        }
        if (_penalty > 0.0)
        {
            VectorMath.AddScaled(_penalty, vector[..weights], product[..weights]);
        }
    }
}
