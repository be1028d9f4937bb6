// A direction in which a loss is differentiated: along one entry, or across all variables at once. Data only.

using Bptt.LinearAlgebra;

namespace Bptt.Verification;

/// <summary>A number for each entry of each variable; a variable without any is not stored.</summary>
internal sealed class LossDirection
{
    private readonly double[]?[] _entries = new double[]?[LossPoint.Variables.Count];
    private readonly int[][] _columns = new int[LossPoint.Variables.Count][];

    private LossDirection()
    {
        Array.Fill(_columns, []);
    }

    /// <summary>The entries of a variable, column after column; empty where all are 0.</summary>
    public ReadOnlySpan<double> this[LossVariable variable] => _entries[(int)variable];

    /// <summary>1 at one entry.</summary>
    public static LossDirection OfEntry(LossPoint point, LossVariable variable, int index)
    {
        var direction = new LossDirection();
        double[] entries = new double[point[variable].Length];
        entries[index] = 1.0;
        direction._entries[(int)variable] = entries;
        direction._columns[(int)variable] = [index / point.Rows(variable)];
        return direction;
    }

    /// <summary>Entries for some of the variables.</summary>
    public static LossDirection Of(LossPoint point, IEnumerable<(LossVariable Variable, double[] Entries)> given)
    {
        var direction = new LossDirection();
        foreach ((LossVariable variable, double[] entries) in given)
        {
            direction._entries[(int)variable] = entries;
            direction._columns[(int)variable] = [.. Enumerable.Range(0, entries.Length / point.Rows(variable))];
        }
        return direction;
    }

    /// <summary>y ← y + α V x, where V is the direction's part in a weight matrix. Only columns that are not 0 cost
    /// anything.</summary>
    public void AddProduct(LossVariable matrix, double alpha, ReadOnlySpan<double> x, Span<double> y)
    {
        ReadOnlySpan<double> entries = this[matrix];
        foreach (int column in _columns[(int)matrix])
        {
            VectorMath.AddScaled(alpha * x[column], entries.Slice(column * y.Length, y.Length), y);
        }
    }

    /// <summary>One column of the direction's part in h_0 or in the inputs; empty where it is 0.</summary>
    public ReadOnlySpan<double> Column(LossVariable variable, int column, int rows)
    {
        bool isZero = _columns[(int)variable].Length switch
        {
            0 => true,
            1 => _columns[(int)variable][0] != column,
            _ => false,
        };
        return isZero ? default : this[variable].Slice(column * rows, rows);
    }

    /// <summary>point ← origin + s · direction, in the entries that the direction moves.</summary>
    public void Move(LossPoint origin, double s, LossPoint point)
    {
        foreach (LossVariable variable in LossPoint.Variables)
        {
            ReadOnlySpan<double> entries = this[variable];
            if (!entries.IsEmpty)
            {
                Span<double> moved = point[variable];
                origin[variable].CopyTo(moved);
                VectorMath.AddScaled(s, entries, moved);
            }
        }
    }
}
