// The singular values of any matrix: those of ordinary size at any scale, and an end in any case.

using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.Tests.LinearAlgebra;

public class DecompositionsTests
{
    [Theory]
    [InlineData(-900)]
    [InlineData(-300)]
    [InlineData(700)]
    [InlineData(1000)]
    public void Singular_values_scale_with_the_matrix(int exponent)
    {
        for (int seed = 0; seed < 10; seed++)
        {
            Matrix<double> matrix = new Examples(seed).Matrix(1 + (seed % 5), 4);
            Vector<double> singular = matrix.Svd().S;
            Svd<double> svd = Decompositions.Svd(matrix.Map(value => Math.ScaleB(value, exponent)));
            for (int i = 0; i < singular.Count; i++)
            {
                Math.ScaleB(svd.S[i], -exponent).Should().BeApproximately(
                    singular[i], 1e-14 * singular[0], "seed {0}", seed);
            }
        }
    }

    /// <summary>MathNet's own iteration does not end on such a matrix.</summary>
    [Fact]
    public void Entries_of_every_size_have_an_end()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var matrix = Matrix<double>.Build.Dense(
                7, 7, (_, _) => Math.Pow(10.0, (600.0 * random.NextDouble()) - 300.0));
            Svd<double>? svd = null;
            var work = new Thread(() => svd = Decompositions.Svd(matrix)) { IsBackground = true };
            work.Start();
            work.Join(TimeSpan.FromSeconds(60)).Should().BeTrue("seed {0} ends", seed);
            svd!.S[0].Should().BeGreaterThanOrEqualTo(matrix.Enumerate().Max() * (1.0 - 1e-12), "seed {0}", seed);
        }
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.MaxValue)]
    public void What_has_no_finite_singular_values_is_refused(double value)
    {
        var matrix = Matrix<double>.Build.Dense(3, 3, value);
        matrix.Invoking(Decompositions.Svd).Should().Throw<ArithmeticException>().WithMessage("*3×3 matrix*");
    }
}
