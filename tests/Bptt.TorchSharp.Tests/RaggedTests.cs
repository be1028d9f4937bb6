// Sequences of different lengths, padded and packed, against torch sequence by sequence.

using static TorchSharp.torch.nn.utils.rnn;

namespace Bptt.TorchSharp.Tests;

public class RaggedTests
{
    private static readonly int[] Unsorted = [4, 9, 1, 9, 6];
    private static readonly int[] Sorted = [9, 9, 6, 4, 1];

    [Theory]
    [InlineData(ScalarType.Float64, 1e-12)]
    [InlineData(ScalarType.Float32, 1e-5)]
    public void Padded_sequences_have_the_gradients_of_each_alone(ScalarType type, double tolerance)
    {
        using DisposeScope scope = NewDisposeScope();

        Comparison.WithTorch(
            Of(type),
            problem => LinearRnnFunction.apply(
                problem.Inputs, problem.Whx, problem.Whh, problem.Wqh, problem.InitialStates, tensor(Unsorted)),
            tolerance,
            Unsorted);
    }

    [Fact]
    public void Batch_first_is_the_same_with_axes_exchanged()
    {
        using DisposeScope scope = NewDisposeScope();

        Comparison.WithTorch(
            Of(ScalarType.Float64),
            problem =>
            {
                (Tensor outputs, Tensor finalStates) = LinearRnnFunction.apply(
                    problem.Inputs.transpose(0, 1),
                    problem.Whx,
                    problem.Whh,
                    problem.Wqh,
                    problem.InitialStates,
                    tensor(Unsorted, dtype: ScalarType.Int64),
                    batchFirst: true);
                return (outputs.transpose(0, 1), finalStates);
            },
            lengths: Unsorted);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Steps_that_no_sequence_has_are_zero(bool batchFirst)
    {
        using DisposeScope scope = NewDisposeScope();
        int[] lengths = [3, 7, 1, 5, 2]; // of 9 steps
        int time = batchFirst ? 1 : 0;

        Comparison.WithTorch(
            Of(ScalarType.Float64),
            problem =>
            {
                (Tensor outputs, Tensor finalStates) = LinearRnnFunction.apply(
                    problem.Inputs.transpose(0, time),
                    problem.Whx,
                    problem.Whh,
                    problem.Wqh,
                    problem.InitialStates,
                    tensor(lengths),
                    batchFirst);
                return (outputs.transpose(0, time), finalStates);
            },
            lengths: lengths);
    }

    [Fact]
    public void Padding_is_not_read()
    {
        using DisposeScope scope = NewDisposeScope();
        Problem problem = Of(ScalarType.Float64);
        Tensor inputs = problem.Inputs.detach().clone();
        inputs[5, 0, 0] = double.NaN; // the first sequence has four steps
        inputs.requires_grad_();

        (Tensor outputs, _) = LinearRnnFunction.apply(
            inputs, problem.Whx, problem.Whh, problem.Wqh, lengths: tensor(Unsorted));
        outputs.sum().backward();

        outputs.isfinite().all().item<bool>().Should().BeTrue();
        inputs.grad!.isfinite().all().item<bool>().Should().BeTrue();
        inputs.grad[5, 0, 0].item<double>().Should().Be(0.0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Packed_sequences_go_in_and_out(bool sorted)
    {
        using DisposeScope scope = NewDisposeScope();
        int[] lengths = sorted ? Sorted : Unsorted;
        Problem problem = Of(ScalarType.Float64);
        using LinearRnnLayer layer = problem.ToLayer();

        PackedSequence packed = pack_padded_sequence(
            problem.Inputs, tensor(lengths, dtype: ScalarType.Int64), enforce_sorted: sorted);
        (PackedSequence outputs, Tensor finalStates) = layer.call(packed, problem.InitialStates);
        (Tensor padded, Tensor found) = pad_packed_sequence(outputs);

        found.data<long>().Should().Equal(lengths.Select(length => (long)length));
        outputs.batch_sizes.data<long>().Should().Equal(packed.batch_sizes.data<long>());
        Comparison.WithTorch(
            problem with { Whx = layer.Whx, Whh = layer.Whh, Wqh = layer.Wqh },
            _ => (padded, finalStates),
            lengths: lengths);
    }

    private static Problem Of(ScalarType type) => Problem.Of(seed: 3, steps: 9, count: 5, d: 2, h: 4, q: 3, type);
}
