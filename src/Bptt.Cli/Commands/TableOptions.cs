// The options that say how a table is read and cut into runs, shared by all commands that read one.

using System.CommandLine;
using Bptt.Cli.Console;
using Bptt.Cli.Data;

namespace Bptt.Cli.Commands;

internal sealed class TableOptions
{
    /// <summary>What is done about missing values, as options say it.</summary>
    public static readonly (string Word, Missing Missing)[] MissingWords =
    [
        ("mask", Missing.Mask), ("interpolate", Missing.Interpolate), ("refuse", Missing.Refuse),
    ];

    private readonly Option<string?> _group = OptionRules.Column(
        "--group", "The column that names the run of each row, where the table holds several runs.");

    private readonly Option<string?> _time = OptionRules.Column(
        "--time", "The column that holds the time of each row, a number or a date: for the pictures and the "
            + "predictions, and to check that rows follow each other evenly. It is no input.");

    private readonly Option<string> _missing = OptionRules.OneOf(
        "--missing",
        [.. MissingWords.Select(w => w.Word)],
        byDefault: "mask",
        "What is done where a cell is empty, NaN, NA or null. mask: a step without its outputs does not count, "
            + "a missing input is refused; interpolate: the same, but inputs are filled on straight lines; "
            + "refuse: both are refused.");

    private readonly Option<bool> _noHeader = new("--no-header")
    {
        Description = "The first row of the CSV is data; the columns are named c1, c2, ….",
    };

    public void AddTo(DetailedCommand command)
    {
        command.Add(_group);
        command.Add(_time);
        command.Add(_missing);
        command.Add(_noHeader);
    }

    /// <summary>Whether the command line names the runs.</summary>
    public bool HasGroup(ParseResult parsed) => parsed.GetValue(_group) is not null;

    /// <summary>Whether the first row names the columns.</summary>
    public bool HasHeader(ParseResult parsed) => !parsed.GetValue(_noHeader);

    /// <summary>Reads them.</summary>
    public DataSettings Read(ParseResult parsed, Table table) => new()
    {
        Group = parsed.GetValue(_group) is string group ? ColumnList.One(table, group) : null,
        Time = parsed.GetValue(_time) is string time ? ColumnList.One(table, time) : null,
        Missing = MissingWords.First(w => w.Word == parsed.GetValue(_missing)).Missing,
    };

    /// <summary>Prints what is to be told of a table.</summary>
    public static void Tell(Terminal terminal, Table table)
    {
        foreach (Remark remark in table.Remarks)
        {
            Action<string> tell = remark.IsDoubt ? terminal.Warn : terminal.Note;
            tell(remark.Text);
        }
    }
}
