// The promise: the same bits for any number of workers, whoever joins late, stops or dies. Workers are real processes.

using System.Collections.Concurrent;
using System.Diagnostics;
using Bptt.Orleans.Peer;
using Xunit.Abstractions;

namespace Bptt.Orleans.Tests;

public class SameBitsTests(ITestOutputHelper output)
{
    private static readonly (string Data, string Method, int Epochs)[] Trainings =
    [
        ("generated", "adam", 8),
        ("generated", "lbfgs", 1),
        ("generated", "lm", 3),
        ("hair-dryer", "adam", 8),
        ("hair-dryer", "lbfgs", 1),
        ("hair-dryer", "lm", 3),
        ("hair-dryer", "newton", 1),
        ("generated", "products", 1),
    ];

    /// <summary>What one process computes, by training.</summary>
    private static readonly ConcurrentDictionary<string, double[]> Expected = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task Any_number_of_workers_gives_the_bits_of_one_process(int workers)
    {
        await using Coordinator coordinator = await Coordinator.StartAsync(workers);
        foreach ((string data, string method, int epochs) in Trainings)
        {
            var problem = Problem.Of(data, method, epochs, shards: 7);

            double[] expected = Expected.GetOrAdd($"{data} {method}", _ => Coordinator.TrainHere(problem));
            coordinator.Train(problem).Should().Equal(expected, "{0} by {1}", data, method);
        }
    }

    [Theory]
    [InlineData("adam")]
    [InlineData("lm")]
    public async Task A_worker_that_is_killed_in_a_pass_changes_no_bit(string method)
    {
        var problem = Problem.Of("generated", method, method == "adam" ? 40 : 8, shards: 8);
        double[] expected = Coordinator.TrainHere(problem);
        await using Coordinator coordinator = await Coordinator.StartAsync(3);
        coordinator.Train(problem).Should().Equal(expected);

        var killer = Task.Run(async () =>
        {
            await Task.Delay(300);
            PeerProcess.Signal("KILL", coordinator.ProcessIds[0]);
        });
        for (int run = 0; run < 3 || !killer.IsCompleted; run++)
        {
            coordinator.Train(problem).Should().Equal(expected);
        }

        await killer;
        await WaitUntilAsync(() => coordinator.Log.Contains("is started again", StringComparison.Ordinal));
        coordinator.Train(problem).Should().Equal(expected);
    }

    [Fact]
    public async Task A_worker_that_others_must_find_dead_changes_no_bit()
    {
        // No watching parent here: the cluster's own probes find it.
        var problem = Problem.Of("24,24,200", "adam", 60, shards: 6);
        double[] expected = Coordinator.TrainHere(problem);
        await using Coordinator coordinator = await Coordinator.StartAsync(0);
        using var first = PeerProcess.Start("worker", coordinator.Cluster.Address);
        using var second = PeerProcess.Start("worker", coordinator.Cluster.Address);
        using var third = PeerProcess.Start("worker", coordinator.Cluster.Address);
        await coordinator.Cluster.WaitForWorkersAsync(3);

        var clock = Stopwatch.StartNew();
        TimeSpan longest = TimeSpan.Zero;
        bool isKilled = false;
        double[] trained = coordinator.Train(problem, epoch =>
        {
            longest = clock.Elapsed > longest ? clock.Elapsed : longest;
            clock.Restart();
            if (!isKilled && epoch > 2)
            {
                first.Kill();
                isKilled = true;
            }
        });

        isKilled.Should().BeTrue();
        trained.Should().Equal(expected);
        coordinator.Log.Should().Contain("again: shards");
        coordinator.Cluster.Workers.Should().HaveCount(2);
        output.WriteLine($"longest step: {longest.TotalSeconds:F2} s\n{coordinator.Log}");
    }

    [Fact]
    public async Task A_worker_that_is_stopped_for_a_while_changes_no_bit_and_comes_back()
    {
        var problem = Problem.Of("24,24,200", "adam", 60, shards: 6);
        double[] expected = Coordinator.TrainHere(problem);
        await using Coordinator coordinator = await Coordinator.StartAsync(0);
        using var first = PeerProcess.Start("worker", coordinator.Cluster.Address);
        using var second = PeerProcess.Start("worker", coordinator.Cluster.Address);
        await coordinator.Cluster.WaitForWorkersAsync(2);

        bool isStopped = false;
        double[] trained = coordinator.Train(problem, epoch =>
        {
            if (!isStopped && epoch > 2)
            {
                PeerProcess.Signal("STOP", first.Id);
                isStopped = true;
            }
        });
        isStopped.Should().BeTrue();
        trained.Should().Equal(expected);
        coordinator.Cluster.Workers.Should().ContainSingle("the stopped one counts as dead");

        PeerProcess.Signal("CONT", first.Id);
        first.WaitFor("joining again");
        await coordinator.Cluster.WaitForWorkersAsync(2);
        coordinator.Train(problem).Should().Equal(expected);
    }

    [Fact]
    public async Task A_worker_that_joins_late_takes_its_share_and_changes_no_bit()
    {
        var problem = Problem.Of("24,24,200", "adam", 60, shards: 6);
        double[] expected = Coordinator.TrainHere(problem);
        await using Coordinator coordinator = await Coordinator.StartAsync(1);
        PeerProcess? late = null;
        try
        {
            double[] trained = coordinator.Train(problem, epoch =>
            {
                if (late is null && epoch > 2)
                {
                    late = PeerProcess.Start("worker", coordinator.Cluster.Address);
                    coordinator.Cluster.WaitForWorkersAsync(2).GetAwaiter().GetResult();
                }
            });

            trained.Should().Equal(expected);
            late.Should().NotBeNull();
            coordinator.Log.Should().Contain("3 of 6 shards; ").And.Contain($"worker {late!.Id} on");
        }
        finally
        {
            late?.Dispose();
        }
    }

    [Fact]
    public async Task What_is_longer_than_a_message_goes_in_pieces()
    {
        // 135 kB of weights, 70 kB at most in a message.
        var problem = Problem.Of("128,6,20", "adam", 3, shards: 3);
        double[] expected = Coordinator.TrainHere(problem);
        await using Coordinator coordinator =
            await Coordinator.StartAsync(2, new BpttClusterOptions { MaxMessageBytes = 4096 });

        coordinator.Train(problem).Should().Equal(expected);
    }

    private static async Task WaitUntilAsync(Func<bool> holds)
    {
        var clock = Stopwatch.StartNew();
        while (!holds())
        {
            clock.Elapsed.Should().BeLessThan(TimeSpan.FromMinutes(1.0), "otherwise it never holds");
            await Task.Delay(50);
        }
    }
}
