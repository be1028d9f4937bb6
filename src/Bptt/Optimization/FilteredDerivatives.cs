// The derivatives of the outputs of a free run in many directions, as coordinates in filters of the poles of W_hh: what
// depends on time is the same for all directions and outputs. Knows no loss.
//
//   d  inputs      h  hidden units      q  outputs      m  directions      n = 2h  filters      ζ  a delay of one step
//   V_hx, V_hh, V_qh, v_0  how the weights and h_0 move in a direction
//
//   ∂o/∂z = W_qh (I − ζW_hh)⁻¹ (V_hx x + v_0 + ζV_hh H) + V_qh H      with H = (I − ζW_hh)⁻¹ (W_hx x + h_0)
//
// of which every entry is a response with the poles of W_hh, each twice, to the entries of x and to a pulse at t = 0.

using System.Numerics;
using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Optimization;

/// <summary>∂o_t/∂z = Σ_l G_l φ_t, over channels l: φ_t are the states of <see cref="PoleFilters"/> on an input, or on
/// a pulse at t = 0 in the place of h_0, and G_l, q×n for each direction, does not depend on t.</summary>
/// <remarks>Cost O(h m (q h (d + h) + q d n)) for G, where carrying m derivatives through T steps costs
/// O(T m h (d + h + q)).</remarks>
internal sealed class FilteredDerivatives
{
    private readonly LinearRnn _model;
    private readonly double[] _directions;
    private readonly int _stride;
    private readonly bool _movesTransition;
    private readonly Node[] _nodes;

    /// <param name="model">A stable model.</param>
    /// <param name="directions">One behind the other, each W_hx, W_hh, W_qh and what follows.</param>
    /// <param name="stride">From one to the next.</param>
    /// <param name="steps">The most steps of a run.</param>
    /// <exception cref="ArithmeticException">An iteration for eigenvalues does not converge.</exception>
    public FilteredDerivatives(LinearRnn model, double[] directions, int stride, int steps)
    {
        (_model, _directions, _stride) = (model, directions, stride);
        (int d, int h) = (model.InputSize, model.HiddenSize);
        _movesTransition = Enumerable.Range(0, Directions)
            .Any(k => VectorMath.MaxAbs<double>(directions.AsSpan(k * stride + d * h, h * h)) > 0.0);
        Filters = new PoleFilters(
            Eigensystem.ValuesOf(new MatrixView(model.Whh.ColumnMajor(), h, h, h)), _movesTransition ? 2 : 1, steps);
        _nodes = [.. Filters.Nodes.Select(node => NodeOf(node.Delay, node.Dual))];
    }

    /// <summary>The filters.</summary>
    public PoleFilters Filters { get; }

    private int Directions => _directions.Length / _stride;

    /// <summary>G of input l in each direction: [k][i], n numbers for direction k and output i.</summary>
    public double[][][] OfInput(int input) => Of(
        _model.Whx.Column(input), (node, k) => node.Driven[k].AsSpan(input * _model.OutputSize, _model.OutputSize));

    /// <summary>The same of a pulse in the place of an h_0.</summary>
    /// <param name="state">h_0.</param>
    /// <param name="offset">Where v_0 stands in a direction; negative where it does not move.</param>
    public double[][][] OfState(MathNet.Numerics.LinearAlgebra.Vector<double> state, int offset)
    {
        int q = _model.OutputSize;
        var nothing = new Complex[q];
        return Of(state, (node, k) =>
        {
            if (offset < 0)
            {
                return nothing;
            }
            var moved = new Complex[q];
            Read(node, _directions.AsSpan(k * _stride + offset, _model.HiddenSize), moved);
            return moved;
        });
    }

    private delegate ReadOnlySpan<Complex> DrivenReader(Node node, int direction);

    private double[][][] Of(MathNet.Numerics.LinearAlgebra.Vector<double> column, DrivenReader driven)
    {
        (int d, int h, int q) = (_model.InputSize, _model.HiddenSize, _model.OutputSize);
        int n = Filters.Count;
        double[][][] all = [.. Enumerable.Range(0, Directions).Select(_ => Enumerable.Range(0, q)
            .Select(_ => new double[n]).ToArray())];
        var sum = new Complex[q];
        foreach (Node node in _nodes)
        {
            var states = new Complex[h]; // H, for this channel alone
            for (int j = 0; j < h; j++)
            {
                for (int i = 0; i < h; i++)
                {
                    states[i] += node.Resolvent[j * h + i] * column[j];
                }
            }
            for (int k = 0; k < Directions; k++)
            {
                driven(node, k).CopyTo(sum);
                ReadOnlySpan<Complex> within = node.Driven[k].AsSpan(d * q);
                ReadOnlySpan<double> readout = _directions.AsSpan(k * _stride + (d + h) * h, h * q);
                for (int j = 0; j < h; j++)
                {
                    Complex delayed = node.Delay * states[j];
                    for (int i = 0; i < q; i++)
                    {
                        sum[i] += within[j * q + i] * delayed + readout[j * q + i] * states[j];
                    }
                }
                for (int i = 0; i < q; i++)
                {
                    double[] coordinates = all[k][i];
                    (double re, double im) = (sum[i].Real, sum[i].Imaginary);
                    VectorMath.AddScaled(re, node.DualReal, coordinates);
                    VectorMath.AddScaled(-im, node.DualImaginary, coordinates);
                }
            }
        }
        return all;
    }

    private Node NodeOf(Complex delay, Complex[] dual)
    {
        (int d, int h, int q) = (_model.InputSize, _model.HiddenSize, _model.OutputSize);
        Matrix<Complex> resolvent = Matrix<Complex>.Build.Dense(
            h, h, (i, j) => (i == j ? 1.0 : 0.0) - delay * _model.Whh[i, j]).Inverse();
        Matrix<Complex> readout = _model.Wqh.ToComplex() * resolvent;
        var node = new Node(
            delay,
            Array.ConvertAll(dual, x => x.Real),
            Array.ConvertAll(dual, x => x.Imaginary),
            resolvent.ToColumnMajorArray(),
            [.. readout.EnumerateRows().Select(row => row.Select(x => x.Real).ToArray())],
            [.. readout.EnumerateRows().Select(row => row.Select(x => x.Imaginary).ToArray())],
            new Complex[Directions][]);
        for (int k = 0; k < Directions; k++)
        {
            var driven = new Complex[(d + h) * q];
            Read(node, _directions.AsSpan(k * _stride, (d + h) * h), driven);
            node.Driven[k] = driven;
        }
        return node;
    }

    /// <summary>W_qh (I − ζW_hh)⁻¹ times columns.</summary>
    private static void Read(Node node, ReadOnlySpan<double> columns, Span<Complex> into)
    {
        int q = node.ReadoutReal.Length;
        int h = node.ReadoutReal[0].Length;
        for (int j = 0; j * h < columns.Length; j++)
        {
            ReadOnlySpan<double> column = columns.Slice(j * h, h);
            for (int i = 0; i < q; i++)
            {
                into[j * q + i] = new Complex(
                    VectorMath.Dot(node.ReadoutReal[i], column), VectorMath.Dot(node.ReadoutImaginary[i], column));
            }
        }
    }

    /// <summary>What belongs to one ζ.</summary>
    /// <param name="Delay">ζ.</param>
    /// <param name="DualReal">To be multiplied by the real part there.</param>
    /// <param name="DualImaginary">To be subtracted times the imaginary part.</param>
    /// <param name="Resolvent">(I − ζW_hh)⁻¹.</param>
    /// <param name="ReadoutReal">W_qh times that, row by row.</param>
    /// <param name="ReadoutImaginary">The same.</param>
    /// <param name="Driven">Of each direction W_qh (I − ζW_hh)⁻¹ [V_hx V_hh].</param>
    private sealed record Node(
        Complex Delay,
        double[] DualReal,
        double[] DualImaginary,
        Complex[] Resolvent,
        double[][] ReadoutReal,
        double[][] ReadoutImaginary,
        Complex[][] Driven);
}
