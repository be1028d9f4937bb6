// When the response Aᵏ B becomes too large or too small for a double. Knows no RNN.

using Bptt.LinearAlgebra;

namespace Bptt.Diagnostics;

/// <summary>
/// Searches the first k at which ‖Aᵏ B‖₂ exceeds a bound, and the last at which it reaches one. Time is walked through
/// in stretches, each twice as long as the one before while powers of A stay accurate; a stretch is left out as a
/// whole, or half by half, where ‖Aᵏ B‖ at its start and the bounds of the powers show that nothing can be found there.
/// So growth and decay that take millions of steps cost little more than quick ones.
/// </summary>
/// <remarks>
/// The result is exact to rounding as long as the steps that must be looked at one by one are few. Beyond
/// <see cref="MaxWork"/> it is a crossing found by bisection, which may be another one than the first or last where
/// modes of about equal strength interfere, or told from the spectral radius where powers of A are not accurate.
/// </remarks>
internal sealed class ResponseSearch
{
    /// <summary>Floating-point operations, about.</summary>
    private const double MaxWork = 2e9;

    /// <summary>What a product of the smallest matrices costs, in floating-point operations.</summary>
    private const double WorkOfCall = 20_000.0;

    /// <summary>A spectral radius cannot be told from 1 within this, in log₂.</summary>
    public const double RoundingOfRadius = 1e-13;

    /// <summary>At radius 1 responses grow no faster than a power of k: what is not found soon is not found.</summary>
    private const double ShareAtRadiusOne = 0.1;

    /// <summary>Powers that are accurate so far up are good for bisection.</summary>
    private const int LevelForBisection = 20;

    /// <summary>log₂ of what the passes would long have set to zero.</summary>
    private static readonly double Log2Nothing = Math.Log2(KernelSet.FlushThreshold) - 64.0;

    private readonly MatrixPowers _powers;
    private readonly ScaledMatrix _b;
    private readonly double _log2Radius;
    private readonly double _workOfStep;
    private readonly double _maxWork;
    private double _work;

    /// <param name="powers">Of A.</param>
    /// <param name="b">B.</param>
    /// <param name="log2Radius">log₂ of the spectral radius of A.</param>
    public ResponseSearch(MatrixPowers powers, ScaledMatrix b, double log2Radius)
    {
        _powers = powers;
        _b = b;
        _log2Radius = log2Radius;
        _maxWork = Math.Abs(log2Radius) < RoundingOfRadius ? ShareAtRadiusOne * MaxWork : MaxWork;
        _workOfStep = 2.0 * powers.Size * powers.Size * b.Columns + WorkOfCall;
    }

    /// <summary>The steps First … First + 2^Level − 1, and Aᵏ B at the first of them.</summary>
    private sealed record Stretch(long First, int Level, ScaledMatrix Start)
    {
        public long Middle => First + (1L << (Level - 1));

        public long End => First + (1L << Level);
    }

    /// <summary>The first k with log₂ ‖Aᵏ B‖₂ above the bound; null where there is none up to 2^45.</summary>
    public long? FirstAbove(double log2Bound)
    {
        _work = 0.0;
        foreach (Stretch stretch in Stretches())
        {
            (long? found, Stretch? open) = FirstIn(stretch, log2Bound);
            if (found is not null)
            {
                return found;
            }
            open ??= _work > _maxWork ? stretch : null;
            if (open is not null)
            {
                return _log2Radius > 0.0 ? Onward(open, norm => norm <= log2Bound, log2Bound) + 1 : null;
            }
            if (IsLast(stretch, double.PositiveInfinity))
            {
                return null;
            }
        }
        return null;
    }

    /// <summary>The last k with log₂ ‖Aᵏ B‖₂ at or above the bound, −1 where there is none; null where it is reached up
    /// to 2^45 and beyond.</summary>
    public long? LastFrom(double log2Bound)
    {
        _work = 0.0;
        var candidates = new List<Stretch>();
        foreach (Stretch stretch in Stretches())
        {
            if (stretch.Start.Log2FrobeniusNorm - 0.5 * Math.Log2(_b.Columns) >= log2Bound)
            {
                candidates.Clear(); // it is reached here, so what lies before does not matter
            }
            candidates.Add(stretch);
            if (IsLast(stretch, log2Bound))
            {
                return LastIn(candidates, log2Bound);
            }
            if (_work > _maxWork)
            {
                return Onward(stretch, norm => norm >= log2Bound, log2Bound);
            }
        }
        return null;
    }

    /// <summary>0; 1; 2 and 3; 4 to 7; … as far as the powers are accurate, and from there on stretches of equal
    /// length.</summary>
    private IEnumerable<Stretch> Stretches()
    {
        yield return new Stretch(0, 0, _b);
        var stretch = new Stretch(1, 0, From(_b, 0));
        while (stretch.First < 1L << MatrixPowers.MaxLevel)
        {
            yield return stretch;
            _work += _workOfStep;
            bool doubles = stretch.First == 1L << stretch.Level && _powers.IsAccurate(stretch.Level + 1);
            stretch = new Stretch(
                stretch.End,
                doubles ? stretch.Level + 1 : stretch.Level,
                doubles ? From(_b, stretch.Level + 1) : From(stretch.Start, stretch.Level));
        }
    }

    /// <summary>Whether no step after a stretch exceeds what it and those before it have shown, nor reaches the
    /// bound.</summary>
    private bool IsLast(Stretch stretch, double log2Bound)
    {
        if (stretch.Start.IsZero)
        {
            return true;
        }
        double largest = stretch.Start.Log2FrobeniusNorm + _powers.Log2BoundBelow(stretch.Level);
        // A^(am + r) B with m = 2^level: Aᵐ, which makes nothing larger, with what has been seen.
        return (largest < log2Bound && _powers.IsContraction(stretch.Level)
                && (stretch.First == 1L << stretch.Level || !double.IsPositiveInfinity(log2Bound)))
            || (_log2Radius < 0.0 && largest < Log2Nothing);
    }

    private ScaledMatrix From(ScaledMatrix start, int level) => _powers.Times(_powers.Square(level), start);

    /// <returns>The first step above the bound, if any; else what has not been looked at for want of work, from its
    /// first step on.</returns>
    private (long? Found, Stretch? Open) FirstIn(Stretch stretch, double log2Bound)
    {
        if (stretch.Start.Log2FrobeniusNorm + _powers.Log2BoundBelow(stretch.Level) <= log2Bound)
        {
            return default;
        }
        if (stretch.Level == 0)
        {
            return (stretch.Start.Log2Norm > log2Bound ? stretch.First : null, null);
        }
        if ((_work += _workOfStep) > _maxWork)
        {
            return (null, stretch);
        }
        (long? found, Stretch? open) = FirstIn(stretch with { Level = stretch.Level - 1 }, log2Bound);
        return found is not null || open is not null ? (found, open) : FirstIn(SecondHalf(stretch), log2Bound);
    }

    /// <returns>The last step at or above the bound; −1 where there is none.</returns>
    private long LastIn(List<Stretch> candidates, double log2Bound)
    {
        for (int i = candidates.Count - 1; i >= 0; i--)
        {
            if (LastIn(candidates[i], log2Bound) is long found)
            {
                return found;
            }
            if (_work > _maxWork)
            {
                return Onward(candidates[0], norm => norm >= log2Bound, log2Bound);
            }
        }
        return -1;
    }

    /// <returns>The last step at or above the bound; null where there is none, or for want of work.</returns>
    private long? LastIn(Stretch stretch, double log2Bound)
    {
        if (stretch.Start.IsZero
            || stretch.Start.Log2FrobeniusNorm + _powers.Log2BoundBelow(stretch.Level) < log2Bound)
        {
            return null;
        }
        if (stretch.Level == 0)
        {
            return stretch.Start.Log2Norm >= log2Bound ? stretch.First : null;
        }
        if ((_work += _workOfStep) > _maxWork)
        {
            return null;
        }
        return LastIn(SecondHalf(stretch), log2Bound) ?? LastIn(stretch with { Level = stretch.Level - 1 }, log2Bound);
    }

    private Stretch SecondHalf(Stretch stretch) =>
        new(stretch.Middle, stretch.Level - 1, From(stretch.Start, stretch.Level - 1));

    /// <summary>The last step of those from the start of a stretch on at which something holds, by halving steps; where
    /// long steps are not accurate, by the spectral radius.</summary>
    private long Onward(Stretch from, Func<double, bool> holds, double log2Bound)
    {
        if (!_powers.IsAccurate(LevelForBisection))
        {
            double steps = (log2Bound - from.Start.Log2Norm) / _log2Radius;
            return from.First + (long)Math.Clamp(steps, 0.0, Math.ScaleB(1.0, MatrixPowers.MaxLevel));
        }
        int level = LevelForBisection;
        while (level < MatrixPowers.MaxLevel && _powers.IsAccurate(level + 1))
        {
            level++;
        }
        long k = from.First;
        ScaledMatrix at = from.Start;
        for (; level >= 0; level--)
        {
            ScaledMatrix further = From(at, level);
            while (holds(further.Log2Norm) && k < 1L << MatrixPowers.MaxLevel)
            {
                k += 1L << level;
                at = further;
                further = From(at, level);
            }
        }
        return k;
    }
}
