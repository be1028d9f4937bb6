// The weights of the RNN that takes S steps at once, by doubling. Knows no pass.
//
//   d  inputs      h  hidden units      q  outputs      S  steps of a chunk, a power of two
//   P_j = W_hh^j W_hx      Q_i = W_qh W_hh^{i+1}      M_k = W_qh P_k

using Bptt.Kernels;
using Bptt.LinearAlgebra;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>
/// A = W_hh^S (h×h), C = [P_{S−1} … P_0] (h×dS) and O = [Q_0; …; Q_{S−1}] (qS×h): with S successive columns read as
/// one, h_{cS} = A h_{(c−1)S} + C X_c and O_c = O h_{(c−1)S} + 𝒯 X_c, where 𝒯 (qS×dS) has M_{i−j} in block row i and
/// block column j ≤ i, and zero above. Block processing of a recurrence: Burrus, "Block implementation of digital
/// filters" (1971); Barnes and Shinnaka, "Block-shift invariance and block implementation of discrete-time filters"
/// (1980).
/// </summary>
internal sealed class LiftedWeights
{
    private readonly KernelSet _kernels;
    private readonly LiftedPowers _powers;
    private readonly ArraySegment<double> _response; // [M_{S−1} … M_0], q×dS

    /// <summary>Computes them, at cost 2h²S(d + q) + 2hqdS.</summary>
    /// <param name="context">Kernels and memory.</param>
    /// <param name="weights">W_hx, W_hh and W_qh.</param>
    /// <param name="powers">W_hh^m for m = 1, 2, 4 … S.</param>
    public LiftedWeights(PassContext context, ParameterArray weights, LiftedPowers powers)
    {
        _kernels = context.Kernels;
        _powers = powers;
        Model = weights;
        int d = weights.InputSize;
        int q = weights.OutputSize;
        int steps = powers.Exponent;
        ChunkLength = steps;
        Lifted = new ParameterArray(d * steps, weights.HiddenSize, q * steps, context.Storage);
        powers[powers.Levels].Values.AsSpan().CopyTo(Lifted.Whh.Values);

        // P_j for m ≤ j < 2m = W_hh^m P_{j−m}, and Q_i likewise
        weights.Whx.Values.CopyTo(P(0, 1).Span.Values);
        _kernels.Multiply(weights.Wqh, weights.Whh, Q(0, 1).Span);
        for (int k = 0; k < powers.Levels; k++)
        {
            int m = 1 << k;
            SharedProduct.Multiply(context, powers[k], P(0, m), P(m, m));
            SharedProduct.Multiply(context, Q(0, m), powers[k], Q(m, m));
        }
        KernelSet.FlushTiny(Lifted.Values);
        _response = context.Storage((long)q * d * steps);
        _kernels.Multiply(weights.Wqh, Lifted.Whx, Response);
    }

    /// <summary>The model.</summary>
    public ParameterArray Model { get; }

    /// <summary>S.</summary>
    public int ChunkLength { get; }

    /// <summary>C, A and O in the places of W_hx, W_hh and W_qh: the model that takes S steps at once, but for
    /// 𝒯.</summary>
    public ParameterArray Lifted { get; }

    /// <summary>d, h and q of the model that takes S steps at once.</summary>
    public PassSizes Sizes => PassSizes.Of(Lifted) with { IsLifted = true };

    /// <summary>[M_{S−1} … M_0], q×dS: what outputs answer to an input, S − 1 steps later first.</summary>
    public MatrixSpan Response => new(_response, Model.OutputSize, Lifted.InputSize, Model.OutputSize);

    /// <summary>Whether every entry is a finite number.</summary>
    public bool AreFinite => VectorMath.FirstNonFinite(Lifted.Values) < 0
        && VectorMath.FirstNonFinite(_response) < 0;

    /// <summary>Writes block rows <paramref name="first"/> … of 𝒯, as far as its diagonal.</summary>
    /// <param name="first">The first block row.</param>
    /// <param name="rows">Receives them: q times as many rows as there are block rows, and d(first + count)
    /// columns.</param>
    public void WriteDirectTerm(int first, MatrixSpan rows)
    {
        int d = Model.InputSize;
        int q = Model.OutputSize;
        int count = rows.Rows / q;
        for (int i = 0; i < count; i++)
        {
            // Row i of 𝒯 is [M_i … M_0], the end of the response.
            int filled = (first + i + 1) * d;
            for (int column = 0; column < rows.Columns; column++)
            {
                Span<double> target = rows.Column(column).Slice(i * q, q);
                if (column < filled)
                {
                    Response.Column(Lifted.InputSize - filled + column).CopyTo(target);
                }
                else
                {
                    target.Clear();
                }
            }
        }
    }

    /// <summary>The gradients of W_hx, W_hh and W_qh from those of C, A, O and 𝒯: back through the doubling.</summary>
    /// <param name="lifted">Those of C, A and O; undefined afterwards.</param>
    /// <param name="response">That of [M_{S−1} … M_0], q×dS.</param>
    /// <param name="gradients">Receives them.</param>
    /// <param name="context">Threads and memory.</param>
    public void Back(ParameterArray lifted, MatrixView response, ParameterArray gradients, PassContext context)
    {
        // M_k = W_qh P_k
        _kernels.MultiplyAdd(Model.Wqh.T, response, lifted.Whx);
        _kernels.Multiply(response, Lifted.Whx.T, gradients.Wqh);

        int h = Model.HiddenSize;
        ArraySegment<double> powers = context.Storage((_powers.Levels + 1L) * h * h);
        for (int k = _powers.Levels - 1; k >= 0; k--)
        {
            int m = 1 << k;
            StoredMatrix power = _powers[k];
            StoredMatrix gradient = GradientOfPower(powers, k);

            // P_{m…2m−1} = W_hh^m P_{0…m−1}
            SharedProduct.Multiply(context, P(lifted, m, m), P(0, m).T, gradient);
            SharedProduct.MultiplyAdd(context, power.T, P(lifted, m, m), P(lifted, 0, m));

            // Q_{m…2m−1} = Q_{0…m−1} W_hh^m
            SharedProduct.MultiplyAdd(context, Q(0, m).T, Q(lifted, m, m), gradient);
            SharedProduct.MultiplyAdd(context, Q(lifted, m, m), power.T, Q(lifted, 0, m));
        }

        // P_0 = W_hx      Q_0 = W_qh W_hh
        P(lifted, 0, 1).Span.Values.CopyTo(gradients.Whx.Values);
        _kernels.MultiplyAdd(Q(lifted, 0, 1).View, Model.Whh.T, gradients.Wqh);
        _kernels.MultiplyAdd(Model.Wqh.T, Q(lifted, 0, 1).View, GradientOfPower(powers, 0).Span);

        // W_hh^{2m} = W_hh^m W_hh^m
        StoredMatrix last = GradientOfPower(powers, _powers.Levels);
        lifted.Whh.Values.CopyTo(last.Span.Values);
        for (int k = _powers.Levels - 1; k >= 0; k--)
        {
            StoredMatrix power = _powers[k];
            StoredMatrix squared = GradientOfPower(powers, k + 1);
            SharedProduct.MultiplyAdd(context, squared, power.T, GradientOfPower(powers, k));
            SharedProduct.MultiplyAdd(context, power.T, squared, GradientOfPower(powers, k));
        }
        GradientOfPower(powers, 0).Span.Values.CopyTo(gradients.Whh.Values);
    }

    private StoredMatrix GradientOfPower(ArraySegment<double> all, int level)
    {
        int h = Model.HiddenSize;
        return new StoredMatrix(all.Slice(level * h * h, h * h), h, h, h);
    }

    private StoredMatrix P(int first, int count) => P(Lifted, first, count);

    /// <summary>P_first … of so many; they stand in falling order.</summary>
    private StoredMatrix P(ParameterArray lifted, int first, int count) =>
        new StoredMatrix(lifted.Storage, lifted.HiddenSize, lifted.InputSize, lifted.HiddenSize)
            .ColumnRange((ChunkLength - first - count) * Model.InputSize, count * Model.InputSize);

    private StoredMatrix Q(int first, int count) => Q(Lifted, first, count);

    /// <summary>Q_first … of so many.</summary>
    private StoredMatrix Q(ParameterArray lifted, int first, int count) => new StoredMatrix(
            lifted.Storage[(lifted.HiddenSize * (lifted.InputSize + lifted.HiddenSize))..],
            lifted.OutputSize,
            lifted.HiddenSize,
            lifted.OutputSize)
        .RowRange(first * Model.OutputSize, count * Model.OutputSize);
}
