// The complement is orthonormal, orthogonal to what was given, and as large as the rank leaves it.

using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.LinearAlgebra;

public class OrthogonalComplementTests
{
    private readonly Examples _examples = new(seed: 72);

    [Theory]
    [InlineData(1, 0, 0)]
    [InlineData(1, 1, 1)]
    [InlineData(7, 3, 3)]
    [InlineData(7, 7, 7)]
    [InlineData(9, 6, 4)]
    [InlineData(4, 9, 2)]
    [InlineData(5, 3, 0)]
    public void It_completes_the_space(int n, int columns, int rank)
    {
        Matrix<double> given = rank == 0
            ? Matrix<double>.Build.Dense(n, Math.Max(1, columns))
            : _examples.Matrix(n, rank) * _examples.Matrix(rank, columns);
        double[] entries = columns == 0 ? [] : given.ToColumnMajorArray();
        double[] basis = OrthogonalComplement.Of(entries, n);
        basis.Length.Should().Be(n * (n - rank), $"{_examples}");
        if (basis.Length > 0)
        {
            Matrix<double> q = Matrix<double>.Build.Dense(n, n - rank, basis);
            (q.Transpose() * q - Matrix<double>.Build.DenseIdentity(n - rank)).FrobeniusNorm()
                .Should().BeLessThan(1e-14, $"{_examples}");
            (given.Transpose() * q).FrobeniusNorm()
                .Should().BeLessThanOrEqualTo(1e-13 * given.FrobeniusNorm(), $"{_examples}");
        }
    }
}
