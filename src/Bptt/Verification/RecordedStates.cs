// The states that a forward pass recorded, copied, and whether they follow from the recurrence step by step. Runs no
// pass.

using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;

namespace Bptt.Verification;

/// <summary>h_0 … h_T of every sequence.</summary>
internal sealed class RecordedStates
{
    /// <summary>Far above what rounding, or a run in parallel over time, does to one step; far below what a check of
    /// gradients could overlook.</summary>
    private const double Slack = 1e-9;

    private readonly double[][] _states; // by sequence: h×(T_b+1)
    private readonly int _rows;

    public RecordedStates(ForwardPass forward)
    {
        _rows = forward.Model.HiddenSize;
        _states =
            [.. Enumerable.Range(0, forward.SequenceCount).Select(b => forward.HiddenStates(b).ToColumnMajorArray())];
    }

    /// <summary>h_t.</summary>
    public ReadOnlySpan<double> this[int sequence, int t] => _states[sequence].AsSpan(t * _rows, _rows);

    /// <summary>The root mean square of all states.</summary>
    public double TypicalSize() => VectorMath.Norm(Array.ConvertAll(_states, s => VectorMath.Norm(s)))
        / Math.Sqrt(_states.Sum(s => (double)s.Length));

    /// <summary>Whether every h_t is W_hx x_t + W_hh h_{t−1}, and every o_t is W_qh h_t, up to rounding in the size of
    /// the terms. Plain loops.</summary>
    public bool Follow(LossPoint point, PackedColumns outputs)
    {
        BatchLayout layout = outputs.Layout;
        foreach (BatchLayout.Place place in layout.Places(0, layout.ColumnCount))
        {
            ReadOnlySpan<double> before = this[place.Sequence, place.Step - 1];
            ReadOnlySpan<double> state = this[place.Sequence, place.Step];
            ReadOnlySpan<double> input = point.Inputs.All.Column(place.Column);
            double size = Size(point.Weights.Whx, input) + Size(point.Weights.Whh, before);
            double[] expected = new double[_rows];
            AddProduct(point.Weights.Whx, input, expected);
            AddProduct(point.Weights.Whh, before, expected);
            double[] expectedOutput = new double[outputs.Rows];
            AddProduct(point.Weights.Wqh, state, expectedOutput);
            if (!(VectorMath.MaxDistance(expected, state) <= Slack * size + KernelSet.FlushThreshold)
                || !(VectorMath.MaxDistance(expectedOutput, outputs.All.Column(place.Column))
                    <= Slack * Size(point.Weights.Wqh, state) + KernelSet.FlushThreshold))
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>y ← y + A x.</summary>
    public static void AddProduct(MatrixSpan matrix, ReadOnlySpan<double> x, Span<double> y)
    {
        for (int j = 0; j < x.Length; j++)
        {
            if (x[j] != 0.0)
            {
                VectorMath.AddScaled(x[j], matrix.Column(j), y);
            }
        }
    }

    /// <summary>A bound of the terms of A x.</summary>
    private static double Size(MatrixSpan matrix, ReadOnlySpan<double> x)
    {
        double sum = 0.0;
        for (int j = 0; j < x.Length; j++)
        {
            sum += x[j] == 0.0 ? 0.0 : Math.Abs(x[j]) * VectorMath.MaxAbs(matrix.Column(j));
        }
        return sum;
    }
}
