// Least-squares rows in coordinates of filters: the states of the filters at every step that counts, with what remains
// of the targets there, as a triangle. Knows no model and no direction.
//
//   n  filters      q  outputs      r_t  residuals      w_t  weights      φ_t  states of the filters

using Bptt.LinearAlgebra;

namespace Bptt.Optimization;

/// <summary>The triangle of the rows √w_t [φ_t x_t 1 | r_t].</summary>
/// <param name="filters">The filters.</param>
/// <param name="inputs">x_t of all sequences.</param>
/// <param name="roots">√w_t of each sequence; a step of 0 is left out.</param>
/// <param name="residuals">√w_t r_t of each sequence, q×T_b.</param>
/// <param name="kernels">For the products.</param>
internal sealed class FilteredRows(
    PoleFilters filters, SequenceBatch inputs, double[][] roots, double[][] residuals, KernelSet kernels)
{
    private const int RowsOfBlock = 128;

    /// <summary>The triangle for sequences that have their channels in common.</summary>
    /// <param name="sequences">Which.</param>
    /// <param name="columns">What the rows hold.</param>
    /// <param name="cancellation">Asked now and then.</param>
    /// <remarks>By sums of products, several times faster than reflections, wherever the columns are independent enough
    /// for these to hold half of the digits; by reflections where not.</remarks>
    public TriangularFactor Of(int[] sequences, FilteredColumns columns, CancellationToken cancellation)
    {
        int q = OutputsOf(sequences[0]);
        int width = columns.Width(filters.Count) + q;
        var factor = new TriangularFactor(width - q, q);
        double[] gram = new double[width * width];
        Write(
            sequences,
            columns,
            (block, rows) =>
            {
                var added = new MatrixView(block, width, rows, width);
                kernels.MultiplyAdd(added, added.T, new MatrixSpan(gram, width, width, width));
            },
            cancellation);
        if (!factor.TrySetGram(gram))
        {
            Write(
                sequences,
                columns,
                (block, rows) =>
                {
                    for (int i = 0; i < rows; i++)
                    {
                        factor.Add(block.AsSpan(i * width, width));
                    }
                },
                cancellation);
        }
        return factor;
    }

    private int OutputsOf(int sequence) => residuals[sequence].Length / roots[sequence].Length;

    private void Write(
        int[] sequences, FilteredColumns columns, Action<double[], int> take, CancellationToken cancellation)
    {
        int q = OutputsOf(sequences[0]);
        int width = columns.Width(filters.Count) + q;
        double[] block = new double[width * RowsOfBlock];
        int filled = 0;
        int[] active = columns.Inputs;
        double[] signals = new double[columns.Channels];
        double[] states = new double[filters.Count * columns.Channels];
        foreach (int b in sequences)
        {
            Array.Clear(states);
            if (columns.HasPulse)
            {
                signals[^1] = 1.0;
                filters.Advance(states, signals);
            }
            for (int t = 1; t <= inputs.Lengths[b]; t++)
            {
                ReadOnlySpan<double> input = inputs.Columns.Column(b, t);
                for (int l = 0; l < active.Length; l++)
                {
                    signals[l] = input[active[l]];
                }
                if (columns.HasPulse)
                {
                    signals[^1] = 0.0;
                }
                filters.Advance(states, signals);
                double root = roots[b][t - 1];
                if (root == 0.0)
                {
                    continue;
                }
                Span<double> row = block.AsSpan(filled * width, width);
                states.CopyTo(row);
                int place = states.Length;
                for (int l = 0; l < active.Length && columns.HasInputs; l++)
                {
                    row[place++] = input[active[l]];
                }
                if (columns.HasOne)
                {
                    row[place++] = 1.0;
                }
                VectorMath.Scale(root, row[..place]);
                residuals[b].AsSpan((t - 1) * q, q).CopyTo(row[place..]);
                if (++filled == RowsOfBlock)
                {
                    cancellation.ThrowIfCancellationRequested();
                    take(block, filled);
                    filled = 0;
                }
            }
        }
        take(block, filled);
    }
}

/// <summary>What the rows of some sequences hold: filters of each channel, perhaps inputs, perhaps a 1.</summary>
/// <param name="Inputs">The inputs that are channels: those that are not zero throughout.</param>
/// <param name="HasPulse">Whether a pulse at t = 0, in the place of h_0, is one more channel.</param>
/// <param name="HasInputs">Whether these inputs themselves follow.</param>
/// <param name="HasOne">Whether a 1 follows.</param>
internal sealed record FilteredColumns(int[] Inputs, bool HasPulse, bool HasInputs, bool HasOne)
{
    public int Channels => Inputs.Length + (HasPulse ? 1 : 0);

    /// <summary>How many columns.</summary>
    /// <param name="filters">n.</param>
    public int Width(int filters) => filters * Channels + (HasInputs ? Inputs.Length : 0) + (HasOne ? 1 : 0);
}
