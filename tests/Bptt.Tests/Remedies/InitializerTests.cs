// Random starts: reproducible, and of the spectrum that they promise.

using Bptt.Diagnostics;
using Bptt.Optimization;
using Bptt.Remedies;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Remedies;

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

    public static TheoryData<string> Names => ["Orthogonal", "Gaussian", "ScaledIdentity", "Oscillators"];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_same_seed_gives_the_same_model_and_another_seed_another(string name)
    {
        LinearRnn model = Make(name, seed: 7);
        LinearRnn same = Make(name, seed: 7);
        LinearRnn other = Make(name, seed: 8);

        (same.Whx, same.Whh, same.Wqh).Should().Be((model.Whx, model.Whh, model.Wqh));
        other.Whx.Should().NotBe(model.Whx);
        other.Wqh.Should().NotBe(model.Wqh);
        if (name is "Orthogonal" or "Gaussian")
        {
            other.Whh.Should().NotBe(model.Whh);
        }
        (model.InputSize, model.HiddenSize, model.OutputSize).Should().Be((2, 5, 3));
    }

    [Theory]
    [InlineData(1, 1e-3)]
    [InlineData(2, 1.0)]
    [InlineData(7, 0.9)]
    [InlineData(40, 1.3)]
    public void A_Gaussian_matrix_has_exactly_the_given_radius(int h, double radius)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var spectrum = Spectrum.Of(Initializer.Gaussian(1, h, 1, seed, radius));
            spectrum.SpectralRadius.Should().BeApproximately(radius, 1e-11 * radius, "seed {0}", seed);
            spectrum.Norm.Should().BeLessThan(10.1 * Math.Sqrt(h) * radius, "seed {0}", seed);
        }
    }

    [Fact]
    public void The_eigenvalues_of_a_Gaussian_matrix_fill_the_disc()
    {
        // By the circular law a quarter of them lies within half the radius.
        var spectrum = Spectrum.Of(Initializer.Gaussian(1, 200, 1, seed: 4, spectralRadius: 2.0));
        spectrum.Modes.Count(mode => mode.Magnitude < 1.0).Should().BeInRange(35, 75);
        Initializer.Gaussian(1, 200, 1, seed: 4).Whh.Enumerate().Average().Should().BeApproximately(0, 1e-3);
    }

    [Fact]
    public void The_hidden_weights_are_a_multiple_of_the_identity()
    {
        Initializer.ScaledIdentity(2, 3, 1, seed: 1).Whh.Should().Be(Matrix<double>.Build.DenseIdentity(3));
        Initializer.ScaledIdentity(2, 4, 1, 1, 0.01).Whh.Should().Be(0.01 * Matrix<double>.Build.DenseIdentity(4));
    }

    [Fact]
    public void From_the_identity_gradient_descent_never_leaves_d_plus_q_dimensions_and_Adam_does()
    {
        const int d = 1, q = 1, h = 8;
        var examples = new Examples(seed: 17);
        SequenceBatch inputs = examples.Batch(d, 30, 20);
        var objective = Objective.SquaredError(examples.Batch(q, 30, 20));
        LinearRnn descent = Initializer.ScaledIdentity(d, h, q, seed: 2, scale: 0.9);
        LinearRnn adaptive = descent;
        var adam = new Adam(1e-2);
        for (int i = 0; i < 30; i++)
        {
            Gradients g = Gradient(descent);
            descent = new LinearRnn(
                descent.Whx - (0.02 * g.Whx), descent.Whh - (0.02 * g.Whh), descent.Wqh - (0.02 * g.Wqh));
            adaptive = adam.Step(adaptive, Gradient(adaptive));
        }
        Vector<double> moved = Moved(descent);
        moved[0].Should().BeGreaterThan(1e-3);
        moved[d + q].Should().BeLessThan(1e-14);
        Moved(adaptive)[d + q].Should().BeGreaterThan(1e-3);

        Gradients Gradient(LinearRnn model) =>
            BackwardThroughTime.Run(ForwardPass.Run(model, inputs), objective).Gradients;

        static Vector<double> Moved(LinearRnn model) =>
            (model.Whh - (0.9 * Matrix<double>.Build.DenseIdentity(h))).Svd().S;
    }

    [Fact]
    public void Oscillators_swing_with_their_periods()
    {
        LinearRnn model = Initializer.Oscillators(2, 5, 3, seed: 1, spectralRadius: 0.5, periods: [4.0, 2.0]);
        model.Whh.Should().Be(Matrix<double>.Build.DenseOfArray(new[,]
        {
            { 0, -0.5, 0, 0, 0 },
            { 0.5, 0, 0, 0, 0 },
            { 0, 0, -0.5, 0, 0 },
            { 0, 0, 0, -0.5, 0 },
            { 0, 0, 0, 0, 0.5 },
        }));

        double[] periods = [7.3, 50.0, 1000.0];
        model = Initializer.Oscillators(1, 6, 1, seed: 1, spectralRadius: 0.99, periods);
        double[] found = [.. Spectrum.Of(model).Modes.Where(mode => mode.Eigenvalue.Imaginary > 0)
            .Select(mode => 2 * Math.PI / mode.Eigenvalue.Phase).Order()];
        found.Should().HaveCount(3);
        found.Zip(periods).Should().OnlyContain(pair => Math.Abs(pair.First / pair.Second - 1) < 1e-10);
        Spectrum.Of(model).Modes.Should().OnlyContain(mode => Math.Abs(mode.Magnitude - 0.99) < 1e-14);

        Initializer.Oscillators(1, 1, 1, seed: 1, spectralRadius: 0.7, periods: []).Whh[0, 0].Should().Be(0.7);
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
        // Under the Haar measure an entry has mean 0 and mean square 1/h, and both signs of the determinant occur
        // alike.
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

    private static LinearRnn Make(string name, int seed) => name switch
    {
        "Orthogonal" => Initializer.Orthogonal(2, 5, 3, seed),
        "Gaussian" => Initializer.Gaussian(2, 5, 3, seed),
        "ScaledIdentity" => Initializer.ScaledIdentity(2, 5, 3, seed),
        _ => Initializer.Oscillators(2, 5, 3, seed, 1.0, [10.0, 20.0]),
    };
}
