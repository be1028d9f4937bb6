// No false verdict where it is hard to tell: right gradients of losses that cancel or drown in rounding are never
// called wrong, mistakes of 1e-5 never right.

using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests.Verification;

public class FalseVerdictTests(ITestOutputHelper output)
{
    [Fact]
    public void Right_gradients_are_not_called_wrong_by_the_Taylor_test() => Taylor(0, 300);

    [Fact]
    public void Right_gradients_are_not_called_wrong_by_the_gradient_check() => Check(0, 60);

    [Fact]
    [Trait("Category", "Long")]
    public void A_hundred_thousand_right_gradients_are_not_called_wrong()
    {
        int count = Taylor(1000, 40_000) + Check(1000, 8_000);
        output.WriteLine($"{count} verdicts");
        count.Should().BeGreaterThan(100_000);
    }

    /// <summary>Huber's loss at outputs of 1e8, δ = 1e-10 and residuals of 0.01: a kink a last place of the outputs
    /// away, on one side. And 1 − cos r at residuals of 1e7, which swings to and fro within the smallest
    /// step.</summary>
    [Theory]
    [InlineData(8309)]
    [InlineData(39529)]
    public void A_kink_on_one_side_and_a_loss_that_swings_within_a_step_are_no_wrong_slope(int seed)
    {
        var right = RightGradient.Random(seed);
        TaylorTest.Run(right.Forward, right.Objective, seed: seed).Verdict.Should().NotBe(Verdict.Failed, right.Name);
    }

    /// <summary>√(1 + r²) − 1 at a residual r of 1e-4 and 1e-6, and others that cancel, with steps so small that the
    /// loss does not move at all.</summary>
    [Theory]
    [InlineData(1e-4)]
    [InlineData(1e-6)]
    public void Losses_that_cancel_near_a_fit_are_not_called_wrong(double residual)
    {
        int passed = 0;
        foreach (Func<Matrix<double>, Objective> loss in OwnLoss.All)
        {
            for (int seed = 0; seed < 5; seed++)
            {
                var examples = new Examples(seed);
                var forward = ForwardPass.Run(examples.Model(2, 4, 2, 0.9), examples.Matrix(2, 20));
                Objective objective = loss(forward.Outputs() + (residual * examples.Matrix(2, 20)));
                var test = TaylorTest.Run(forward, objective, seed: seed);
                test.Verdict.Should().NotBe(Verdict.Failed, "{0}, {1}, {2}", objective, examples, test);
                passed += test.Verdict == Verdict.Passed ? 1 : 0;
                var wrong = TaylorTest.Run(
                    forward, objective, 1.5 * BackwardThroughTime.Run(forward, objective).Gradients, seed: seed);
                wrong.Verdict.Should().NotBe(Verdict.Passed, "{0}, {1}, {2}", objective, examples, wrong);
            }
        }
        passed.Should().BePositive("some can be told");
    }

    /// <summary>What the documentation of the Taylor test says of its resolution.</summary>
    [Fact]
    public void The_Taylor_test_sees_most_factors_of_1e_4_and_single_entries_of_1e_3()
    {
        foreach ((double error, bool isEntry) in ((double, bool)[])
            [(1e-4, false), (1e-5, false), (1e-6, false), (1e-2, true), (1e-3, true), (1e-4, true)])
        {
            int passed = 0;
            for (int seed = 0; seed < 60; seed++)
            {
                var examples = new Examples(seed);
                var forward = ForwardPass.Run(examples.Model(2, 4, 2, 0.9), examples.Matrix(2, 20));
                var objective = Objective.SquaredError(examples.Matrix(2, 20));
                Gradients right = BackwardThroughTime.Run(forward, objective).Gradients;
                Matrix<double> whh = right.Whh;
                whh[seed % 4, seed / 4 % 4] += isEntry ? error * whh.FrobeniusNorm() : 0.0;
                Gradients wrong = isEntry ? new Gradients(right.Whx, whh, right.Wqh) : (1.0 + error) * right;
                passed += TaylorTest.Run(forward, objective, wrong, seed: seed).Verdict == Verdict.Passed ? 1 : 0;
            }
            output.WriteLine($"off by {error:G1}{(isEntry ? " in one entry" : "")}: {passed} of 60 passed");
            (error < (isEntry ? 1e-3 : 1e-4) || passed <= 6).Should().BeTrue("off by {0}, {1} passed", error, passed);
        }
    }

    [Fact]
    public void Data_whose_squares_underflow_cannot_be_told()
    {
        var examples = new Examples(seed: 61);
        var forward = ForwardPass.Run(examples.Model(2, 4, 2, 0.9), 1e-162 * examples.Matrix(2, 20));
        var objective = Objective.SquaredError(1e-162 * examples.Matrix(2, 20));
        TaylorTest.Run(forward, objective).Verdict.Should().Be(Verdict.Inconclusive);
        GradientCheck.Run(forward, objective).Verdict.Should().Be(Verdict.Inconclusive);
    }

    /// <summary>In batches of three sequences, some steps masked: one entry off by 1e-5 of the norm of its matrix, one
    /// sequence by 2e-4, the last steps of windows by 1e-3, and masked steps that count a little.</summary>
    [Fact]
    public void Mistakes_of_1e_5_are_not_called_right_by_the_gradient_check()
    {
        int mistakes = 0;
        for (int seed = 0; seed < 12; seed++)
        {
            foreach ((string name, GradientCheck check) in SubtleMistakes(seed))
            {
                mistakes++;
                check.Verdict.Should().NotBe(Verdict.Passed, "{0}, seed {1}\n{2}", name, seed, check);
            }
        }
        output.WriteLine($"{mistakes} mistakes");
        mistakes.Should().BeGreaterThan(60);
    }

    private static IEnumerable<(string Name, GradientCheck Check)> SubtleMistakes(int seed)
    {
        var examples = new Examples(seed);
        var random = new Random(seed);
        int h = seed % 3 == 0 ? 16 : 4; // 256 entries of W_hh are sampled, 16 are all checked
        int[] lengths = [9, 6, 7];
        var forward = ForwardPass.Run(
            examples.Model(2, h, 2, 0.9), examples.Batch(2, lengths), examples.Matrix(h, lengths.Length));
        Objective plain = seed % 2 == 0
            ? Objective.SquaredError(examples.Batch(2, lengths))
            : Objective.Huber(examples.Batch(2, lengths), 0.8);
        Objective objective = plain.WithStepWeights(
            [.. lengths.Select(length => Enumerable.Range(1, length).Select(t => t % 4 == 0 ? 0.0 : 1.0).ToArray())]);
        var right = BackwardThroughTime.Run(forward, objective);
        Matrix<double>[] slopes = [.. lengths.Select((_, b) => right.OutputGradients(b))];

        Func<Gradients, Matrix<double>>[] parts = [g => g.Whx, g => g.Whh, g => g.Wqh];
        for (int part = 0; part < parts.Length; part++)
        {
            Matrix<double>[] matrices = Array.ConvertAll(parts, select => select(right.Gradients));
            (int row, int column) = (random.Next(matrices[part].RowCount), random.Next(matrices[part].ColumnCount));
            matrices[part][row, column] += 1e-5 * matrices[part].FrobeniusNorm();
            yield return ($"an entry of part {part}", Run(new Gradients(matrices[0], matrices[1], matrices[2])));
        }
        int sequence = random.Next(lengths.Length);
        yield return ("one sequence", Given((b, t, slope) => b == sequence ? 1.0002 * slope : slope));
        yield return ("masked steps", Given((b, t, slope) =>
            t % 4 == 0 ? slope + (1e-3 * slopes[b].Column(t)) : slope)); // those of the step after it
        var windows = Truncation.Windows(3);
        yield return ("window borders", Given((b, t, slope) => t % 3 == 0 ? 1.001 * slope : slope, windows));
        yield return ("no windows at the last border", Run(
            BackwardThroughTime.Run(forward, objective, new BackwardOptions { Truncation = windows }).Gradients));

        GradientCheck Given(
            Func<int, int, Vector<double>, Vector<double>> change, Truncation? truncation = null)
        {
            Vector<double> At(Matrix<double> matrix, int b, int t) =>
                t == matrix.ColumnCount ? matrix.Column(t - 1) : change(b, t, matrix.Column(t - 1));
            var changed = SequenceBatch.Pack([.. slopes.Select((matrix, b) => Matrix<double>.Build.DenseOfColumnVectors(
                Enumerable.Range(1, matrix.ColumnCount).Select(t => At(matrix, b, t))))]);
            var options = new BackwardOptions { Truncation = truncation };
            return Run(BackwardThroughTime.Run(forward, changed, options).Gradients, options);
        }

        GradientCheck Run(Gradients gradients, BackwardOptions? options = null) => GradientCheck.Run(
            forward, objective, gradients, options: new GradientCheckOptions { Seed = seed, Backward = options });
    }

    private int Taylor(int first, int count)
    {
        int passed = 0;
        for (int seed = first; seed < first + count; seed++)
        {
            var right = RightGradient.Random(seed);
            var test = TaylorTest.Run(right.Forward, right.Objective, seed: seed);
            test.Verdict.Should().NotBe(Verdict.Failed, "{0}: {1}", right.Name, test);
            passed += test.Verdict == Verdict.Passed ? 1 : 0;
        }
        output.WriteLine($"Taylor test: {passed} of {count} passed, the others cannot be told");
        passed.Should().BeGreaterThan(count / 3);
        return count;
    }

    private int Check(int first, int count)
    {
        int passed = 0;
        int all = 0;
        for (int seed = first; seed < first + count; seed++)
        {
            var right = RightGradient.Random(seed);
            var check = GradientCheck.Run(right.Forward, right.Objective, new GradientCheckOptions
            {
                MaxEntriesPerParameter = 4,
                DirectionCount = 1,
                Seed = seed,
            });
            check.Verdict.Should().NotBe(Verdict.Failed, "{0}: {1}", right.Name, check);
            all += check.Parameters.Count + check.Directions.Count;
            passed += check.Parameters.Count(p => p.Verdict == Verdict.Passed)
                + check.Directions.Count(d => d.Verdict == Verdict.Passed);
        }
        output.WriteLine($"gradient check: {passed} of {all} passed, the others cannot be told");
        passed.Should().BeGreaterThan(all / 2);
        return all;
    }
}
