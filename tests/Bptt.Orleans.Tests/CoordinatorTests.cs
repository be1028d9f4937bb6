// Coordinators that are killed, that find no worker, and that refuse one. Processes are real.

using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using Bptt.Orleans.Peer;
using Bptt.Sharding;

namespace Bptt.Orleans.Tests;

public sealed class CoordinatorTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bptt").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("adam", 60)]
    [InlineData("lm", 12)]
    public void A_training_goes_on_bit_for_bit_after_its_coordinator_was_killed(string method, int epochs)
    {
        string checkpoint = Path.Combine(_folder, "checkpoint.json");
        string[] training = ["train", "24,24,200", method, $"{epochs}", "6"];
        using var through = PeerProcess.Start([.. training, "0"]);
        string expected = through.WaitFor("^weights (.*)$");

        int[] workers;
        using (var killed = PeerProcess.Start([.. training, "2", "--checkpoint", checkpoint]))
        {
            killed.WaitFor("epoch [1-9]"); // it is told before it is saved
            SpinWait.SpinUntil(() => File.Exists(checkpoint), TimeSpan.FromMinutes(1.0)).Should().BeTrue();
            killed.Kill();
            workers = [.. killed.All(@"^worker (\d+) on .* has joined").Distinct().Select(int.Parse)];
        }
        workers.Should().HaveCount(2);
        using var resumed = PeerProcess.Start(
            [.. training, "3", "--checkpoint", checkpoint, "--resume", checkpoint]);

        resumed.WaitFor("^weights (.*)$").Should().Be(expected);
        resumed.All("^epoch (.*),")[0].Should().NotBe("0", "it went on and did not begin again");
        workers.Where(PeerProcess.Lives).Should().BeEmpty("workers end with the process that started them");
    }

    [Fact]
    public async Task A_worker_that_was_started_by_hand_serves_the_next_coordinator_at_the_address()
    {
        var problem = Problem.Of("generated", "adam", 5, shards: 3);
        double[] expected = Coordinator.TrainHere(problem);
        int port = SiloHost.FreePort(IPAddress.Loopback);
        using var worker = PeerProcess.Start("worker", $"127.0.0.1:{port}");
        using (var killed = PeerProcess.Start("train", "24,24,200", "adam", "100000", "3", "0", "--port", $"{port}"))
        {
            killed.WaitFor("epoch [1-9]");
            killed.Kill();
        }

        await using Coordinator next = await Coordinator.StartAsync(0, new BpttClusterOptions { Port = port });
        await next.Cluster.WaitForWorkersAsync(1);

        next.Train(problem).Should().Equal(expected);
    }

    [Fact]
    public async Task A_worker_with_other_kernels_is_refused_by_name()
    {
        await using Coordinator coordinator = await Coordinator.StartAsync(0);
        ProcessStartInfo program = PeerProcess.Program(PeerProcess.Folder, "worker", coordinator.Cluster.Address);
        program.Environment["BPTT_KERNELS"] = "Plain";
        using var worker = PeerProcess.Start(program);

        Func<Task> wait = () => coordinator.Cluster.WaitForWorkersAsync(1);

        (await wait.Should().ThrowAsync<BpttClusterException>()).WithMessage(
            $"*worker {worker.Id}*is refused: arithmetic: expected {EngineIdentity.Arithmetic}, got kernels Plain*");
        worker.WaitFor("refused by the coordinator: arithmetic");
    }

    [Fact]
    public async Task A_worker_with_another_build_of_the_library_is_refused_by_name()
    {
        string other = OtherBuild();
        await using Coordinator coordinator = await Coordinator.StartAsync(0);
        using var worker = PeerProcess.Start(PeerProcess.Program(other, "worker", coordinator.Cluster.Address));

        Func<Task> wait = () => coordinator.Cluster.WaitForWorkersAsync(1);

        (await wait.Should().ThrowAsync<BpttClusterException>()).WithMessage(
            $"*worker {worker.Id}*is refused: library: expected {EngineIdentity.Library}, got Bptt *");
    }

    [Fact]
    public async Task Without_any_worker_a_training_ends_by_saying_so()
    {
        await using Coordinator coordinator = await Coordinator.StartAsync(
            0, new BpttClusterOptions { WorkerTimeout = TimeSpan.FromSeconds(1.0) });

        Action train = () => coordinator.Train(Problem.Of("generated", "adam", 2, shards: 3));

        train.Should().Throw<BpttClusterException>().WithMessage("Workers: expected 1*got 0*none more came in 1 s.");
    }

    [Fact]
    public async Task Nothing_listens_beyond_the_loopback_address()
    {
        await using Coordinator coordinator = await Coordinator.StartAsync(0);
        int port = int.Parse(coordinator.Cluster.Address.Split(':')[1]);

        IPEndPoint[] listeners = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners();

        listeners.Should().Contain(listener => listener.Port == port)
            .And.NotContain(listener => listener.Port == port && !IPAddress.IsLoopback(listener.Address));
    }

    [Fact]
    public async Task A_worker_needs_a_cluster_to_join()
    {
        Func<Task> nowhere = () => BpttWorker.RunAsync(new BpttClusterOptions(), default);
        Func<Task> noAddress = () => BpttWorker.RunAsync(new BpttClusterOptions { Join = "here" }, default);

        (await nowhere.Should().ThrowAsync<ArgumentException>()).WithMessage("*expected a coordinator*");
        (await noAddress.Should().ThrowAsync<ArgumentException>()).WithMessage("*expected HOST:PORT, got 'here'*");
    }

    /// <summary>The same program with a library whose compiled code has another identity.</summary>
    private string OtherBuild()
    {
        foreach (string file in Directory.GetFiles(PeerProcess.Folder))
        {
            File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
        }
        string library = Path.Combine(_folder, "Bptt.dll");
        byte[] bytes = File.ReadAllBytes(library);
        byte[] identity = typeof(LinearRnn).Assembly.ManifestModule.ModuleVersionId.ToByteArray();
        int at = bytes.AsSpan().IndexOf(identity);
        at.Should().BePositive();
        bytes[at] ^= 1;
        File.WriteAllBytes(library, bytes);
        return _folder;
    }
}
