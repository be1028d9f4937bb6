// A list of members in a database, by its ADO.NET driver. Processes are real, the server too.

using System.Diagnostics;
using System.Net;
using Bptt.Orleans.Peer;

namespace Bptt.Orleans.Tests;

public sealed class DatabaseTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bptt").FullName;
    private readonly string _port = $"{SiloHost.FreePort(IPAddress.Loopback)}";
    private Process? _server;

    public void Dispose()
    {
        if (_server is not null)
        {
            (string program, string[] arguments) =
                Postgres.Command("pg_ctl", "stop", "--mode", "immediate", "--pgdata", Data);
            Shell.Succeeds(program, arguments);
            _server.WaitForExit();
            _server.Dispose();
        }
        Directory.Delete(_folder, recursive: true);
    }

    [PostgresFact]
    public async Task Processes_that_meet_in_a_database_train_with_the_bits_of_one_process_also_when_one_is_killed()
    {
        StartServer();
        Meeting.MakeTables("127.0.0.1", _port);
        var problem = Problem.Of("generated", "lm", 4, shards: 5);
        double[] expected = Coordinator.TrainHere(problem);
        using var first = PeerProcess.Start("worker", $"postgres:127.0.0.1:{_port}");
        using var second = PeerProcess.Start("worker", $"postgres:127.0.0.1:{_port}");
        await using Coordinator coordinator = await Coordinator.StartAsync(
            0, new BpttClusterOptions { AdoNet = Meeting.Database("127.0.0.1", _port) });
        await coordinator.Cluster.WaitForWorkersAsync(2);
        coordinator.Train(problem).Should().Equal(expected);

        PeerProcess.Signal("KILL", first.Id);
        coordinator.Train(problem).Should().Equal(expected);

        using var third = PeerProcess.Start("worker", $"postgres:127.0.0.1:{_port}");
        await coordinator.Cluster.WaitForWorkersAsync(2);
        coordinator.Log.Should().Contain($"worker {third.Id} on");
        coordinator.Train(problem).Should().Equal(expected);
    }

    private string Data => Path.Combine(_folder, "data");

    /// <summary>A server with nothing in it, for whoever reaches the loopback address.</summary>
    private void StartServer()
    {
        if (Postgres.NeedsAnotherUser)
        {
            Shell.Run("chown", "postgres", _folder);
        }
        (string program, string[] arguments) = Postgres.Command(
            "initdb", "--pgdata", Data, "--username", "postgres", "--auth", "trust", "--no-sync");
        Shell.Run(program, arguments);
        (program, arguments) = Postgres.Command(
            "postgres", "-D", Data, "-p", _port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=");
        _server = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        string? line;
        while ((line = _server.StandardError.ReadLine()) is not null && !line.Contains("ready to accept"))
        {
        }
        line.Should().NotBeNull("the server starts");
        _ = _server.StandardError.ReadToEndAsync(); // what it goes on to say must not fill the pipe
    }
}
