// A command whose help says more than its line in the list of commands.

using System.CommandLine;

namespace Bptt.Cli.Commands;

internal sealed class DetailedCommand(string name, string summary, string details) : Command(name, summary)
{
    /// <summary>Puts the details below the summary, for the help of this command itself.</summary>
    public void ShowDetails() => Description += $"\n\n{details}";
}
