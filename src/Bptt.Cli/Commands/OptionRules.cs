// How the values of options are read, and the message where they cannot be.

using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Bptt.Cli.Commands;

internal static class OptionRules
{
    /// <summary>A whole number between two bounds, both included.</summary>
    public static Option<int> WholeNumber(
        string name, int atLeast, int byDefault, string description, string helpName, int atMost = int.MaxValue) =>
        Create(name, byDefault, description, helpName, text => Whole(text, atLeast, atMost), Expected(atLeast, atMost));

    /// <summary>A whole number of at least the given one, or null where the option is not given.</summary>
    public static Option<int?> OptionalWholeNumber(string name, int atLeast, string description, string helpName) =>
        new(name)
        {
            Description = description,
            HelpName = helpName,
            CustomParser = result =>
                Read(result, name, text => Whole(text, atLeast, int.MaxValue), Expected(atLeast, int.MaxValue)),
        };

    /// <summary>A number between two bounds, both excluded.</summary>
    public static Option<double> Number(
        string name, double above, double below, double byDefault, string description, string helpName) =>
        Create(
            name,
            byDefault,
            description,
            helpName,
            text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double x)
                && x > above
                && x < below ? x : null,
            double.IsInfinity(below) ? $"a finite number above {above}" : $"a number above {above} and below {below}");

    /// <summary>One of the given words.</summary>
    public static Option<string> OneOf(
        string name, IReadOnlyList<string> words, string byDefault, string description) => Text(
        name, byDefault, words.Contains, Expected(words), description, string.Join('|', words));

    /// <summary>One of the given words, or null where the option is not given.</summary>
    public static Option<string?> OneOf(string name, IReadOnlyList<string> words, string description)
    {
        Option<string?> option = new(name) { Description = description, HelpName = string.Join('|', words) };
        Demand(option, name, words.Contains, Expected(words));
        return option;
    }

    /// <summary>A text of a certain form.</summary>
    public static Option<string> Text(
        string name, string byDefault, Func<string, bool> isRight, string expected, string description, string helpName)
    {
        Option<string> option = new(name)
        {
            Description = description,
            HelpName = helpName,
            DefaultValueFactory = _ => byDefault,
        };
        Demand(option, name, isRight, expected);
        return option;
    }

    /// <summary>The name of a file or folder.</summary>
    public static Option<string?> Path(string name, string? byDefault, string description, string helpName)
    {
        Option<string?> option = new(name) { Description = description, HelpName = helpName };
        if (byDefault is not null)
        {
            option.DefaultValueFactory = _ => byDefault;
        }
        option.Validators.Add(result =>
        {
            if (result.Tokens.Any(t => string.IsNullOrWhiteSpace(t.Value)))
            {
                result.AddError($"{name}: expected a name, got an empty one.");
            }
        });
        return option;
    }

    /// <summary>A whole number between two bounds, both included; null where it is none.</summary>
    public static int? Whole(string text, int atLeast, int atMost = int.MaxValue) =>
        int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int n) && n >= atLeast && n <= atMost
            ? n
            : null;

    private static void Demand(Option option, string name, Func<string, bool> isRight, string expected) =>
        option.Validators.Add(result =>
        {
            foreach (string text in result.Tokens.Select(t => t.Value).Where(t => !isRight(t)))
            {
                result.AddError($"{name}: expected {expected}, got '{text}'.");
            }
        });

    private static string Expected(IReadOnlyList<string> words) =>
        $"{string.Join(", ", words.SkipLast(1))} or {words[^1]}";

    private static string Expected(int atLeast, int atMost) => (atLeast, atMost) switch
    {
        (int.MinValue, int.MaxValue) => "a whole number",
        (_, int.MaxValue) => $"a whole number of at least {atLeast}",
        _ => $"a whole number from {atLeast} to {atMost}",
    };

    private static Option<T> Create<T>(
        string name, T byDefault, string description, string helpName, Func<string, T?> read, string expected)
        where T : struct => new(name)
        {
            Description = description,
            HelpName = helpName,
            DefaultValueFactory = _ => byDefault,
            CustomParser = result => Read(result, name, read, expected),
        };

    private static T Read<T>(ArgumentResult result, string name, Func<string, T?> read, string expected)
        where T : struct
    {
        string text = result.Tokens[0].Value;
        if (read(text) is T value)
        {
            return value;
        }
        result.AddError($"{name}: expected {expected}, got '{text}'.");
        return default;
    }
}
