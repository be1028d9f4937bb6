// The triangle of many rows: what is left of them does not depend on how they came, and what is read off it is right.

using Bptt.LinearAlgebra;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.LinearAlgebra;

public class TriangularFactorTests
{
    private readonly Examples _examples = new(seed: 2810);

    /// <summary>Fewer rows than unknowns, as many, more than a block holds, and more unknowns than rows in a
    /// block.</summary>
    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(3, 1, 2)]
    [InlineData(5, 2, 5)]
    [InlineData(7, 3, 700)]
    [InlineData(301, 2, 517)]
    public void Rows_that_come_one_by_one_leave_what_the_whole_matrix_leaves(int unknowns, int rightSides, int count)
    {
        Matrix<double> a = _examples.Matrix(count, unknowns);
        Matrix<double> all = rightSides == 0 ? a : a.Append(_examples.Matrix(count, rightSides));
        var factor = new TriangularFactor(unknowns, rightSides);
        AddRows(factor, all);

        Matrix<double> triangle = factor.Triangle();

        triangle.StrictlyLowerTriangle().FrobeniusNorm().Should().Be(0);
        Distance(triangle.TransposeThisAndMultiply(triangle), a.TransposeThisAndMultiply(a)).Should().BeLessThan(1e-13);
        if (rightSides > 0)
        {
            Matrix<double> b = all.SubMatrix(0, count, unknowns, rightSides);
            Distance(triangle.TransposeThisAndMultiply(factor.RightSides()), a.TransposeThisAndMultiply(b))
                .Should().BeLessThan(1e-13);
        }
    }

    [Fact]
    public void Blocks_leave_what_their_rows_leave_one_by_one()
    {
        const int n = 6;
        Matrix<double> all = _examples.Matrix(90, n + 1);
        var byRows = new TriangularFactor(n);
        AddRows(byRows, all);
        var byBlocks = new TriangularFactor(n);
        for (int first = 0; first < 90; first += 45)
        {
            byBlocks.Add(all.SubMatrix(first, 45, 0, n + 1).ToColumnMajorArray(), 45);
        }

        // Only the sign of a row is open.
        Distance(byBlocks.Triangle().PointwiseAbs(), byRows.Triangle().PointwiseAbs()).Should().BeLessThan(1e-13);
        Distance(byBlocks.ShortestSolution(), byRows.ShortestSolution()).Should().BeLessThan(1e-12);
    }

    [Fact]
    public void The_solution_of_many_rows_is_orthogonal_to_what_it_leaves()
    {
        Matrix<double> a = _examples.Matrix(333, 5);
        Matrix<double> b = _examples.Matrix(333, 2);
        var factor = new TriangularFactor(5, rightSides: 2);
        AddRows(factor, a.Append(b));

        Matrix<double> rest = (a * factor.ShortestSolution()) - b;

        a.TransposeThisAndMultiply(rest).FrobeniusNorm()
            .Should().BeLessThan(1e-13 * a.TransposeThisAndMultiply(b).FrobeniusNorm());
    }

    [Theory]
    [InlineData(1, 9)]
    [InlineData(4, 2)]
    [InlineData(5, 37)]
    public void Few_columns_have_the_outer_product_of_many(int rows, int count)
    {
        // Rows of very different size keep their own digits.
        Matrix<double> columns = Matrix<double>.Build.DenseOfDiagonalVector(
            Vector<double>.Build.Dense(rows, i => Math.Pow(10.0, -3 * i))) * _examples.Matrix(rows, count);

        var few = Matrix<double>.Build.Dense(
            rows, rows, TriangularFactor.OuterFactorOf(columns.ToColumnMajorArray(), rows));

        Matrix<double> expected = columns.TransposeAndMultiply(columns);
        Matrix<double> actual = few.TransposeAndMultiply(few);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < rows; j++)
            {
                double size = Math.Sqrt(expected[i, i] * expected[j, j]);
                actual[i, j].Should().BeApproximately(expected[i, j], 1e-13 * size);
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_damped_step_solves_its_system_as_often_as_it_is_asked(bool hasOtherGradient)
    {
        const int n = 7;
        Matrix<double> a = _examples.Matrix(41, n);
        a.SetColumn(3, a.Column(5)); // without damping there would be no one solution
        Vector<double> b = _examples.Vector(41);
        Vector<double> gradient = a.TransposeThisAndMultiply(b);
        gradient = hasOtherGradient ? gradient + _examples.Vector(n) : gradient;
        var factor = new TriangularFactor(n);
        AddRows(factor, a.Append(b.ToColumnMatrix()));

        foreach (double damping in new[] { 1e-3, 10.0, 1e-3 })
        {
            double[] step = new double[n];
            factor.Solve(damping, hasOtherGradient ? gradient.AsArray() : [], step);

            Matrix<double> system = a.TransposeThisAndMultiply(a)
                + (damping * Matrix<double>.Build.DenseIdentity(n));
            Vector<double> solution = Vector<double>.Build.DenseOfArray(step);
            ((system * solution) + gradient).L2Norm().Should().BeLessThan(
                1e-15 * (system.FrobeniusNorm() * solution.L2Norm() + gradient.L2Norm()), "λ = {0}", damping);
        }
    }

    [Fact]
    public void A_cleared_factor_has_seen_nothing()
    {
        var factor = new TriangularFactor(3);
        AddRows(factor, _examples.Matrix(300, 4));
        LargestEntry(factor).Should().BeGreaterThan(1.0);

        factor.Clear();
        LargestEntry(factor).Should().Be(0.0);
        AddRows(factor, _examples.Matrix(2, 4));
        factor.Clear();
        factor.SetDiagonal(1, 2.0, 6.0);

        LargestEntry(factor).Should().Be(2.0);
        factor.ShortestSolution().Column(0).Should().Equal(0.0, 3.0, 0.0);
    }

    [Fact]
    public void A_row_is_that_of_the_triangle()
    {
        var factor = new TriangularFactor(4);
        AddRows(factor, _examples.Matrix(50, 5));
        Matrix<double> triangle = factor.Triangle();
        for (int i = 0; i < 4; i++)
        {
            factor.Row(i).ToArray().Should().Equal(triangle.Row(i));
        }
    }

    private static double LargestEntry(TriangularFactor factor) => factor.Triangle().Enumerate().Max(Math.Abs);

    private static void AddRows(TriangularFactor factor, Matrix<double> rows)
    {
        foreach (Vector<double> row in rows.EnumerateRows())
        {
            factor.Add(row.AsArray());
        }
    }

    private static double Distance(Matrix<double> actual, Matrix<double> expected) =>
        RelativeError.Frobenius(actual.ToArray(), expected.ToArray());
}
