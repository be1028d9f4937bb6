// Worker processes on this machine: started, watched and ended by the coordinator's process. Computes nothing.

using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Bptt.Orleans;

/// <summary>Worker processes of this machine that live as long as the coordinator: one that ends is started again, and
/// all end when the coordinator does, even where it is killed.</summary>
public sealed class LocalWorkers : IAsyncDisposable
{
    /// <summary>A worker that ends sooner than this after its start is not started again at once.</summary>
    private static readonly TimeSpan ShortestLife = TimeSpan.FromSeconds(5.0);

    private readonly BpttCluster _cluster;
    private readonly Func<ProcessStartInfo> _program;
    private readonly Action<string>? _log;
    private readonly CancellationTokenSource _end = new();
    private readonly Process?[] _processes;
    private readonly Task[] _watches;

    private LocalWorkers(BpttCluster cluster, int count, Func<ProcessStartInfo> program, Action<string>? log)
    {
        _cluster = cluster;
        _program = program;
        _log = log;
        _processes = new Process?[count];
        _watches = [.. Enumerable.Range(0, count).Select(place => Task.Run(() => WatchAsync(place)))];
    }

    /// <summary>The processes that run now.</summary>
    public IReadOnlyList<int> ProcessIds => [.. _processes.Where(IsRunning).Select(process => process!.Id)];

    /// <summary>Starts workers.</summary>
    /// <param name="cluster">The coordinator, which the program joins by its address.</param>
    /// <param name="count">How many.</param>
    /// <param name="program">How a worker is started: a program that calls <see cref="BpttWorker.RunAsync"/>, and ends
    /// when its standard input does (<see cref="InputEnd"/>).</param>
    /// <param name="log">Told in one line each who ends and is started again; null for nobody.</param>
    /// <exception cref="ArgumentNullException">Cluster or program are null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is below 1.</exception>
    public static LocalWorkers Start(
        BpttCluster cluster, int count, Func<ProcessStartInfo> program, Action<string>? log = null)
    {
        ArgumentNullException.ThrowIfNull(cluster);
        ArgumentNullException.ThrowIfNull(program);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        return new LocalWorkers(cluster, count, program, log);
    }

    /// <summary>Is cancelled when the standard input ends, as it does when the process that started this one is gone.
    /// From then on Ctrl-C is left to that process: a terminal sends it to both.</summary>
    public static CancellationToken InputEnd()
    {
        _ = Interrupt.Value;
        var source = new CancellationTokenSource();
        _ = Task.Run(async () =>
        {
            await using Stream input = Console.OpenStandardInput();
            byte[] ignored = new byte[64];
            while (await input.ReadAsync(ignored) > 0)
            {
            }
            await source.CancelAsync();
        });
        return source.Token;
    }

    /// <summary>Ends every worker.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await Task.WhenAll(_watches);
        _end.Dispose();
    }

    /// <summary>Kept for as long as the process lives.</summary>
    private static readonly Lazy<PosixSignalRegistration> Interrupt =
        new(() => PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true));

    private static bool IsRunning(Process? process)
    {
        try
        {
            return process is { HasExited: false };
        }
        catch (InvalidOperationException)
        {
            return false; // disposed of meanwhile
        }
    }

    private async Task WatchAsync(int place)
    {
        while (!_end.IsCancellationRequested)
        {
            var started = Stopwatch.StartNew();
            ProcessStartInfo start = _program();
            (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError) =
                (true, true, true);
            using Process process = Process.Start(start)!;
            process.OutputDataReceived += static (_, _) => { };
            process.ErrorDataReceived += (_, line) => Tell(process.Id, line.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            _processes[place] = process;
            try
            {
                await process.WaitForExitAsync(_end.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                await process.WaitForExitAsync(CancellationToken.None);
                return;
            }
            int id = process.Id;
            _log?.Invoke($"worker {id} has ended with code {process.ExitCode} and is started again");
            await _cluster.DeclareDeadAsync(id);
            if (started.Elapsed < ShortestLife)
            {
                await Task.Delay(ShortestLife, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void Tell(int id, string? line)
    {
        if (!string.IsNullOrEmpty(line))
        {
            _log?.Invoke($"worker {id}: {line}");
        }
    }
}
