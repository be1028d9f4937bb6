// What the process answers.

namespace Bptt.Cli.Console;

/// <summary>Exit codes of the command.</summary>
internal static class ExitCode
{
    /// <summary>All was done.</summary>
    public const int Done = 0;

    /// <summary>The data, a file or the training is at fault.</summary>
    public const int DataFault = 1;

    /// <summary>The command line is at fault; nothing was read or written.</summary>
    public const int UsageFault = 2;
}
