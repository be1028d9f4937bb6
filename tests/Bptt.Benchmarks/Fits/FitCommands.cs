// The commands that judge estimated models: on measured plants, and on plants that are made up.

using System.CommandLine;

namespace Bptt.Benchmarks.Fits;

internal static class FitCommands
{
    public static Command Fits()
    {
        Option<DirectoryInfo> folder = new("--folder")
        {
            Description = "Holds sets.json and a CSV file for each set.",
            HelpName = "F",
            Required = true,
        };
        Option<string[]> sets = new("--sets")
        {
            Description = "The sets to take; all by default.",
            HelpName = "name",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        Option<bool> candidates = new("--candidates") { Description = "Print all candidates of each set." };
        Option<bool> markdown = CommandLine.Markdown();
        var command = new Command("fits", "How well estimated models predict measured plants, beside their peers.")
        {
            folder, sets, candidates, markdown,
        };
        command.SetAction(parsed => FieldFits.Run(
            parsed.GetValue(folder)!.FullName,
            parsed.GetValue(sets)!,
            parsed.GetValue(candidates),
            parsed.GetValue(markdown),
            Console.Out));
        return command;
    }

    public static Command Generated()
    {
        Option<int> count = new("--count")
        {
            Description = "How many plants.",
            HelpName = "n",
            DefaultValueFactory = _ => 50,
        };
        Option<int> seed = new("--seed")
        {
            Description = "The seed of the first; the others follow.",
            HelpName = "n",
            DefaultValueFactory = _ => 1,
        };
        Option<bool> each = new("--each") { Description = "Print every plant." };
        Option<bool> markdown = CommandLine.Markdown();
        var command = new Command("generated", "How well estimated models predict plants made up at random.")
        {
            count, seed, each, markdown,
        };
        command.SetAction(parsed => GeneratedFits.Run(
            parsed.GetValue(seed),
            parsed.GetValue(count),
            parsed.GetValue(each),
            parsed.GetValue(markdown),
            Console.Out));
        return command;
    }
}
