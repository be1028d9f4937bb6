// A pass that takes several steps at once gives what steps give, in everything that can be read of it.

using Bptt.LinearRecurrence;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Lifting;

public class LiftedPassTests
{
    private readonly Examples _examples = new(seed: 61);

    [Theory]
    [InlineData(2, new[] { 2 })]
    [InlineData(2, new[] { 17 })]
    [InlineData(4, new[] { 4 })]
    [InlineData(4, new[] { 5 })]
    [InlineData(4, new[] { 31 })]
    [InlineData(8, new[] { 200 })]
    [InlineData(16, new[] { 115 })]
    [InlineData(64, new[] { 451 })]
    [InlineData(128, new[] { 1000 })]
    [InlineData(4, new[] { 3, 17, 8, 1, 8, 40 })]
    [InlineData(8, new[] { 64, 64, 64 })]
    [InlineData(8, new[] { 7, 65, 64, 63, 9, 15, 16 })]
    public void Everything_agrees_with_the_sequential_pass(int steps, int[] lengths)
    {
        foreach ((int d, int h, int q) in new[] { (1, 1, 1), (1, 5, 1), (3, 9, 2), (2, 6, 7), (8, 4, 1) })
        {
            LinearRnn model = _examples.Model(d, h, q, 0.97);
            SequenceBatch inputs = _examples.Batch(d, lengths);
            var objective = Objective.SquaredError(_examples.Batch(q, lengths));
            Matrix<double> initial = _examples.Matrix(h, lengths.Length);
            var final = new BackwardOptions { FinalStateGradients = _examples.Matrix(h, lengths.Length) };
            var sequential = BackwardThroughTime.Run(
                ForwardPass.Run(model, inputs, initial, new ExecutionOptions { Recurrence = Recurrence.Sequential }),
                objective,
                final);
            var lifted = BackwardThroughTime.Run(
                ForwardPass.Run(model, inputs, initial, Lifted(steps)), objective, final);
            string why = $"S = {steps}, d = {d}, h = {h}, q = {q}, lengths {string.Join(' ', lengths)}, {_examples}";

            lifted.Forward.Method.WhyNotLifted.Should().BeNull(why);
            lifted.Forward.Method.ChunkLength.Should().Be(steps, why);
            lifted.Loss.Should().BeApproximately(sequential.Loss, 1e-13 * sequential.Loss, why);
            Close(lifted.Gradients.Wqh, sequential.Gradients.Wqh, why);
            Close(lifted.Gradients.Whx, sequential.Gradients.Whx, why);
            Close(lifted.Gradients.Whh, sequential.Gradients.Whh, why);
            Close(lifted.InitialStateGradients, sequential.InitialStateGradients, why);
            Close(lifted.Forward.FinalStates, sequential.Forward.FinalStates, why);
            lifted.Forward.InitialStates.Should().Be(initial);
            for (int b = 0; b < lengths.Length; b++)
            {
                Close(lifted.Forward.Outputs(b), sequential.Forward.Outputs(b), why);
                Close(lifted.Forward.HiddenStates(b), sequential.Forward.HiddenStates(b), why);
                Close(lifted.HiddenStateGradients(b), sequential.HiddenStateGradients(b), why);
                Close(lifted.InputGradients(b), sequential.InputGradients(b), why);
                Close(lifted.OutputGradients(b), sequential.OutputGradients(b), why);
                for (int t = 0; t <= lengths[b]; t += 1 + t / 3)
                {
                    Close(lifted.Forward.HiddenState(t, b), sequential.Forward.HiddenState(t, b), why);
                    Close(lifted.HiddenStateGradient(t, b), sequential.HiddenStateGradient(t, b), why);
                }
            }
        }
    }

    /// <summary>A matrix that leaves the second-level cache and chunks enough to pay for another power of it: chunks of
    /// chunks, of which the ends are computed first.</summary>
    [Fact]
    public void Chunks_that_are_run_side_by_side_agree_with_the_sequential_pass()
    {
        LinearRnn model = _examples.Model(1, 314, 1, 0.9);
        SequenceBatch inputs = _examples.Batch(1, 5301);
        Matrix<double> initial = _examples.Matrix(314, 1);
        var objective = Objective.SquaredError(_examples.Batch(1, 5301));
        BackwardThroughTime Run(ExecutionOptions options) =>
            BackwardThroughTime.Run(ForwardPass.Run(model, inputs, initial, options), objective);
        BackwardThroughTime lifted = Run(Lifted(2));
        BackwardThroughTime sequential = Run(new ExecutionOptions { Recurrence = Recurrence.Sequential });

        lifted.Forward.Lifted!.Chunking.Length.Should().BeGreaterThan(1);
        lifted.Lifted.Should().NotBeNull();
        Close(lifted.Forward.Outputs(), sequential.Forward.Outputs(), "o");
        Close(lifted.Forward.FinalStates, sequential.Forward.FinalStates, "h_T");
        Close(lifted.InitialStateGradients, sequential.InitialStateGradients, "∂L/∂h_0");
        Close(lifted.HiddenStateGradient(2000), sequential.HiddenStateGradient(2000), "∂L/∂h_2000");
        Close(lifted.Gradients.Whx, sequential.Gradients.Whx, "W_hx");
        Close(lifted.Gradients.Whh, sequential.Gradients.Whh, "W_hh");
        Close(lifted.Gradients.Wqh, sequential.Gradients.Wqh, "W_qh");

        var direction = new TangentDirection
        {
            Whh = _examples.Matrix(314, 314, 0.01),
            InitialStates = _examples.Matrix(314, 1),
        };
        Close(
            TangentPass.Run(lifted.Forward, direction).FinalStates,
            TangentPass.Run(sequential.Forward, direction).FinalStates,
            "the tangent");
        CloseProducts(
            LossCurvature.Of(lifted).HessianProduct(direction),
            LossCurvature.Of(sequential).HessianProduct(direction),
            "the Hessian");
        // Chunks that do not hold are run again step by step: the numbers alone would not tell.
        lifted.Forward.FallBacks.Should().BeEmpty();
    }

    [Theory]
    [InlineData(2, new[] { 17 })]
    [InlineData(4, new[] { 4 })]
    [InlineData(16, new[] { 115 })]
    [InlineData(4, new[] { 3, 17, 8, 1, 8, 40 })]
    [InlineData(8, new[] { 64, 64, 64 })]
    public void Derivatives_agree_with_the_sequential_pass(int steps, int[] lengths)
    {
        foreach ((int d, int h, int q) in new[] { (1, 1, 1), (1, 5, 1), (3, 9, 2), (2, 6, 7) })
        {
            LinearRnn model = _examples.Model(d, h, q, 0.97);
            SequenceBatch inputs = _examples.Batch(d, lengths);
            var objective = new LogCoshObjective(
                Array.ConvertAll(lengths, length => _examples.Matrix(q, length).ToArray()), Reduction.MeanPerStep);
            Matrix<double> initial = _examples.Matrix(h, lengths.Length);
            var final = new BackwardOptions { FinalStateGradients = _examples.Matrix(h, lengths.Length) };
            var sequential = BackwardThroughTime.Run(
                ForwardPass.Run(model, inputs, initial, new ExecutionOptions { Recurrence = Recurrence.Sequential }),
                objective,
                final);
            var lifted = BackwardThroughTime.Run(
                ForwardPass.Run(model, inputs, initial, Lifted(steps)), objective, final);
            lifted.Forward.Method.WhyNotLifted.Should().BeNull();
            var bySteps = LossCurvature.Of(sequential);
            var inChunks = LossCurvature.Of(lifted);
            var whole = new TangentDirection
            {
                Whx = _examples.Matrix(h, d),
                Whh = _examples.Matrix(h, h),
                Wqh = _examples.Matrix(q, h),
                InitialStates = _examples.Matrix(h, lengths.Length),
                Inputs = _examples.Batch(d, lengths),
            };
            foreach (TangentDirection direction in new[]
            {
                whole,
                new TangentDirection { Whx = whole.Whx },
                new TangentDirection { Whh = whole.Whh },
                new TangentDirection { Wqh = whole.Wqh, Inputs = whole.Inputs },
                new TangentDirection { InitialStates = whole.InitialStates },
                whole,
            })
            {
                string why =
                    $"S = {steps}, d = {d}, h = {h}, q = {q}, lengths {string.Join(' ', lengths)}, {_examples}";
                var expected = TangentPass.Run(sequential.Forward, direction);
                var actual = TangentPass.Run(lifted.Forward, direction);
                for (int b = 0; b < lengths.Length; b++)
                {
                    Close(actual.Outputs(b), expected.Outputs(b), why);
                    Close(actual.HiddenStates(b), expected.HiddenStates(b), why);
                    Close(actual.HiddenState(lengths[b] / 2, b), expected.HiddenState(lengths[b] / 2, b), why);
                }
                Close(actual.FinalStates, expected.FinalStates, why);
                CloseProducts(inChunks.HessianProduct(direction), bySteps.HessianProduct(direction), why);
                CloseProducts(inChunks.GaussNewtonProduct(direction), bySteps.GaussNewtonProduct(direction), why);
            }
        }
    }

    internal static ExecutionOptions Lifted(int steps) => new()
    {
        Recurrence = Recurrence.Lifted,
        Tuning = PlanTuning.Default with { LiftedLength = steps },
    };

    private static void CloseProducts(CurvatureProduct actual, CurvatureProduct expected, string why)
    {
        Close(actual.Weights.Wqh, expected.Weights.Wqh, why);
        Close(actual.Weights.Whx, expected.Weights.Whx, why);
        Close(actual.Weights.Whh, expected.Weights.Whh, why);
        Close(actual.InitialStates, expected.InitialStates, why);
    }

    private static void Close(Matrix<double> actual, Matrix<double> expected, string why) =>
        RelativeError.Frobenius(actual.ToArray(), expected.ToArray()).Should().BeLessThan(1e-13, why);

    private static void Close(Vector<double> actual, Vector<double> expected, string why) =>
        (actual - expected).L2Norm().Should().BeLessThanOrEqualTo(1e-13 * expected.L2Norm(), why);
}
