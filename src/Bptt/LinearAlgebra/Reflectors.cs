// Four Householder reflections applied to a column at once: the column is read twice in the place of eight times.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bptt.LinearAlgebra;

/// <summary>Reflections I − f_i [e_i; v_i][e_i; v_i]ᵀ of columns [r; b], where r holds an entry for each of them: of
/// one after another, w_i = f_i (r_i + v_iᵀ(b − Σ_{l&lt;i} w_l v_l)), r_i ← r_i − w_i, and in the end b ← b − Σ w_i v_i
/// (the compact form of Schreiber and Van Loan 1989).</summary>
internal readonly ref struct Reflectors
{
    /// <summary>How many.</summary>
    public const int Count = 4;

    private readonly ReadOnlySpan<double> _v0;
    private readonly ReadOnlySpan<double> _v1;
    private readonly ReadOnlySpan<double> _v2;
    private readonly ReadOnlySpan<double> _v3;
    private readonly ReadOnlySpan<double> _factors;
    private readonly (double P10, double P20, double P21, double P30, double P31, double P32) _products; // v_iᵀv_l

    /// <param name="columns">v_0 … v_3, column by column.</param>
    /// <param name="rows">From one column to the next.</param>
    /// <param name="height">The rows beyond which all are zero.</param>
    /// <param name="factors">f_i; 0 for none.</param>
    public Reflectors(ReadOnlySpan<double> columns, int rows, int height, ReadOnlySpan<double> factors)
    {
        _v0 = columns[..height];
        _v1 = columns.Slice(rows, height);
        _v2 = columns.Slice(2 * rows, height);
        _v3 = columns.Slice(3 * rows, height);
        _factors = factors;
        _products = (
            VectorMath.Dot(_v1, _v0),
            VectorMath.Dot(_v2, _v0),
            VectorMath.Dot(_v2, _v1),
            VectorMath.Dot(_v3, _v0),
            VectorMath.Dot(_v3, _v1),
            VectorMath.Dot(_v3, _v2));
    }

    /// <summary>Reflects a column.</summary>
    /// <param name="r0">Its entry for the first; the others for the others.</param>
    /// <param name="r1">See <paramref name="r0"/>.</param>
    /// <param name="r2">See <paramref name="r0"/>.</param>
    /// <param name="r3">See <paramref name="r0"/>.</param>
    /// <param name="column">b.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(ref double r0, ref double r1, ref double r2, ref double r3, Span<double> column)
    {
        Span<Vector<double>> b = MemoryMarshal.Cast<double, Vector<double>>(column);
        ReadOnlySpan<Vector<double>> x0 = MemoryMarshal.Cast<double, Vector<double>>(_v0)[..b.Length];
        ReadOnlySpan<Vector<double>> x1 = MemoryMarshal.Cast<double, Vector<double>>(_v1)[..b.Length];
        ReadOnlySpan<Vector<double>> x2 = MemoryMarshal.Cast<double, Vector<double>>(_v2)[..b.Length];
        ReadOnlySpan<Vector<double>> x3 = MemoryMarshal.Cast<double, Vector<double>>(_v3)[..b.Length];
        (Vector<double> s0, Vector<double> s1, Vector<double> s2, Vector<double> s3) =
            (Vector<double>.Zero, Vector<double>.Zero, Vector<double>.Zero, Vector<double>.Zero);
        for (int i = 0; i < b.Length; i++)
        {
            Vector<double> entry = b[i];
            s0 += x0[i] * entry;
            s1 += x1[i] * entry;
            s2 += x2[i] * entry;
            s3 += x3[i] * entry;
        }
        (double d0, double d1, double d2, double d3) =
            (Vector.Sum(s0), Vector.Sum(s1), Vector.Sum(s2), Vector.Sum(s3));
        int rest = b.Length * Vector<double>.Count;
        for (int i = rest; i < column.Length; i++)
        {
            double entry = column[i];
            d0 += _v0[i] * entry;
            d1 += _v1[i] * entry;
            d2 += _v2[i] * entry;
            d3 += _v3[i] * entry;
        }

        double w0 = _factors[0] * (r0 + d0);
        double w1 = _factors[1] * (r1 + d1 - w0 * _products.P10);
        double w2 = _factors[2] * (r2 + d2 - w0 * _products.P20 - w1 * _products.P21);
        double w3 = _factors[3] * (r3 + d3 - w0 * _products.P30 - w1 * _products.P31 - w2 * _products.P32);
        r0 -= w0;
        r1 -= w1;
        r2 -= w2;
        r3 -= w3;
        for (int i = 0; i < b.Length; i++)
        {
            b[i] -= w0 * x0[i] + w1 * x1[i] + (w2 * x2[i] + w3 * x3[i]);
        }
        for (int i = rest; i < column.Length; i++)
        {
            column[i] -= w0 * _v0[i] + w1 * _v1[i] + (w2 * _v2[i] + w3 * _v3[i]);
        }
    }
}
