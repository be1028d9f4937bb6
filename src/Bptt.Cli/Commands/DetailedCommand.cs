// A command whose help says more than its line in the list of commands, and whose options must go together.

using System.CommandLine;

namespace Bptt.Cli.Commands;

internal sealed class DetailedCommand(string name, string summary, string details) : Command(name, summary)
{
    private readonly List<Func<ParseResult, IEnumerable<string>>> _rules = [];

    /// <summary>Puts the details below the summary, for the help of this command itself.</summary>
    public void ShowDetails() => Description += $"\n\n{details}";

    /// <summary>Adds a rule between options: it returns what is wrong with them together. It is asked after the
    /// parsing, and only where each option by itself is right, so that it can read every value; a validator of the
    /// command is asked before, where a value may be missing.</summary>
    public void AddRule(Func<ParseResult, IEnumerable<string>> faults) => _rules.Add(faults);

    /// <summary>What is wrong with options that are each right by itself.</summary>
    public IReadOnlyList<string> Faults(ParseResult parsed) => [.. _rules.SelectMany(faults => faults(parsed))];
}
