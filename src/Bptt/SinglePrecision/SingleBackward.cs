// A backward pass in single precision: the same formulas and the same machine on floats, but that ∂L/∂o_t is evaluated
// and the weight gradients are summed in double. Checks nothing.

using Bptt.Lifting;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt.SinglePrecision;

/// <summary>∂L/∂h_0 … ∂L/∂h_T and ∂L/∂x_t in single precision, read in double.</summary>
/// <param name="Record">The pass, as it is read.</param>
/// <param name="Inputs">∂L/∂x_t.</param>
/// <param name="Singles">The same as it is computed.</param>
internal sealed record SingleBackward(
    BackwardRecord Record, IInputGradients<double> Inputs, IInputGradients<float> Singles)
{
    /// <summary>Runs the pass.</summary>
    /// <param name="forward">The forward pass.</param>
    /// <param name="read">The same, as it is read.</param>
    /// <param name="outputGradients">G, q×N, in double; complete, unless it is evaluated meanwhile.</param>
    /// <param name="evaluation">Writes G; null where it is complete.</param>
    /// <param name="finalStateGradients">What comes from beyond the last steps, h×B; empty for nothing.</param>
    /// <param name="paths">How far gradients travel back.</param>
    /// <param name="gradients">Receives the weight gradients, in double.</param>
    /// <param name="context">Memory of what is read and of the sums.</param>
    public static SingleBackward Run(
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
            LiftedForward<float>? chunks = paths.AreAll ? forward.Lifted : null;
            if (chunks is not null)
            {
                singles.Evaluate(evaluation);
                evaluation = null;
            }
            PackedColumns<float> rounded = singles.Columns(outputGradients.Rows, outputGradients.Layout);
            if (evaluation is null)
            {
                Conversion.All(singles, outputGradients, rounded);
            }
            float[] final = Conversion.ToSingle(finalStateGradients.Span);
            var lifted = LiftedBackward<float>.Run(chunks, rounded, final, gradients, singles, context);
            BackwardRecord<float> pass = lifted is not null
                ? BackwardRecord<float>.Of(forward.Record, rounded, final, lifted, singles)
                : BackwardRecord<float>.Run(
                    forward.Record,
                    rounded,
                    evaluation is null ? null : new RoundedEvaluation(evaluation, outputGradients, rounded),
                    final,
                    paths,
                    gradients,
                    singles);
            var states = new SingleStates(pass.StateGradients);
            var record = BackwardRecord.Of(read, outputGradients, finalStateGradients, states, context);
            record.StateGradients.Compute = (_, columns) => states.Fill(columns);
            IInputGradients<float> inputs = (IInputGradients<float>?)lifted ?? pass;
            return new SingleBackward(record, new InputGradients(inputs, singles), inputs);
        }
        finally
        {
            singles.End();
        }
    }

    /// <summary>∂L/∂x_t, computed in single precision and read in double.</summary>
    private sealed class InputGradients(IInputGradients<float> gradients, PassContext<float> context)
        : IInputGradients<double>
    {
        /// <inheritdoc/>
        public void WriteInputGradients(int sequence, Span<double> converted)
        {
            float[] ofSequence = new float[converted.Length];
            gradients.WriteInputGradients(sequence, ofSequence);
            VectorMath.Convert<float, double>(ofSequence, converted);
        }

        /// <inheritdoc/>
        public void WriteInputGradients(PackedColumns converted)
        {
            PackedColumns<float> all = PassContext<float>.FreshColumns(converted.Rows, converted.Layout);
            gradients.WriteInputGradients(all);
            Conversion.All(context.Alone(), all, converted);
        }
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
