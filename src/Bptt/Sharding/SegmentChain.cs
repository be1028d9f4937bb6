// How the segments of sequences that are cut in time are joined: states forward in time, their gradients backward. Runs
// no pass.
//
//   h  hidden units      B  sequences      N  segments of all sequences      T_s  steps of segment s
//   c_s  h_0 of segment s      F_s(c_s)  the state at its end
//   μ_s  ∂L/∂h_T of segment s from the later ones      G_s(μ_s)  ∂L/∂h_0 of segment s

using Bptt.Kernels;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;

namespace Bptt.Sharding;

/// <summary>
/// The carries between segments. F_s is affine with the matrix W_hh^T_s, and G_s with its transpose. So whatever the
/// carries c were that all segments were run from at once, the right ones are
/// c'_{s+1} = F_s(c_s) + W_hh^T_s (c'_s − c_s), one after the other: from c = 0 the end state from zero and a power of
/// W_hh times the carry before, c'_{s+1} = e_s + W_hh^T_s c'_s; and from such c' once more, what rounding of the power
/// has left undone.
/// </summary>
/// <remarks>The formula is that of the parareal algorithm (Lions, Maday and Turinici 2001), whose coarse propagator is
/// exact here. Powers have exponents of their own, so that a carry overflows only where the states themselves do, and
/// what is zero stays zero. A carry costs 2h² operations for each binary digit 1 of T_s, the powers 2h³ log₂ T once for
/// each W_hh.</remarks>
/// <param name="segments">Sequence by sequence, in the order of time.</param>
/// <param name="precision">That of the passes.</param>
internal sealed class SegmentChain(SequencePart[] segments, Precision precision)
{
    private readonly (double Epsilon, double Flushed) _numbers = precision == Precision.Single
        ? (MachineEpsilon.OfFloat, KernelSet<float>.FlushThreshold)
        : (MachineEpsilon.OfDouble, KernelSet.FlushThreshold);

    /// <summary>How often carries are corrected by powers; then these are good for nothing.</summary>
    private const int MostCorrections = 2;

    /// <summary>N.</summary>
    public int Count => segments.Length;

    /// <summary>Cuts sequences into segments, as evenly as whole steps allow, the longer ones first.</summary>
    /// <param name="lengths">T_b.</param>
    /// <param name="count">The segments of a sequence, where it has so many steps.</param>
    public static SequencePart[] Cut(IReadOnlyList<int> lengths, int count)
    {
        List<SequencePart> parts = [];
        for (int b = 0; b < lengths.Count; b++)
        {
            (int length, int longer) = Math.DivRem(lengths[b], Math.Min(count, lengths[b]));
            for (int first = 1; first <= lengths[b]; first += parts[^1].Length)
            {
                parts.Add(new SequencePart(b, first, longer-- > 0 ? length + 1 : length));
            }
        }
        return [.. parts];
    }

    /// <summary>h_0 of every segment before anything is carried: of the first one of a sequence what it is, otherwise
    /// zero.</summary>
    /// <param name="initialStates">h_0 of every sequence, h×B; empty for zero.</param>
    /// <param name="hiddenSize">h.</param>
    /// <returns>c, h×N.</returns>
    public double[] Uncarried(ReadOnlySpan<double> initialStates, int hiddenSize)
    {
        double[] states = new double[Count * hiddenSize];
        for (int s = 0; s < Count && !initialStates.IsEmpty; s++)
        {
            if (segments[s].FirstStep == 1)
            {
                initialStates.Slice(segments[s].Sequence * hiddenSize, hiddenSize).CopyTo(Column(states, s));
            }
        }
        return states;
    }

    /// <summary>Carries on and has all segments run again, until each ends where the next one began: once, unless
    /// powers of W_hh lose their digits, as those of a defective matrix do. Then the segments are run without them,
    /// each from the end that the one before it had last: as often as there are segments at most.</summary>
    /// <param name="direction">Forward for states, backward for their gradients.</param>
    /// <param name="powers">Those of W_hh.</param>
    /// <param name="given">c or μ that the segments have been run with, h×N.</param>
    /// <param name="outcomes">F_s(c_s) or G_s(μ_s), h×N.</param>
    /// <param name="run">Runs all segments with other c or μ and gives their outcomes.</param>
    /// <returns>The carries that were run last, h×N; null where one is not finite.</returns>
    public double[]? Settle(
        TimeDirection direction,
        MatrixPowers powers,
        double[] given,
        double[] outcomes,
        Func<double[], double[]> run)
    {
        double[] carries = Carry(direction, powers, given, outcomes);
        for (int round = 0; round <= MostCorrections && VectorMath.FirstNonFinite(carries) < 0; round++)
        {
            double[] ends = run(carries);
            if (Agrees(direction, carries, ends))
            {
                return carries;
            }
            carries = Carry(direction, powers, carries, ends);
        }
        carries = Carry(direction, powers: null, given, outcomes);
        while (VectorMath.FirstNonFinite(carries) < 0)
        {
            double[] ends = run(carries);
            if (Agrees(direction, carries, ends))
            {
                return carries;
            }
            carries = Carry(direction, powers: null, carries, ends);
        }
        return null;
    }

    /// <summary>c' or μ', h×N, by powers of W_hh or without them.</summary>
    private double[] Carry(TimeDirection direction, MatrixPowers? powers, double[] given, double[] outcomes)
    {
        double[] carried = (double[])given.Clone();
        double[] change = new double[given.Length / Count];
        foreach ((int s, int next) in Joints(direction))
        {
            // c'_{s+1} = F_s(c_s) + W_hh^T_s (c'_s − c_s)      μ'_{s−1} = G_s(μ_s) + (W_hhᵀ)^T_s (μ'_s − μ_s)
            Column(outcomes, s).CopyTo(Column(carried, next));
            if (powers is not null)
            {
                Column(carried, s).CopyTo(change);
                VectorMath.AddScaled(-1.0, Column(given, s), change);
                Propagate(direction, powers, segments[s].Length, change);
                VectorMath.AddScaled(1.0, change, Column(carried, next));
            }
        }
        return carried;
    }

    /// <summary>Whether each segment has ended where the next one began, to what T_s rounded steps and a rounded power
    /// of W_hh may differ by: a multiple of T_s√h + h units in the last place of the states at both ends.</summary>
    private bool Agrees(TimeDirection direction, double[] given, double[] outcomes)
    {
        int h = given.Length / Count;
        foreach ((int s, int next) in Joints(direction))
        {
            ReadOnlySpan<double> outcome = Column(outcomes, s);
            double size = Math.Max(VectorMath.MaxAbs(outcome), VectorMath.MaxAbs<double>(Column(given, s)));
            double units = 16.0 * (segments[s].Length * Math.Sqrt(h) + h);
            double bound = units * (_numbers.Epsilon * size + (h * _numbers.Flushed));
            if (!(VectorMath.MaxDistance(outcome, Column(given, next)) <= bound))
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>The columns of the first segment of each sequence, or of the last.</summary>
    /// <param name="columns">h×N.</param>
    /// <param name="isLast">Whether of the last.</param>
    /// <returns>h×B.</returns>
    public double[] OfSequences(double[] columns, bool isLast)
    {
        IEnumerable<int> ends = Enumerable.Range(0, Count).Where(
            s => isLast ? s + 1 == Count || segments[s + 1].FirstStep == 1 : segments[s].FirstStep == 1);
        return [.. ends.SelectMany(s => Column(columns, s).ToArray())];
    }

    /// <summary>Each segment with the one that it is carried on to, in the order of carrying.</summary>
    private IEnumerable<(int From, int To)> Joints(TimeDirection direction)
    {
        for (int i = 1; i < Count; i++)
        {
            int later = direction == TimeDirection.Forward ? i : Count - i;
            if (segments[later].FirstStep > 1)
            {
                yield return direction == TimeDirection.Forward ? (later - 1, later) : (later, later - 1);
            }
        }
    }

    /// <summary>x ← A^T x with A = W_hh forward in time and W_hhᵀ backward: T as a sum of powers of two.</summary>
    private static void Propagate(TimeDirection direction, MatrixPowers powers, int steps, double[] x)
    {
        double[] product = new double[x.Length];
        for (int level = 0; steps >> level > 0; level++)
        {
            if ((steps >> level & 1) == 0)
            {
                continue;
            }
            ScaledMatrix power = powers.Square(level);
            KernelChoice.Default.Multiply(
                direction == TimeDirection.Forward ? power.View : power.View.T,
                new MatrixView(x, x.Length, 1, x.Length),
                new MatrixSpan(product, x.Length, 1, x.Length));
            VectorMath.ScaleByPowerOfTwo((int)Math.Clamp(power.Exponent, -10_000, 10_000), product);
            KernelSet.FlushTiny(product);
            product.CopyTo(x, 0);
        }
    }

    private Span<double> Column(double[] columns, int segment)
    {
        int h = columns.Length / Count;
        return columns.AsSpan(segment * h, h);
    }
}
