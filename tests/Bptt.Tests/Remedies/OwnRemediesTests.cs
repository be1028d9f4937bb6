// Clippings, penalties and constraints as a user writes them: used, and held to what they promise.

using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Tests.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Remedies;

public class OwnRemediesTests
{
    private readonly Examples _examples = new(seed: 14);

    [Fact]
    public void A_clipping_of_ones_own_writes_in_place_and_changes_nothing_that_was_given()
    {
        Gradients gradients = Gradients();
        Matrix<double> states = _examples.Matrix(3, 2);
        Matrix<double> before = gradients.Whh;

        ClippedGradients clipped = new OwnClipping(0.1).Apply(gradients, states);

        clipped.Gradients.Whh.Should().Be(before.Map(v => 0.1 * Math.Tanh(v / 0.1)));
        clipped.Gradients.Whx.Should().Be(gradients.Whx);
        clipped.Gradients.Wqh.Should().Be(gradients.Wqh);
        clipped.InitialStateGradients.Should().Be(0.5 * states);
        clipped.Factor.Should().BeNull();
        gradients.Whh.Should().Be(before);
        new OwnClipping(0.1).ToString().Should().Be("OwnClipping(bound 0.1)");
    }

    [Fact]
    public void One_factor_for_all_is_told_and_held_against_the_result()
    {
        Gradients gradients = Gradients();
        double norm = gradients.GlobalNorm();
        ClippedGradients halved = new Told(entries =>
        {
            entries.Scale(0.5);
            return 0.5;
        }).Apply(gradients);
        halved.Factor.Should().Be(0.5);
        halved.NormBefore.Should().Be(norm);
        halved.Gradients.GlobalNorm().Should().BeApproximately(0.5 * norm, 1e-15);

        Invalid(entries => 1.0 + (0.0 * (entries.Whx[0] = 7.0)));
        Invalid(entries =>
        {
            entries.Scale(0.5);
            return 0.25;
        });
        Invalid(_ => double.NaN);

        void Invalid(Func<GradientEntries, double?> clip) => new Told(clip).Invoking(c => c.Apply(gradients))
            .Should().Throw<InvalidOperationException>().WithMessage("Told(): *the factor that it tells*null*");
    }

    [Fact]
    public void A_clipping_that_gives_NaN_is_refused()
    {
        Refused(entries =>
        {
            entries.Wqh[0] = double.NaN;
            return null;
        });
        Refused(entries =>
        {
            entries.InitialStates[1] = double.NegativeInfinity;
            return null;
        });

        void Refused(Func<GradientEntries, double?> clip) => new Told(clip)
            .Invoking(c => c.Apply(Gradients(), _examples.Matrix(3, 2)))
            .Should().Throw<ArithmeticException>().WithMessage("Told(): expected finite gradients*");
    }

    [Fact]
    public void The_entries_are_those_of_the_matrices_in_their_order()
    {
        Gradients gradients = Gradients();
        Matrix<double> states = _examples.Matrix(3, 2);
        new Told(entries =>
        {
            entries.Whx.ToArray().Should().Equal(gradients.Whx.ToColumnMajorArray());
            entries.Whh.ToArray().Should().Equal(gradients.Whh.ToColumnMajorArray());
            entries.Wqh.ToArray().Should().Equal(gradients.Wqh.ToColumnMajorArray());
            entries.Weights.ToArray().Should()
                .Equal([.. entries.Whx.ToArray(), .. entries.Whh.ToArray(), .. entries.Wqh.ToArray()]);
            entries.InitialStates.ToArray().Should().Equal(states.ToColumnMajorArray());
            entries.Norm().Should().BeApproximately(
                Math.Sqrt(Math.Pow(gradients.GlobalNorm(), 2) + Math.Pow(states.FrobeniusNorm(), 2)), 1e-14);
            return 1.0;
        }).Apply(gradients, states).Factor.Should().Be(1.0);
    }

    [Fact]
    public void A_penalty_of_ones_own_adds_to_loss_and_gradient()
    {
        LinearRnn model = _examples.Model(2, 3, 1);
        SequenceBatch inputs = _examples.Batch(2, 6, 4);
        var objective = Objective.SquaredError(_examples.Batch(1, 6, 4));
        var penalty = new OwnPenalty(0.3);
        var plain = new TrainingLoss(inputs, objective);
        var loss = new TrainingLoss(inputs, objective, new TrainingLossOptions { Regularizers = [penalty] });
        var at = new Parameters(model);

        TrainingPoint point = loss.Evaluate(at);

        var weights = at.ToVector();
        point.Loss.Should().BeApproximately(
            plain.Evaluate(at).Loss + (0.3 * weights.Sum(w => Math.Log(Math.Cosh(w)))), 1e-13);
        (point.GradientVector() - plain.Evaluate(at).GradientVector() - (0.3 * weights.PointwiseTanh())).L2Norm()
            .Should().BeLessThan(1e-14);
        loss.Loss(at).Should().Be(point.Loss);
        penalty.ToString().Should().Be("OwnPenalty(strength 0.3)");
        FluentActions.Invoking(() => new LevenbergMarquardt().Step(loss, loss.Evaluate(at), default))
            .Should().Throw<NotSupportedException>().WithMessage("*got OwnPenalty(strength 0.3)*");
    }

    [Fact]
    public void A_penalty_of_another_shape_is_refused()
    {
        var wrong = new WrongPenalty(
            new Gradients(_examples.Matrix(2, 3), _examples.Matrix(2, 2), _examples.Matrix(1, 2)));
        SequenceBatch inputs = _examples.Batch(2, 6);
        var loss = new TrainingLoss(
            inputs,
            Objective.SquaredError(_examples.Batch(1, 6)),
            new TrainingLossOptions { Regularizers = [wrong] });
        loss.Invoking(l => l.Evaluate(new Parameters(_examples.Model(2, 3, 1)))).Should().Throw<ArgumentException>()
            .WithMessage("the penalty WrongPenalty()*d = 2, h = 3, q = 1*got d = 3, h = 2, q = 1*");
    }

    [Fact]
    public void A_constraint_of_ones_own_moves_W_hh_alone()
    {
        LinearRnn model = _examples.Model(2, 3, 1);
        LinearRnn moved = new OwnConstraint(0.1).Apply(model);
        moved.Whh.Should().Be(model.Whh.Map(w => Math.Clamp(w, -0.1, 0.1)));
        (moved.Whx, moved.Wqh).Should().Be((model.Whx, model.Wqh));
        new OwnConstraint(0.1).Apply(moved).Should().BeSameAs(moved);
        new OwnConstraint(0.1).ToString().Should().Be("OwnConstraint(bound 0.1)");
        new OrthogonalConstraint().ToString().Should().Be("OrthogonalConstraint()");

        new ConstraintTo(_examples.Matrix(2, 3)).Invoking(c => c.Apply(model)).Should()
            .Throw<InvalidOperationException>().WithMessage("ConstraintTo(): expected 3×3*got 2×3*");
        new ConstraintTo(Matrix<double>.Build.Dense(3, 3, double.NaN)).Invoking(c => c.Apply(model)).Should()
            .Throw<ArithmeticException>().WithMessage("ConstraintTo(): expected finite*NaN*");
    }

    private Gradients Gradients() => new(_examples.Matrix(3, 2), _examples.Matrix(3, 3), _examples.Matrix(1, 3));

    private sealed class Told(Func<GradientEntries, double?> clip) : GradientClipping
    {
        protected override FormattableString Settings => $"";

        protected override double? Clip(GradientEntries gradients) => clip(gradients);
    }

    private sealed class WrongPenalty(Gradients gradients) : Regularizer
    {
        protected override FormattableString Settings => $"";

        public override (double Value, Gradients Gradients) Evaluate(BackwardThroughTime backward) => (0.0, gradients);
    }

    private sealed class ConstraintTo(Matrix<double> whh) : WeightConstraint
    {
        protected override FormattableString Settings => $"";

        protected override Matrix<double>? Project(Matrix<double> given) => whh;
    }
}
