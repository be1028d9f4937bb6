// The derivative of a lifted backward pass in a direction: products with second derivatives. Checks nothing.

using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>Products of the Hessian of L, or of its Gauss–Newton part, with the direction that a tangent pass was run
/// in last.</summary>
internal sealed class LiftedCurvature
{
    private readonly LiftedForward _forward;
    private readonly LiftedBackward _backward;
    private readonly LiftedTangent _tangent;
    private readonly PassContext _context;
    private readonly Trajectory _chunks; // Ḋ_0 … Ḋ_n
    private readonly CurvatureRecord? _tail;
    private DoublingTerms? _gradients;   // of the lifted weights

    /// <param name="backward">The chunks of the backward pass.</param>
    /// <param name="tangent">The chunks of the tangent pass.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public LiftedCurvature(LiftedBackward backward, LiftedTangent tangent, PassContext context)
    {
        _forward = tangent.Forward;
        _backward = backward;
        _tangent = tangent;
        _context = context;
        BatchLayout layout = _forward.Batch.Chunks;
        _chunks = new Trajectory(
            Model.HiddenSize, layout, WindowPlan.Single(layout), TimeDirection.Backward, context.Storage);
        _tail = _forward.Tail is ForwardRecord tail
            ? new CurvatureRecord(tail, backward.Tail!, tangent.Tail!, context)
            : null;
    }

    private ParameterArray Model => _forward.Weights.Model;

    private ChunkedBatch Batch => _forward.Batch;

    /// <summary>Jᵀ (∂²L/∂o²) J v: a backward pass from Ġ = (∂²L/∂o²) ȯ.</summary>
    /// <param name="outputCurvature">Ġ, q×N.</param>
    /// <param name="product">Receives the product, in the shape of the weights.</param>
    /// <returns>That of h_0, h×B; null where a number is not finite.</returns>
    public double[]? GaussNewtonProduct(PackedColumns outputCurvature, ParameterArray product) =>
        LiftedBackward.Run(_forward, outputCurvature, ReadOnlyMemory<double>.Empty, product, _context, _context)
            ?.InitialStates();

    /// <summary>H v: the derivative of the backward pass.</summary>
    /// <inheritdoc cref="GaussNewtonProduct"/>
    public double[]? HessianProduct(PackedColumns outputCurvature, ParameterArray product)
    {
        var tails = ParameterArray.ShapedLike(product, _context.Storage);
        double[]? beforeTails = _tail?.HessianProduct(
            _tangent.TailDirection!, Batch.ToTails(outputCurvature, _context), evaluation: null, tails);
        PackedColumns states = RunChunks(Batch.ToChunks(outputCurvature, _context), beforeTails, product);
        if (_tail is not null)
        {
            VectorMath.AddScaled(1.0, tails.Values, product.Values);
        }
        bool isFinite = VectorMath.FirstNonFinite(product.Values) < 0
            && VectorMath.FirstNonFinite(states.All.Values) < 0;
        return isFinite ? ChunkBorders.AtStart(Batch, states, beforeTails) : null;
    }

    private DoublingTerms GradientsOfLifted(PassContext context) => _backward.Sums(context, context);

    /// <returns>Ḋ_0 … Ḋ_n.</returns>
    private PackedColumns RunChunks(PackedColumns outputCurvature, double[]? beforeTails, ParameterArray product)
    {
        LiftedWeights weights = _forward.Weights;
        LiftedDirection direction = _tangent.Direction!;
        double[] final = ChunkBorders.AfterChunks(Batch, Model.HiddenSize, beforeTails, []);
        var sums = new LiftedSums(weights, _context, _context);
        var terms = new LiftedHessianTerms(
            direction, _backward.StateGradients, _backward.OutputGradients, _tangent.States);
        var run = new PassRun(
            weights.Values.Sizes, Batch.Chunks, _chunks, _forward.Chunking.ForAnother(), productsOfWeights: 4);
        run.All(_context, (window, _, states) =>
        {
            var first = new LiftedOperands(_forward.Inputs, _forward.States, outputCurvature, states);
            var second = new LiftedOperands(
                direction.Inputs ?? _forward.Inputs,
                _tangent.States,
                _backward.OutputGradients,
                _backward.StateGradients);
            return new PassFormulas(
                new LiftedCurvatureFormulas(
                    window, new LiftedBackwardFormulas(window, weights.Values, outputCurvature, final, states), terms),
                new LiftedWeightCurvatureFormulas(
                    new LiftedGradientFormulas(window, Model, first, sums),
                    new LiftedGradientFormulas(window, Model, second, sums),
                    inputsMove: direction.Inputs is not null));
        });
        sums.SumDiagonals();

        _gradients ??= GradientsOfLifted(_context.Alone());
        DoublingTerms gradients = _gradients.Copy(_context);
        new Doubling(_context, ProductParts.Both).Back(
            new MovingTerms(weights.Terms, direction.Weights), new MovingTerms(gradients, sums.Terms));
        sums.Terms.Model.Values.CopyTo(product.Values);
        return _chunks.Read(0, columns => columns);
    }
}
