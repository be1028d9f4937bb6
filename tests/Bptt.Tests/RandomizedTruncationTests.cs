// Random cuts: the gradient of each draw by definition, and the mean and variance over all draws by counting them out.
//
//   ∂L/∂h_t = f_t W_hhᵀ ∂L/∂h_{t+1} + u_t,  f_t = 0 with probability c = 1/k, otherwise 1/(1 − c);  f_0 = 1

using Bptt.Edge;
using Bptt.Tests.Reference;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests;

public class RandomizedTruncationTests(ITestOutputHelper output)
{
    [Fact]
    public void Each_draw_is_that_of_the_definition_in_every_way()
    {
        var worst = new WorstError();
        for (int seed = 0; seed < 12; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            int[] lengths = Array.ConvertAll(scenario.Problem.Inputs, inputs => inputs.GetLength(1));
            Truncation truncation = Truncation.Randomized(2 + (seed % 4), seed).WithDraw(3 * seed);
            foreach (Way way in Ways.InBothPrecisions)
            {
                ForwardPass forward = scenario.Problem.RunForward(way.For(scenario.Problem.HiddenSize, lengths));
                var backward = BackwardThroughTime.Run(
                    forward,
                    scenario.Objective,
                    LibraryConversions.Options(scenario.FinalStateGradients) with { Truncation = truncation });
                var own = new WorstError();
                own.Add(
                    backward.ToArrays(),
                    ByDefinition(backward, t => Factor(truncation.CutsAfter(t), truncation.Steps)),
                    $"{scenario.Settings}, {truncation}");
                worst.Add(own, way);
            }
        }
        output.WriteLine($"Worst relative error: {worst}");
        worst.Value.Should().BeLessThan(1e-12, worst.Where);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void The_mean_over_all_draws_is_the_full_gradient(int meanSteps)
    {
        BackwardThroughTime full = Small();
        (double[] mean, _, _) = Moments(full, meanSteps);
        double[] expected = Entries(full.ToArrays());
        for (int i = 0; i < mean.Length; i++)
        {
            mean[i].Should().BeApproximately(expected[i], 1e-12, "entry {0}", i);
        }
    }

    [Fact]
    public void The_mean_over_N_draws_nears_the_full_gradient_as_the_variance_says()
    {
        const int meanSteps = 3, seed = 20;
        BackwardThroughTime full = Small();
        ForwardPass forward = full.Forward;
        var outputGradients = SequenceBatch.Pack([full.OutputGradients(0), full.OutputGradients(1)]);
        double[] expected = Entries(full.ToArrays());
        (_, double[] variance, double[] fourth) = Moments(full, meanSteps);
        int hidden = forward.Model.HiddenSize * (forward.Model.HiddenSize + forward.Model.InputSize);
        variance.Take(hidden)
            .Should().OnlyContain(v => v > 1e-8, "every weight before the states has gradients that are cut");

        var options = new BackwardOptions { Truncation = Truncation.Randomized(meanSteps, seed) };
        double[] sum = new double[expected.Length];
        double[] squares = new double[expected.Length];
        int draws = 0;
        double worst = 0.0;
        foreach (int n in new[] { 100, 1000, 5000, 20_000 })
        {
            for (; draws < n; draws++)
            {
                var run = BackwardThroughTime.Run(
                    forward, outputGradients, options with { Truncation = options.Truncation!.WithDraw(draws) });
                double[] entries = WeightEntries(run);
                for (int i = 0; i < entries.Length; i++)
                {
                    double distance = entries[i] - expected[i];
                    sum[i] += distance;
                    squares[i] += distance * distance;
                }
            }
            for (int i = 0; i < WeightEntries(full).Length; i++)
            {
                double error = Math.Abs(sum[i] / n);
                double deviation = Math.Sqrt(variance[i] / n);
                error.Should().BeLessThanOrEqualTo(
                    4.5 * deviation + 1e-13, "seed {0}, entry {1}, {2} draws", seed, i, n);
                Math.Abs(squares[i] / n - variance[i]).Should().BeLessThanOrEqualTo(
                    4.5 * Math.Sqrt(Math.Max(0.0, fourth[i] - variance[i] * variance[i]) / n) + 1e-13,
                    "seed {0}, entry {1}, {2} draws",
                    seed,
                    i,
                    n);
                worst = Math.Max(worst, deviation > 0 ? error / deviation : 0.0);
            }
        }
        output.WriteLine($"Worst mean over N draws: {worst:F2} standard deviations from the full gradient");
    }

    [Fact]
    public void Cuts_are_independent_of_each_other_over_steps_draws_and_seeds()
    {
        // Every pattern of cuts after five neighbours of a three-dimensional grid must come as often as its
        // probability.
        const int n = 20_000;
        foreach (string along in new[] { "steps", "draws", "seeds", "seeds and draws together" })
        {
            int[] counts = new int[32];
            for (int i = 0; i < n; i++)
            {
                int pattern = 0;
                for (int j = 0; j < 5; j++)
                {
                    Truncation truncation = along switch
                    {
                        "steps" => Truncation.Randomized(3, seed: 7).WithDraw(i),
                        "draws" => Truncation.Randomized(3, seed: i).WithDraw(j),
                        "seeds" => Truncation.Randomized(3, seed: j - 2).WithDraw(i),
                        _ => Truncation.Randomized(3, seed: j).WithDraw(i + 5 - j),
                    };
                    pattern |= truncation.CutsAfter(along == "steps" ? j + 1 : 9) ? 1 << j : 0;
                }
                counts[pattern]++;
            }
            double chiSquare = 0.0;
            for (int pattern = 0; pattern < 32; pattern++)
            {
                int cuts = int.PopCount(pattern);
                double expected = n * Math.Pow(1.0 / 3, cuts) * Math.Pow(2.0 / 3, 5 - cuts);
                chiSquare += (counts[pattern] - expected) * (counts[pattern] - expected) / expected;
            }
            chiSquare.Should().BeInRange(
                31 - (4.5 * Math.Sqrt(62)), 31 + (4.5 * Math.Sqrt(62)), "of 31 degrees of freedom, along {0}", along);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(10)]
    [InlineData(1000)]
    public void Cuts_come_every_k_steps_on_average(int meanSteps)
    {
        var truncation = Truncation.Randomized(meanSteps, seed: 5);
        const int steps = 1_000_000;
        int cuts = Enumerable.Range(1, steps).Count(truncation.CutsAfter);
        double c = 1.0 / meanSteps;
        ((double)cuts).Should().BeApproximately(steps * c, 4.5 * Math.Sqrt(steps * c * (1 - c)));
        truncation.CutsAfter(0).Should().BeFalse();
    }

    [Fact]
    public void A_draw_can_be_repeated_and_another_one_is_another()
    {
        var first = Truncation.Randomized(5, seed: 3);
        (first.Kind, first.Steps, first.Seed, first.Draw)
            .Should().Be((TruncationKind.Randomized, 5, 3, 0));
        first.WithDraw(0).Should().Be(first).And.Be(Truncation.Randomized(5, 3));
        first.WithDraw(4).Should().Be(Truncation.Randomized(5, 3).WithDraw(4)).And.NotBe(first);
        first.WithDraw(4).ToString().Should().Be("random cuts every 5 steps on average (seed 3, draw 4)");
        Truncation.Lags(3).WithDraw(9).Should().Be(Truncation.Lags(3));
        Truncation.Windows(3).WithDraw(9).Should().Be(Truncation.Windows(3));

        BackwardThroughTime full = Small();
        Truncation[] truncations = [first, first, first.WithDraw(1), Truncation.Randomized(5, seed: 4)];
        Matrix<double>[] gradients = [.. truncations.Select(
            truncation => BackwardThroughTime.Run(
                full.Forward,
                SequenceBatch.Pack([full.OutputGradients(0), full.OutputGradients(1)]),
                new BackwardOptions { Truncation = truncation }).Gradients.Whh)];
        gradients[1].Should().Be(gradients[0]);
        gradients[2].Should().NotBe(gradients[0]);
        gradients[3].Should().NotBe(gradients[0]);
    }

    [Fact]
    public void What_belongs_to_no_random_cuts_refuses_them()
    {
        var random = Truncation.Randomized(3, seed: 1);
        var examples = new Examples(seed: 9);
        var forward = ForwardPass.Run(examples.Model(1, 2, 1), examples.Matrix(1, 8));
        var objective = Objective.SquaredError(examples.Matrix(1, 8));
        var options = new GradientCheckOptions { Backward = new BackwardOptions { Truncation = random } };
        Gradients gradients = BackwardThroughTime.Run(forward, objective).Gradients;
        foreach (Action check in new Action[]
        {
            () => GradientCheck.Run(forward, objective, options),
            () => GradientCheck.Run(forward, objective, gradients, options: options),
        })
        {
            check.Should().Throw<ArgumentException>().WithMessage("*random cuts every 3 steps*no loss*");
        }
        FluentActions.Invoking(() => new Bptt.Graphs.ComputationGraphOptions { Truncation = random })
            .Should().Throw<ArgumentException>().WithMessage("*expected windows*random cuts*");
        FluentActions.Invoking(() => GradientCertificate.Run(
                forward, SequenceBatch.Pack([examples.Matrix(1, 8)]), gradients, options: options.Backward))
            .Should().Throw<ArgumentException>().WithMessage("*expected no truncation or one to lags*");
        FluentActions.Invoking(() => Truncation.Randomized(1, seed: 1)).Should().Throw<ArgumentOutOfRangeException>()
            .WithMessage("meanSteps: expected at least 2, got 1*");
        FluentActions.Invoking(() => random.WithDraw(-1)).Should().Throw<ArgumentOutOfRangeException>()
            .WithMessage("draw: expected at least 0, got -1*");
    }

    private static double Factor(bool isCut, int meanSteps) => isCut ? 0.0 : 1.0 / (1.0 - (1.0 / meanSteps));

    /// <summary>Two sequences of at most six steps, from states that are not zero.</summary>
    private static BackwardThroughTime Small()
    {
        var examples = new Examples(seed: 61);
        var forward = ForwardPass.Run(
            examples.Model(1, 3, 2, 0.8),
            examples.Batch(1, 4, 6),
            examples.Matrix(3, 2),
            new ExecutionOptions { MaxDegreeOfParallelism = 1 });
        return BackwardThroughTime.Run(forward, examples.Batch(2, 4, 6));
    }

    /// <summary>Mean, variance and fourth moment of every entry over all 2⁵ patterns of cuts, by their
    /// probabilities.</summary>
    private static (double[] Mean, double[] Variance, double[] Fourth) Moments(BackwardThroughTime full, int meanSteps)
    {
        double[] centre = Entries(full.ToArrays());
        double[] mean = new double[centre.Length];
        double[] variance = new double[centre.Length];
        double[] fourth = new double[centre.Length];
        for (int pattern = 0; pattern < 32; pattern++)
        {
            int cuts = int.PopCount(pattern);
            double probability = Math.Pow(1.0 / meanSteps, cuts) * Math.Pow(1.0 - (1.0 / meanSteps), 5 - cuts);
            double[] entries = Entries(ByDefinition(full, t => Factor((pattern >> (t - 1) & 1) == 1, meanSteps)));
            for (int i = 0; i < entries.Length; i++)
            {
                double distance = entries[i] - centre[i];
                mean[i] += probability * entries[i];
                variance[i] += probability * distance * distance;
                fourth[i] += probability * Math.Pow(distance, 4);
            }
        }
        return (mean, variance, fourth);
    }

    private static double[] Entries(ScalarGradients<double> gradients) =>
    [
        .. gradients.Whx.Cast<double>(), .. gradients.Whh.Cast<double>(), .. gradients.Wqh.Cast<double>(),
        .. gradients.HiddenStates.SelectMany(states => states.Cast<double>()),
        .. gradients.Inputs.SelectMany(inputs => inputs.Cast<double>()),
    ];

    private static double[] WeightEntries(BackwardThroughTime run) =>
    [
        .. run.Gradients.Whx.ToArray().Cast<double>(), .. run.Gradients.Whh.ToArray().Cast<double>(),
        .. run.Gradients.Wqh.ToArray().Cast<double>(),
    ];

    /// <summary>The definition with given factors f_t, t ≥ 1, in scalar loops from ∂L/∂o_t, x_t and h_t as the pass
    /// records them.</summary>
    private static ScalarGradients<double> ByDefinition(BackwardThroughTime backward, Func<int, double> factor)
    {
        ForwardPass forward = backward.Forward;
        double[,] whh = forward.Model.Whh.ToArray(), wqh = forward.Model.Wqh.ToArray(),
            whx = forward.Model.Whx.ToArray();
        (int h, int d, int q) = (whh.GetLength(0), whx.GetLength(1), wqh.GetLength(0));
        double[,]? final = backward.Options.FinalStateGradients?.ToArray();
        double[,] ofWhx = new double[h, d], ofWhh = new double[h, h], ofWqh = new double[q, h];
        double[][,] deltas = new double[forward.SequenceCount][,], ofInputs = new double[forward.SequenceCount][,];
        for (int b = 0; b < forward.SequenceCount; b++)
        {
            int length = forward.Lengths[b];
            double[,] g = backward.OutputGradients(b).ToArray(), states = forward.HiddenStates(b).ToArray();
            double[,] x = forward.InputColumns.ToMatrix(b).ToArray();
            double[,] delta = deltas[b] = new double[h, length + 1];
            ofInputs[b] = new double[d, length];
            for (int t = length; t >= 0; t--)
            {
                double f = t == 0 ? 1.0 : factor(t);
                for (int i = 0; i < h; i++)
                {
                    double sum = t == length && final is not null ? final[i, b] : 0.0;
                    for (int j = 0; j < h && t < length; j++)
                    {
                        sum += f * whh[j, i] * delta[j, t + 1];
                    }
                    for (int j = 0; j < q && t > 0; j++)
                    {
                        sum += wqh[j, i] * g[j, t - 1];
                    }
                    delta[i, t] = sum;
                }
                for (int i = 0; i < h && t > 0; i++)
                {
                    for (int j = 0; j < d; j++)
                    {
                        ofWhx[i, j] += delta[i, t] * x[j, t - 1];
                        ofInputs[b][j, t - 1] += whx[i, j] * delta[i, t];
                    }
                    for (int j = 0; j < h; j++)
                    {
                        ofWhh[i, j] += delta[i, t] * states[j, t - 1];
                    }
                    for (int j = 0; j < q; j++)
                    {
                        ofWqh[j, i] += g[j, t - 1] * states[i, t];
                    }
                }
            }
        }
        return new(ofWhx, ofWhh, ofWqh, deltas, ofInputs);
    }
}
