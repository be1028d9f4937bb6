// A network that is cut and heals, a disc that is full, a worker that stands still, and one with another limit of
// messages. Processes are real.

using System.Diagnostics;
using Bptt.Orleans.Peer;

namespace Bptt.Orleans.Tests;

public sealed class BadDayTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bptt").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [NetworkFact]
    public void A_network_that_is_cut_and_heals_changes_no_bit_and_the_worker_behind_it_comes_back()
    {
        string[] training = ["train", "24,24,200", "adam", "40", "6"];
        string hold = Path.Combine(_folder, "go on");
        using var through = PeerProcess.Start([.. training, "0"]);
        string expected = through.WaitFor("^weights (.*)$");
        using var network = new TwoHosts();
        using var coordinator = PeerProcess.Start(network.On(
            TwoHosts.First,
            [.. training, "0", "--port", "7100", "--listen", TwoHosts.First, "--wait", "2", "--hold", "3,30", hold]));
        coordinator.WaitFor("^address ");
        using var near = PeerProcess.Start(network.Worker(TwoHosts.First));
        using var far = PeerProcess.Start(network.Worker(TwoHosts.Second));
        coordinator.WaitFor($@"worker {far.Id} on .* has joined|worker \d+ on .*{TwoHosts.Second}.* has joined");
        coordinator.WaitFor("^held at epoch 3");

        network.Cut();
        File.WriteAllText($"{hold}.3", ""); // so that the next shards are sent into the cut cable
        coordinator.WaitFor($@"^worker \d+ on .*{TwoHosts.Second}.* is gone");
        coordinator.WaitFor("^held at epoch 30"); // by the near one alone
        network.Heal();
        far.WaitFor("joining again");
        SpinWait.SpinUntil(
            () => coordinator.All($@"^worker (\d+) on .*{TwoHosts.Second}.* has joined").Count >= 2,
            TimeSpan.FromMinutes(1.5)).Should().BeTrue("the far worker comes back");
        File.WriteAllText($"{hold}.30", "");

        coordinator.WaitFor("^weights (.*)$").Should().Be(expected);
        coordinator.All("^(again: shards .*)").Should().NotBeEmpty();
        string second = $@"worker .*{TwoHosts.Second}:\d+\): 3 of 6 ";
        coordinator.All($"^({second}shards|.*; {second})")
            .Should().HaveCountGreaterThan(1, "it has its share again");
    }

    [SmallDiscFact]
    public async Task A_worker_whose_disc_is_full_leaves_its_job_to_another()
    {
        string full = Directory.CreateDirectory(Path.Combine(_folder, "full")).FullName;
        Shell.Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", full);
        try
        {
            await using Coordinator coordinator = await Coordinator.StartAsync(0);
            ProcessStartInfo program = PeerProcess.Program(PeerProcess.Folder, "worker", coordinator.Cluster.Address);
            program.Environment["TMPDIR"] = full;
            using var first = PeerProcess.Start(program);
            await coordinator.Cluster.WaitForWorkersAsync(1);
            Func<Task> alone = () => coordinator.Cluster.RunJobsAsync([7], [[1]]);

            (await alone.Should().ThrowAsync<BpttClusterException>())
                .WithMessage($"job 1 of 1, worker {first.Id} on *: *No space left on device*");

            using var second = PeerProcess.Start("worker", coordinator.Cluster.Address);
            await coordinator.Cluster.WaitForWorkersAsync(2);
            byte[][] results = await coordinator.Cluster.RunJobsAsync([7], [[1], [2], [3], [4]]);

            results.Select(result => (int)result[0]).Should().Equal(8, 9, 10, 11);
            coordinator.Log.Should().Contain($"worker {first.Id} on").And.Contain("No space left on device")
                .And.Contain("again: job");
        }
        finally
        {
            Shell.Run("umount", full);
        }
    }

    [Fact]
    public async Task A_job_that_fails_everywhere_ends_all_by_name()
    {
        await using Coordinator coordinator = await Coordinator.StartAsync(2);

        Func<Task> jobs = () => coordinator.Cluster.RunJobsAsync([], [[1], [2]]);

        (await jobs.Should().ThrowAsync<BpttClusterException>())
            .WithMessage("job * of 2, worker * on *: *; job * of 2, worker * on *");
    }

    [Fact]
    public async Task A_worker_with_another_limit_of_messages_is_refused_by_name()
    {
        await using Coordinator coordinator = await Coordinator.StartAsync(
            0, new BpttClusterOptions { MaxMessageBytes = 1 << 20 });
        using var worker = PeerProcess.Start("worker", coordinator.Cluster.Address, "1", "4096");

        Func<Task> wait = () => coordinator.Cluster.WaitForWorkersAsync(1);

        (await wait.Should().ThrowAsync<BpttClusterException>()).WithMessage(
            $"*worker {worker.Id} on * is refused: bytes of a message: expected at most 1048576, got 4096*");
        worker.WaitFor("refused by the coordinator: bytes of a message");
    }

    [Fact]
    [Trait("Category", "Long")]
    public async Task A_worker_that_stands_still_for_a_minute_changes_no_bit_and_comes_back()
    {
        var problem = Problem.Of("24,24,200", "adam", 60, shards: 6);
        double[] expected = Coordinator.TrainHere(problem);
        await using Coordinator coordinator = await Coordinator.StartAsync(0);
        using var first = PeerProcess.Start("worker", coordinator.Cluster.Address);
        using var second = PeerProcess.Start("worker", coordinator.Cluster.Address);
        await coordinator.Cluster.WaitForWorkersAsync(2);
        var clock = Stopwatch.StartNew();
        PeerProcess.Signal("STOP", first.Id);

        do
        {
            coordinator.Train(problem).Should().Equal(expected);
        }
        while (clock.Elapsed < TimeSpan.FromMinutes(1.0));
        coordinator.Cluster.Workers.Should().ContainSingle();

        PeerProcess.Signal("CONT", first.Id);
        first.WaitFor("joining again");
        await coordinator.Cluster.WaitForWorkersAsync(2);
        coordinator.Train(problem).Should().Equal(expected);
    }

    /// <summary>Two hosts, each a network namespace, with a cable between them.</summary>
    private sealed class TwoHosts : IDisposable
    {
        public const string First = "192.0.2.1"; // a range that is for documentation
        public const string Second = "192.0.2.2";

        private readonly string[] _names =
            [$"bptt-a-{Environment.ProcessId}", $"bptt-b-{Environment.ProcessId}"];

        public TwoHosts()
        {
            foreach (string name in _names)
            {
                Shell.Run("ip", "netns", "add", name);
                Shell.Run("ip", "-n", name, "link", "set", "lo", "up");
            }
            Shell.Run(
                "ip", "link", "add", "cable", "netns", _names[0], "type", "veth", "peer", "name", "cable", "netns",
                _names[1]);
            Shell.Run("ip", "-n", _names[0], "addr", "add", $"{First}/24", "dev", "cable");
            Shell.Run("ip", "-n", _names[1], "addr", "add", $"{Second}/24", "dev", "cable");
            Heal();
            Shell.Run("ip", "-n", _names[1], "link", "set", "cable", "up");
        }

        public void Cut() => Shell.Run("ip", "-n", _names[0], "link", "set", "cable", "down");

        public void Heal() => Shell.Run("ip", "-n", _names[0], "link", "set", "cable", "up");

        /// <summary>A process of the peer on a host.</summary>
        public ProcessStartInfo On(string host, params string[] arguments)
        {
            ProcessStartInfo inner = PeerProcess.Program(PeerProcess.Folder, arguments);
            return new ProcessStartInfo(
                "ip", ["netns", "exec", _names[host == First ? 0 : 1], inner.FileName, .. inner.ArgumentList]);
        }

        /// <summary>A worker on a host.</summary>
        public ProcessStartInfo Worker(string host) =>
            On(host, "worker", $"{First}:7100", "1", $"{32 << 20}", "", host);

        public void Dispose()
        {
            foreach (string name in _names)
            {
                Shell.Succeeds("ip", "netns", "del", name);
            }
        }
    }
}
