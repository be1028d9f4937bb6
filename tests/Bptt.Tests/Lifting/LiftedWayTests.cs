// When a pass takes several steps at once, when it does not, and that nothing else depends on how it is carried out.

using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Lifting;

public class LiftedWayTests
{
    private readonly Examples _examples = new(seed: 62);

    [Theory]
    [InlineData(1, new[] { 20_000 })]
    [InlineData(2, new[] { 3000, 2500, 2500, 40, 1 })]
    public void Results_are_the_same_bits_for_every_number_of_threads(int channels, int[] lengths)
    {
        LinearRnn model = _examples.Model(channels, 24, channels, 0.95);
        SequenceBatch inputs = _examples.Batch(channels, lengths);
        var objective = Objective.SquaredError(_examples.Batch(channels, lengths));
        BackwardThroughTime Run(int threads, Workspace? workspace = null) => BackwardThroughTime.Run(
            ForwardPass.Run(model, inputs, options: new ExecutionOptions
            {
                Recurrence = Recurrence.Lifted,
                MaxDegreeOfParallelism = threads,
                Workspace = workspace,
            }),
            objective);
        BackwardThroughTime alone = Run(1);
        alone.Forward.Method.Recurrence.Should().Be(Recurrence.Lifted);
        var workspace = new Workspace();
        foreach (int threads in new[] { 2, 3, 8 })
        {
            for (int repeat = 0; repeat < 3; repeat++)
            {
                BackwardThroughTime many = Run(threads, repeat == 0 ? null : workspace);
                many.Loss.Should().Be(alone.Loss);
                many.Gradients.Whx.Should().Be(alone.Gradients.Whx);
                many.Gradients.Whh.Should().Be(alone.Gradients.Whh);
                many.Gradients.Wqh.Should().Be(alone.Gradients.Wqh);
                many.HiddenStateGradients(0).Should().Be(alone.HiddenStateGradients(0));
            }
        }
    }

    [Fact]
    public void Automatic_takes_several_steps_at_once_where_inputs_and_outputs_are_few_and_sequences_long()
    {
        Method(d: 1, h: 32, q: 1, steps: 20_000).Recurrence.Should().Be(Recurrence.Lifted);
        Method(d: 4, h: 64, q: 4, steps: 20_000).Recurrence.Should().Be(Recurrence.Lifted);
        Method(d: 32, h: 32, q: 32, steps: 20_000).Recurrence.Should().NotBe(Recurrence.Lifted);
        Method(d: 1, h: 32, q: 1, steps: 50).Recurrence.Should().NotBe(Recurrence.Lifted);
        Method(d: 1, h: 1, q: 1, steps: 20_000).Recurrence.Should().NotBe(Recurrence.Lifted);

        RecurrenceMethod Method(int d, int h, int q, int steps) =>
            ForwardPass.Run(_examples.Model(d, h, q, 0.9), _examples.Matrix(d, steps)).Method;
    }

    [Fact]
    public void A_pass_that_declines_gives_the_bits_of_the_other_way_and_says_why()
    {
        const int h = 20;
        Matrix<double> companion = Matrix<double>.Build.Dense(h, h, (i, j) => i == j + 1 ? 1.0 : 0.0);
        double[] coefficients = [-1.0];
        for (int root = 0; root < h; root++)
        {
            double[] next = new double[coefficients.Length + 1]; // times (z − 0.9)
            for (int i = 0; i < coefficients.Length; i++)
            {
                next[i + 1] += coefficients[i];
                next[i] -= 0.9 * coefficients[i];
            }
            coefficients = next;
        }
        for (int i = 0; i < h; i++)
        {
            companion[i, h - 1] = coefficients[i];
        }
        Matrix<double> triangular = Matrix<double>.Build.Dense(h, h, (i, j) => i == j ? 0.9 : j > i ? 2.0 : 0.0);
        Matrix<double> tiny = Matrix<double>.Build.DenseIdentity(h) * 1e-60;
        Matrix<double> exploding = Matrix<double>.Build.DenseIdentity(h) * 3.0;
        foreach ((Matrix<double> whh, string reason) in new[]
        {
            (companion, "W_hh"),
            (triangular, "W_hh"),
            (tiny, "W_hh"),
            (exploding, "overflow"),
        })
        {
            var model = new LinearRnn(_examples.Matrix(h, 1), whh, _examples.Matrix(1, h));
            Matrix<double> inputs = _examples.Matrix(1, 1000);
            Matrix<double> outputGradients = _examples.Matrix(1, 1000);
            var lifted = ForwardPass.Run(model, inputs, options: LiftedPassTests.Lifted(16));
            var sequential = ForwardPass.Run(
                model, inputs, options: new ExecutionOptions { Recurrence = Recurrence.Sequential });
            lifted.Method.Recurrence.Should().Be(Recurrence.Sequential);
            lifted.Method.WhyNotLifted.Should().Contain(reason);
            lifted.Outputs().ToColumnMajorArray().Should().Equal(sequential.Outputs().ToColumnMajorArray());
            lifted.FirstNonFiniteStep.Should().Be(sequential.FirstNonFiniteStep);
            Gradients actual = BackwardThroughTime.Run(lifted, outputGradients).Gradients;
            Gradients expected = BackwardThroughTime.Run(sequential, outputGradients).Gradients;
            actual.Whh.ToColumnMajorArray().Should().Equal(expected.Whh.ToColumnMajorArray());
        }
    }

    [Fact]
    public void Truncated_gradients_budgets_tangents_and_curvature_work_beside_a_lifted_pass()
    {
        LinearRnn model = _examples.Model(2, 12, 2, 0.9);
        Matrix<double> inputs = _examples.Matrix(2, 400);
        var objective = Objective.SquaredError(_examples.Matrix(2, 400));
        ExecutionOptions lifted = LiftedPassTests.Lifted(8);
        var reference = ForwardPass.Run(
            model, inputs, options: new ExecutionOptions { Recurrence = Recurrence.Sequential });
        foreach (ExecutionOptions options in new[] { lifted, lifted with { MemoryBudget = 40_000 } })
        {
            var forward = ForwardPass.Run(model, inputs, options: options);
            forward.Method.Recurrence.Should().Be(Recurrence.Lifted);
            forward.MemoryPlan.HeldBytes.Should().BeLessThanOrEqualTo(options.MemoryBudget ?? long.MaxValue);
            var truncated = new BackwardOptions { Truncation = Truncation.Lags(5) };
            Near(
                BackwardThroughTime.Run(forward, objective, truncated).Gradients.Whh,
                BackwardThroughTime.Run(reference, objective, truncated).Gradients.Whh);

            var direction = new TangentDirection
            {
                Whx = _examples.Matrix(12, 2),
                Whh = _examples.Matrix(12, 12),
                Wqh = _examples.Matrix(2, 12),
            };
            Near(
                TangentPass.Run(forward, direction).Outputs(), TangentPass.Run(reference, direction).Outputs());
            Near(
                LossCurvature.Of(BackwardThroughTime.Run(forward, objective)).HessianProduct(direction).Weights.Whh,
                LossCurvature.Of(BackwardThroughTime.Run(reference, objective)).HessianProduct(direction).Weights.Whh);
        }

        static void Near(Matrix<double> actual, Matrix<double> expected) =>
            RelativeError.Frobenius(actual.ToArray(), expected.ToArray()).Should().BeLessThan(1e-12);
    }
}
