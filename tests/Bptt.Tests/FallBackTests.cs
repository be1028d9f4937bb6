// What a pass has given up can be read: nothing for ordinary models, in every fast way that there is, and each way by
// name where a model must fall back. A fast way that is broken costs only time otherwise.

using Bptt.LinearRecurrence;
using FluentAssertions.Execution;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class FallBackTests
{
    private readonly Examples _examples = new(seed: 311);

    [Theory]
    [InlineData(Recurrence.TimeParallel, Precision.Double)]
    [InlineData(Recurrence.TimeParallel, Precision.Single)]
    [InlineData(Recurrence.Lifted, Precision.Double)]
    [InlineData(Recurrence.Lifted, Precision.Single)]
    public void Ordinary_models_give_nothing_up(Recurrence recurrence, Precision precision)
    {
        using var scope = new AssertionScope();
        int lifted = 0;
        foreach ((int h, double radius, int[] lengths) in ((int, double, int[])[])
            [(3, 0.5, [200]), (6, 0.95, [180, 64, 64, 7]), (8, 1.0, [120, 90, 90]), (5, 0.99, [65, 65])])
        {
            LinearRnn model = _examples.Model(2, h, 2, radius);
            SequenceBatch inputs = _examples.Batch(2, lengths);
            foreach (int chunkLength in (int[])[2, 4, 16])
            {
                var forward = ForwardPass.Run(model, inputs, _examples.Matrix(h, lengths.Length), new ExecutionOptions
                {
                    Recurrence = recurrence,
                    Precision = precision,
                    Tuning = PlanTuning.Default with { ChunkLength = chunkLength, LiftedLength = chunkLength },
                });
                var objective = Objective.SquaredError(_examples.Batch(2, lengths));
                var backward = BackwardThroughTime.Run(forward, objective);
                for (int lags = 1; lags < 40; lags += 3)
                {
                    BackwardThroughTime.Run(
                        forward, objective, new BackwardOptions { Truncation = Truncation.Lags(lags) });
                }
                if (precision == Precision.Double)
                {
                    var curvature = LossCurvature.Of(backward);
                    var direction = new TangentDirection { Whh = _examples.Matrix(h, h), Wqh = _examples.Matrix(2, h) };
                    curvature.HessianProduct(direction);
                    curvature.GaussNewtonProduct(direction);
                    TangentPass.Run(forward, direction);
                }
                forward.FallBacks.Should().BeEmpty("h = {0}, radius {1}, S = {2}", h, radius, chunkLength);
                if (recurrence == Recurrence.TimeParallel)
                {
                    forward.Method.ChunkLength.Should().Be(chunkLength);
                }
                lifted += forward.Method.Recurrence == Recurrence.Lifted ? 1 : 0;
            }
        }
        (lifted > 0).Should().Be(recurrence == Recurrence.Lifted);
    }

    [Fact]
    public void Chunks_given_up_are_named_with_their_direction()
    {
        // 3^700 is 1e334: the states overflow in the middle.
        var forward = ForwardPass.Run(_examples.Model(2, 8, 2, 3.0), _examples.Batch(2, 900), options: InChunks(4));
        forward.FallBacks.Should().Equal("chunks of 4 steps, forward in time: step by step");

        // Forward the states are zero; backward gradients grow by 1e8 in each step and overflow.
        var model = new LinearRnn(One(1.0), One(1e8), One(1.0));
        var zeros = ForwardPass.Run(
            model, SequenceBatch.Pack([Matrix<double>.Build.Dense(1, 100)]), options: InChunks(4));
        zeros.FallBacks.Should().BeEmpty();
        BackwardThroughTime.Run(zeros, _examples.Batch(1, 100));
        zeros.FallBacks.Should().Equal("chunks of 4 steps, backward in time: step by step");
    }

    [Fact]
    public void Powers_for_lags_given_up_are_named()
    {
        // Spectral radius 0.5, and powers that grow to 1e9 first: squares of powers are full of cancellation.
        const int h = 24;
        Matrix<double> whh = Matrix<double>.Build.Dense(h, h, (i, j) => i == j ? 0.5 : j == i + 1 ? 20.0 : 0.0);
        Matrix<double> turn = _examples.Matrix(h, h).QR().Q;
        var forward = ForwardPass.Run(
            new LinearRnn(_examples.Matrix(h, 2), turn * whh * turn.Transpose(), _examples.Matrix(2, h)),
            _examples.Batch(2, 300));
        BackwardThroughTime.Run(
            forward, _examples.Batch(2, 300), new BackwardOptions { Truncation = Truncation.Lags(200) });
        forward.FallBacks.Should().Contain("powers of W_hhᵀ for the sums of lags: lag by lag");
    }

    [Fact]
    public void Several_steps_at_once_given_up_in_an_overflow_are_named()
    {
        var model = new LinearRnn(One(1.0), One(0.5), One(1.0));
        var forward = ForwardPass.Run(
            model, _examples.Batch(1, 64), options: Lifted(4));
        forward.Method.Recurrence.Should().Be(Recurrence.Lifted);
        BackwardThroughTime.Run(
            forward, SequenceBatch.Pack([Matrix<double>.Build.Dense(1, 64, 1.7e308)]));
        forward.FallBacks.Should().Equal("several steps at once, backward in time: step by step");
    }

    /// <summary>W_qh is the identity, so that outputs are the states, bit for bit, as they were when o_t was
    /// computed.</summary>
    [Theory]
    [InlineData(1.0)]
    [InlineData(3.0)]
    public void States_read_after_a_later_window_fell_back_are_those_that_the_outputs_came_from(double factor)
    {
        const int h = 5;
        LinearRnn grown = _examples.Model(2, h, h, 3.0);
        var model = new LinearRnn(grown.Whx, grown.Whh, Matrix<double>.Build.DenseIdentity(h));
        SequenceBatch inputs = _examples.Batch(2, 900, 40);
        foreach (bool hasWorkspace in (bool[])[false, true])
        {
            var forward = ForwardPass.Run(model, inputs, options: InChunks(4) with
            {
                MemoryBudget = (long)(factor * MemoryPlan.SmallestBudget(h, 4, inputs.Columns.Layout)),
                Workspace = hasWorkspace ? new Workspace() : null,
            });
            forward.FallBacks.Should().NotBeEmpty();
            int last = forward.FirstNonFiniteStep!.Value - 1;
            last.Should().BeGreaterThan(300);
            Matrix<double> outputs = forward.Outputs();
            for (int round = 0; round < 2; round++)
            {
                forward.HiddenStates().SubMatrix(0, h, 1, last).Equals(outputs.SubMatrix(0, h, 0, last))
                    .Should().BeTrue();
                forward.HiddenStates(1).SubMatrix(0, h, 1, 40).Equals(forward.Outputs(1)).Should().BeTrue();
            }
        }
    }

    [Fact]
    public void States_without_a_number_are_those_of_the_first_sequence()
    {
        var forward = ForwardPass.Run(_examples.Model(2, 3, 2), _examples.Batch(2, 5, 9));
        forward.HiddenStates().Equals(forward.HiddenStates(0)).Should().BeTrue();
        forward.Outputs().Equals(forward.Outputs(0)).Should().BeTrue();
        forward.HiddenState(5).Equals(forward.HiddenState(5, 0)).Should().BeTrue();
        forward.Output(5).Equals(forward.Output(5, 0)).Should().BeTrue();
        forward.HiddenState(5).Equals(forward.HiddenState(5, 1)).Should().BeFalse();
    }

    [Theory]
    [InlineData(Reduction.MeanPerStep, false)]
    [InlineData(Reduction.MeanPerSequence, false)]
    [InlineData(Reduction.Sum, false)]
    [InlineData(Reduction.MeanPerStep, true)]
    public void The_curvature_of_the_squared_error_has_the_factor_of_its_loss(Reduction reduction, bool isWeighted)
    {
        int[] lengths = [4, 9, 6];
        SequenceBatch inputs = _examples.Batch(2, lengths);
        var forward = ForwardPass.Run(_examples.Model(2, 3, 2), inputs);
        var objective = Objective.SquaredError(_examples.Batch(2, lengths), reduction).WithNormalizer(3.5);
        if (isWeighted)
        {
            objective = objective.WithStepWeights([.. lengths.Select(length => _examples.Matrix(length, 1)
                .PointwiseAbs().Column(0).ToArray())]);
        }

        // L is quadratic in W_qh alone: its gradient moves by H v exactly.
        Matrix<double> v = _examples.Matrix(2, 3);
        LinearRnn model = forward.Model;
        Gradients Of(Matrix<double> wqh) => BackwardThroughTime.Run(
            ForwardPass.Run(new LinearRnn(model.Whx, model.Whh, wqh), inputs), objective).Gradients;
        Matrix<double> expected = 0.5 * (Of(model.Wqh + v).Wqh - Of(model.Wqh - v).Wqh);
        var curvature = LossCurvature.Of(BackwardThroughTime.Run(forward, objective));
        var direction = new TangentDirection { Wqh = v };
        foreach (Matrix<double> product in (Matrix<double>[])
            [curvature.HessianProduct(direction).Weights.Wqh, curvature.GaussNewtonProduct(direction).Weights.Wqh])
        {
            (product - expected).FrobeniusNorm().Should().BeLessThan(1e-12 * expected.FrobeniusNorm());
        }
    }

    private static ExecutionOptions Lifted(int length) => new()
    {
        Recurrence = Recurrence.Lifted,
        Tuning = PlanTuning.Default with { LiftedLength = length },
    };

    private static ExecutionOptions InChunks(int length) => new()
    {
        Recurrence = Recurrence.TimeParallel,
        Tuning = PlanTuning.Default with { ChunkLength = length },
    };

    private static Matrix<double> One(double value) => Matrix<double>.Build.Dense(1, 1, value);
}
