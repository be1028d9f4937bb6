// The derivatives of the outputs of a forward pass in given directions, sequence by sequence, step by step or in chunks
// as the pass ran. Knows no loss.
//
//   d  inputs      h  hidden units      q  outputs      m  directions

using Bptt.Lifting;
using Bptt.Passes;

namespace Bptt.Optimization;

/// <summary>Reads the derivatives of the outputs of one step.</summary>
/// <param name="step">t, from 1.</param>
/// <param name="derivatives">∂o_t/∂z, q×m.</param>
internal delegate void DerivativeReader(int step, MatrixSpan derivatives);

/// <summary>∂o_t/∂z, q×m, of every step of a sequence, carried forward in time for all directions at once: see
/// <see cref="OutputSensitivities"/>.</summary>
/// <param name="forward">The pass, which must stay readable.</param>
/// <param name="inputs">The inputs of the pass.</param>
/// <param name="directions">m.</param>
/// <param name="direction">V_hx, V_hh and V_qh of each.</param>
internal sealed class OutputDerivatives(
    ForwardPass forward, SequenceBatch inputs, int directions, Func<int, FlatDirection> direction)
{
    private readonly PassContext _context = forward.Context.AloneForManyPasses();
    private OutputSensitivities? _bySteps;
    private OutputSensitivities? _inChunks;

    /// <summary>Reads the derivatives of one sequence.</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <param name="states">How h_0 moves in each direction, h×m; overwritten.</param>
    /// <param name="read">Receives the derivatives of step 1, 2, …</param>
    public void Run(int sequence, double[] states, DerivativeReader read)
    {
        int length = forward.Lengths[sequence];
        int inChunks = 0;
        if (forward.Lifted is LiftedForward lifted && lifted.Batch.ChunksOf(sequence) > 0)
        {
            int chunks = lifted.Batch.ChunksOf(sequence);
            int place = lifted.Batch.InChunks(sequence);
            _inChunks ??= Sensitivities(lifted.Weights);
            inChunks = chunks * lifted.Batch.ChunkLength;
            _inChunks.Run(
                chunks,
                (chunk, column) => WriteSignals(
                    lifted.Inputs.Column(place, chunk + 1), lifted.States.Column(place, chunk), column),
                states,
                (step, derivatives) => read(step + 1, derivatives));
        }
        if (inChunks == length)
        {
            return;
        }
        _bySteps ??= Sensitivities(BySteps());
        double[] before = StatesBefore(sequence, inChunks);
        int h = forward.Model.HiddenSize;
        _bySteps.Run(
            length - inChunks,
            (step, column) => WriteSignals(
                inputs.Columns.Column(sequence, inChunks + step + 1), before.AsSpan(step * h, h), column),
            states,
            (step, derivatives) => read(inChunks + step + 1, derivatives));
    }

    private OutputSensitivities Sensitivities(LiftedWeights weights) =>
        new(weights, directions, direction, _context);

    /// <summary>The model as one that takes a step at once.</summary>
    private LiftedWeights BySteps()
    {
        ParameterArray model = forward.Model.Weights;
        return new LiftedWeights(
            _context, model, new LiftedPowers(_context, model.Whh, levels: 0, areExact: false));
    }

    /// <summary>The states from a step on, side by side.</summary>
    private double[] StatesBefore(int sequence, int first)
    {
        if (first == 0)
        {
            return forward.HiddenStates(sequence).AsColumnMajorArray();
        }
        var states = new List<double>();
        for (int t = first; t <= forward.Lengths[sequence]; t++)
        {
            states.AddRange(forward.States.Column(sequence, t));
        }
        return [.. states];
    }

    private static void WriteSignals(ReadOnlySpan<double> inputs, ReadOnlySpan<double> state, Span<double> column)
    {
        inputs.CopyTo(column);
        state.CopyTo(column[inputs.Length..]);
    }
}
