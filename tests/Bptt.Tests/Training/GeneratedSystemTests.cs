// Learning generated systems by gradient descent, after Hardt, Ma & Recht (2018, "Gradient descent learns linear
// dynamical systems"): plain descent blows up; projected and clipped descent do not.

using System.Numerics;
using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests.Training;

public class GeneratedSystemTests(ITestOutputHelper output)
{
    private const double Rate = 0.03;

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(5)]
    public void Plain_descent_blows_up_where_projected_descent_learns_and_clipped_descent_learns_most(int seed)
    {
        (double plain, double projected, double clipped) = Compare(seed, epochs: 8);

        plain.Should().Be(double.PositiveInfinity, $"seed {seed}");
        projected.Should().BeLessThan(0.15, $"seed {seed}");
        clipped.Should().BeLessThan(projected, $"seed {seed}");
        clipped.Should().BeLessThan(0.02, $"seed {seed}");
    }

    [Fact]
    [Trait("Category", "Long")]
    public void The_same_order_holds_over_many_systems()
    {
        const int systems = 20;
        (double Plain, double Projected, double Clipped)[] losses =
            [.. Enumerable.Range(1, systems).Select(seed => Compare(seed, epochs: 40))];

        output.WriteLine($"Blown up: plain {losses.Count(l => l.Plain == double.PositiveInfinity)} of {systems}.");
        output.WriteLine($"Median of the best loss, of the first: projected {Median(l => l.Projected):0.0e+0}, "
            + $"clipped {Median(l => l.Clipped):0.0e+0}.");
        output.WriteLine($"Clipped below projected: {losses.Count(l => l.Clipped < l.Projected)} of {systems}.");
        losses.Count(l => l.Plain == double.PositiveInfinity).Should().BeGreaterThan(systems / 2);
        losses.Should().AllSatisfy(l => l.Clipped.Should().BeLessThan(1.0))
            .And.AllSatisfy(l => l.Projected.Should().BeLessThan(1.0));
        Median(l => l.Clipped).Should().BeLessThan(0.5 * Median(l => l.Projected));
        losses.Count(l => l.Clipped < l.Projected).Should().BeGreaterThan(systems / 2);

        double Median(Func<(double Plain, double Projected, double Clipped), double> of) =>
            losses.Select(of).Order().ElementAt(systems / 2);
    }

    /// <summary>The best loss as a fraction of the first, of three descents at the same rate; infinite where it blew
    /// up.</summary>
    private static (double Plain, double Projected, double Clipped) Compare(int seed, int epochs)
    {
        return (
            Of(Train(seed, epochs, null, [])),
            Of(Train(seed, epochs, null, [new SpectralRadiusConstraint(0.95)])),
            Of(Train(seed, epochs, new GlobalNormClipping(1.0), [])));

        static double Of(TrainingResult result) => result.StopReason == StopReason.NonFinite
            ? double.PositiveInfinity
            : result.BestLoss / result.History[0].Loss;
    }

    /// <summary>White noise into a single-input single-output system of order 20 in companion form, with roots within
    /// 0.95; training starts from another one with roots within 0.5.</summary>
    private static TrainingResult Train(
        int seed, int epochs, GradientClipping? clipping, WeightConstraint[] constraints)
    {
        const int order = 20;
        const int steps = 500;
        const int sequences = 10;
        var random = new Random(seed);
        LinearRnn truth = Companion(order, 0.95, random);
        LinearRnn start = Companion(order, 0.5, random);
        var inputs = SequenceBatch.Pack([.. Enumerable.Range(0, sequences).Select(_ => Noise(steps, random))]);
        SequenceBatch raw = ForwardPass.Run(truth, inputs).OutputBatch();
        double scale = Math.Sqrt(
            Enumerable.Range(0, sequences).Average(b => raw.Sequence(b).Enumerate().Average(y => y * y)));
        var targets = SequenceBatch.Pack([.. Enumerable.Range(0, sequences).Select(b => raw.Sequence(b) / scale)]);
        return Trainer.Run(start, inputs, Objective.SquaredError(targets), new TrainerOptions
        {
            Optimizer = new Sgd(Rate),
            BatchSize = 1,
            Clipping = clipping,
            Constraints = constraints,
            MaxEpochs = epochs,
        });
    }

    private static Matrix<double> Noise(int steps, Random random) => Matrix<double>.Build.Dense(1, steps, (_, _) =>
        Math.Sqrt(-2.0 * Math.Log(1.0 - random.NextDouble())) * Math.Cos(2.0 * Math.PI * random.NextDouble()));

    private static LinearRnn Companion(int order, double radius, Random random)
    {
        Complex[] polynomial = [1.0];
        for (int i = 0; i < order / 2; i++)
        {
            var root = Complex.FromPolarCoordinates(
                radius * Math.Sqrt(random.NextDouble()), Math.PI * random.NextDouble());
            polynomial = Times(Times(polynomial, root), Complex.Conjugate(root));
        }
        var whh = Matrix<double>.Build.Dense(
            order, order, (i, j) => i == order - 1 ? -polynomial[j].Real : j == i + 1 ? 1.0 : 0.0);
        var whx = Matrix<double>.Build.Dense(order, 1, (i, _) => i == order - 1 ? 1.0 : 0.0);
        var wqh = Matrix<double>.Build.Dense(1, order, (_, _) => random.NextDouble() - 0.5);
        return new LinearRnn(whx, whh, wqh);
    }

    /// <summary>Coefficients from the constant one up, times (z − root).</summary>
    private static Complex[] Times(Complex[] polynomial, Complex root)
    {
        var product = new Complex[polynomial.Length + 1];
        for (int i = 0; i < polynomial.Length; i++)
        {
            product[i] -= root * polynomial[i];
            product[i + 1] += polynomial[i];
        }
        return product;
    }
}
