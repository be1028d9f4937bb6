// Where the first NaN or infinity arose is named, with its cause, and no number of the analysis is NaN because of it.

using Bptt.Diagnostics;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Diagnostics;

public class NonFiniteOriginTests
{
    [Theory]
    [InlineData(null)]
    [InlineData(600L)]
    public void A_state_that_grew_too_large(long? budget)
    {
        // h_t = 10^(10(t − 1)) in the second sequence: h_31 = 1e300, h_32 overflows.
        var model = new LinearRnn(One(1), One(1e10), One(1e-200));
        var forward = ForwardPass.Run(
            model,
            SequenceBatch.Pack([Matrix<double>.Build.Dense(1, 50), Matrix<double>.Build.Dense(1, 40, (_, t) => t == 0 ? 1 : 0)]),
            null,
            new ExecutionOptions { MemoryBudget = budget, Recurrence = Recurrence.Sequential });
        (forward.MemoryPlan.WindowCount > 1).Should().Be(budget is not null);
        NonFiniteOrigin origin = Analyze(forward, Objective.SquaredError(
            SequenceBatch.Pack([Matrix<double>.Build.Dense(1, 50), Matrix<double>.Build.Dense(1, 40)])));
        (origin.Quantity, origin.Sequence, origin.Step, origin.Row, origin.Column)
            .Should().Be(("h_t", 1, 32, 0, null));
        origin.Step.Should().Be(forward.FirstNonFiniteStep);
        origin.Summary.Should().Be(
            "h_32 of sequence 1 is infinite in row 0: the state overflowed: ‖h‖ grew by 1E+10 per step over 10 steps to 1E+300, and W_hh h + W_hx x exceeds the largest double, 1.8E+308");
    }

    [Theory]
    [InlineData(3, 5, 4)]
    [InlineData(5, 3, 4)]
    [InlineData(4, 5, 3)]
    public void Of_sequences_that_overflow_at_the_same_step_the_first_is_named(params int[] lengths)
    {
        var forward = ForwardPass.Run(
            new LinearRnn(One(1), One(1e300), One(1)),
            SequenceBatch.Pack([.. lengths.Select(length => Matrix<double>.Build.Dense(1, length, 1e10))]));
        NonFiniteOrigin origin = Analyze(forward, Objective.SquaredError(
            SequenceBatch.Pack([.. lengths.Select(length => Matrix<double>.Build.Dense(1, length))])));
        (origin.Quantity, origin.Sequence, origin.Step).Should().Be(("h_t", 0, 2));
    }

    [Fact]
    public void Growth_over_one_step_is_told_in_the_singular()
    {
        var forward = ForwardPass.Run(
            new LinearRnn(One(1), One(1e150), One(1e-300)), Matrix<double>.Build.Dense(1, 4, (_, t) => t == 0 ? 1e145 : 0));
        Analyze(forward, Objective.SquaredError(Matrix<double>.Build.Dense(1, 4))).Summary
            .Should().Contain("‖h‖ grew by 1E+150 per step over 1 step to 1E+295,");
    }

    [Fact]
    public void A_state_that_overflowed_at_once()
    {
        var forward = ForwardPass.Run(new LinearRnn(One(1), One(1e300), One(1)), Matrix<double>.Build.Dense(1, 3, 1e10));
        NonFiniteOrigin origin = Analyze(forward, Objective.SquaredError(Matrix<double>.Build.Dense(1, 3)));
        (origin.Quantity, origin.Step).Should().Be(("h_t", 2));
        origin.ToString().Should().Contain("‖h‖ was 1E+10 one step before");
    }

    [Fact]
    public void An_output_of_a_finite_state()
    {
        var whx = Matrix<double>.Build.DenseOfArray(new double[,] { { 1 }, { 1 } });
        var wqh = Matrix<double>.Build.DenseOfArray(new double[,] { { 1, 0 }, { 0, 1e200 } });
        var forward = ForwardPass.Run(
            new LinearRnn(whx, Matrix<double>.Build.DenseIdentity(2), wqh),
            Matrix<double>.Build.DenseOfArray(new double[,] { { 1, 1, 1e150 } }));
        NonFiniteOrigin origin = Analyze(forward, Objective.SquaredError(Matrix<double>.Build.Dense(2, 3)));
        (origin.Quantity, origin.Sequence, origin.Step, origin.Row)
            .Should().Be(("o_t", 0, 3, 1));
        origin.Summary.Should().Contain("the state is finite there (‖h‖ = 1.41E+150), but the product W_qh h exceeds");
    }

    [Fact]
    public void A_gradient_that_the_objective_returned()
    {
        var forward = ForwardPass.Run(new LinearRnn(One(1), One(0.5), One(1)), Matrix<double>.Build.Dense(1, 6, 1));
        NonFiniteOrigin origin = Analyze(forward, new Broken(atStep: [2, 4]));
        (origin.Quantity, origin.Sequence, origin.Step)
            .Should().Be(("∂L/∂o_t", 0, 4), "the backward pass meets the later step first");
        origin.Summary.Should().StartWith("∂L/∂o_4 of sequence 0 is NaN in row 0: the objective returned it for a finite output");

        var backward = BackwardThroughTime.Run(forward, new Broken([1, 2, 3, 4, 5, 6]));
        var flow = GradientFlow.Of(backward);
        (flow.Verdict, flow.Factor, flow.LastLag).Should().Be((GradientFlowVerdict.NoGradient, 0.0, 0));
        flow.Summary.Should().StartWith("no finite gradient");
    }

    [Fact]
    public void Finite_sources_are_followed_beside_those_that_are_not()
    {
        var forward = ForwardPass.Run(new LinearRnn(One(1), One(0.5), One(1)), Matrix<double>.Build.Dense(1, 30, 1));
        var flow = GradientFlow.Of(BackwardThroughTime.Run(forward, new Broken([30])));
        (flow.Verdict, flow.MeanFlow.Count).Should().Be((GradientFlowVerdict.Vanishing, 30));
        flow.MeanFlow[0].Should().BeApproximately(1, 1e-14);
        flow.LastStepFlow.Should().Equal(0.0);
        flow.Summary.Should().Contain("∂L/∂o_30 of sequence 0 is NaN");
    }

    [Fact]
    public void A_gradient_that_grew_too_large_on_its_way_back()
    {
        var forward = ForwardPass.Run(new LinearRnn(One(1), One(1e20), One(1)), Matrix<double>.Build.Dense(1, 40));
        var backward = BackwardThroughTime.Run(forward, Matrix<double>.Build.Dense(1, 40, (_, t) => t == 39 ? 1 : 0));
        NonFiniteOrigin origin = GradientFlow.Of(backward).FirstNonFinite!;
        (origin.Quantity, origin.Step).Should().Be(("∂L/∂h_t", 24));
        origin.Summary.Should().Contain("on its way back: ‖∂L/∂h‖ grew by 1E+20 per step over 10 steps to 1E+300");
    }

    [Fact]
    public void A_gradient_that_overflowed_where_it_enters()
    {
        var forward = ForwardPass.Run(new LinearRnn(One(1), One(1), One(1e200)), Matrix<double>.Build.Dense(1, 4));
        var backward = BackwardThroughTime.Run(forward, Matrix<double>.Build.Dense(1, 4, 1e150));
        var flow = GradientFlow.Of(backward);
        (flow.FirstNonFinite!.Quantity, flow.FirstNonFinite.Step).Should().Be(("∂L/∂h_t", 4));
        flow.FirstNonFinite.Summary.Should().Contain("∂L/∂o is finite there (norm 1E+150)");
        flow.MeanFlow.Should().Equal(double.PositiveInfinity);
        (flow.Verdict, flow.LastLag).Should().Be((GradientFlowVerdict.Exploding, 0));
    }

    [Fact]
    public void A_sum_over_steps()
    {
        var forward = ForwardPass.Run(new LinearRnn(One(1), One(0), One(1)), Matrix<double>.Build.Dense(1, 3, 1e200));
        var backward = BackwardThroughTime.Run(forward, Matrix<double>.Build.Dense(1, 3, 1e200));
        NonFiniteOrigin origin = GradientFlow.Of(backward).FirstNonFinite!;
        (origin.Quantity, origin.Sequence, origin.Step, origin.Row, origin.Column)
            .Should().Be(("∂L/∂W_qh", null, null, 0, 0));
        origin.Summary.Should().Contain("every state and gradient is finite, but the sum Σ ∂L/∂o_t h_tᵀ exceeds");
    }

    private static NonFiniteOrigin Analyze(ForwardPass forward, Objective objective)
    {
        var flow = GradientFlow.Of(BackwardThroughTime.Run(forward, objective));
        IEnumerable<double> all = Enumerable.Range(0, forward.SequenceCount)
            .SelectMany(b => flow.HiddenStateNorms(b).Concat(flow.HiddenStateGradientNorms(b)).Concat(flow.OutputGradientNorms(b)).Concat(flow.WhhShares(b)))
            .Concat(flow.MeanFlow).Concat(flow.LastStepFlow).Concat(flow.PredictedEnvelope).Append(flow.Factor);
        all.Should().NotContain(double.NaN);
        flow.Summary.Should().EndWith(flow.FirstNonFinite!.Summary);
        return flow.FirstNonFinite;
    }

    private static Matrix<double> One(double value) => Matrix<double>.Build.Dense(1, 1, value);

    /// <summary>ℓ = o, with NaN for its gradient at some steps.</summary>
    private sealed class Broken(int[] atStep) : Objective(Reduction.Sum)
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) => output[0];

        protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) =>
            gradient[0] = atStep.Contains(t) ? double.NaN : 1.0;
    }
}
