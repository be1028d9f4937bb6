// How data are cut into shards, and a shard in bytes.

using Bptt.Sharding;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Sharding;

public class DataShardTests
{
    public static TheoryData<string> Losses => ["squared error", "Huber", "cross-entropy", "weights", "per sequence"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(50)]
    public void Shards_are_all_sequences_in_order(int count)
    {
        int[] lengths = [30, 2, 2, 2, 30, 1];
        SequenceBatch inputs = new Examples(3).Batch(2, lengths);
        var objective = Objective.SquaredError(new Examples(4).Batch(1, lengths));

        IReadOnlyList<DataShard> shards = DataShard.Cut(inputs, objective, count);

        shards.Should().HaveCount(Math.Min(count, lengths.Length));
        shards.SelectMany(shard => shard.Inputs.Lengths).Should().Equal(lengths);
        shards.Select(shard => shard.Index).Should().Equal(Enumerable.Range(0, shards.Count));
        int first = 0;
        foreach (DataShard shard in shards)
        {
            shard.FirstSequence.Should().Be(first);
            shard.Inputs.Sequence(0).Should().Be(inputs.Sequence(first));
            first += shard.Inputs.Count;
        }
    }

    [Fact]
    public void Steps_are_shared_out_evenly()
    {
        int[] lengths = [.. Enumerable.Repeat(100, 64)];
        SequenceBatch inputs = new Examples(3).Batch(1, lengths);

        IReadOnlyList<DataShard> shards = DataShard.Cut(inputs, Objective.SquaredError(inputs), 8);

        shards.Should().OnlyContain(shard => shard.Inputs.Count == 8);
    }

    [Theory]
    [MemberData(nameof(Losses))]
    public void Losses_of_shards_from_their_bytes_add_up_to_the_loss(string loss)
    {
        var examples = new Examples(5);
        int[] lengths = [5, 9, 3, 7, 7, 4];
        LinearRnn model = examples.Model(2, 3, 2);
        SequenceBatch inputs = examples.Batch(2, lengths);
        Objective objective = ObjectiveOf(loss, examples, lengths);
        Matrix<double> states = examples.Matrix(3, lengths.Length);

        double whole = objective.Loss(ForwardPass.Run(model, inputs, states));
        double sum = 0.0;
        foreach (DataShard shard in DataShard.Cut(inputs, objective, 4, states))
        {
            byte[] bytes = shard.ToBytes();
            var copy = DataShard.FromBytes(bytes);
            copy.ToBytes().Should().Equal(bytes);
            double of = copy.Objective.Loss(ForwardPass.Run(model, copy.Inputs, copy.InitialStates));
            of.Should().Be(shard.Objective.Loss(ForwardPass.Run(model, shard.Inputs, shard.InitialStates)));
            sum += of;
        }

        sum.Should().BeApproximately(whole, 1e-14 * Math.Abs(whole));
    }

    [Fact]
    public void Execution_goes_with_the_bytes()
    {
        SequenceBatch inputs = new Examples(3).Batch(1, 6, 7);
        var execution = new ExecutionOptions
        {
            Recurrence = Recurrence.TimeParallel,
            Precision = Precision.Single,
            MemoryBudget = 123456,
        };

        DataShard shard = DataShard.Cut(inputs, Objective.SquaredError(inputs), 2, execution: execution)[1];

        DataShard.FromBytes(shard.ToBytes()).Execution.Should().Be(execution);
    }

    [Fact]
    public void Damaged_bytes_are_refused()
    {
        SequenceBatch inputs = new Examples(3).Batch(1, 6, 7);
        byte[] bytes = DataShard.Cut(inputs, Objective.SquaredError(inputs), 2)[0].ToBytes();

        for (int length = 0; length < bytes.Length; length += 7)
        {
            Action read = () => DataShard.FromBytes(bytes[..length]);
            read.Should().Throw<InvalidDataException>();
        }
        Action readMore = () => DataShard.FromBytes([.. bytes, 0]);
        readMore.Should().Throw<InvalidDataException>();
    }

    [Fact]
    public void An_objective_of_a_users_own_has_no_bytes()
    {
        SequenceBatch inputs = new Examples(3).Batch(1, 6);
        Action write = () => new DataShard(inputs, new OwnObjective()).ToBytes();
        write.Should().Throw<NotSupportedException>().WithMessage("*OwnObjective*");
    }

    private static Objective ObjectiveOf(string loss, Examples examples, int[] lengths)
    {
        SequenceBatch targets = examples.Batch(2, lengths);
        double[][] weights = Array.ConvertAll(lengths, length => examples.Vector(length).PointwiseAbs().ToArray());
        weights[2] = new double[lengths[2]];
        return loss switch
        {
            "squared error" => Objective.SquaredError(targets),
            "Huber" => Objective.Huber(targets, 0.3, Reduction.Sum),
            "cross-entropy" => Objective.CrossEntropy(
                Array.ConvertAll(lengths, length => Enumerable.Range(0, length).Select(t => t % 2).ToArray())),
            "weights" => Objective.SquaredError(targets).WithStepWeights(weights),
            _ => Objective.SquaredError(targets, Reduction.MeanPerSequence).WithStepWeights(weights),
        };
    }

    private sealed class OwnObjective : Objective
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) => output[0];

        protected override void StepGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) => gradient[0] = 1.0;
    }
}
