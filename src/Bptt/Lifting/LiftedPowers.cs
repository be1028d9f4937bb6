// W_hh^m for m = 1, 2, 4 … S.
//
//   h  rows

using System.Numerics;
using Bptt.LinearAlgebra;

namespace Bptt.Lifting;

/// <summary>
/// Powers by repeated squaring. A power that is wrong by some m units in the last place acts in the same direction in
/// every chunk, so that a long sequence adds the error up. Where powers do not decay, each is therefore kept as a sum
/// of two numbers, hi + lo, and squared by three products, of which the first is exact: the error-free splitting of
/// Ozaki, Ogita, Oishi and Rump, "Error-free transformations of matrix multiplication by using fast routines of matrix
/// multiplication" (2012). Only hi is used afterwards. Cost 6h³ for each power; 2h³ where plain squaring will do.
/// </summary>
internal sealed class LiftedPowers
{
    private readonly ArraySegment<double> _powers; // hi, one behind the other
    private readonly int _rows;

    /// <summary>Computes them.</summary>
    /// <param name="context">Kernels and memory.</param>
    /// <param name="whh">W_hh, h×h.</param>
    /// <param name="levels">log₂ of the largest m.</param>
    /// <param name="areExact">Whether powers are right to the last bit or nearly so.</param>
    public LiftedPowers(PassContext context, MatrixView whh, int levels, bool areExact)
    {
        _rows = whh.Rows;
        Levels = levels;
        long length = (long)_rows * _rows;
        _powers = context.Storage((levels + 1) * length);
        whh.Values.CopyTo(Values(0));
        int mark = context.Mark();
        ArraySegment<double>[] spare = areExact ? [.. Enumerable.Range(0, 4).Select(_ => context.Storage(length))] : [];
        if (areExact)
        {
            spare[3].AsSpan().Clear(); // lo: W_hh itself has lost nothing
        }
        for (int level = 1; level <= levels; level++)
        {
            if (areExact)
            {
                Square(Values(level - 1), spare[3], Values(level), spare, context);
                KernelSet.FlushTiny(spare[3]);
            }
            else
            {
                SharedProduct.Multiply(context, this[level - 1], this[level - 1], this[level]);
            }
            KernelSet.FlushTiny(Values(level));
        }
        context.Release(mark);
    }

    /// <summary>log₂ S.</summary>
    public int Levels { get; private set; }

    /// <summary>S.</summary>
    public int Exponent => 1 << Levels;

    /// <summary>W_hh^m for m = 1, 2, 4 … S, one behind the other.</summary>
    public ArraySegment<double> Storage => _powers[..((Levels + 1) * _rows * _rows)];

    /// <summary>W_hh^m for m = 2^level, h×h.</summary>
    public StoredMatrix this[int level] => View(Values(level));

    /// <summary>Forgets the powers above a level.</summary>
    public void CutTo(int level) => Levels = Math.Min(level, Levels);

    private ArraySegment<double> Values(int level) => _powers.Slice(level * _rows * _rows, _rows * _rows);

    /// <summary>(hi + lo)² = left·right + left·(hi − right + lo) + (hi − left + lo)·hi, but for lo·lo. The first
    /// product is without rounding: left is hi without the last bits of each row, right without those of each
    /// column.</summary>
    private void Square(
        ArraySegment<double> high,
        ArraySegment<double> low,
        ArraySegment<double> product,
        ArraySegment<double>[] spare,
        PassContext context)
    {
        ArraySegment<double> left = spare[0];
        ArraySegment<double> right = spare[1];
        ArraySegment<double> correction = spare[2];
        SplitRows(high, left);
        SplitColumns(high, right);
        SharedProduct.Multiply(context, View(left), View(right), View(product));
        TakeRest(high, low, right);
        SharedProduct.Multiply(context, View(left), View(right), View(correction));
        TakeRest(high, low, left);
        SharedProduct.MultiplyAdd(context, View(left), View(high), View(correction));
        Add(product, correction, low);
    }

    /// <summary>product + correction, and what rounding takes from the sum.</summary>
    private static void Add(Span<double> product, ReadOnlySpan<double> correction, Span<double> low)
    {
        int whole = product.Length - product.Length % Vector<double>.Count;
        for (int i = 0; i < whole; i += Vector<double>.Count)
        {
            var first = new Vector<double>(product[i..]);
            var second = new Vector<double>(correction[i..]);
            Vector<double> sum = first + second;
            Vector<double> added = sum - first;
            (first - (sum - added) + (second - added)).CopyTo(low[i..]);
            sum.CopyTo(product[i..]);
        }
        for (int i = whole; i < product.Length; i++)
        {
            double sum = product[i] + correction[i];
            double added = sum - product[i];
            low[i] = product[i] - (sum - added) + (correction[i] - added);
            product[i] = sum;
        }
    }

    /// <summary>What a splitting has cut off, and what was lost before, in the place of what it has left.</summary>
    private static void TakeRest(ReadOnlySpan<double> high, ReadOnlySpan<double> low, Span<double> leading)
    {
        int whole = leading.Length - leading.Length % Vector<double>.Count;
        for (int i = 0; i < whole; i += Vector<double>.Count)
        {
            (new Vector<double>(high[i..]) - new Vector<double>(leading[i..]) + new Vector<double>(low[i..]))
                .CopyTo(leading[i..]);
        }
        for (int i = whole; i < leading.Length; i++)
        {
            leading[i] = high[i] - leading[i] + low[i];
        }
    }

    /// <summary>Takes of each row the bits that its entries have in common with the largest one.</summary>
    private void SplitRows(ReadOnlySpan<double> values, Span<double> leading)
    {
        double[] shifts = new double[_rows];
        for (int first = 0; first < values.Length; first += _rows)
        {
            ReadOnlySpan<double> column = values.Slice(first, _rows);
            int whole = _rows - _rows % Vector<double>.Count;
            for (int i = 0; i < whole; i += Vector<double>.Count)
            {
                Vector.Max(new Vector<double>(shifts, i), Vector.Abs(new Vector<double>(column[i..])))
                    .CopyTo(shifts, i);
            }
            for (int i = whole; i < column.Length; i++)
            {
                shifts[i] = Math.Max(shifts[i], Math.Abs(column[i]));
            }
        }
        for (int i = 0; i < shifts.Length; i++)
        {
            shifts[i] = Shift(shifts[i]);
        }
        for (int first = 0; first < values.Length; first += _rows)
        {
            Round(values.Slice(first, _rows), shifts, leading.Slice(first, _rows));
        }
    }

    private void SplitColumns(ReadOnlySpan<double> values, Span<double> leading)
    {
        double[] shifts = new double[_rows];
        for (int first = 0; first < values.Length; first += _rows)
        {
            ReadOnlySpan<double> column = values.Slice(first, _rows);
            Array.Fill(shifts, Shift(VectorMath.MaxAbs(column)));
            Round(column, shifts, leading.Slice(first, _rows));
        }
    }

    /// <summary>Cuts off the bits that adding and subtracting a shift loses.</summary>
    private static void Round(ReadOnlySpan<double> values, ReadOnlySpan<double> shifts, Span<double> leading)
    {
        int whole = values.Length - values.Length % Vector<double>.Count;
        for (int i = 0; i < whole; i += Vector<double>.Count)
        {
            var shift = new Vector<double>(shifts[i..]);
            (new Vector<double>(values[i..]) + shift - shift).CopyTo(leading[i..]);
        }
        for (int i = whole; i < values.Length; i++)
        {
            leading[i] = values[i] + shifts[i] - shifts[i];
        }
    }

    /// <summary>Adding and subtracting it cuts off so many bits that h products of what is left sum up without
    /// rounding.</summary>
    private double Shift(double largest)
    {
        const int bits = 53;
        int cut = (bits + (int)Math.Ceiling(Math.Log2(_rows)) + 1) / 2 + 1;
        return largest == 0.0 || !double.IsFinite(largest) ? 0.0 : Math.ScaleB(1.0, Math.ILogB(largest) + 1 + cut);
    }

    private StoredMatrix View(ArraySegment<double> values) => new(values, _rows, _rows, _rows);
}
