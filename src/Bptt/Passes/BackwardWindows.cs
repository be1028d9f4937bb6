// The backward pass over the windows of time, from the last to the first; one window where every state is kept.

using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>∂L/∂h_T … ∂L/∂h_0 by the recursion (2), (3), and the weight gradients (5), window by window.</summary>
internal sealed class BackwardWindows
{
    private readonly ForwardPass _forward;
    private readonly PackedColumns _outputGradients;
    private readonly ReadOnlyMemory<double> _finalStateGradients;
    private readonly Trajectory _stateGradients;
    private readonly Truncation? _truncation;
    private readonly LagSums? _lagSums;
    private int _chunkLength;

    /// <param name="forward">The forward pass.</param>
    /// <param name="outputGradients">G, q×N; complete unless an objective is given to <see cref="RunAll"/>.</param>
    /// <param name="finalStateGradients">What comes from beyond the last steps, h×B; empty for nothing.</param>
    /// <param name="truncation">How far gradients travel back; null for all the way.</param>
    /// <param name="stateGradients">Receives D.</param>
    public BackwardWindows(
        ForwardPass forward,
        PackedColumns outputGradients,
        ReadOnlyMemory<double> finalStateGradients,
        Truncation? truncation,
        Trajectory stateGradients)
    {
        _forward = forward;
        _outputGradients = outputGradients;
        _finalStateGradients = finalStateGradients;
        _truncation = truncation;
        _stateGradients = stateGradients;
        _chunkLength = truncation is null ? forward.ChunkLength : 1;
        if (truncation is { Kind: TruncationKind.Lags } lags)
        {
            _lagSums = new LagSums(forward, lags.Steps, outputGradients, finalStateGradients);
        }
        stateGradients.Compute = (window, columns) =>
            Run(window, null, columns, null, null, forward.Context.WithFreshMemory());
    }

    /// <summary>Runs every window. Where a run in parallel over time does not hold, everything is run again step by
    /// step.</summary>
    /// <param name="gradients">Receives the weight gradients.</param>
    /// <param name="objective">Writes G; null where it is complete. With several windows it must be.</param>
    public void RunAll(ParameterArray gradients, ObjectiveEvaluation? objective)
    {
        if (_forward.States.Windows.Count == 1)
        {
            RunEach(gradients, objective);
            return;
        }
        using Lock.Scope scope = _forward.States.Hold(); // the window that is held must not change meanwhile
        RunEach(gradients, objective);
    }

    private void RunEach(ParameterArray gradients, ObjectiveEvaluation? objective)
    {
        Trajectory states = _forward.States;
        PassContext context = _forward.Context;
        for (int window = states.Windows.Count - 1; window >= 0; window--)
        {
            PackedColumns held = states.Window(window, (w, columns) => _forward.RunWindow(w, columns, null, context));
            if (!Run(window, held, _stateGradients.Begin(window), gradients, objective, context))
            {
                _chunkLength = 1;
                objective = null; // done by now
                window = states.Windows.Count;
            }
        }
    }

    /// <returns>Whether the gradients can be used.</returns>
    private bool Run(
        int window,
        PackedColumns? states,
        PackedColumns stateGradients,
        ParameterArray? gradients,
        ObjectiveEvaluation? objective,
        PassContext context)
    {
        ParameterArray weights = _forward.Model.Weights;
        int first = _stateGradients.Windows.FirstStep(window);
        BatchLayout steps = _forward.Layout.Window(first, _stateGradients.Windows.LastStep(window));
        _lagSums?.Compute(
            window == 0 ? 0 : first, _stateGradients.Windows.LastStep(window), stateGradients, context);
        int objectiveColumns = objective is null ? 0 : ObjectiveEvaluation.ColumnsOfPart(_outputGradients.Rows);
        var schedule = BackwardSchedule.For(context, steps, window == 0, weights, _chunkLength, objectiveColumns);
        var operands = new BackwardOperands(
            _forward.InputColumns,
            states,
            _outputGradients,
            objective,
            _finalStateGradients,
            _truncation,
            stateGradients,
            gradients,
            AddsToWeightGradients: window < _stateGradients.Windows.Count - 1);
        int mark = context.Mark();
        try
        {
            var tasks = new BackwardTasks(
                context, weights, schedule, first, operands, _chunkLength > 1 ? _forward.Power : null);
            context.Run(schedule.Graph, tasks, 4.0 * weights.Values.Length * stateGradients.Layout.ColumnCount);
            return tasks.Holds;
        }
        finally
        {
            context.Release(mark);
        }
    }
}
