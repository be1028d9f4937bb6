// How finely numbers of type double are spaced, said once. Says nothing of how the errors of many operations add up.

namespace Bptt.LinearAlgebra;

internal static class MachineEpsilon
{
    /// <summary>ε = 2⁻⁵², the distance from 1 to the next larger double. One operation rounds by at most half of it,
    /// the unit roundoff u = ε/2 = 2⁻⁵³, relative to its result; bounds of many operations are multiples of
    /// ε.</summary>
    public const double OfDouble = 1.0 / (1L << 52);
}
