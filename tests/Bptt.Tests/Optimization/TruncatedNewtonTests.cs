// The truncated Newton method: it reaches what Levenberg-Marquardt reaches, and leaves saddle points.

using Bptt.Optimization;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests.Optimization;

public class TruncatedNewtonTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_reaches_the_same_minimum(bool learnsInitialStates)
    {
        TrainingLoss loss = SecondOrder.LossOf(
            RandomScenario.Create(new ScenarioSettings(2, 3, 2, [60, 40], 0.8, ObjectiveKind.SquaredError, 21)),
            out Parameters parameters,
            learnsInitialStates);
        (TrainingPoint marquardt, int steps) = SecondOrder.Minimise(loss, parameters, new LevenbergMarquardt());
        (TrainingPoint newton, int newtonSteps) = SecondOrder.Minimise(loss, parameters, new TruncatedNewton());
        output.WriteLine($"{marquardt.Loss} in {steps} steps, {newton.Loss} in {newtonSteps}");
        newton.GradientVector().L2Norm().Should().BeLessThan(1e-5);
    }

    /// <summary>With ab above 0 and a target of 2 for 1, L = ½(ab − 2)² bends downwards along its gradient: the step
    /// goes on to the border of the region.</summary>
    [Fact]
    public void Along_negative_curvature_it_goes_to_the_border()
    {
        var inputs = Matrix<double>.Build.Dense(1, 1, 1.0);
        var loss = new TrainingLoss(SequenceBatch.Pack([inputs]), Objective.SquaredError(2.0 * inputs));
        var model = new LinearRnn(
            Matrix<double>.Build.Dense(1, 1, 1e-3),
            Matrix<double>.Build.Dense(1, 1),
            Matrix<double>.Build.Dense(1, 1, 2e-3));
        TrainingPoint at = loss.Evaluate(new Parameters(model));

        OptimizerStep step = new TruncatedNewton(initialRadius: 0.5).Step(loss, at, default);

        double length = (step.Next.ToVector() - at.Parameters.ToVector()).L2Norm();
        length.Should().BeApproximately(0.5 * at.Parameters.ToVector().L2Norm(), 1e-12);
        step.Evaluated!.Loss.Should().BeLessThan(at.Loss);
    }

    /// <summary>A saddle at θ = 0: only the second derivatives show the way down.</summary>
    [Fact]
    public void It_leaves_a_point_near_a_saddle()
    {
        var examples = new Examples(seed: 9);
        Matrix<double> inputs = examples.Matrix(1, 40);
        var loss = new TrainingLoss(SequenceBatch.Pack([inputs]), Objective.SquaredError(-2.0 * inputs));
        var tiny = new LinearRnn(examples.Matrix(2, 1, 1e-6), examples.Matrix(2, 2, 1e-6), examples.Matrix(1, 2, 1e-6));
        (TrainingPoint end, int steps) = SecondOrder.Minimise(
            loss, new Parameters(tiny), new TruncatedNewton(1.0, 200, 0.0, 0.0, 0.0));
        output.WriteLine($"{steps} steps, loss {end.Loss:0.0e-0}");
        end.Loss.Should().BeLessThan(1e-15);
        steps.Should().BeLessThan(80);
    }

    [Fact]
    public void A_run_goes_on_bit_for_bit_from_its_state()
    {
        TrainingLoss loss = SecondOrder.LossOf(ScenarioTable.Random(8), out Parameters parameters, true);
        var whole = new TruncatedNewton();
        TrainingPoint at = whole.Step(loss, loss.Evaluate(parameters), default).Evaluated!;
        Optimizer resumed = whole.Fresh();
        resumed.Restore(whole.State);
        TrainingLoss other = SecondOrder.LossOf(ScenarioTable.Random(8), out _, true);
        OptimizerStep actual = resumed.Step(other, other.Evaluate(at.Parameters), default);
        actual.Next.ToVector().Should().Equal(whole.Step(loss, at, default).Next.ToVector());
        whole.Invoking(m => m.Restore(new Dictionary<string, double[]> { ["region"] = [1.0] }))
            .Should().Throw<FormatException>();
    }

    [Fact]
    public void What_it_cannot_minimise_is_refused()
    {
        TrainingLoss truncated = SecondOrder.LossOf(
            ScenarioTable.Random(3), out Parameters parameters, false, Truncation.Windows(2));
        FluentActions.Invoking(() => new TruncatedNewton().Step(truncated, truncated.Evaluate(parameters), default))
            .Should().Throw<NotSupportedException>().WithMessage("*TruncatedNewton*exact gradient*");
        FluentActions.Invoking(() => new TruncatedNewton(maxProducts: 0)).Should().Throw<ArgumentOutOfRangeException>();
    }
}
