// Sequences cut in time, on workers that are real processes: the same bits for any number of them, whoever dies between
// which rounds.

using Bptt.Orleans.Peer;
using Bptt.Sharding;

namespace Bptt.Orleans.Tests;

public sealed class SegmentTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bptt").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Any_number_of_workers_gives_the_bits_of_one_process(int workers)
    {
        await using Coordinator coordinator = await Coordinator.StartAsync(workers);
        foreach ((string data, string method, int epochs, int segments) in new[]
        {
            ("6,1,20000", "adam", 4, 7),
            ("6,1,20000", "lbfgs", 1, 7),
            ("6,9,60", "adam", 4, 3),
            ("hair-dryer", "lbfgs", 1, 4),
        })
        {
            var problem = Problem.Of(data, method, epochs, shards: 5, segments);

            coordinator.Train(problem).Should().Equal(Coordinator.TrainHere(problem), "{0} by {1}", data, method);
        }
    }

    [Theory]
    [InlineData(ShardQuantity.FinalStates)]
    [InlineData(ShardQuantity.LossAndBorders)]
    [InlineData(ShardQuantity.Gradient)]
    public async Task A_worker_that_is_killed_before_a_round_changes_no_bit(ShardQuantity round)
    {
        var problem = Problem.Of("12,1,30000", "adam", 6, shards: 6, segments: 6);
        double[] expected = Coordinator.TrainHere(problem);
        await using Coordinator coordinator = await Coordinator.StartAsync(0);
        using var first = PeerProcess.Start("worker", coordinator.Cluster.Address);
        using var second = PeerProcess.Start("worker", coordinator.Cluster.Address);
        await coordinator.Cluster.WaitForWorkersAsync(2);
        var killing = new KillingExecutor(coordinator.Cluster, round, first.Kill);

        double[] trained = Coordinator.Train(problem, killing);

        killing.HasKilled.Should().BeTrue();
        trained.Should().Equal(expected);
        coordinator.Log.Should().Contain("again: shards");
        coordinator.Cluster.Workers.Should().HaveCount(1);
    }

    [Fact]
    public void A_training_goes_on_bit_for_bit_after_its_coordinator_was_killed()
    {
        string checkpoint = Path.Combine(_folder, "checkpoint.json");
        string[] training = ["train", "24,1,40000", "adam", "60", "6", "--segments", "6"];
        string[] With(string workers, params string[] more) => [.. training[..5], workers, .. training[5..], .. more];
        using var through = PeerProcess.Start(With("0"));
        string expected = through.WaitFor("^weights (.*)$");

        using (var killed = PeerProcess.Start(With("2", "--checkpoint", checkpoint)))
        {
            killed.WaitFor("epoch [1-9]"); // it is told before it is saved
            SpinWait.SpinUntil(() => File.Exists(checkpoint), TimeSpan.FromMinutes(1.0)).Should().BeTrue();
            killed.Kill();
        }
        using var resumed = PeerProcess.Start(With("3", "--checkpoint", checkpoint, "--resume", checkpoint));

        resumed.WaitFor("^weights (.*)$").Should().Be(expected);
        resumed.All("^epoch (.*),")[0].Should().NotBe("0", "it went on and did not begin again");
    }

    [Fact]
    public async Task Weights_go_once_to_a_worker_and_a_gradient_comes_once_from_each_shard()
    {
        // n = 24·(2 + 24 + 2) weights; N = 6 segments of h = 24.
        (int weights, int columns) = (24 * 28, 6 * 24);
        var problem = Problem.Of("24,1,3000", "adam", 1, shards: 3, segments: 6);
        await using Coordinator coordinator = await Coordinator.StartAsync(1);
        coordinator.Train(problem);
        (long sent, long received) = (coordinator.Cluster.BytesSent, coordinator.Cluster.BytesReceived);
        coordinator.Train(problem with { Options = problem.Options with { MaxEpochs = 4 } });
        (long sentByLonger, long receivedByLonger) =
            (coordinator.Cluster.BytesSent - sent, coordinator.Cluster.BytesReceived - received);

        (sentByLonger - sent).Should().Be(3 * 8 * (weights + 2 * columns));
        (receivedByLonger - received).Should().Be(
            3 * 8 * (columns + (3 + 2 * columns) + (3 * (1 + weights) + columns)));
    }

    /// <summary>A cluster of which a worker dies before a round of the third step.</summary>
    private sealed class KillingExecutor(BpttCluster cluster, ShardQuantity round, Action kill) : IShardExecutor
    {
        private int _rounds;

        public bool HasKilled { get; private set; }

        public IShardRunner Start(IReadOnlyList<DataShard> shards) => new Runner(this, cluster.Start(shards));

        private sealed class Runner(KillingExecutor executor, IShardRunner runner) : IShardRunner
        {
            public IReadOnlyList<ReadOnlyMemory<double>> Run(ShardTask task, CancellationToken cancellation)
            {
                if (task.Quantity == executor.Round && ++executor._rounds == 3)
                {
                    executor.Kill();
                }
                return runner.Run(task, cancellation);
            }

            public void Dispose() => runner.Dispose();
        }

        private ShardQuantity Round => round;

        private void Kill()
        {
            kill();
            HasKilled = true;
        }
    }
}
