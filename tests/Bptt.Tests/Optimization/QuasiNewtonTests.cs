// The objective function for MathNet's minimisers, and training by them.

using Bptt.Optimization;
using Bptt.Tests.Training;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;

namespace Bptt.Tests.Optimization;

public class QuasiNewtonTests
{
    private static readonly TrainingProblem Problem = TrainingProblem.Create(seed: 91, 40, 25, 33);

    [Fact]
    public void Value_and_gradient_are_those_of_the_loss_evaluated_once_for_each_point()
    {
        var counted = new CountingObjective(Problem.Targets);
        var own = new CountingObjective(Problem.Targets);
        var loss = new TrainingLoss(Problem.Inputs, counted);
        var start = new Parameters(Problem.Start);
        var function = new LossObjectiveFunction(loss, start);

        function.Invoking(f => f.Value).Should().Throw<InvalidOperationException>();
        function.EvaluateAt(start.ToVector());
        counted.Evaluations.Should().Be(0, "evaluation waits until a value is read");
        function.Value.Should().Be(own.Loss(ForwardPass.Run(Problem.Start, Problem.Inputs)));
        _ = function.Value;
        counted.Evaluations.Should().Be(1);

        Vector<double> gradient = function.Gradient;
        gradient.Should().Equal(new TrainingLoss(Problem.Inputs, own).Evaluate(start).GradientVector());
        function.EvaluateAt(0.9 * start.ToVector());
        _ = (function.Gradient, function.Value, function.Gradient);
        counted.Evaluations.Should().Be(3);

        IObjectiveFunction fork = function.Fork();
        function.EvaluateAt(start.ToVector());
        fork.Point.Should().Equal(0.9 * start.ToVector());
        _ = fork.Value;
        counted.Evaluations.Should().Be(3, "a fork knows what was known");
        function.CreateNew().Invoking(f => f.Point).Should().Throw<InvalidOperationException>();
        function.IsHessianSupported.Should().BeFalse();
        function.Invoking(f => f.Hessian).Should().Throw<NotSupportedException>();
        function.Invoking(f => f.EvaluateAt(Vector<double>.Build.Dense(1))).Should().Throw<ArgumentException>();
    }

    [Fact]
    public void What_is_not_finite_counts_as_infinitely_large()
    {
        var loss = new TrainingLoss(Problem.Inputs, Problem.Objective);
        var function = new LossObjectiveFunction(loss, new Parameters(Problem.Start));

        function.EvaluateAt(1e200 * new Parameters(Problem.Start).ToVector());
        function.Value.Should().Be(double.PositiveInfinity);
        function.EvaluateAt(double.NaN * new Parameters(Problem.Start).ToVector());
        function.Value.Should().Be(double.PositiveInfinity);
        function.Gradient.Should().AllSatisfy(g => g.Should().Be(double.NaN));
    }

    [Fact]
    public void Minimisers_of_MathNet_take_it()
    {
        var start = new Parameters(Problem.Start);
        var loss = new TrainingLoss(Problem.Inputs, Problem.Objective);
        double first = loss.Loss(start);

        Minimum(f => new BfgsMinimizer(1e-7, 1e-12, 0.0, 1000).FindMinimum(f, start.ToVector()), 1e-6);
        Minimum(f => new ConjugateGradientMinimizer(1e-5, 2000).FindMinimum(f, start.ToVector()), 1e-4);
        Minimum(f => NelderMeadSimplex.Minimum(f, start.ToVector(), 1e-3, 10000), 0.5);

        void Minimum(Func<IObjectiveFunction, MinimizationResult> minimise, double fraction) =>
            minimise(new LossObjectiveFunction(loss, start)).FunctionInfoAtMinimum.Value
                .Should().BeLessThan(fraction * first);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_recovers_a_system_to_rounding_and_says_that_it_has_converged(bool isLimited)
    {
        TrainingResult result = Train(isLimited
            ? QuasiNewton.LimitedMemoryBfgs(20, 200) : QuasiNewton.Bfgs(200));

        result.StopReason.Should().Be(StopReason.Converged, result.Summary);
        result.BestLoss.Should().BeLessThan(1e-12 * result.History[0].Loss);
        result.History.Select(e => e.Loss).Should().BeInDescendingOrder("a step never makes the loss larger");
    }

    [Fact]
    public void Segments_too_short_to_converge_in_still_get_there()
    {
        TrainingResult result = Train(QuasiNewton.Bfgs(25));
        result.BestLoss.Should().BeLessThan(1e-6 * result.History[0].Loss);
    }

    [Fact]
    public void Trials_that_overflow_and_line_searches_that_fail_end_a_segment_and_never_escape()
    {
        // A wild start: ‖W_hh‖ far above 1 and long sequences, where most trials are infinite.
        var examples = new Examples(92);
        LinearRnn wild = examples.Model(2, 4, 1, spectralRadius: 3.0);
        SequenceBatch inputs = examples.Batch(2, 250);
        var objective = Objective.SquaredError(examples.Batch(1, 250));
        foreach (Optimizer method in new[] { QuasiNewton.Bfgs(20), QuasiNewton.LimitedMemoryBfgs(5, 20) })
        {
            TrainingResult result = Trainer.Run(wild, inputs, objective, new TrainerOptions
            {
                Optimizer = method,
                MaxEpochs = 10,
            });

            result.StopReason.Should().BeOneOf(StopReason.Converged, StopReason.EpochLimit);
            result.BestLoss.Should().BeLessThanOrEqualTo(result.History[0].Loss);
            result.LastParameters.ToVector().Should().AllSatisfy(v => double.IsFinite(v).Should().BeTrue());
        }
    }

    [Fact]
    public void A_fault_of_the_objective_itself_and_a_cancellation_are_not_swallowed()
    {
        var failing = new CountingObjective(Problem.Targets) { FailsAt = 5 };
        FluentActions.Invoking(() => Trainer.Run(Problem.Start, Problem.Inputs, failing, new TrainerOptions
        {
            Optimizer = QuasiNewton.Bfgs(),
        })).Should().Throw<InvalidOperationException>().WithMessage("on purpose");

        using var cancellation = new CancellationTokenSource();
        var cancelling = new CountingObjective(Problem.Targets) { At = (5, cancellation.Cancel) };
        TrainingResult result = Trainer.Run(
            Problem.Start,
            Problem.Inputs,
            cancelling,
            new TrainerOptions { Optimizer = QuasiNewton.Bfgs() },
            cancellationToken: cancellation.Token);
        result.StopReason.Should().Be(StopReason.Canceled);
        result.Epochs.Should().Be(0, "the segment does not count");
        cancelling.Evaluations.Should().Be(5, "it is asked before each evaluation");
    }

    [Fact]
    public void Settings_out_of_range_are_refused()
    {
        foreach (Action bad in new Action[]
        {
            () => QuasiNewton.Bfgs(0),
            () => QuasiNewton.Bfgs(gradientTolerance: 0.0),
            () => QuasiNewton.LimitedMemoryBfgs(0),
            () => QuasiNewton.LimitedMemoryBfgs(gradientTolerance: double.NaN),
        })
        {
            bad.Should().Throw<ArgumentOutOfRangeException>();
        }
        QuasiNewton.Bfgs().Invoking(q => q.Restore(new Dictionary<string, double[]> { ["x"] = [] }))
            .Should().Throw<FormatException>();
    }

    private static TrainingResult Train(Optimizer optimizer) => Trainer.Run(
        Problem.Start, Problem.Inputs, Problem.Objective, new TrainerOptions { Optimizer = optimizer, MaxEpochs = 40 });
}
