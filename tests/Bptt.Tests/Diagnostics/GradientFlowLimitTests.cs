// The gradient flow at its limits: nothing flows, one step only, numbers near the ends of the range, and beyond them.

using Bptt.Diagnostics;
using MathNet.Numerics.LinearAlgebra;
using static Bptt.Tests.Diagnostics.FlowCases;
using static Bptt.Tests.Diagnostics.SpectrumModels;

namespace Bptt.Tests.Diagnostics;

public class GradientFlowLimitTests
{
    private readonly Examples _examples = new(seed: 92);

    [Fact]
    public void A_nilpotent_network_passes_nothing_on()
    {
        GradientFlow flow = Analyze(Model(Shift(3, cyclic: false)), _examples.Matrix(1, 8), Last(8));
        flow.LastStepFlow.Should().HaveCount(4, "the curve ends with its first 0");
        flow.LastStepFlow.Select(value => Math.Round(value * value, 12)).Should().Equal(3, 2, 1, 0);
        (flow.Verdict, flow.Factor, flow.LastLag, flow.MeasuredGrowth, flow.PredictedGrowth)
            .Should().Be((GradientFlowVerdict.Vanishing, 0.0, 3, (double?)null, 0.0));
        flow.Summary.Should().Be(
            "vanishing: after 3 steps nothing of a step's gradient is left (0 per step predicted)");
        flow.LagWhereFlowFallsTo(1e-300).Should().Be(3);
        flow.PredictedEnvelope.Skip(1).Should().OnlyContain(value => value == 0);

        flow = Analyze(Model(Matrix<double>.Build.Dense(3, 3)), _examples.Matrix(1, 8), Last(8));
        (flow.MeanFlow.Count, flow.MeanFlow[1], flow.Verdict).Should().Be((2, 0.0, GradientFlowVerdict.Vanishing));
    }

    [Fact]
    public void Nothing_travels_in_a_sequence_of_one_step()
    {
        GradientFlow flow = Analyze(Model(Diagonal(0.5)), Ones(1, 1), Ones(1, 1));
        flow.MeanFlow.Should().Equal(1.0);
        (flow.Verdict, flow.Factor, flow.LastLag).Should().Be((GradientFlowVerdict.Stable, 1.0, 0));
        flow.MeasuredGrowth.Should().BeNull();
        flow.Summary.Should().Be("stable: one step only, nothing to travel back through (0.5 per step predicted)");
        flow.WhhShares().Should().Equal(0.0); // h_0 = 0, so ∂L/∂W_hh = 0
    }

    [Fact]
    public void Without_a_gradient_there_is_no_verdict()
    {
        GradientFlow flow = Analyze(Model(Diagonal(0.5)), Ones(1, 9), Matrix<double>.Build.Dense(1, 9));
        (flow.Verdict, flow.Factor, flow.LastLag, flow.MeasuredGrowth)
            .Should().Be((GradientFlowVerdict.NoGradient, 0.0, 0, (double?)null));
        flow.MeanFlow.Should().Equal(0.0);
        flow.LagWhereFlowFallsTo(0.5).Should().BeNull();
        flow.WhhShares().Should().OnlyContain(share => share == 0).And.HaveCount(9);
        flow.Summary.Should().StartWith("no gradient");

        var blind = new LinearRnn(Ones(1, 1), Ones(1, 1), Matrix<double>.Build.Dense(1, 1));
        Analyze(blind, Ones(1, 9), Ones(1, 9)).Verdict.Should().Be(GradientFlowVerdict.NoGradient);
    }

    [Theory]
    [InlineData(600)]
    [InlineData(-600)]
    public void Gradients_of_any_size_flow_alike(int exponent)
    {
        LinearRnn model = _examples.Model(2, 5, 3, spectralRadius: 0.9);
        Matrix<double> inputs = _examples.Matrix(2, 40);
        Matrix<double> outputGradients = _examples.Matrix(3, 40);
        GradientFlow plain = Analyze(model, inputs, outputGradients);
        GradientFlow scaled = Analyze(model, inputs, outputGradients.Map(value => Math.ScaleB(value, exponent)));
        scaled.MeanFlow.Should().Equal(plain.MeanFlow.Select(value => Math.ScaleB(value, exponent)));
        scaled.LastStepFlow.Should().Equal(plain.LastStepFlow.Select(value => Math.ScaleB(value, exponent)));
        (scaled.Factor, scaled.Verdict).Should().Be((plain.Factor, plain.Verdict));
        scaled.MeasuredGrowth.Should().BeApproximately(plain.MeasuredGrowth!.Value, 1e-12);
        for (int t = 1; t <= 40; t++)
        {
            scaled.WhhShares()[t - 1].Should().BeApproximately(plain.WhhShares()[t - 1], 1e-12);
        }
    }

    [Theory]
    [InlineData(1.5e308, 1.0, 0.0)] // states whose sum overflows
    [InlineData(1e154, 1.1e154, 1.0)] // products whose sum overflows
    [InlineData(1e-150, 1e-130, 1.0)]
    public void Shares_are_finite_wherever_the_gradient_is(double state, double gradient, double seen)
    {
        // ∂L/∂W_hh = ∂L/∂h_2 h_1ᵀ + ∂L/∂h_3 h_2ᵀ, with h_2 = −h_1/2 and ∂L/∂h_3 = ∂L/∂h_2/2: shares 4/3 and −1/3.
        var model = new LinearRnn(
            Matrix<double>.Build.Dense(2, 1, state),
            Matrix<double>.Build.Dense(2, 2),
            Matrix<double>.Build.DenseOfArray(new[,] { { 1.0, seen } }));
        var inputs = Matrix<double>.Build.DenseOfArray(new[,] { { 1, -0.5, 0 } });
        GradientFlow flow = Analyze(
            model, inputs, Matrix<double>.Build.DenseOfArray(new[,] { { 0, gradient, 0.5 * gradient } }));
        flow.FirstNonFinite.Should().BeNull();
        double[] expected = [0, 4.0 / 3, -1.0 / 3];
        for (int t = 0; t < 3; t++)
        {
            flow.WhhShares()[t].Should().BeApproximately(expected[t], 1e-14);
        }
    }

    [Fact]
    public void A_flow_that_grows_by_more_than_a_double_holds_has_not_overflowed()
    {
        var model = new LinearRnn(Ones(1, 1), Diagonal(1e100), Ones(1, 1));
        var forward = ForwardPass.Run(model, Matrix<double>.Build.Dense(1, 6));
        var flow = GradientFlow.Of(BackwardThroughTime.Run(forward, 1e-280 * Last(6)));
        flow.LastStepFlow.Should().OnlyContain(value => double.IsFinite(value)).And.HaveCount(6);
        (flow.Verdict, flow.Factor).Should().Be((GradientFlowVerdict.Exploding, double.PositiveInfinity));
        flow.Summary.Should().StartWith(
            "exploding: after 5 steps a step's gradient has grown more than 1.8E+308-fold (1E+100 per step");
    }

    [Fact]
    public void A_source_that_overflows_has_not_travelled()
    {
        var blowUp = new LinearRnn(Ones(2, 1), Diagonal(0.5, 0.5), Matrix<double>.Build.Dense(1, 2, 1e308));
        var forward = ForwardPass.Run(blowUp, Matrix<double>.Build.Dense(1, 4));
        var flow = GradientFlow.Of(BackwardThroughTime.Run(forward, Matrix<double>.Build.Dense(1, 4, 1e10)));
        (flow.Verdict, flow.LastLag).Should().Be((GradientFlowVerdict.Exploding, 0));
        flow.Summary.Should().StartWith(
            "exploding: W_qhᵀ ∂L/∂o_t itself has overflowed (0.5 per step predicted); ∂L/∂h_4");
    }

    [Fact]
    public void A_flow_that_overflows_ends_its_curve()
    {
        var model = new LinearRnn(Ones(1, 1), Diagonal(1e100), Ones(1, 1));
        var forward = ForwardPass.Run(model, Matrix<double>.Build.Dense(1, 9));
        var flow = GradientFlow.Of(BackwardThroughTime.Run(forward, Last(9)));
        flow.LastStepFlow.Should().HaveCount(5);
        flow.LastStepFlow[^1].Should().Be(double.PositiveInfinity);
        flow.MeanFlow[^1].Should().Be(double.PositiveInfinity);
        flow.MeanFlow.SkipLast(1).Should().OnlyContain(value => double.IsFinite(value));
        (flow.Verdict, flow.Factor, flow.LastLag)
            .Should().Be((GradientFlowVerdict.Exploding, double.PositiveInfinity, 4));
        flow.Summary.Should().StartWith("exploding: after 4 steps a step's gradient has overflowed");
        flow.PredictedEnvelope.Should().OnlyContain(value => value > 0);
    }
}
