// Tests that need what only root may do on Linux, or a server that is not everywhere; elsewhere they are skipped, by
// name.

using System.Diagnostics;

namespace Bptt.Orleans.Tests;

/// <summary>A test in network namespaces of its own making.</summary>
public sealed class NetworkFactAttribute : FactAttribute
{
    public NetworkFactAttribute()
    {
        string name = $"bptt-probe-{Environment.ProcessId}";
        if (!Shell.Succeeds("ip", "netns", "add", name))
        {
            Skip = "Network namespaces need Linux, iproute2 and root.";
            return;
        }
        Shell.Succeeds("ip", "netns", "del", name);
    }
}

/// <summary>A test on a small disc of its own making.</summary>
public sealed class SmallDiscFactAttribute : FactAttribute
{
    public SmallDiscFactAttribute()
    {
        string folder = Directory.CreateTempSubdirectory("bptt").FullName;
        bool isMounted = Shell.Succeeds("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder);
        if (!isMounted)
        {
            Skip = "A small disc (tmpfs) needs Linux and root.";
        }
        else
        {
            Shell.Succeeds("umount", folder);
        }
        Directory.Delete(folder);
    }
}

/// <summary>A test with a Redis server of its own.</summary>
public sealed class RedisFactAttribute : FactAttribute
{
    public RedisFactAttribute()
    {
        if (!Shell.Succeeds("redis-server", "--version"))
        {
            Skip = "The program redis-server is needed.";
        }
    }
}

/// <summary>A test that starts a PostgreSQL server of its own.</summary>
public sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute()
    {
        if (Postgres.Folder is null)
        {
            Skip = "The programs of PostgreSQL are needed.";
        }
    }
}

/// <summary>The programs of a PostgreSQL server. It refuses to be run by root.</summary>
internal static class Postgres
{
    private const string Versions = "/usr/lib/postgresql"; // of Debian: a folder for each

    /// <summary>Where they are; null for nowhere.</summary>
    public static string? Folder { get; } = Directory.Exists(Versions)
        ? Directory.EnumerateDirectories(Versions).Select(version => Path.Combine(version, "bin"))
            .FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")))
        : null;

    /// <summary>Whether another user must run them.</summary>
    public static bool NeedsAnotherUser => Environment.IsPrivilegedProcess;

    /// <summary>How a program is run.</summary>
    public static (string Program, string[] Arguments) Command(string name, params string[] arguments)
    {
        string program = Path.Combine(Folder!, name);
        return NeedsAnotherUser ? ("runuser", ["-u", "postgres", "--", program, .. arguments]) : (program, arguments);
    }
}

/// <summary>Programs that only end well or badly.</summary>
internal static class Shell
{
    /// <summary>Whether a program is there and ends well.</summary>
    public static bool Succeeds(string program, params string[] arguments)
    {
        try
        {
            var start = new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using Process process = Process.Start(start)!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    /// <summary>Runs a program that must end well.</summary>
    public static void Run(string program, params string[] arguments) =>
        Succeeds(program, arguments).Should().BeTrue("{0} {1}", program, string.Join(' ', arguments));
}
