// The rounding of a loss: of the library's own by their formulas, whatever is near by; of others as measured from their
// values: about right for known noise, none for smooth functions and kinks.

using Bptt.LinearAlgebra;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Verification;

public class LossNoiseTests
{
    [Theory]
    [InlineData(1e-3)]
    [InlineData(1e-6)]
    [InlineData(1e-12)]
    public void Known_noise_is_found(double size)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            int round = seed;
            double noise = LossNoise.Of(s => 1.0 + (0.3 * s) + (s * s)
                + (size * (new Random(BitConverter.DoubleToInt64Bits(s).GetHashCode() + round).NextDouble() - 0.5)));
            noise.Should().BeInRange(0.1 * size, 20.0 * size, "seed {0}", seed);
        }
    }

    /// <summary>Smooth, rounded, cancelling and noisy functions, stairs, kinks and jumps at many scales.</summary>
    [Fact]
    public void The_estimate_is_that_of_the_differences_written_out()
    {
        var functions = new List<(string Name, Func<double, double> F)>();
        for (int k = -20; k <= 20; k++)
        {
            double scale = Math.Pow(7.0, k);
            functions.Add(($"exp, {k}", s => Math.Exp(scale * s)));
            functions.Add(($"sine beside 3, {k}", s => 3.0 + Math.Sin(scale * s)));
            functions.Add(($"a root that cancels, {k}", s => Math.Sqrt(1.0 + (scale * s * s)) - 1.0));
            functions.Add(($"stairs, {k}", s => Math.Floor(scale * s)));
            functions.Add(($"stairs on a slope, {k}", s => Math.Floor(scale * s) + (0.01 * scale * s)));
            functions.Add(($"stairs on a parabola, {k}", s => Math.Round(scale * s * s)));
            functions.Add(($"a kink, {k}", s => 2.0 + Math.Abs(s - scale)));
            functions.Add(($"a jump, {k}", s => s > scale ? 1.25 : 1.0));
            functions.Add(($"finite near by, {k}", s => Math.Sqrt(scale - s)));
            int seed = k;
            functions.Add(($"noise, {k}", s =>
                1.0 + s + (scale * new Random(BitConverter.DoubleToInt64Bits(s).GetHashCode() + seed).NextDouble())));
            functions.Add(($"noise that grows, {k}", s =>
                5.0 + (scale * s * new Random(BitConverter.DoubleToInt64Bits(s).GetHashCode()).NextDouble())));
        }
        foreach ((string name, Func<double, double> f) in functions)
        {
            Near(LossNoise.Of(f), PlainNoise.Of(f), name);
            Near(LossNoise.OfSmallMoves(f), PlainNoise.OfSmallMoves(f), $"small moves, {name}");
        }

        static void Near(double actual, double expected, string name) =>
            (actual == expected || Math.Abs(actual - expected) <= 1e-12 * expected)
                .Should().BeTrue("{0}: {1:G17} as against {2:G17}", name, actual, expected);
    }

    [Fact]
    public void The_height_of_stairs_is_found_where_they_lie_on_a_parabola()
    {
        // Whole numbers of (2²⁶ s)²: at a spacing of 2⁻²⁶ differences of second order are all alike.
        double noise = LossNoise.Of(s => Math.Floor(Math.ScaleB(s, 26) * Math.ScaleB(s, 26)));
        noise.Should().BeInRange(1.0, 100.0);
    }

    [Fact]
    public void Smooth_functions_and_kinks_are_no_noise()
    {
        LossNoise.Of(_ => 3.0).Should().Be(0.0);
        LossNoise.Of(s => Math.Exp(s)).Should().BeLessThan(1e-13);
        LossNoise.Of(s => 1.0 + Math.Abs(s)).Should().BeLessThan(1e-13);
        LossNoise.Of(s => 1.0 + Math.Abs(s - 1e-7)).Should().BeLessThan(1e-5, "a kink near by counts for a little");
        LossNoise.Of(s => s == 0.0 ? 5.0 : 1.0).Should().Be(0.0, "a spike is at the point alone");
        LossNoise.OfSmallMoves(s => 2.0 + s).Should().BeInRange(1e-16, 1e-14);
        LossNoise.OfSmallMoves(s => s > 0.0 ? double.NaN : 1.0).Should().Be(double.PositiveInfinity);
    }

    /// <summary>Outputs moved by their last places change the loss by no more than its rounding, which is a few last
    /// places of its own where residuals are as large as outputs.</summary>
    [Fact]
    public void The_rounding_of_the_librarys_own_losses_bounds_what_last_places_of_the_outputs_do()
    {
        for (int seed = 0; seed < 30; seed++)
        {
            var examples = new Examples(seed);
            double scale = Math.Pow(10.0, (seed % 5 * 4) - 8);
            var forward = ForwardPass.Run(examples.Model(2, 4, 3, 0.9), scale * examples.Matrix(2, 25));
            Matrix<double> targets = forward.Outputs() + (scale * Math.Pow(0.1, seed % 3 * 5) * examples.Matrix(3, 25));
            foreach (Objective objective in (Objective[])
                [
                    Objective.SquaredError(targets), Objective.Huber(targets, 0.5 * scale),
                    Objective.CrossEntropy([.. Enumerable.Range(0, 25).Select(t => t % 3)]),
                    Objective.SquaredError(targets).WithStepWeights([.. Enumerable.Range(0, 25).Select(t => t % 2.0)]),
                ])
            {
                double loss = objective.Loss(forward);
                double rounding = LossNoise.Near(forward, objective);
                var random = new Random(seed);
                for (int i = 0; i < 20; i++)
                {
                    double[] moved = Array.ConvertAll(forward.OutputColumns.All.Values.ToArray(), value =>
                        random.Next(2) == 0 ? Math.BitIncrement(value) : Math.BitDecrement(value));
                    double change = objective.Loss(forward.WithOutputs(
                        new(forward.OutputColumns.Rows, forward.OutputColumns.Layout, moved))) - loss;
                    Math.Abs(change).Should().BeLessThanOrEqualTo(rounding, "{0}, seed {1}", objective, seed);
                }
                if (seed % 3 == 0)
                {
                    rounding.Should().BeLessThan(
                        1e3 * MachineEpsilon.OfDouble * loss, "{0}, seed {1}", objective, seed);
                }
            }
        }
    }

    /// <summary>q + 4 units for a square, q + 6 and what exponentials add for the others, of each step's loss; and what
    /// a last place of each output does.</summary>
    [Fact]
    public void The_rounding_of_the_librarys_own_losses_is_that_of_their_steps()
    {
        var examples = new Examples(seed: 12);
        int[] lengths = [6, 3];
        var forward = ForwardPass.Run(examples.Model(2, 4, 3, 0.9), examples.Batch(2, lengths));
        Func<Vector<double>, double> exponentials = o =>
        {
            double[] distances = [.. o.Select(x => o.Maximum() - x).Where(distance => distance > 0.0)];
            return 9.0 + (distances.Sum(d => d * Math.Exp(-d)) / distances.Sum(d => Math.Exp(-d)));
        };
        SequenceBatch targets = examples.Batch(3, lengths);
        double[][] weights = [[1.0, 0.0, 2.0, 0.5, 1.0, 3.0], [0.0, 1.0, 1.0]];
        foreach ((Objective plain, Func<Vector<double>, double> units) in
            new (Objective, Func<Vector<double>, double>)[]
            {
                (Objective.SquaredError(targets), _ => 7.0), (Objective.Huber(targets, 0.5), _ => 9.0),
                (Objective.CrossEntropy([[0, 1, 2, 0, 1, 2], [2, 1, 0]]), exponentials),
            })
        {
            Objective objective = plain.WithStepWeights(weights).WithNormalizer(2.0);
            double[] factors = objective.SequenceFactors(forward.Layout);
            double expected = 0.0;
            for (int b = 0; b < lengths.Length; b++)
            {
                for (int t = 1; t <= lengths[b]; t++)
                {
                    if (weights[b][t - 1] == 0.0)
                    {
                        continue;
                    }
                    double factor = weights[b][t - 1] / 2.0;
                    Vector<double> o = forward.Output(t, b);
                    double loss = objective.StepTerm(o.ToArray(), b, t, factors) / factor;
                    Vector<double> slope = BackwardThroughTime.Run(forward, objective).OutputGradient(t, b) / factor;
                    expected += factor * units(o) * MachineEpsilon.OfDouble * loss;
                    expected += factor * o.PointwiseAbs().DotProduct(slope.PointwiseAbs()) * MachineEpsilon.OfDouble;
                    expected += factor * 0.5 * o.DotProduct(o) * MachineEpsilon.OfDouble * MachineEpsilon.OfDouble;
                }
            }
            LossNoise.Near(forward, objective).Should().BeApproximately(
                expected, 1e-12 * expected, objective.ToString());
        }
    }

    /// <summary>Residuals spread around δ, where the second derivative jumps.</summary>
    [Fact]
    public void A_jump_of_the_curvature_of_Hubers_loss_near_by_is_no_noise()
    {
        for (int seed = 0; seed < 40; seed++)
        {
            var examples = new Examples(seed);
            var forward = ForwardPass.Run(examples.Model(2, 4, 3, 0.9), examples.Matrix(2, 25));
            Matrix<double> spread = Math.Pow(10.0, -1 - (seed % 8)) * examples.Matrix(3, 25);
            var objective = Objective.Huber(forward.Outputs().Subtract(0.5) + spread, delta: 0.5);
            LossNoise.Near(forward, objective).Should().BeLessThan(1e-13, "seed {0}", seed);
        }
    }
}
