// The shortest of all best solutions.

using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.LinearAlgebra;

public class LeastSquaresTests
{
    private readonly Examples _examples = new(seed: 2800);

    [Fact]
    public void What_columns_that_are_the_same_do_together_is_shared()
    {
        Matrix<double> a = _examples.Matrix(6, 3);
        a.SetColumn(1, a.Column(0));
        Matrix<double> b = 4 * a.Column(0).ToColumnMatrix() + 3 * a.Column(2).ToColumnMatrix();

        (LeastSquares.Shortest(a, b) - Matrix<double>.Build.Dense(3, 1, [2, 2, 3])).InfinityNorm()
            .Should().BeLessThan(1e-13);
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(9, 4, 3)]
    [InlineData(3, 7, 2)]
    public void The_rest_is_orthogonal_to_the_columns_and_the_solution_to_what_they_do_not_see(
        int rows, int unknowns, int rightSides)
    {
        Matrix<double> a = _examples.Matrix(rows, unknowns);
        Matrix<double> b = _examples.Matrix(rows, rightSides);

        Matrix<double> x = LeastSquares.Shortest(a, b);

        a.TransposeThisAndMultiply((a * x) - b).InfinityNorm().Should().BeLessThan(1e-13);
        foreach (Vector<double> unseen in a.Kernel())
        {
            (unseen * x).InfinityNorm().Should().BeLessThan(1e-13);
        }
    }

    [Fact]
    public void Columns_of_zeros_and_of_rounding_get_nothing()
    {
        Matrix<double> a = _examples.Matrix(5, 2);
        Matrix<double> b = _examples.Matrix(5, 1);
        LeastSquares.Shortest(0 * a, b).InfinityNorm().Should().Be(0);

        a.SetColumn(1, 1e-14 * a.Column(1));
        LeastSquares.Shortest(a, b)[1, 0].Should().BeApproximately(0.0, 1e-9);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(7, false)]
    [InlineData(7, true)]
    [InlineData(40, true)]
    public void Of_a_triangle_it_is_the_same_whether_columns_depend_on_each_other_or_not(int unknowns, bool depends)
    {
        Matrix<double> r = _examples.Matrix(unknowns, unknowns).UpperTriangle()
            + 3.0 * Matrix<double>.Build.DenseIdentity(unknowns);
        if (depends)
        {
            r.SetColumn(unknowns - 1, 0.5 * r.Column(1));
        }
        Matrix<double> b = _examples.Matrix(unknowns, 2);

        Matrix<double> x = LeastSquares.ShortestOfTriangle(r, b);

        Matrix<double> wanted = LeastSquares.Shortest(r, b);
        (x - wanted).FrobeniusNorm().Should().BeLessThan(1e-9 * wanted.FrobeniusNorm(), "seed 2800");
    }

    [Fact]
    public void A_triangle_that_is_all_but_singular_though_no_entry_of_its_diagonal_is_small_gives_no_large_solution()
    {
        // Kahan's: each diagonal entry is far larger than the smallest singular value.
        const int n = 90;
        double sine = Math.Sin(1.2);
        var r = Matrix<double>.Build.Dense(n, n, (i, j) => j < i ? 0.0
            : Math.Pow(sine, i) * (i == j ? 1.0 : -Math.Cos(1.2)));
        Matrix<double> b = _examples.Matrix(n, 1);

        Matrix<double> wanted = LeastSquares.Shortest(r, b);

        (LeastSquares.ShortestOfTriangle(r, b) - wanted).FrobeniusNorm()
            .Should().BeLessThan(1e-3 * wanted.FrobeniusNorm(), "seed 2800");
    }
}
