// The derivative of a backward pass in one direction, on packed columns: the inside of LossCurvature. Serves any number
// of directions, one after the other. Checks nothing.

using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>Products of the Hessian of L, or of its Gauss–Newton part, with the direction that a tangent pass was run
/// in last.</summary>
internal sealed class CurvatureRecord
{
    private readonly ForwardRecord _forward;
    private readonly BackwardRecord _backward;
    private readonly TangentRecord _tangent;
    private readonly PassContext _context;
    private readonly Trajectory _derivatives; // δ̇_0 … δ̇_T
    private readonly PassRun _run;

    /// <param name="forward">The forward pass.</param>
    /// <param name="backward">The backward pass.</param>
    /// <param name="tangent">The tangent pass.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public CurvatureRecord(
        ForwardRecord forward, BackwardRecord backward, TangentRecord tangent, PassContext context)
    {
        _forward = forward;
        _backward = backward;
        _tangent = tangent;
        _context = context;
        _derivatives = forward.Beside(TimeDirection.Backward, context);
        _run = new PassRun(
            PassSizes.Of(forward.Weights),
            forward.Layout,
            _derivatives,
            forward.Chunking.ForAnother(),
            productsOfWeights: 4);
    }

    /// <summary>Jᵀ (∂²L/∂o²) J v: a backward pass from Ġ = (∂²L/∂o²) ȯ.</summary>
    /// <param name="outputCurvature">Ġ, q×N; complete, unless it is evaluated meanwhile.</param>
    /// <param name="evaluation">Writes Ġ; null where it is complete.</param>
    /// <param name="product">Receives the product, in the shape of the weights.</param>
    /// <returns>That of h_0, h×B.</returns>
    public double[] GaussNewtonProduct(
        PackedColumns outputCurvature, IOutputTask? evaluation, ParameterArray product)
    {
        using Lock.Scope states = _forward.States.Hold();
        evaluation = Prepare(evaluation);
        _run.All(_context, (window, number, derivatives) => new PassFormulas(
            Backward(window, outputCurvature, derivatives),
            WeightGradients(window, number, outputCurvature, derivatives, product),
            evaluation));
        return _derivatives.StepOfEach(_ => 0);
    }

    /// <summary>H v: the derivative of the backward pass.</summary>
    /// <param name="direction">V, ẋ_t and ḣ_0.</param>
    /// <param name="outputCurvature">Ġ, q×N; complete, unless it is evaluated meanwhile.</param>
    /// <param name="evaluation">Writes Ġ; null where it is complete.</param>
    /// <param name="product">Receives the product, in the shape of the weights.</param>
    /// <returns>That of h_0, h×B.</returns>
    public double[] HessianProduct(
        FlatDirection direction, PackedColumns outputCurvature, IOutputTask? evaluation, ParameterArray product)
    {
        // States first and gradients after them, as whoever reads both does.
        using Lock.Scope states = _forward.States.Hold();
        using Lock.Scope gradients = _backward.StateGradients.Hold();
        evaluation = Prepare(evaluation);
        _run.All(_context, (window, number, derivatives) =>
        {
            WeightGradientFormulas first = WeightGradients(window, number, outputCurvature, derivatives, product);
            var terms = new HessianTerms(
                direction,
                Held(_backward.StateGradients, number),
                _backward.OutputGradients,
                Held(_tangent.States, number));
            return new PassFormulas(
                new CurvatureFormulas(window, Backward(window, outputCurvature, derivatives), terms),
                new WeightCurvatureFormulas(window, first, terms, product),
                evaluation);
        });
        return _derivatives.StepOfEach(_ => 0);
    }

    /// <returns>What computes Ġ meanwhile; null where it is there.</returns>
    private IOutputTask? Prepare(IOutputTask? evaluation)
    {
        if (_derivatives.Windows.Count == 1)
        {
            return evaluation;
        }
        _context.Evaluate(evaluation);
        return null;
    }

    private BackwardFormulas Backward(
        PassWindow window, PackedColumns outputCurvature, PackedColumns derivatives) => new(
            window, _forward.Weights, BackwardPaths.All, outputCurvature, ReadOnlyMemory<double>.Empty, derivatives);

    private WeightGradientFormulas WeightGradients(
        PassWindow window,
        int number,
        PackedColumns outputCurvature,
        PackedColumns derivatives,
        ParameterArray product) =>
        new(window, _forward.Inputs, Held(_forward.States, number), outputCurvature, derivatives, product);

    /// <summary>A window that stays as it is, since nobody else may ask for another one meanwhile.</summary>
    private static PackedColumns Held(Trajectory trajectory, int window) => trajectory.Read(window, columns => columns);
}

/// <summary>Multiplies a matrix of second derivatives by a direction.</summary>
/// <param name="direction">v.</param>
/// <param name="weights">Receives the rows of the weights.</param>
/// <param name="initialStates">Receives those of h_0; empty where not wanted.</param>
internal delegate void CurvatureMultiplication(
    FlatDirection direction, ParameterArray weights, Span<double> initialStates);
