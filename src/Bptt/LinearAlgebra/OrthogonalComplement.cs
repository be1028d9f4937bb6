// The directions that are orthogonal to given ones. Knows no model.

namespace Bptt.LinearAlgebra;

/// <summary>By Householder reflections (Golub &amp; Van Loan, <i>Matrix Computations</i>, 5.2): the reflections that
/// make the given columns triangular, applied to the unit vectors that they leave over.</summary>
internal static class OrthogonalComplement
{
    /// <summary>A column counts as a combination of those before it where so little of it is left.</summary>
    private const double Dependent = 1e-9;

    /// <summary>An orthonormal basis of the complement of the span of some columns. Cost 2n·c², and 4n·c for each
    /// vector of the basis.</summary>
    /// <param name="columns">n×c, side by side; overwritten.</param>
    /// <param name="rows">n.</param>
    /// <returns>n×(n − rank), side by side, where columns that depend on others to about nine digits do not count for
    /// the rank.</returns>
    public static double[] Of(double[] columns, int rows)
    {
        int count = columns.Length / rows;
        double[] sizes = new double[count];
        for (int j = 0; j < count; j++)
        {
            sizes[j] = VectorMath.Norm(Column(j));
        }
        var reflectors = new List<(int Top, int Column)>();
        for (int j = 0; j < count && reflectors.Count < rows; j++)
        {
            int top = reflectors.Count;
            Span<double> reflector = Column(j)[top..];
            double norm = VectorMath.Norm(reflector);
            if (!(norm > Dependent * sizes[j]))
            {
                continue;
            }
            // v with I − v vᵀ the reflection that takes the column to a multiple of the first unit vector
            double first = reflector[0];
            reflector[0] = first + Math.CopySign(norm, first);
            VectorMath.Scale(1.0 / Math.Sqrt(norm * (norm + Math.Abs(first))), reflector);
            reflectors.Add((top, j));
            for (int k = j + 1; k < count; k++)
            {
                Reflect(reflector, Column(k)[top..]);
            }
        }
        int rank = reflectors.Count;
        double[] basis = new double[(long)rows * (rows - rank)];
        for (int i = 0; i < rows - rank; i++)
        {
            Span<double> vector = basis.AsSpan(i * rows, rows);
            vector[rank + i] = 1.0;
            for (int r = rank - 1; r >= 0; r--)
            {
                (int top, int column) = reflectors[r];
                Reflect(Column(column)[top..], vector[top..]);
            }
        }
        return basis;

        Span<double> Column(int j) => columns.AsSpan(j * rows, rows);
    }

    private static void Reflect(ReadOnlySpan<double> reflector, Span<double> vector) =>
        VectorMath.AddScaled(-VectorMath.Dot(reflector, vector), reflector, vector);
}
