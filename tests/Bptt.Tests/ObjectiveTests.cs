// Losses of one step, and how reductions, weights and normalisers make them L.

using Bptt.LinearRecurrence;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class ObjectiveTests
{
    /// <summary>Step losses 1, 2, 3, 4, … whatever the output, with gradient 1: only the reduction is seen.</summary>
    private sealed class Counting(Reduction reduction = Reduction.MeanPerStep) : Objective(reduction)
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) => 10 * sequence + t;

        protected override void StepGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) => gradient.Fill(1.0);
    }

    /// <summary>One sequence of 3 steps and one of 1: losses 1, 2, 3 and 11.</summary>
    private static readonly ForwardPass Forward = ForwardPass.Run(
        new LinearRnn(Row(1), Row(0), Row(1)), SequenceBatch.Pack([Row(1, 2, 3), Row(4)]));

    [Fact]
    public void Objectives_say_what_they_are_in_one_line()
    {
        SequenceBatch targets = new Examples(seed: 6).Batch(2, 5, 3);
        Objective.SquaredError(targets).ToString()
            .Should().Be("SquaredError (B = 2, q = 2, 8 steps), MeanPerStep");
        Objective.Huber(targets, 0.5, Reduction.Sum).WithNormalizer(2.5).ToString()
            .Should().Be("Huber (δ = 0.5, B = 2, q = 2, 8 steps), Sum, normalizer 2.5");
        Objective.CrossEntropy([1, 0, 2]).WithStepWeights([1.0, 0.0, 0.5]).ToString()
            .Should().Be("CrossEntropy (B = 1, 3 steps), MeanPerStep, step weights (0 at 1 of 3)");
        new Counting(Reduction.Sum).ToString().Should().Be("Counting, Sum");
        new Counting().Part([new SequencePart(0, 2, 3)]).ToString()
            .Should().Be("Counting (a part: B = 1, 3 steps), MeanPerStep");
    }

    [Theory]
    [InlineData(Reduction.MeanPerStep, 17.0 / 4, 1.0 / 4, 1.0 / 4)]
    [InlineData(Reduction.MeanPerSequence, (2.0 + 11.0) / 2, 1.0 / 6, 1.0 / 2)]
    [InlineData(Reduction.Sum, 17.0, 1.0, 1.0)]
    public void Reductions_divide_as_they_say(Reduction reduction, double loss, double first, double second) =>
        ShouldGive(new Counting(reduction), loss, [first, first, first], [second]);

    [Theory]
    [InlineData(Reduction.MeanPerStep, (2 * 1 + 3 + 11) / 4.0, 2 / 4.0, 1 / 4.0, 1 / 4.0)]
    [InlineData(Reduction.MeanPerSequence, ((2 * 1 + 3) / 3.0 + 11) / 2.0, 2 / 6.0, 1 / 6.0, 1 / 2.0)]
    [InlineData(Reduction.Sum, 2 * 1 + 3 + 11, 2.0, 1.0, 1.0)]
    public void Weighted_means_divide_by_the_sum_of_the_weights(
        Reduction reduction, double loss, double first, double third, double other) => ShouldGive(
            new Counting(reduction).WithStepWeights([[2.0, 0.0, 1.0], [1.0]]), loss, [first, 0, third], [other]);

    [Theory]
    [InlineData(Reduction.MeanPerStep, 6.0 / 3, 1.0 / 3)]
    [InlineData(Reduction.MeanPerSequence, 6.0 / 3, 1.0 / 3)]
    [InlineData(Reduction.Sum, 6.0, 1.0)]
    public void A_fully_masked_sequence_leaves_the_mean(Reduction reduction, double loss, double gradient) =>
        ShouldGive(
            new Counting(reduction).WithStepWeights([[1.0, 1.0, 1.0], [0.0]]),
            loss,
            [gradient, gradient, gradient],
            [0]);

    [Theory]
    [InlineData(Reduction.MeanPerStep, 17.0 / 8, 1.0 / 8, 1.0 / 8)]
    [InlineData(Reduction.MeanPerSequence, (2.0 + 11.0) / 8, 1.0 / 24, 1.0 / 8)]
    [InlineData(Reduction.Sum, 17.0 / 8, 1.0 / 8, 1.0 / 8)]
    public void A_given_normaliser_takes_the_place_of_the_outer_divisor(
        Reduction reduction, double loss, double first, double second) =>
        ShouldGive(new Counting(reduction).WithNormalizer(8), loss, [first, first, first], [second]);

    [Theory]
    [InlineData(Reduction.MeanPerStep)]
    [InlineData(Reduction.MeanPerSequence)]
    [InlineData(Reduction.Sum)]
    public void With_a_given_normaliser_all_steps_may_be_masked_in_either_order(Reduction reduction)
    {
        double[][] zeros = [[0, 0, 0], [0]];
        ShouldGive(new Counting(reduction).WithNormalizer(8).WithStepWeights(zeros), 0, [0, 0, 0], [0]);
        ShouldGive(new Counting(reduction).WithStepWeights(zeros).WithNormalizer(8), 0, [0, 0, 0], [0]);
    }

    [Fact]
    public void Shards_with_the_whole_normaliser_add_up_to_the_whole()
    {
        var examples = new Examples(seed: 3);
        LinearRnn model = examples.Model(2, 3, 2);
        SequenceBatch inputs = examples.Batch(2, 5, 2, 7);
        SequenceBatch targets = examples.Batch(2, 5, 2, 7);
        var whole = BackwardThroughTime.Run(ForwardPass.Run(model, inputs), Objective.SquaredError(targets));

        BackwardThroughTime[] shards = Enumerable.Range(0, 3).Select(b => BackwardThroughTime.Run(
            ForwardPass.Run(model, inputs.Sequence(b)),
            Objective.SquaredError(targets.Sequence(b)).WithNormalizer(14))).ToArray();

        shards.Sum(s => s.Loss).Should().BeApproximately(whole.Loss, 1e-14 * whole.Loss);
        var sum = Gradients.Sum(shards.Select(s => s.Gradients));
        (sum + (-1.0 * whole.Gradients)).GlobalNorm().Should().BeLessThan(1e-14 * whole.Gradients.GlobalNorm());
    }

    [Fact]
    public void Modifications_leave_the_original_alone_and_copy_what_they_are_given()
    {
        var original = new Counting();
        double[] first = [1, 1, 1];
        Objective weighted = original.WithStepWeights([first, [0.0]]);
        first[0] = 0;

        original.WithNormalizer(5);

        original.Loss(Forward).Should().Be(17.0 / 4);
        weighted.Loss(Forward).Should().Be(2.0);
    }

    [Fact]
    public void A_masked_step_is_skipped_so_its_target_may_be_NaN_or_its_label_anything()
    {
        var forward = ForwardPass.Run(new LinearRnn(Row(1), Row(0), Column(1, 2)), Row(3, 4, 5));
        Matrix<double> targets = Matrix<double>.Build.Dense(2, 3);
        targets[1, 1] = double.NaN;
        double[] mask = [1, 0, 1];

        foreach (Objective objective in new[]
        {
            Objective.SquaredError(targets), Objective.Huber(targets), Objective.CrossEntropy([0, -100, 1]),
        })
        {
            var backward = BackwardThroughTime.Run(forward, objective.WithStepWeights(mask));
            double.IsFinite(backward.Loss).Should().BeTrue();
            backward.Gradients.IsFinite.Should().BeTrue();
            backward.OutputGradient(2).Should().Equal(Vector<double>.Build.Dense(2));
        }
    }

    [Fact]
    public void Squared_error_is_half_the_squared_distance()
    {
        var forward = ForwardPass.Run(new LinearRnn(Row(1), Row(0), Column(1, 2)), Row(3));
        var backward = BackwardThroughTime.Run(forward, Objective.SquaredError(Column(1, 2)));
        backward.Loss.Should().Be(0.5 * (2 * 2 + 4 * 4));
        backward.OutputGradient(1).Should().Equal(2, 4);
    }

    [Theory]
    [InlineData(0.25, 0.5 * 0.25 * 0.25, 0.25)]
    [InlineData(0.5, 0.125, 0.5)]
    [InlineData(-3.0, 0.5 * (3.0 - 0.25), -0.5)]
    [InlineData(1e300, 0.5 * 1e300, 0.5)]
    public void Huber_is_quadratic_up_to_delta_and_linear_beyond(double residual, double loss, double gradient)
    {
        var forward = ForwardPass.Run(new LinearRnn(Row(1), Row(0), Row(1)), Row(residual));
        var backward = BackwardThroughTime.Run(forward, Objective.Huber(Row(0), delta: 0.5));
        backward.Loss.Should().Be(loss);
        backward.OutputGradient(1)[0].Should().Be(gradient);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Cross_entropy_agrees_with_its_definition(int label)
    {
        var forward = ForwardPass.Run(new LinearRnn(Row(1), Row(0), Column(0.3, -0.7, 1.1)), Row(1));
        double[] p = [Math.Exp(0.3), Math.Exp(-0.7), Math.Exp(1.1)];
        double sum = p.Sum();

        var backward = BackwardThroughTime.Run(forward, Objective.CrossEntropy([label]));

        backward.Loss.Should().BeApproximately(-Math.Log(p[label] / sum), 1e-15);
        for (int i = 0; i < 3; i++)
        {
            backward.OutputGradient(1)[i].Should().BeApproximately(p[i] / sum - (i == label ? 1 : 0), 1e-15);
        }
    }

    [Theory]
    [InlineData(1000, -1000, 0, 0.0, 0.0)]
    [InlineData(1000, -1000, 1, 2000.0, 1.0)]
    [InlineData(-1000, 1000, 1, 0.0, 0.0)]
    [InlineData(1000, 1000, 0, 0.69314718055994531, -0.5)]
    [InlineData(-1000, -1000, 1, 0.69314718055994531, 0.5)]
    [InlineData(1000, 960, 0, 4.248354255291589e-18, -4.248354255291589e-18)]
    public void Cross_entropy_is_stable_for_large_outputs(
        double first, double second, int label, double loss, double firstGradient)
    {
        var forward = ForwardPass.Run(new LinearRnn(Row(1), Row(0), Column(first, second)), Row(1));
        var backward = BackwardThroughTime.Run(forward, Objective.CrossEntropy([label]));
        backward.Loss.Should().BeApproximately(loss, 1e-14 * loss);
        backward.OutputGradient(1)[0].Should().BeApproximately(firstGradient, 1e-14 * Math.Abs(firstGradient));
        backward.OutputGradient(1)[1].Should().BeApproximately(-firstGradient, 1e-14 * Math.Abs(firstGradient));
    }

    [Theory]
    [InlineData(double.PositiveInfinity, 0)]
    [InlineData(double.PositiveInfinity, 1)]
    [InlineData(double.NegativeInfinity, 0)]
    [InlineData(double.NegativeInfinity, 1)]
    [InlineData(double.NaN, 0)]
    public void An_output_that_is_not_finite_is_hidden_by_no_loss(double firstOutput, int label)
    {
        // The states overflow at the second step only; NaN arises as ∞ − ∞.
        double scale = double.IsNaN(firstOutput) ? 0.0 : Math.Sign(firstOutput);
        Matrix<double> whx = Column(1e200, 1e200);
        Matrix<double> whh = Matrix<double>.Build.DenseOfArray(new[,] { { 1e200, 0 }, { 0, scale == 0 ? 1e200 : 0 } });
        Matrix<double> wqh = Matrix<double>.Build.DenseOfArray(
            new[,] { { scale == 0 ? 1 : scale, scale == 0 ? -1 : 0 }, { 0, 1 } });
        var forward = ForwardPass.Run(new LinearRnn(whx, whh, wqh), Row(1, 0));
        forward.FirstNonFiniteStep.Should().Be(2);
        forward.Output(2)[0].Should().Be(firstOutput);

        foreach (Objective objective in new[]
        {
            Objective.CrossEntropy([label, label]), Objective.Huber(Matrix<double>.Build.Dense(2, 2)),
            Objective.SquaredError(Matrix<double>.Build.Dense(2, 2)), new Counting(),
        })
        {
            var backward = BackwardThroughTime.Run(forward, objective);
            double.IsFinite(backward.Loss).Should().BeFalse();
            double.IsFinite(objective.Loss(forward)).Should().BeFalse();
            backward.Gradients.IsFinite.Should().BeFalse();

            if (objective is Counting)
            {
                objective.WithStepWeights([1, 0]).Loss(forward)
                    .Should().Be(1, "a masked step is skipped, finite or not");
            }
        }
    }

    [Fact]
    public void The_loss_alone_is_that_of_the_backward_pass_bit_for_bit()
    {
        var examples = new Examples(seed: 8);
        var forward = ForwardPass.Run(examples.Model(2, 4, 3), examples.Batch(2, 6, 3, 9));
        SequenceBatch targets = examples.Batch(3, 6, 3, 9);
        int[][] labels = [[0, 1, 2, 0, 1, 2], [2, 2, 2], [0, 0, 1, 1, 2, 2, 0, 1, 2]];

        foreach (Reduction reduction in Enum.GetValues<Reduction>())
        {
            foreach (Objective objective in new[]
            {
                Objective.SquaredError(targets, reduction),
                Objective.Huber(targets, 0.7, reduction),
                Objective.CrossEntropy(labels, reduction),
                new Counting(reduction),
            })
            {
                objective.Loss(forward).Should().Be(BackwardThroughTime.Run(forward, objective).Loss);
            }
        }
    }

    [Fact]
    public void A_long_loss_is_summed_without_losing_digits()
    {
        // 1e16 + 1 + 1 + … + 1 in which every 1 would be lost in a plain sum
        const int steps = 100_001;
        Matrix<double> inputs = Matrix<double>.Build.Dense(1, steps, Math.Sqrt(2));
        inputs[0, 0] = Math.Sqrt(2) * 1e8;
        var forward = ForwardPass.Run(new LinearRnn(Row(1), Row(0), Row(1)), inputs);
        var objective = Objective.SquaredError(
            SequenceBatch.Pack([Matrix<double>.Build.Dense(1, steps)]), Reduction.Sum);

        objective.Loss(forward).Should().BeApproximately(1e16 + 1e5, 10);
    }

    private static void ShouldGive(Objective objective, double loss, double[] first, double[] second)
    {
        objective.Loss(Forward).Should().BeApproximately(loss, 1e-15 * loss);
        var backward = BackwardThroughTime.Run(Forward, objective);
        backward.OutputGradients(0).ToRowMajorArray().Should().Equal(first);
        backward.OutputGradients(1).ToRowMajorArray().Should().Equal(second);
    }

    private static Matrix<double> Row(params double[] values) => Matrix<double>.Build.Dense(1, values.Length, values);

    private static Matrix<double> Column(params double[] values) =>
        Matrix<double>.Build.Dense(values.Length, 1, values);
}
