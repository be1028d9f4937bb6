// Checks and diagnostics work on a pass that took several steps at once as on any other.

using Bptt.Diagnostics;
using Bptt.Tests.Reference;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Lifting;

public class LiftedInsightTests
{
    private static readonly int[] Lengths = [203, 64, 5, 16];

    private readonly Examples _examples = new(seed: 65);

    [Fact]
    public void Every_check_passes()
    {
        (BackwardThroughTime lifted, _) = Passes(Lengths);
        GradientCertificate.Run(lifted).Verdict.Should().Be(Verdict.Passed);
        AdjointTest.Run(lifted).Verdict.Should().Be(Verdict.Passed);
        GradientCheck.Run(lifted.Forward, lifted.Objective!).Verdict.Should().Be(Verdict.Passed);
        TaylorTest.Run(lifted.Forward, lifted.Objective!).Verdict.Should().Be(Verdict.Passed);
    }

    [Fact]
    public void A_wrong_gradient_is_seen()
    {
        (BackwardThroughTime lifted, _) = Passes(Lengths);
        Gradients right = lifted.Gradients;
        Matrix<double> whh = right.Whh;
        whh[1, 2] += 1e-9 * whh.FrobeniusNorm();
        GradientCertificate.Run(lifted, new Gradients(right.Whx, whh, right.Wqh)).Verdict.Should().Be(Verdict.Failed);
    }

    [Fact]
    public void Flow_and_lags_are_those_of_steps()
    {
        (BackwardThroughTime lifted, BackwardThroughTime steps) = Passes(Lengths);
        var flow = GradientFlow.Of(lifted);
        var expected = GradientFlow.Of(steps);
        flow.Verdict.Should().Be(expected.Verdict);
        Close(flow.MeanFlow, expected.MeanFlow);
        Close(flow.LastStepFlow, expected.LastStepFlow);
        for (int b = 0; b < Lengths.Length; b++)
        {
            Close(flow.HiddenStateGradientNorms(b), expected.HiddenStateGradientNorms(b));
            Close(flow.HiddenStateNorms(b), expected.HiddenStateNorms(b));
            Close(flow.WhhShares(b), expected.WhhShares(b));
        }
        var lags = LagDecomposition.Of(lifted, 40);
        var expectedLags = LagDecomposition.Of(steps, 40);
        Close(lags.ContributionNorms, expectedLags.ContributionNorms);
        Close(lags.TruncationErrors, expectedLags.TruncationErrors);
    }

    [Fact]
    public void Gradients_of_inputs_are_those_of_steps()
    {
        foreach (int[] lengths in new[] { [400], Lengths, [16, 16] })
        {
            (BackwardThroughTime lifted, BackwardThroughTime steps) = Passes(lengths);
            SequenceBatch batch = lifted.InputGradientBatch();
            for (int b = 0; b < lengths.Length; b++)
            {
                double[,] expected = steps.InputGradients(b).ToArray();
                RelativeError.Frobenius(lifted.InputGradients(b).ToArray(), expected).Should().BeLessThan(1e-13);
                RelativeError.Frobenius(batch.Sequence(b).ToArray(), expected).Should().BeLessThan(1e-13);
                (lifted.InputGradient(lengths[b], b) - steps.InputGradient(lengths[b], b)).L2Norm()
                    .Should().BeLessThan(1e-13 * expected.Length);
            }
        }
    }

    private (BackwardThroughTime Lifted, BackwardThroughTime Steps) Passes(int[] lengths)
    {
        LinearRnn model = _examples.Model(2, 6, 3, 0.95);
        SequenceBatch inputs = _examples.Batch(2, lengths);
        Matrix<double> initial = _examples.Matrix(6, lengths.Length);
        var objective = Objective.SquaredError(_examples.Batch(3, lengths));
        var lifted = ForwardPass.Run(model, inputs, initial, LiftedPassTests.Lifted(8));
        lifted.Method.Recurrence.Should().Be(Recurrence.Lifted);
        return (
            BackwardThroughTime.Run(lifted, objective),
            BackwardThroughTime.Run(
                ForwardPass.Run(
                    model, inputs, initial, new ExecutionOptions { Recurrence = Recurrence.Sequential }),
                objective));
    }

    private static void Close(IReadOnlyList<double> actual, IReadOnlyList<double> expected)
    {
        actual.Count.Should().Be(expected.Count);
        double largest = expected.Max(Math.Abs);
        for (int i = 0; i < actual.Count; i++)
        {
            actual[i].Should().BeApproximately(expected[i], 1e-12 * largest, $"entry {i}");
        }
    }
}
