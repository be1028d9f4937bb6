// Random starts: reproducible, and of the spectrum that they promise.

using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Training;

public class InitializerTests
{
    [Theory]
    [InlineData(1, 1.0)]
    [InlineData(5, 0.9)]
    [InlineData(16, 1.3)]
    public void The_hidden_weights_are_a_scaled_orthogonal_matrix(int h, double radius)
    {
        Matrix<double> whh = Initializer.Orthogonal(2, h, 3, seed: 7, radius).Whh;
        Matrix<double> gram = whh.TransposeThisAndMultiply(whh);
        (gram - radius * radius * Matrix<double>.Build.DenseIdentity(h)).FrobeniusNorm().Should().BeLessThan(1e-13 * h);
    }

    [Fact]
    public void The_same_seed_gives_the_same_model_and_another_seed_another()
    {
        LinearRnn model = Initializer.Orthogonal(2, 4, 3, seed: 7);
        LinearRnn same = Initializer.Orthogonal(2, 4, 3, seed: 7);
        LinearRnn other = Initializer.Orthogonal(2, 4, 3, seed: 8);

        (same.Whx, same.Whh, same.Wqh).Should().Be((model.Whx, model.Whh, model.Wqh));
        other.Whx.Should().NotBe(model.Whx);
        other.Whh.Should().NotBe(model.Whh);
        other.Wqh.Should().NotBe(model.Wqh);
    }

    [Fact]
    public void Input_and_output_weights_fill_the_range_of_Glorot()
    {
        LinearRnn model = Initializer.Orthogonal(20, 40, 10, seed: 1);
        double inputBound = Math.Sqrt(6.0 / 60);
        double outputBound = Math.Sqrt(6.0 / 50);
        model.Whx.Enumerate().Max(Math.Abs).Should().BeInRange(0.95 * inputBound, inputBound);
        model.Wqh.Enumerate().Max(Math.Abs).Should().BeInRange(0.95 * outputBound, outputBound);
        Math.Abs(model.Whx.Enumerate().Average()).Should().BeLessThan(0.1 * inputBound);
    }

    [Fact]
    public void Orthogonal_matrices_come_from_the_Haar_measure()
    {
        // Under the Haar measure an entry has mean 0 and mean square 1/h, and both signs of the determinant occur alike.
        const int draws = 2000;
        double sum = 0.0;
        double squares = 0.0;
        int reflections = 0;
        for (int seed = 0; seed < draws; seed++)
        {
            Matrix<double> q = Initializer.Orthogonal(1, 3, 1, seed).Whh;
            sum += q[0, 0];
            squares += q[0, 0] * q[0, 0];
            reflections += q.Determinant() < 0 ? 1 : 0;
        }
        (sum / draws).Should().BeApproximately(0.0, 0.05);
        (squares / draws).Should().BeApproximately(1.0 / 3.0, 0.03);
        ((double)reflections / draws).Should().BeApproximately(0.5, 0.05);
    }
}
