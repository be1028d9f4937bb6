// 𝒯 X: what the inputs of a chunk do to its own outputs, past any state that is kept.
//
//   𝒯  qS×dS, M_{i−j} in block row i and block column j ≤ i, zero above

using System.Numerics;
using Bptt.Kernels;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>The rows of 𝒯 in strips, each as far as its diagonal goes: little more than half of all
/// products.</summary>
internal sealed class DirectTerm<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private const int MostStrips = 8;

    private readonly int _inputs;
    private readonly int _outputs;
    private readonly int _steps; // of a strip
    private readonly PackedFactor<TReal>[] _strips;
    private readonly ArraySegment<TReal> _entries; // of one strip

    /// <param name="window">Kernels and memory.</param>
    /// <param name="model">d and q.</param>
    /// <param name="chunkLength">S.</param>
    public DirectTerm(PassWindow<TReal> window, ParameterArray<TReal> model, int chunkLength)
    {
        _inputs = model.InputSize;
        _outputs = model.OutputSize;
        int count = Math.Min(MostStrips, chunkLength);
        _steps = chunkLength / count;
        _strips = [.. Enumerable.Range(0, count)
            .Select(i => window.Factor(_outputs * _steps, _inputs * _steps * (i + 1)))];
        _entries = window.Context.Storage((long)_outputs * _steps * _inputs * chunkLength);
    }

    /// <summary>Packs the strips.</summary>
    /// <param name="response">[M_{S−1} … M_0], q×dS.</param>
    public void Pack(MatrixSpan<TReal> response)
    {
        for (int i = 0; i < _strips.Length; i++)
        {
            int rows = _outputs * _steps;
            var strip = new MatrixSpan<TReal>(_entries, rows, _inputs * _steps * (i + 1), rows);
            Write(response, i * _steps, strip);
            _strips[i].Pack(strip);
        }
    }

    /// <summary>O += 𝒯 X, for any number of chunks.</summary>
    public void AddTo(MatrixSpan<TReal> inputs, MatrixSpan<TReal> outputs)
    {
        int rows = _outputs * _steps;
        int columns = _inputs * _steps;
        for (int i = 0; i < _strips.Length; i++)
        {
            _strips[i].MultiplyAdd(inputs.RowRange(0, columns * (i + 1)), outputs.RowRange(i * rows, rows));
        }
    }

    /// <summary>Writes block rows of 𝒯.</summary>
    /// <param name="response">[M_{S−1} … M_0], q×dS.</param>
    /// <param name="first">The first block row.</param>
    /// <param name="rows">Receives them, as far as they reach: q times as many rows as there are block rows, d columns
    /// for each block.</param>
    public static void Write(MatrixSpan<TReal> response, int first, MatrixSpan<TReal> rows)
    {
        int q = response.Rows;
        int count = rows.Rows / q;
        int d = rows.Columns / (first + count);
        for (int i = 0; i < count; i++)
        {
            // Row i of 𝒯 is [M_i … M_0], the end of the response.
            int filled = (first + i + 1) * d;
            for (int column = 0; column < rows.Columns; column++)
            {
                Span<TReal> target = rows.Column(column).Slice(i * q, q);
                if (column < filled)
                {
                    response.Column(response.Columns - filled + column).CopyTo(target);
                }
                else
                {
                    target.Clear();
                }
            }
        }
    }

    /// <summary>The gradient of [M_{S−1} … M_0], q×dS: what stands along each diagonal of ∂L/∂𝒯.</summary>
    /// <param name="direct">∂L/∂𝒯, qS×dS, as far as its diagonal.</param>
    /// <param name="response">Receives the sums.</param>
    public static void SumDiagonals(MatrixSpan<TReal> direct, MatrixSpan<TReal> response)
    {
        int q = response.Rows;
        int steps = direct.Rows / q;
        int d = direct.Columns / steps;
        response.Values.Clear();
        for (int column = 0; column < direct.Columns; column++)
        {
            ReadOnlySpan<TReal> entries = direct.Column(column);
            int j = column / d;
            for (int i = j; i < steps; i++)
            {
                Span<TReal> sum = response.Column((steps - 1 - (i - j)) * d + column % d);
                for (int row = 0; row < q; row++)
                {
                    sum[row] += entries[i * q + row];
                }
            }
        }
    }
}
