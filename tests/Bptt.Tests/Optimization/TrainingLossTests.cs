// The loss as a function of the parameters, and the parameters as a vector.

using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Tests.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Optimization;

public class TrainingLossTests
{
    private readonly Examples _examples = new(seed: 111);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_point_is_the_passes_put_together(bool isLearned)
    {
        LinearRnn model = _examples.Model(2, 3, 1);
        SequenceBatch inputs = _examples.Batch(2, 6, 4);
        var objective = Objective.SquaredError(_examples.Batch(1, 6, 4));
        Matrix<double> h0 = _examples.Matrix(3, 2);
        var loss = new TrainingLoss(inputs, objective, new TrainingLossOptions
        {
            InitialStates = h0,
            Regularizers = [new L2Regularizer(0.3), new JacobianRegularizer(0.2)],
        });
        Parameters parameters = isLearned ? new Parameters(model, 0.5 * h0) : new Parameters(model);
        parameters.ToString().Should().MatchRegex(@"^Parameters \(d = \d+, h = \d+, q = \d+(, h_0 of B = \d+)?\)$");

        TrainingPoint point = loss.Evaluate(parameters);

        var backward = BackwardThroughTime.Run(ForwardPass.Run(model, inputs, isLearned ? 0.5 * h0 : h0), objective);
        (double Value, Gradients Gradients) first = new L2Regularizer(0.3).Evaluate(backward);
        (double Value, Gradients Gradients) second = new JacobianRegularizer(0.2).Evaluate(backward);
        point.DataLoss.Should().Be(backward.Loss);
        point.Loss.Should().Be(backward.Loss + first.Value + second.Value);
        point.Gradients.Whh.Should().Be((backward.Gradients + first.Gradients + second.Gradients).Whh);
        point.InitialStateGradients.Should().Be(isLearned ? backward.InitialStateGradients : null);
        point.IsFinite.Should().BeTrue();
        loss.Loss(parameters).Should().Be(point.Loss);

        // In the order of the parameters: checked by differences along a direction.
        Vector<double> direction = _examples.Vector(parameters.Count);
        const double step = 1e-5;
        TrainingLoss plain = new(inputs, objective, new TrainingLossOptions { InitialStates = h0 });
        double slope = (plain.Loss(parameters.With(parameters.ToVector() + step * direction))
            - plain.Loss(parameters.With(parameters.ToVector() - step * direction))) / (2.0 * step);
        slope.Should().BeApproximately(plain.Evaluate(parameters).GradientVector() * direction, 1e-7);
    }

    [Fact]
    public void Options_that_may_not_be_null_are_named()
    {
        var problem = TrainingProblem.Create(seed: 40, 4);
        FluentActions.Invoking(() => new TrainingLoss(problem.Inputs, problem.Objective, new() { Regularizers = null! }))
            .Should().Throw<ArgumentNullException>().WithParameterName("Regularizers");
        FluentActions.Invoking(() => new TrainingLoss(problem.Inputs, problem.Objective, new() { Execution = null! }))
            .Should().Throw<ArgumentNullException>().WithParameterName("Execution");
    }

    [Fact]
    public void One_point_can_be_read_while_another_is_made_and_losses_disturb_none()
    {
        LinearRnn model = _examples.Model(1, 2, 1);
        var parameters = new Parameters(model);
        var loss = new TrainingLoss(_examples.Batch(1, 5), Objective.SquaredError(_examples.Batch(1, 5)));

        TrainingPoint first = loss.Evaluate(parameters);
        double norm = first.Forward.FinalStates.FrobeniusNorm();
        TrainingPoint second = loss.Evaluate(parameters.With(2.0 * parameters.ToVector()));
        _ = (loss.Loss(parameters), loss.Loss(parameters));

        first.Forward.FinalStates.FrobeniusNorm().Should().Be(norm);
        second.Backward.HiddenStateGradients().ColumnCount.Should().Be(6);
        loss.Evaluate(parameters);
        first.Invoking(p => p.Forward.FinalStates).Should().Throw<InvalidOperationException>();
        first.GradientVector().Should().Equal(loss.Evaluate(parameters).GradientVector(), "its gradient is its own");
        _ = second;
    }

    [Fact]
    public void What_is_not_finite_is_told_and_not_thrown()
    {
        var model = new LinearRnn(
            Matrix<double>.Build.Dense(1, 1, 1e200), Matrix<double>.Build.Dense(1, 1, 1e200), Matrix<double>.Build.Dense(1, 1, 1.0));
        var loss = new TrainingLoss(_examples.Batch(1, 5), Objective.SquaredError(_examples.Batch(1, 5)));
        loss.Evaluate(new Parameters(model)).IsFinite.Should().BeFalse();
        double.IsFinite(loss.Loss(new Parameters(model))).Should().BeFalse();
    }

    [Fact]
    public void Parameters_stand_column_by_column_and_come_back()
    {
        LinearRnn model = _examples.Model(2, 3, 1);
        Matrix<double> h0 = _examples.Matrix(3, 4);
        var parameters = new Parameters(model, h0);

        parameters.Count.Should().Be(3 * (2 + 3 + 1) + 12);
        parameters.ToVector().Should().Equal(
        [
            .. model.Whx.ToColumnMajorArray(), .. model.Whh.ToColumnMajorArray(), .. model.Wqh.ToColumnMajorArray(),
            .. h0.ToColumnMajorArray(),
        ]);
        Parameters moved = parameters.With(2.0 * parameters.ToVector());
        moved.Model.Wqh.Should().Be(2.0 * model.Wqh);
        moved.InitialStates.Should().Be(2.0 * h0);
        parameters.Model.Should().BeSameAs(model);
        new Parameters(model).InitialStates.Should().BeNull();
        moved.InitialStates![0, 0] = 7.0;
        moved.InitialStates.Should().Be(2.0 * h0, "each call makes a copy");
    }

    [Fact]
    public void Arguments_that_do_not_fit_are_refused()
    {
        LinearRnn model = _examples.Model(2, 3, 1);
        var parameters = new Parameters(model);
        FluentActions.Invoking(() => new Parameters(null!)).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => new Parameters(model, _examples.Matrix(2, 1))).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new Parameters(model, Matrix<double>.Build.Dense(3, 1, double.NaN)))
            .Should().Throw<ArgumentException>();
        parameters.Invoking(p => p.With(_examples.Vector(3))).Should().Throw<ArgumentException>();
        parameters.Invoking(p => p.With(double.NaN * p.ToVector())).Should().Throw<ArgumentException>();
        double[] infinite = new double[parameters.Count];
        infinite[8] = double.PositiveInfinity;
        parameters.Invoking(p => p.With(infinite)).Should().Throw<ArithmeticException>().WithMessage("*W_hh*");

        SequenceBatch inputs = _examples.Batch(2, 4);
        var objective = Objective.SquaredError(_examples.Batch(1, 4));
        FluentActions.Invoking(() => new TrainingLoss(null!, objective)).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => new TrainingLoss(inputs, null!)).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => new TrainingLoss(
            inputs, objective, new TrainingLossOptions { InitialStates = _examples.Matrix(3, 2) })).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new TrainingLoss(
            inputs, objective, new TrainingLossOptions { Regularizers = [null!] })).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new TrainingLoss(inputs, objective).Evaluate(
            new Parameters(model, _examples.Matrix(3, 2)))).Should().Throw<ArgumentException>();
    }
}
