// The damped Gauss-Newton step p = −(H + λD)⁻¹ g at one point, two ways. Decides no damping.
//
//   n  parameters

using Bptt.LinearAlgebra;
using Bptt.Remedies;

namespace Bptt.Optimization;

/// <summary>H, the generalised Gauss–Newton matrix of L at one point with the Hessians of its penalties, to be solved
/// with any damping.</summary>
internal abstract class DampedSystem
{
    /// <param name="at">The point.</param>
    protected DampedSystem(TrainingPoint at)
    {
        At = at;
        Metric = new double[at.Parameters.Count];
        Array.Fill(Metric, 1.0);
        int h = at.Parameters.Model.HiddenSize;
        for (int b = 0; b < at.Parameters.StateCount; b++)
        {
            Array.Fill(Metric, 1.0 / Math.Cbrt(at.Lengths[b]), at.Parameters.WeightCount + b * h, h);
        }
    }

    /// <summary>The point.</summary>
    protected TrainingPoint At { get; }

    /// <summary>The diagonal of D: 1 for weights, which act at every step, and 1/∛T_b for h_0, which acts once. With 1
    /// a learned h_0 is held back and takes twice the steps; with 1/√T_b it can run away to infinity, where a pole at 0
    /// forgets it.</summary>
    public double[] Metric { get; }

    /// <summary>pᵀDp.</summary>
    public double SquareOf(ReadOnlySpan<double> step)
    {
        double sum = 0.0;
        for (int i = 0; i < step.Length; i++)
        {
            sum += Metric[i] * step[i] * step[i];
        }
        return sum;
    }

    /// <summary>About the largest diagonal entry of H; above 0.</summary>
    public abstract double Scale { get; }

    /// <summary>p for one λ above 0; not finite where the numbers overflow.</summary>
    public abstract double[] Solve(double damping, CancellationToken cancellation);

    /// <summary>Refuses passes in single precision, whose rounding hides small changes of the loss.</summary>
    /// <exception cref="NotSupportedException">The passes are in single precision.</exception>
    public static void RequireDouble(TrainingLoss loss, string method)
    {
        if (loss.Execution.Precision == Precision.Single)
        {
            throw new NotSupportedException(
                $"{method}: expected passes in double precision, got Precision.Single, "
                + "which methods of first order take.");
        }
    }

    /// <summary>Σ λ of the penalties ½λ‖W‖².</summary>
    /// <exception cref="NotSupportedException">A penalty has another Hessian, the gradient is truncated, or the
    /// objective does not give second derivatives.</exception>
    public static double PenaltyOf(TrainingLoss loss, string method)
    {
        if (loss.Truncation is Truncation truncation)
        {
            throw new NotSupportedException(
                $"{method}: expected the exact gradient, got one truncated to {truncation}, "
                + "which is the derivative of no loss.");
        }
        RequireDouble(loss, method);
        loss.RequireCurvature();
        double penalty = 0.0;
        foreach (Regularizer regularizer in loss.Regularizers)
        {
            penalty += regularizer.Curvature ?? throw new NotSupportedException(
                $"{method}: expected penalties whose second derivatives are λI, such as L2, "
                + $"got {regularizer}.");
        }
        return penalty;
    }
}

/// <summary>By an orthogonal factorisation of J, in coordinates that change outputs.</summary>
internal sealed class FactoredSystem : DampedSystem
{
    private readonly double _penalty;
    private readonly LocalCoordinates _coordinates;
    private readonly TriangularFactor _factor;
    private readonly bool _isWhole;

    /// <param name="loss">L.</param>
    /// <param name="at">The point.</param>
    /// <param name="penalty">λ of the penalties.</param>
    /// <param name="factor">Memory for so many unknowns.</param>
    /// <param name="cancellation">Asked before each sequence.</param>
    public FactoredSystem(
        TrainingLoss loss,
        TrainingPoint at,
        double penalty,
        Func<int, TriangularFactor> factor,
        CancellationToken cancellation)
        : base(at)
    {
        _penalty = penalty;

        // A penalty holds back the weights alike in every direction, but not a learned h_0 beside them.
        bool mayLeaveOut = penalty == 0.0 || at.Parameters.StateCount == 0;
        _coordinates = LocalCoordinates.At(at, Metric, mayLeaveOut);
        _factor = factor(_coordinates.Count);
        _factor.Clear();
        if (loss.Shards is ShardedLoss shards)
        {
            _isWhole = shards.Factor(at.Parameters, _coordinates, penalty, _factor, cancellation);
        }
        else
        {
            Parameters parameters = at.Parameters;
            AddPenalty(
                _factor,
                _coordinates,
                parameters.Values,
                parameters.WeightCount,
                parameters.StateCount > 0,
                penalty);
            _isWhole = JacobianRows.AddTo(loss, at, _coordinates, _factor, cancellation);
        }
        double scale = _coordinates.DiagonalOf(_factor).Max();
        Scale = scale > 0.0 ? scale : 1.0; // no curvature: steps down the gradient
    }

    /// <summary>The rows of ½λ‖W‖² in a factor that has no row yet.</summary>
    public static void AddPenalty(
        TriangularFactor factor,
        LocalCoordinates coordinates,
        ReadOnlySpan<double> parameters,
        int weightCount,
        bool learnsStates,
        double penalty)
    {
        if (penalty > 0.0)
        {
            double root = Math.Sqrt(penalty);
            double[] values = coordinates.Reduce(parameters);
            int penalised = learnsStates ? weightCount : values.Length;
            for (int i = 0; i < penalised; i++)
            {
                factor.SetDiagonal(i, root, root * values[i]);
            }
        }
    }

    /// <inheritdoc/>
    public override double Scale { get; }

    /// <inheritdoc/>
    public override double[] Solve(double damping, CancellationToken cancellation)
    {
        double[] gradient = _coordinates.Reduce(At.Gradient);
        double[] coordinates = new double[_factor.Unknowns];
        _factor.Solve(damping, _isWhole ? default : gradient, coordinates);
        double[] step = _coordinates.Expand(coordinates);
        if (_coordinates.AreFewer && _penalty > 0.0)
        {
            // Along the directions that are left out, the penalty alone counts.
            double[] rest = At.Gradient.ToArray();
            VectorMath.AddScaled(-1.0, _coordinates.Expand(gradient), rest);
            VectorMath.AddScaled(-1.0 / (_penalty + damping), rest, step);
        }
        return step;
    }
}

/// <summary>By conjugate gradients on Gauss–Newton products (Hestenes &amp; Stiefel 1952), without a matrix: for many
/// parameters.</summary>
internal sealed class IterativeSystem : DampedSystem
{
    /// <summary>The residual that is left, relative to the gradient.</summary>
    private const double Tolerance = 1e-4;

    private const int MostProducts = 500;

    private readonly CurvatureOperator _curvature;

    /// <param name="at">The point; its passes must be readable while it is used.</param>
    /// <param name="penalty">λ of the penalties.</param>
    public IterativeSystem(TrainingPoint at, double penalty)
        : base(at)
    {
        _curvature = CurvatureOperator.GaussNewton(at, penalty);

        // gᵀHg/gᵀg lies between the extreme eigenvalues, and near the largest where g does.
        double scale = _curvature.AlongGradient();
        Scale = scale > 0.0 ? scale : 1.0;
    }

    /// <inheritdoc/>
    public override double Scale { get; }

    /// <inheritdoc/>
    public override double[] Solve(double damping, CancellationToken cancellation)
    {
        int n = At.Parameters.Count;
        double[] step = new double[n];
        double unit = VectorMath.PowerOfTwoNear(At.Gradient);
        double[] residual = At.Gradient.ToArray(); // (H + λD) p + g, and p, in multiples of the unit
        VectorMath.Scale(1.0 / unit, residual);
        double[] direction = new double[n];
        double[] product = new double[n];
        double square = VectorMath.Dot(residual, residual);
        double enough = Tolerance * Tolerance * square;
        double before = double.PositiveInfinity;
        for (int i = 0; i < Math.Min(MostProducts, 2 * n) && square > enough; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            VectorMath.Scale(square / before, direction);
            VectorMath.AddScaled(-1.0, residual, direction);
            _curvature.Multiply(direction, product);
            for (int j = 0; j < n; j++)
            {
                product[j] += damping * Metric[j] * direction[j];
            }
            double length = square / VectorMath.Dot(direction, product);
            VectorMath.AddScaled(length, direction, step);
            VectorMath.AddScaled(length, product, residual);
            (before, square) = (square, VectorMath.Dot(residual, residual));
        }
        VectorMath.Scale(unit, step);
        return step;
    }
}
