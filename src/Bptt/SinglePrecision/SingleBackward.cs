// A backward pass in single precision: the same formulas and the same machine on floats, but that ∂L/∂o_t is evaluated
// and the weight gradients are summed in double. Checks nothing.

using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.SinglePrecision;

/// <summary>∂L/∂h_0 … ∂L/∂h_T in single precision, read in double.</summary>
internal static class SingleBackward
{
    /// <summary>Runs the pass.</summary>
    /// <param name="forward">The forward pass.</param>
    /// <param name="read">The same, as it is read.</param>
    /// <param name="outputGradients">G, q×N, in double; complete, unless it is evaluated meanwhile.</param>
    /// <param name="evaluation">Writes G; null where it is complete.</param>
    /// <param name="finalStateGradients">What comes from beyond the last steps, h×B; empty for nothing.</param>
    /// <param name="paths">How far gradients travel back.</param>
    /// <param name="gradients">Receives the weight gradients, in double.</param>
    /// <param name="context">Memory of what is read.</param>
    public static BackwardRecord Run(
        SingleForward forward,
        ForwardRecord read,
        PackedColumns outputGradients,
        IOutputTask? evaluation,
        ReadOnlyMemory<double> finalStateGradients,
        BackwardPaths paths,
        ParameterArray gradients,
        PassContext context)
    {
        PassContext<float> singles = forward.Record.Context.ForPassBeside();
        singles.BeginBackward();
        try
        {
            float[] final = Conversion.ToSingle(finalStateGradients.Span);
            SingleStates states = Run(forward.Record, outputGradients, evaluation, final, paths, gradients, singles);
            var record = BackwardRecord.Of(read, outputGradients, finalStateGradients, states, context);
            record.StateGradients.Compute = (_, columns) => states.Fill(columns);
            return record;
        }
        finally
        {
            singles.End();
        }
    }

    private static SingleStates Run(
        ForwardRecord<float> forward,
        PackedColumns outputGradients,
        IOutputTask? evaluation,
        float[] finalStateGradients,
        BackwardPaths paths,
        ParameterArray gradients,
        PassContext<float> context)
    {
        PackedColumns<float> rounded = context.Columns(outputGradients.Rows, outputGradients.Layout);
        if (evaluation is null)
        {
            Conversion.All(context, outputGradients, rounded);
        }
        var record = BackwardRecord<float>.Run(
            forward,
            rounded,
            evaluation is null ? null : new RoundedEvaluation(evaluation, outputGradients, rounded),
            finalStateGradients,
            paths,
            ParameterArray<float>.ShapedLike(forward.Weights, context.Storage),
            context,
            gradients);
        return new SingleStates(record.StateGradients);
    }

    /// <summary>∂L/∂o_t, evaluated in double and rounded.</summary>
    private sealed class RoundedEvaluation(
        IOutputTask evaluation, PackedColumns gradients, PackedColumns<float> rounded) : IOutputTask
    {
        public int PartColumns => evaluation.PartColumns;

        public int PartCount => evaluation.PartCount;

        public void Evaluate(int part)
        {
            evaluation.Evaluate(part);
            int first = part * PartColumns;
            int count = Math.Min(PartColumns, gradients.Layout.ColumnCount - first);
            VectorMath.Convert<double, float>(
                gradients.Spaced(first, count, 1).Values, rounded.Spaced(first, count, 1).Values);
        }
    }
}
