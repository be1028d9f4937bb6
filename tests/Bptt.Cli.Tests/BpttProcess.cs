// The built command as a process of its own, as a shell starts it. Never waits without end.

using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Bptt.Cli.Tests;

internal sealed class BpttProcess : IDisposable
{
    private const int SigInt = 2;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly Task<string> _error;
    private readonly Task _reading;

    private BpttProcess(Process process)
    {
        _process = process;
        _error = process.StandardError.ReadToEndAsync();
        _reading = Task.Run(async () =>
        {
            char[] buffer = new char[1024];
            while (await process.StandardOutput.ReadAsync(buffer) is > 0 and int count)
            {
                lock (_output)
                {
                    _output.Append(buffer, 0, count);
                }
            }
        });
    }

    /// <summary>Starts the command that was built beside these tests.</summary>
    public static BpttProcess Start(params string[] arguments) => Start(arguments, hasInput: false);

    private static BpttProcess Start(string[] arguments, bool hasInput)
    {
        HearInterrupts();
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = hasInput,
            StandardOutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            StandardErrorEncoding = Encoding.UTF8,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Bptt.Cli.dll"));
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }
        start.Environment["TERM"] = "xterm-256color";
        start.Environment["LANG"] = "de_DE.UTF-8"; // a decimal comma must not come through
        return new BpttProcess(Process.Start(start)!);
    }

    /// <summary>Runs to the end, with a text on its standard input.</summary>
    public static async Task<CommandResult> RunWithInputAsync(string input, params string[] arguments)
    {
        using BpttProcess process = Start(arguments, hasInput: true);
        await process._process.StandardInput.WriteAsync(input);
        process._process.StandardInput.Close();
        return await process.FinishAsync();
    }

    /// <summary>Runs to the end.</summary>
    public static async Task<CommandResult> RunAsync(params string[] arguments)
    {
        using BpttProcess process = Start(arguments);
        return await process.FinishAsync();
    }

    /// <summary>Waits until the output holds a text.</summary>
    public async Task WaitForAsync(string text)
    {
        var clock = Stopwatch.StartNew();
        while (!Output().Contains(text, StringComparison.Ordinal))
        {
            if (_process.HasExited || clock.Elapsed > Limit)
            {
                throw new TimeoutException($"The command never printed '{text}' but: {Output()}");
            }
            await Task.Delay(20);
        }
    }

    /// <summary>What a terminal sends on Ctrl-C. Not on Windows.</summary>
    public void Interrupt() => SendSignal(_process.Id, SigInt).Should().Be(0);

    /// <summary>Waits, but not longer than so.</summary>
    public async Task<bool> EndsWithin(TimeSpan time)
    {
        using var limit = new CancellationTokenSource(time);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Ends the process without a chance to finish anything.</summary>
    public void Kill() => _process.Kill(entireProcessTree: true);

    public async Task<CommandResult> FinishAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        await _process.WaitForExitAsync(limit.Token);
        await _reading.WaitAsync(limit.Token);
        return new CommandResult(_process.ExitCode, Output(), await _error.WaitAsync(limit.Token));
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }
        _process.Dispose();
    }

    private string Output()
    {
        lock (_output)
        {
            return _output.ToString();
        }
    }

    /// <summary>A shell starts background jobs deaf to Ctrl-C, and children inherit that.</summary>
    private static void HearInterrupts()
    {
        const string Status = "/proc/self/status";
        string? ignored = File.Exists(Status)
            ? File.ReadLines(Status).FirstOrDefault(l => l.StartsWith("SigIgn:", StringComparison.Ordinal)) : null;
        if (ignored is not null
            && (ulong.Parse(ignored[7..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
                & (1UL << (SigInt - 1))) != 0)
        {
            _ = SetHandler(SigInt, 0);
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int SendSignal(int process, int signal);

    [DllImport("libc", EntryPoint = "signal", SetLastError = true)]
    private static extern nint SetHandler(int signal, nint handler);
}
