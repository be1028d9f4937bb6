// How finely floating-point numbers are spaced, said once. Says nothing of how the errors of many operations add up.

namespace Bptt.LinearAlgebra;

internal static class MachineEpsilon
{
    /// <summary>ε = 2⁻⁵², the distance from 1 to the next larger double. One operation rounds by at most half of it,
    /// the unit roundoff u = ε/2 = 2⁻⁵³, relative to its result; bounds of many operations are multiples of
    /// ε.</summary>
    public const double OfDouble = 1.0 / (1L << 52);

    /// <summary>The same of single precision: 2⁻²³.</summary>
    public const double OfFloat = 1.0 / (1L << 23);

    /// <summary>ε of a type of numbers.</summary>
    public static double Of<TReal>() => typeof(TReal) == typeof(float) ? OfFloat : OfDouble;
}
