// What a backward pass records, and where it can be read. That the numbers are right is shown in ExactnessTests.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class BackwardThroughTimeTests
{
    private readonly Examples _examples = new(seed: 21);

    [Fact]
    public void What_is_read_without_a_sequence_is_of_the_first()
    {
        var forward = ForwardPass.Run(_examples.Model(2, 3, 4), _examples.Batch(2, 4, 5));
        var backward = BackwardThroughTime.Run(forward, _examples.Batch(4, 4, 5));
        var tangent = TangentPass.Run(forward, new TangentDirection { Whh = _examples.Matrix(3, 3) });
        foreach ((Func<int, object> of, object first) in new (Func<int, object>, object)[]
        {
            (b => forward.HiddenState(2, b), forward.HiddenState(2)),
            (b => forward.HiddenStates(b), forward.HiddenStates()),
            (b => forward.Output(2, b), forward.Output(2)),
            (b => forward.Outputs(b), forward.Outputs()),
            (b => backward.HiddenStateGradient(2, b), backward.HiddenStateGradient(2)),
            (b => backward.HiddenStateGradients(b), backward.HiddenStateGradients()),
            (b => backward.OutputGradient(2, b), backward.OutputGradient(2)),
            (b => backward.OutputGradients(b), backward.OutputGradients()),
            (b => backward.InputGradient(2, b), backward.InputGradient(2)),
            (b => backward.InputGradients(b), backward.InputGradients()),
            (b => tangent.HiddenState(2, b), tangent.HiddenState(2)),
            (b => tangent.HiddenStates(b), tangent.HiddenStates()),
            (b => tangent.Output(2, b), tangent.Output(2)),
            (b => tangent.Outputs(b), tangent.Outputs()),
        })
        {
            (first.Equals(of(0)), first.Equals(of(1))).Should().Be((true, false));
        }
    }

    [Fact]
    public void Every_recorded_gradient_satisfies_its_formula()
    {
        LinearRnn model = _examples.Model(2, 3, 4);
        var forward = ForwardPass.Run(model, _examples.Batch(2, 3, 6, 1));
        Matrix<double> e = _examples.Matrix(3, 3);
        var backward = BackwardThroughTime.Run(
            forward,
            Objective.SquaredError(_examples.Batch(4, 3, 6, 1)),
            new BackwardOptions { FinalStateGradients = e });

        for (int b = 0; b < 3; b++)
        {
            int last = forward.Lengths[b];
            for (int t = 0; t <= last; t++)
            {
                // (2), (3), and ∂L/∂h_0 = W_hhᵀ ∂L/∂h_1
                Vector<double> expected = t == last
                    ? e.Column(b)
                    : model.Whh.TransposeThisAndMultiply(backward.HiddenStateGradient(t + 1, b));
                if (t > 0)
                {
                    expected += model.Wqh.TransposeThisAndMultiply(backward.OutputGradient(t, b));
                    Vector<double> inputGradient = model.Whx.TransposeThisAndMultiply(
                        backward.HiddenStateGradient(t, b));
                    (backward.InputGradient(t, b) - inputGradient).L2Norm().Should().BeLessThan(1e-14);
                }
                (backward.HiddenStateGradient(t, b) - expected).L2Norm().Should().BeLessThan(1e-14);
            }
        }
    }

    [Fact]
    public void Matrices_hold_the_steps_as_columns()
    {
        var forward = ForwardPass.Run(_examples.Model(2, 3, 4), _examples.Batch(2, 3, 5, 1));
        var backward = BackwardThroughTime.Run(forward, Objective.SquaredError(_examples.Batch(4, 3, 5, 1)));

        for (int b = 0; b < 3; b++)
        {
            backward.HiddenStateGradients(b).ColumnCount.Should().Be(forward.Lengths[b] + 1);
            backward.InputGradients(b).ColumnCount.Should().Be(forward.Lengths[b]);
            backward.OutputGradients(b).ColumnCount.Should().Be(forward.Lengths[b]);
            backward.InitialStateGradients.Column(b).Should().Equal(backward.HiddenStateGradient(0, b));
            backward.HiddenStateGradients(b).Column(0).Should().Equal(backward.HiddenStateGradient(0, b));
            for (int t = 1; t <= forward.Lengths[b]; t++)
            {
                backward.HiddenStateGradients(b).Column(t).Should().Equal(backward.HiddenStateGradient(t, b));
                backward.InputGradients(b).Column(t - 1).Should().Equal(backward.InputGradient(t, b));
                backward.OutputGradients(b).Column(t - 1).Should().Equal(backward.OutputGradient(t, b));
            }
        }
    }

    [Fact]
    public void Output_gradients_from_elsewhere_give_what_the_objective_gives()
    {
        var forward = ForwardPass.Run(_examples.Model(2, 3, 2), _examples.Batch(2, 4, 2));
        var expected = BackwardThroughTime.Run(forward, Objective.SquaredError(_examples.Batch(2, 4, 2)));

        var actual = BackwardThroughTime.Run(
            forward, SequenceBatch.Pack([expected.OutputGradients(0), expected.OutputGradients(1)]));

        actual.Gradients.Whx.Should().Be(expected.Gradients.Whx);
        actual.Gradients.Whh.Should().Be(expected.Gradients.Whh);
        actual.Gradients.Wqh.Should().Be(expected.Gradients.Wqh);
        actual.Invoking(b => b.Loss).Should().Throw<InvalidOperationException>().WithMessage("*objective*");
    }

    [Fact]
    public void Gradients_that_overflow_are_recorded()
    {
        var one = Matrix<double>.Build.Dense(1, 1, 1.0);
        var model = new LinearRnn(one, 1e200 * one, one);
        // h stays zero, the gradient does not: ∂L/∂h_t = 1e200^{T−t}
        var backward = BackwardThroughTime.Run(
            ForwardPass.Run(model, Matrix<double>.Build.Dense(1, 3)),
            Matrix<double>.Build.DenseOfArray(new double[,] { { 0, 0, 1 } }));

        backward.HiddenStateGradients().ToRowMajorArray()
            .Should().Equal(double.PositiveInfinity, double.PositiveInfinity, 1e200, 1);
        backward.Gradients.IsFinite.Should().BeFalse();
    }

    [Fact]
    public void Gradients_too_small_to_matter_become_zero()
    {
        var one = Matrix<double>.Build.Dense(1, 1, 1.0);
        var model = new LinearRnn(one, 1e-100 * one, one);
        var backward = BackwardThroughTime.Run(
            ForwardPass.Run(model, Matrix<double>.Build.Dense(1, 5)),
            Matrix<double>.Build.DenseOfArray(new double[,] { { 0, 0, 0, 0, 1 } }));

        backward.HiddenStateGradients().ToRowMajorArray().Should().Equal(0, 0, 0, 1e-200, 1e-100, 1);
    }

    [Fact]
    public void An_objective_that_throws_or_returns_NaN_is_not_hidden()
    {
        var forward = ForwardPass.Run(_examples.Model(1, 2, 1), _examples.Matrix(1, 3));

        FluentActions.Invoking(() => BackwardThroughTime.Run(forward, new Faulty(throws: true)))
            .Should().Throw<TimeZoneNotFoundException>();
        var backward = BackwardThroughTime.Run(forward, new Faulty(throws: false));
        backward.Loss.Should().Be(double.NaN);
        backward.Gradients.IsFinite.Should().BeFalse();
    }

    private sealed class Faulty(bool throws) : Objective
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) =>
            throws ? throw new TimeZoneNotFoundException() : double.NaN;

        protected override void StepGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) => gradient.Fill(double.NaN);
    }
}
