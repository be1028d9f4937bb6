// The four-line walk, on an example small enough to do by hand.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class WalkTests
{
    [Fact]
    public void One_unit_two_steps_by_hand()
    {
        // w_hx = 2, w_hh = 3, w_qh = 5; x = 1, 1; y = 0, 0
        // h_1 = 2, h_2 = 2 + 6 = 8; o_1 = 10, o_2 = 40; L = 1/2 (50 + 800) = 425
        // ∂L/∂o = 5, 20; ∂L/∂h_2 = 100; ∂L/∂h_1 = 300 + 25 = 325; ∂L/∂h_0 = 975
        var model = new LinearRnn(One(2), One(3), One(5));
        var forward = ForwardPass.Run(model, Row(1, 1));
        var backward = BackwardThroughTime.Run(forward, Objective.SquaredError(Row(0, 0)));

        forward.HiddenStates().Should().Be(Row(0, 2, 8));
        forward.Outputs().Should().Be(Row(10, 40));
        backward.Loss.Should().Be(425);
        backward.OutputGradients().Should().Be(Row(5, 20));
        backward.HiddenStateGradients().Should().Be(Row(975, 325, 100));
        backward.InputGradients().Should().Be(Row(650, 200));
        backward.Gradients.Wqh[0, 0].Should().Be(5 * 2 + 20 * 8);
        backward.Gradients.Whx[0, 0].Should().Be(325 + 100);
        backward.Gradients.Whh[0, 0].Should().Be(325 * 0 + 100 * 2);
    }

    private static Matrix<double> One(double value) => Row(value);

    private static Matrix<double> Row(params double[] values) =>
        Matrix<double>.Build.Dense(1, values.Length, values);
}
