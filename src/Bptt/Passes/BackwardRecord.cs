// What a backward pass has computed, on packed columns: the inside of BackwardThroughTime. Checks nothing, and knows no
// loss beyond ∂L/∂o_t.

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>∂L/∂x_t of a backward pass, in whatever way it was run.</summary>
internal interface IInputGradients<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <summary>∂L/∂x_1 … ∂L/∂x_T of a sequence.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="gradients">Receives them, d×T side by side.</param>
    void WriteInputGradients(int sequence, Span<TReal> gradients);

    /// <summary>The same of every sequence.</summary>
    /// <param name="gradients">Receives them, d×N.</param>
    void WriteInputGradients(PackedColumns<TReal> gradients);
}

/// <summary>∂L/∂h_0 … ∂L/∂h_T of a batch, with the ∂L/∂o_t that they come from.</summary>
internal sealed class BackwardRecord<TReal> : IInputGradients<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly ForwardRecord<TReal> _forward;
    private readonly BackwardPaths _paths;
    private readonly ReadOnlyMemory<TReal> _finalStateGradients;
    private readonly LagSums<TReal>? _lagSums;
    private readonly PassRun<TReal> _run;
    private readonly KernelSet<TReal> _kernels;

    private BackwardRecord(
        ForwardRecord<TReal> forward,
        PackedColumns<TReal> outputGradients,
        ReadOnlyMemory<TReal> finalStateGradients,
        BackwardPaths paths,
        IKnownStates<TReal>? known,
        PassContext<TReal> context)
    {
        _forward = forward;
        _paths = paths;
        _finalStateGradients = finalStateGradients;
        OutputGradients = outputGradients;
        _kernels = context.Kernels;
        PassContext<TReal> reading = context.ForReading();
        StateGradients = known is null
            ? forward.Beside(TimeDirection.Backward, context)
            : forward.Beside(TimeDirection.Backward, known);
        _run = new PassRun<TReal>(
            PassSizes.Of(forward.Weights),
            forward.Layout,
            StateGradients,
            paths.AreAll ? forward.Chunking.ForAnother() : Chunking<TReal>.None(),
            productsOfWeights: 2);
        if (paths.Lags is int lags)
        {
            _lagSums = new LagSums<TReal>(forward, lags, outputGradients, finalStateGradients);
        }
        StateGradients.Compute = (window, columns) => RunWindowAgain(window, columns, reading);
    }

    /// <summary>G, q×N.</summary>
    public PackedColumns<TReal> OutputGradients { get; }

    /// <summary>∂L/∂h_0 … ∂L/∂h_T, perhaps a window at a time.</summary>
    public Trajectory<TReal> StateGradients { get; }

    /// <summary>Runs the pass.</summary>
    /// <param name="forward">The forward pass.</param>
    /// <param name="outputGradients">G, q×N; complete, unless it is evaluated meanwhile.</param>
    /// <param name="evaluation">Writes G; null where it is complete.</param>
    /// <param name="finalStateGradients">What comes from beyond the last steps, h×B; empty for nothing.</param>
    /// <param name="paths">How far gradients travel back.</param>
    /// <param name="gradients">Receives the weight gradients; null where they are not wanted.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public static BackwardRecord<TReal> Run(
        ForwardRecord<TReal> forward,
        PackedColumns<TReal> outputGradients,
        IOutputTask? evaluation,
        ReadOnlyMemory<TReal> finalStateGradients,
        BackwardPaths paths,
        ParameterArray? gradients,
        PassContext<TReal> context)
    {
        bool needsAllOutputsFirst = forward.States.Windows.Count > 1 || paths.Lags is not null;
        if (needsAllOutputsFirst)
        {
            context.Evaluate(evaluation);
            evaluation = null;
        }
        var record = new BackwardRecord<TReal>(
            forward, outputGradients, finalStateGradients, paths, known: null, context);
        using Lock.Scope scope = forward.States.Hold(); // the window that is held must not change meanwhile
        record.RunAll(gradients is null ? null : GradientSums<TReal>.In(gradients, context), evaluation, context);
        return record;
    }

    /// <summary>A pass that was run in another way, along all paths: its state gradients are computed when they are
    /// read, from those that are known.</summary>
    /// <param name="forward">The forward pass.</param>
    /// <param name="outputGradients">G, q×N, complete.</param>
    /// <param name="finalStateGradients">What comes from beyond the last steps, h×B; empty for nothing.</param>
    /// <param name="known">The state gradients that are known.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public static BackwardRecord<TReal> Of(
        ForwardRecord<TReal> forward,
        PackedColumns<TReal> outputGradients,
        ReadOnlyMemory<TReal> finalStateGradients,
        IKnownStates<TReal> known,
        PassContext<TReal> context) =>
        new(forward, outputGradients, finalStateGradients, BackwardPaths.All, known, context);

    /// <inheritdoc/>
    public void WriteInputGradients(int sequence, Span<TReal> gradients)
    {
        int d = _forward.Weights.InputSize;
        int h = _forward.Weights.HiddenSize;
        int length = gradients.Length / d;
        WindowPlan windows = StateGradients.Windows;
        foreach (int window in StateGradients.WindowsFromHeld())
        {
            int first = windows.FirstStep(window);
            int count = Math.Min(length, windows.LastStep(window)) - first + 1;
            if (count > 0)
            {
                TReal[] columns = StateGradients.Read(window, held => held.SequencePart(sequence, first, count));
                MultiplyByWhxTransposed(
                    new MatrixView<TReal>(columns, h, count, h),
                    new MatrixSpan<TReal>(gradients.Slice((first - 1) * d, count * d), d, count, d));
            }
        }
    }

    /// <inheritdoc/>
    public void WriteInputGradients(PackedColumns<TReal> gradients)
    {
        WindowPlan windows = StateGradients.Windows;
        foreach (int window in StateGradients.WindowsFromHeld())
        {
            int first = _forward.Layout.BlockOf(windows.FirstStep(window)).FirstColumn;
            BatchLayout.Block last = _forward.Layout.BlockOf(windows.LastStep(window));
            int count = last.FirstColumn + last.Active - first;
            StateGradients.Read(window, columns =>
            {
                int from = columns.Layout.BlockOf(windows.FirstStep(window)).FirstColumn;
                MultiplyByWhxTransposed(columns.Spaced(from, count, 1), gradients.Spaced(first, count, 1));
            });
        }
    }

    // ∂L/∂x_t = W_hxᵀ ∂L/∂h_t
    public void MultiplyByWhxTransposed(MatrixView<TReal> stateGradients, MatrixSpan<TReal> inputGradients) =>
        _kernels.Multiply(_forward.Weights.Whx.T, stateGradients, inputGradients);

    private void RunAll(GradientSums<TReal>? sums, IOutputTask? evaluation, PassContext<TReal> context) => _run.All(
        context,
        (window, number, stateGradients) =>
        {
            BackwardFormulas<TReal>? formulas = StateGradientFormulas(window, number, stateGradients);
            if (sums is null)
            {
                return new PassFormulas<TReal>(formulas, Sums: null, evaluation);
            }
            PackedColumns<TReal> states = _forward.StatesOf(number, context);
            return new PassFormulas<TReal>(
                formulas,
                new WeightGradientFormulas<TReal>(
                    window, _forward.Inputs, states, OutputGradients, stateGradients, sums.Products),
                evaluation,
                sums.Totals);
        });

    private void RunWindowAgain(int number, PackedColumns<TReal> stateGradients, PassContext<TReal> context) =>
        _run.Window(
        number,
        stateGradients,
        context,
        (window, _, columns) => new PassFormulas<TReal>(StateGradientFormulas(window, number, columns)));

    /// <summary>(2) and (3); or nothing, where the sums of the first lags take their place.</summary>
    private BackwardFormulas<TReal>? StateGradientFormulas(
        PassWindow<TReal> window, int number, PackedColumns<TReal> stateGradients)
    {
        if (_lagSums is not null)
        {
            _lagSums.Compute(
                number == 0 ? 0 : window.FirstStep, window.LastStep, stateGradients, window.Context);
            return null;
        }
        return new BackwardFormulas<TReal>(
            window, _forward.Weights, _paths, OutputGradients, _finalStateGradients, stateGradients);
    }
}
