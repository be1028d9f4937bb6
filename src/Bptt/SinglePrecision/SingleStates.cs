// States, or their gradients, of a pass in single precision, as whoever reads it sees them: in double.

using System.Numerics;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;

namespace Bptt.SinglePrecision;

/// <summary>Columns in double that are converted when they are read.</summary>
/// <param name="states">The columns in single precision, perhaps a window at a time.</param>
internal sealed class SingleStates(Trajectory<float> states) : IKnownStates
{
    /// <inheritdoc/>
    public void WriteLeading(int step, MatrixSpan columns)
    {
        float[] values = states.Read(states.Windows.WindowOf(step), held => held.Block(step).Values.ToArray());
        VectorMath.Convert<float, double>(values, columns.Values);
    }

    /// <inheritdoc/>
    public bool TryRead(int sequence, int step, Span<double> column)
    {
        VectorMath.Convert<float, double>(states.Column(sequence, step), column);
        return true;
    }

    /// <summary>Writes columns of successive steps.</summary>
    public void Fill(PackedColumns columns)
    {
        for (int step = columns.Layout.FirstStep; step <= columns.Layout.LastStep;)
        {
            int first = step;
            int number = states.Windows.WindowOf(first);
            int last = Math.Min(columns.Layout.LastStep, states.Windows.LastStep(number));
            states.Read(
                number,
                held => VectorMath.Convert<float, double>(Part(held, first, last), Part(columns, first, last)));
            step = last + 1;
        }
    }

    /// <summary>The columns of successive steps, which stand side by side.</summary>
    private static Span<TReal> Part<TReal>(PackedColumns<TReal> columns, int firstStep, int lastStep)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        int first = columns.Layout.BlockOf(firstStep).FirstColumn;
        BatchLayout.Block last = columns.Layout.BlockOf(lastStep);
        return columns.Spaced(first, last.FirstColumn + last.Active - first, 1).Values;
    }
}
