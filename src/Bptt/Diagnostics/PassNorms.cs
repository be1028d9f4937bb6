// One reading of a forward and a backward pass: the norm of every state and gradient, and what is not finite in them.

using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;

namespace Bptt.Diagnostics;

/// <summary>Norms by sequence; +∞ where an entry is not finite, or the norm exceeds the largest double.</summary>
internal sealed class PassNorms
{
    private PassNorms(BatchLayout layout)
    {
        States = Empty(layout, 1);
        StateGradients = Empty(layout, 1);
        Outputs = Empty(layout, 0);
        OutputGradients = Empty(layout, 0);
    }

    /// <summary>A number that is NaN or infinite, and where it is.</summary>
    public readonly record struct NonFiniteEntry(int Step, int Sequence, int Row, double Value);

    /// <summary>‖h_t‖, entry t.</summary>
    public double[][] States { get; }

    /// <summary>‖∂L/∂h_t‖, entry t.</summary>
    public double[][] StateGradients { get; }

    /// <summary>‖o_t‖, entry t − 1.</summary>
    public double[][] Outputs { get; }

    /// <summary>‖∂L/∂o_t‖, entry t − 1.</summary>
    public double[][] OutputGradients { get; }

    /// <summary>The first number that is not finite in h_1 … h_T, by step.</summary>
    public NonFiniteEntry? BadState { get; private set; }

    /// <summary>The same in o_1 … o_T.</summary>
    public NonFiniteEntry? BadOutput { get; private set; }

    /// <summary>The same in ∂L/∂o_T … ∂L/∂o_1, the last step first.</summary>
    public NonFiniteEntry? BadOutputGradient { get; private set; }

    /// <summary>The same in ∂L/∂h_T … ∂L/∂h_0.</summary>
    public NonFiniteEntry? BadStateGradient { get; private set; }

    /// <summary>Reads everything once, window by window where memory is bounded. Cost O((h + q)·ΣT_b), and under a
    /// memory budget that of computing all windows again.</summary>
    public static PassNorms Of(ForwardPass forward, BackwardThroughTime backward)
    {
        var norms = new PassNorms(forward.Layout);
        norms.BadOutput = Read(forward.OutputColumns, 1, forward.Layout.LastStep, norms.Outputs, 1, false);
        norms.BadOutputGradient =
            Read(backward.OutputGradientColumns, 1, forward.Layout.LastStep, norms.OutputGradients, 1, true);
        norms.BadState = Read(forward.States, norms.States, lastFirst: false);
        norms.BadStateGradient = Read(backward.StateGradients, norms.StateGradients, lastFirst: true);
        return norms;
    }

    private static NonFiniteEntry? Read(Trajectory trajectory, double[][] norms, bool lastFirst)
    {
        NonFiniteEntry? bad = null;
        foreach (int window in trajectory.WindowsFromHeld())
        {
            int first = window == 0 ? 0 : trajectory.Windows.FirstStep(window);
            int last = trajectory.Windows.LastStep(window);
            NonFiniteEntry? here = trajectory.Read(window, columns => Read(columns, first, last, norms, 0, lastFirst));
            if (bad is null || (here is not null && here.Value.Step < bad.Value.Step != lastFirst))
            {
                bad = here ?? bad;
            }
        }
        return bad;
    }

    /// <returns>The first place that is not finite, in the order asked for.</returns>
    private static NonFiniteEntry? Read(
        PackedColumns columns, int firstStep, int lastStep, double[][] norms, int stepOfFirstEntry, bool lastFirst)
    {
        NonFiniteEntry? bad = null;
        for (int step = firstStep; step <= lastStep; step++)
        {
            MatrixSpan block = columns.Block(step);
            NonFiniteEntry? badHere = null;
            for (int slot = 0; slot < block.Columns; slot++)
            {
                int sequence = columns.Layout.SequenceAt(slot);
                ReadOnlySpan<double> column = block.Column(slot);
                double norm = VectorMath.Norm(column);
                norms[sequence][step - stepOfFirstEntry] = double.IsNaN(norm) ? double.PositiveInfinity : norm;
                int row = double.IsFinite(norm) ? -1 : VectorMath.FirstNonFinite(column);
                if (row >= 0 && !(badHere?.Sequence < sequence))
                {
                    badHere = new NonFiniteEntry(step, sequence, row, column[row]);
                }
            }
            bad = lastFirst ? badHere ?? bad : bad ?? badHere;
        }
        return bad;
    }

    private static double[][] Empty(BatchLayout layout, int more) =>
        [.. layout.Lengths.Select(length => new double[length + more])];
}
