// What a backward pass has computed, on packed columns: the inside of BackwardThroughTime. Checks nothing, and knows no
// loss beyond ∂L/∂o_t.

using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>∂L/∂h_0 … ∂L/∂h_T of a batch, with the ∂L/∂o_t that they come from.</summary>
internal sealed class BackwardRecord
{
    private readonly ForwardRecord _forward;
    private readonly BackwardPaths _paths;
    private readonly ReadOnlyMemory<double> _finalStateGradients;
    private readonly LagSums? _lagSums;
    private readonly PassRun _run;

    private BackwardRecord(
        ForwardRecord forward,
        PackedColumns outputGradients,
        ReadOnlyMemory<double> finalStateGradients,
        BackwardPaths paths,
        IKnownStates? known,
        PassContext context)
    {
        _forward = forward;
        _paths = paths;
        _finalStateGradients = finalStateGradients;
        OutputGradients = outputGradients;
        PassContext reading = context.ForReading();
        StateGradients = known is null
            ? forward.Beside(TimeDirection.Backward, context)
            : forward.Beside(TimeDirection.Backward, known);
        _run = new PassRun(
            PassSizes.Of(forward.Weights),
            forward.Layout,
            StateGradients,
            paths.AreAll ? forward.Chunking.ForAnother() : Chunking.None(),
            productsOfWeights: 2);
        if (paths.Lags is int lags)
        {
            _lagSums = new LagSums(forward, lags, outputGradients, finalStateGradients);
        }
        StateGradients.Compute = (window, columns) => RunWindowAgain(window, columns, reading);
    }

    /// <summary>G, q×N.</summary>
    public PackedColumns OutputGradients { get; }

    /// <summary>∂L/∂h_0 … ∂L/∂h_T, perhaps a window at a time.</summary>
    public Trajectory StateGradients { get; }

    /// <summary>Runs the pass.</summary>
    /// <param name="forward">The forward pass.</param>
    /// <param name="outputGradients">G, q×N; complete, unless it is evaluated meanwhile.</param>
    /// <param name="evaluation">Writes G; null where it is complete.</param>
    /// <param name="finalStateGradients">What comes from beyond the last steps, h×B; empty for nothing.</param>
    /// <param name="paths">How far gradients travel back.</param>
    /// <param name="gradients">Receives the weight gradients.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public static BackwardRecord Run(
        ForwardRecord forward,
        PackedColumns outputGradients,
        IOutputTask? evaluation,
        ReadOnlyMemory<double> finalStateGradients,
        BackwardPaths paths,
        ParameterArray gradients,
        PassContext context)
    {
        bool needsAllOutputsFirst = forward.States.Windows.Count > 1 || paths.Lags is not null;
        if (needsAllOutputsFirst)
        {
            context.Evaluate(evaluation);
            evaluation = null;
        }
        var record = new BackwardRecord(forward, outputGradients, finalStateGradients, paths, known: null, context);
        using Lock.Scope scope = forward.States.Hold(); // the window that is held must not change meanwhile
        record.RunAll(gradients, evaluation, context);
        return record;
    }

    /// <summary>A pass that was run in another way, along all paths: its state gradients are computed when they are
    /// read, from those that are known.</summary>
    /// <param name="forward">The forward pass.</param>
    /// <param name="outputGradients">G, q×N, complete.</param>
    /// <param name="finalStateGradients">What comes from beyond the last steps, h×B; empty for nothing.</param>
    /// <param name="known">The state gradients that are known.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public static BackwardRecord Of(
        ForwardRecord forward,
        PackedColumns outputGradients,
        ReadOnlyMemory<double> finalStateGradients,
        IKnownStates known,
        PassContext context) =>
        new(forward, outputGradients, finalStateGradients, BackwardPaths.All, known, context);

    private void RunAll(ParameterArray gradients, IOutputTask? evaluation, PassContext context) => _run.All(
        context,
        (window, number, stateGradients) =>
        {
            PackedColumns states = _forward.StatesOf(number, context);
            return new PassFormulas(
                StateGradientFormulas(window, number, stateGradients),
                new WeightGradientFormulas(
                    window, _forward.Inputs, states, OutputGradients, stateGradients, gradients),
                evaluation);
        });

    private void RunWindowAgain(int number, PackedColumns stateGradients, PassContext context) => _run.Window(
        number,
        stateGradients,
        context,
        (window, _, columns) => new PassFormulas(StateGradientFormulas(window, number, columns)));

    /// <summary>(2) and (3); or nothing, where the sums of the first lags take their place.</summary>
    private BackwardFormulas? StateGradientFormulas(PassWindow window, int number, PackedColumns stateGradients)
    {
        if (_lagSums is not null)
        {
            _lagSums.Compute(
                number == 0 ? 0 : window.FirstStep, window.LastStep, stateGradients, window.Context);
            return null;
        }
        return new BackwardFormulas(
            window, _forward.Weights, _paths, OutputGradients, _finalStateGradients, stateGradients);
    }
}
