// How the values of options are read, and the message where they are missing or cannot be read.

using System.CommandLine;
using System.Globalization;
using Bptt.Cli.Console;
using Bptt.Cli.Data;

namespace Bptt.Cli.Commands;

internal static class OptionRules
{
    /// <summary>A whole number between two bounds, both included.</summary>
    public static Option<int> WholeNumber(
        string name, int atLeast, int byDefault, string description, string helpName, int atMost = int.MaxValue) =>
        Number(
            name,
            byDefault,
            description,
            helpName,
            text => WholeNumberText.Read(text, atLeast, atMost),
            Expected(atLeast, atMost));

    /// <summary>A whole number of at least the given one, or null where the option is not given.</summary>
    public static Option<int?> OptionalWholeNumber(string name, int atLeast, string description, string helpName) =>
        Demand(
            new Option<int?>(name)
            {
                Description = description,
                HelpName = helpName,
                CustomParser = result => WholeNumberText.Read(result.Tokens[0].Value, atLeast),
            },
            Expected(atLeast, int.MaxValue),
            text => WholeNumberText.Read(text, atLeast) is not null);

    /// <summary>A number between two bounds, both excluded.</summary>
    public static Option<double> Number(
        string name,
        double above,
        double below,
        double byDefault,
        string description,
        string helpName,
        bool mayEqualBelow = false) =>
        Number<double>(
            name,
            byDefault,
            description,
            helpName,
            text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double x)
                && x > above
                && (x < below || (mayEqualBelow && x == below)) ? x : null,
            double.IsInfinity(below) ? $"a finite number above {above}"
                : $"a number above {above} and {(mayEqualBelow ? "at most" : "below")} {below}");

    /// <summary>One of the given words.</summary>
    public static Option<string> OneOf(
        string name, IReadOnlyList<string> words, string byDefault, string description) => Text(
        name, byDefault, words.Contains, Expected(words), description, string.Join('|', words));

    /// <summary>One of the given words, or null where the option is not given.</summary>
    public static Option<string?> OneOf(string name, IReadOnlyList<string> words, string description) => Demand(
        new Option<string?>(name) { Description = description, HelpName = string.Join('|', words) },
        Expected(words),
        words.Contains);

    /// <summary>A text of a certain form.</summary>
    public static Option<string> Text(
        string name,
        string byDefault,
        Func<string, bool> isRight,
        string expected,
        string description,
        string helpName) =>
        Demand(
            new Option<string>(name)
            {
                Description = description,
                HelpName = helpName,
                DefaultValueFactory = _ => byDefault,
            },
            expected,
            isRight);

    /// <summary>A text of a certain form, or null where the option is not given.</summary>
    public static Option<string?> OptionalText(
        string name, Func<string, bool> isRight, string expected, string description, string helpName) =>
        Demand(new Option<string?>(name) { Description = description, HelpName = helpName }, expected, isRight);

    /// <summary>Names of columns, in one value or several.</summary>
    public static Option<string[]> Columns(string name, string description, string helpName)
    {
        Option<string[]> option = Demand(
            new Option<string[]>(name) { Description = description, HelpName = helpName },
            "names of columns, separated by commas",
            _ => true);
        option.Validators.Add(result =>
        {
            foreach (string list in result.Tokens.Select(t => t.Value).Where(t => !ColumnList.IsBalanced(t)))
            {
                result.AddError($"{name}: expected names in balanced quotes, got '{list}'.");
            }
        });
        return option;
    }

    /// <summary>The fault that options of <see cref="Columns"/> are not given, with the columns that the file has where
    /// it can be read.</summary>
    /// <param name="names">The options.</param>
    /// <param name="path">The file.</param>
    /// <param name="hasHeader">Whether its first row names the columns.</param>
    public static string ColumnsExpected(string names, string path, bool hasHeader)
    {
        string message = $"Expected {names} to name columns of the CSV file";
        if (path == TableFile.StandardInput)
        {
            return $"{message}.";
        }
        try
        {
            var table = TableFile.Read(path, hasHeader);
            return $"{message}, which has {table.ColumnsText}.{table.HintOfShape}";
        }
        catch (DataFaultException e)
        {
            return $"{message}. {e.Message}";
        }
    }

    /// <summary>Whether an option is one of <see cref="Columns"/>.</summary>
    public static bool IsOfColumns(Option option) => option.ValueType == typeof(string[]);

    /// <summary>The name of one column, or its number; null where the option is not given.</summary>
    public static Option<string?> Column(string name, string description) => Demand(
        new Option<string?>(name) { Description = description, HelpName = "column" },
        "the name of a column",
        text => !string.IsNullOrWhiteSpace(text));

    /// <summary>The name of a file.</summary>
    public static Option<string?> File(string name, string description) =>
        Path(name, null, description, "FILE", "a file");

    /// <summary>The name of a folder.</summary>
    public static Option<string?> Folder(string name, string? byDefault, string description) =>
        Path(name, byDefault, description, "DIR", "a folder");

    /// <summary>Refuses for a file what is empty or an option that the command does not have: the parser takes all that
    /// it does not know for an argument.</summary>
    /// <param name="argument">The argument.</param>
    /// <param name="what">What it names.</param>
    /// <param name="allowed">What is none of both though it reads like one.</param>
    public static void DemandFile(Argument argument, string what, string? allowed = null) =>
        argument.Validators.Add(result =>
    {
        foreach (string path in result.Tokens.Select(t => t.Value))
        {
            if (string.IsNullOrWhiteSpace(path))
            {
                result.AddError($"Expected the name of {what}, got an empty one.");
            }
            else if (path.StartsWith('-') && path != allowed)
            {
                result.AddError($"Unrecognized option '{path}'.");
            }
        }
    });

    private static Option<string?> Path(
        string name, string? byDefault, string description, string helpName, string what)
    {
        Option<string?> option = new(name) { Description = description, HelpName = helpName };
        if (byDefault is not null)
        {
            option.DefaultValueFactory = _ => byDefault;
        }
        Demand(option, $"the name of {what}", _ => true);
        option.Validators.Add(result =>
        {
            foreach (string path in result.Tokens.Select(t => t.Value))
            {
                if (string.IsNullOrWhiteSpace(path))
                {
                    result.AddError($"{name}: expected the name of {what}, got an empty one.");
                }
                else if (path.StartsWith('-'))
                {
                    result.AddError(
                        $"{name}: expected the name of {what}, got '{path}', which reads like an option; "
                        + $"'./{path}' is a name.");
                }
            }
        });
        return option;
    }

    /// <summary>Refuses an option without its value, and values that are not right.</summary>
    private static Option<T> Demand<T>(Option<T> option, string expected, Func<string, bool> isRight)
    {
        // Were a value required of the parser, it would take the next option for it: --out --report.
        option.Arity = new ArgumentArity(0, option.Arity.MaximumNumberOfValues);
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count < result.IdentifierTokenCount)
            {
                result.AddError($"{option.Name}: expected {expected}, got no value.");
            }
            foreach (string text in result.Tokens.Select(t => t.Value).Where(t => !isRight(t)))
            {
                result.AddError($"{option.Name}: expected {expected}, got '{text}'.");
            }
        });
        return option;
    }

    private static string Expected(IReadOnlyList<string> words) =>
        $"{string.Join(", ", words.SkipLast(1))} or {words[^1]}";

    private static string Expected(int atLeast, int atMost) => (atLeast, atMost) switch
    {
        (int.MinValue, int.MaxValue) => "a whole number",
        (_, int.MaxValue) => $"a whole number of at least {atLeast}",
        _ => $"a whole number from {atLeast} to {atMost}",
    };

    private static Option<T> Number<T>(
        string name, T byDefault, string description, string helpName, Func<string, T?> read, string expected)
        where T : struct =>
        Demand(
            new Option<T>(name)
            {
                Description = description,
                HelpName = helpName,
                DefaultValueFactory = _ => byDefault,
                CustomParser = result => read(result.Tokens[0].Value)!.Value, // which is right, or it is not asked for
            },
            expected,
            text => read(text) is not null);
}
