// A real process of a cluster, to be watched, stopped and killed by tests.

using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Bptt.Orleans.Tests;

internal sealed class PeerProcess : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2.0);

    private readonly Process _process;
    private readonly List<string> _lines = [];

    private PeerProcess(Process process)
    {
        _process = process;
    }

    /// <summary>Where the program lies, with all that it needs.</summary>
    public static string Folder { get; } = AppContext.BaseDirectory;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>How a process is started.</summary>
    public static ProcessStartInfo Program(string folder, params string[] arguments) =>
        new("dotnet", [Path.Combine(folder, "Bptt.Orleans.Peer.dll"), .. arguments]);

    public static PeerProcess Start(params string[] arguments) => Start(Program(Folder, arguments));

    public static PeerProcess Start(ProcessStartInfo start)
    {
        (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError) = (true, true, true);
        var peer = new PeerProcess(Process.Start(start)!);
        peer._process.OutputDataReceived += (_, line) => peer.Add(line.Data);
        peer._process.ErrorDataReceived += (_, line) => peer.Add(line.Data);
        peer._process.BeginOutputReadLine();
        peer._process.BeginErrorReadLine();
        return peer;
    }

    /// <summary>Sends a signal to a process.</summary>
    public static void Signal(string signal, int process)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process}"]);
        kill.WaitForExit();
    }

    /// <summary>Whether a process is there and no zombie.</summary>
    public static bool Lives(int process) =>
        File.Exists($"/proc/{process}/stat") && !File.ReadAllText($"/proc/{process}/stat").Contains(") Z ");

    /// <summary>Waits for a line that the process prints.</summary>
    /// <returns>What the pattern's first group has matched, or else the line.</returns>
    public string WaitFor(string pattern)
    {
        var clock = Stopwatch.StartNew();
        TimeSpan last = Longest;
        while (true)
        {
            lock (_lines)
            {
                Match? match = _lines.Select(line => Regex.Match(line, pattern)).FirstOrDefault(m => m.Success);
                if (match is not null)
                {
                    return match.Groups.Count > 1 ? match.Groups[1].Value : match.Value;
                }
                if (last == Longest && _process.HasExited)
                {
                    last = clock.Elapsed + TimeSpan.FromSeconds(5.0); // its last lines may be on their way
                }
                if (clock.Elapsed > last)
                {
                    throw new TimeoutException($"'{pattern}' did not come. {string.Join('\n', _lines)}");
                }
            }
            Thread.Sleep(20);
        }
    }

    /// <summary>What all lines match, in order.</summary>
    public IReadOnlyList<string> All(string pattern)
    {
        lock (_lines)
        {
            return [.. _lines.SelectMany(line => Regex.Matches(line, pattern)).Select(m => m.Groups[1].Value)];
        }
    }

    /// <summary>Waits for the end of the process.</summary>
    /// <returns>Its exit code.</returns>
    public int WaitForEnd()
    {
        _process.WaitForExit(Longest).Should().BeTrue("it ends");
        return _process.ExitCode;
    }

    public void Kill()
    {
        _process.Kill(); // SIGKILL
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Signal("CONT", Id);
            Kill();
        }
        _process.Dispose();
    }

    private void Add(string? line)
    {
        lock (_lines)
        {
            if (line is not null)
            {
                _lines.Add(line);
            }
        }
    }
}
