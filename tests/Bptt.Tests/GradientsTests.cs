// Sums, scaling and norms of gradients.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class GradientsTests
{
    private readonly Examples _examples = new(seed: 5);

    [Fact]
    public void Sums_and_scaling_work_matrix_by_matrix()
    {
        Gradients a = Random();
        Gradients b = Random();

        foreach (Gradients sum in new[] { a + b, a.Add(b), Gradients.Sum([a, b]) })
        {
            sum.Whx.Should().Be(a.Whx + b.Whx);
            sum.Whh.Should().Be(a.Whh + b.Whh);
            sum.Wqh.Should().Be(a.Wqh + b.Wqh);
        }
        foreach (Gradients product in new[] { 3.0 * a, a.Multiply(3.0) })
        {
            product.Whx.Should().Be(3.0 * a.Whx);
            product.Whh.Should().Be(3.0 * a.Whh);
            product.Wqh.Should().Be(3.0 * a.Wqh);
        }
    }

    [Fact]
    public void Nothing_that_is_given_or_read_is_shared()
    {
        Matrix<double> whh = _examples.Matrix(3, 3);
        var gradients = new Gradients(_examples.Matrix(3, 2), whh, _examples.Matrix(1, 3));
        Matrix<double> before = whh.Clone();

        whh.Clear();
        gradients.Whh.Clear();
        Gradients.Sum([gradients]).Whh.Clear();

        gradients.Whh.Should().Be(before);
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(1e200)]
    [InlineData(1e-200)]
    public void Norms_neither_overflow_nor_underflow(double scale)
    {
        var gradients = new Gradients(
            scale * Matrix<double>.Build.Dense(2, 1, [3, 4]),
            scale * Matrix<double>.Build.Dense(2, 2, [0, 12, 0, 0]),
            scale * Matrix<double>.Build.Dense(1, 2, [0, 84]));

        gradients.WhxNorm().Should().BeApproximately(5 * scale, 1e-14 * scale);
        gradients.WhhNorm().Should().BeApproximately(12 * scale, 1e-14 * scale);
        gradients.WqhNorm().Should().BeApproximately(84 * scale, 1e-13 * scale);
        gradients.GlobalNorm().Should().BeApproximately(85 * scale, 1e-13 * scale);
        gradients.ToString().Should().StartWith("Gradients (d = 1, h = 2, q = 1), norm 8");
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Non_finite_entries_are_held_and_seen(double value)
    {
        Gradients gradients = Random() + new Gradients(
            Matrix<double>.Build.Dense(3, 2), Matrix<double>.Build.Dense(3, 3), Matrix<double>.Build.Dense(1, 3, value));

        gradients.IsFinite.Should().BeFalse();
        gradients.GlobalNorm().Should().Be(value);
        Random().IsFinite.Should().BeTrue();
    }

    private Gradients Random() => new(_examples.Matrix(3, 2), _examples.Matrix(3, 3), _examples.Matrix(1, 3));
}
