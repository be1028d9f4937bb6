// A list of members in a Redis server, which is killed and comes back. Processes are real, the server too.

using System.Diagnostics;
using System.Net;
using Bptt.Orleans.Peer;

namespace Bptt.Orleans.Tests;

public sealed class StoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bptt").FullName;
    private readonly int _port = SiloHost.FreePort(IPAddress.Loopback);
    private Process? _redis;

    public void Dispose()
    {
        _redis?.Kill();
        _redis?.WaitForExit();
        _redis?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [RedisFact]
    public async Task Processes_that_meet_in_Redis_train_with_the_bits_of_one_process()
    {
        StartRedis();
        var problem = Problem.Of("generated", "lm", 4, shards: 5);
        using var first = PeerProcess.Start("worker", Word);
        using var second = PeerProcess.Start("worker", Word);
        await using Coordinator coordinator = await Coordinator.StartAsync(0, Options);
        await coordinator.Cluster.WaitForWorkersAsync(2);

        coordinator.Train(problem).Should().Equal(Coordinator.TrainHere(problem));
    }

    [RedisFact]
    public async Task A_store_that_is_killed_stops_no_training_and_one_that_is_back_takes_new_workers()
    {
        StartRedis("yes");
        Problem problem = Short();
        double[] expected = Coordinator.TrainHere(problem);
        using var first = PeerProcess.Start("worker", Word);
        await using Coordinator coordinator = await Coordinator.StartAsync(0, Options);
        await coordinator.Cluster.WaitForWorkersAsync(1);

        coordinator.Train(problem, KillAtEpoch5).Should().Equal(expected);
        _redis!.HasExited.Should().BeTrue("it was killed in the training");
        Thread.Sleep(TimeSpan.FromSeconds(6.0)); // members look into the store meanwhile, in vain
        coordinator.Train(problem).Should().Equal(expected);

        StartRedis("yes");
        using var second = PeerProcess.Start("worker", Word);
        await coordinator.Cluster.WaitForWorkersAsync(2);
        coordinator.Train(problem).Should().Equal(expected);
    }

    [RedisFact]
    public async Task A_store_that_has_forgotten_all_stops_no_training_and_nobody_who_leaves()
    {
        StartRedis();
        Problem problem = Short();
        double[] expected = Coordinator.TrainHere(problem);
        using var worker = PeerProcess.Start("worker", Word);
        Coordinator coordinator = await Coordinator.StartAsync(0, Options);
        await coordinator.Cluster.WaitForWorkersAsync(1);

        coordinator.Train(problem, KillAtEpoch5).Should().Equal(expected);
        StartRedis();
        Thread.Sleep(TimeSpan.FromSeconds(6.0)); // members look into the store, and do not find themselves

        coordinator.Train(problem).Should().Equal(expected);

        Func<Task> leave = () => coordinator.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(40.0));
        await leave.Should().NotThrowAsync("it does not wait for what the store will never say");
    }

    private static Problem Short()
    {
        var problem = Problem.Of("24,24,200", "adam", 60, shards: 6);
        return problem with { Options = problem.Options with { ProgressInterval = TimeSpan.Zero } };
    }

    private void KillAtEpoch5(int epoch)
    {
        if (epoch == 5)
        {
            PeerProcess.Signal("KILL", _redis!.Id);
            _redis.WaitForExit();
        }
    }

    private string Word => $"redis:127.0.0.1:{_port}";

    private BpttClusterOptions Options => new() { Redis = $"127.0.0.1:{_port}" };

    private void StartRedis(string remembers = "no")
    {
        _redis?.Dispose();
        _redis = Process.Start(new ProcessStartInfo(
            "redis-server",
            [
                "--bind", "127.0.0.1", "--port", $"{_port}", "--dir", _folder, "--save", "", "--appendonly", remembers,
                "--appendfsync", "always",
            ])
        {
            RedirectStandardOutput = true,
        })!;
        string? line;
        while ((line = _redis.StandardOutput.ReadLine()) is not null && !line.Contains("Ready to accept"))
        {
        }
        line.Should().NotBeNull("the server starts");
    }
}
