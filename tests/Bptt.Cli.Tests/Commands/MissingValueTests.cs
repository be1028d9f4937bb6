// An option without its value, on every command: one line says which option and what it expects. Walks the commands and
// their options as the parser knows them, so that a new option is tested too.

using System.CommandLine;
using Bptt.Cli.Console;

namespace Bptt.Cli.Tests.Commands;

public class MissingValueTests
{
    private static readonly Terminal Nowhere = new(TextWriter.Null, TextWriter.Null, isInteractive: false);

    /// <summary>What makes a command line right, so that nothing but the value is missing.</summary>
    private static readonly Dictionary<string, string[]> Needed = new()
    {
        ["fit"] = ["--sample=sunspots"],
        ["check"] = ["--sample=sunspots"],
        ["flow"] = ["--sample=sunspots"],
        ["remedies"] = [],
        ["predict"] = ["model.json", "data.csv"],
        ["graph"] = [],
        ["export"] = ["model.json", "model.onnx"],
        ["import"] = ["weights.npz"],
        ["forecast"] = ["--sample=sunspots"],
        ["studio"] = [],
        ["worker"] = ["--join=127.0.0.1:7100"],
    };

    public static TheoryData<string, string> Options()
    {
        var all = new TheoryData<string, string>();
        foreach (Command command in CommandLine.Root(Nowhere).Subcommands)
        {
            foreach (Option option in command.Options.Where(TakesValue))
            {
                all.Add(command.Name, option.Name);
            }
        }
        return all;
    }

    [Fact]
    public void Every_command_and_its_options_are_walked()
    {
        Options().Select(row => row[0]).Distinct().Should().BeEquivalentTo(Needed.Keys);
        Options().Count.Should().BeGreaterThan(40);
    }

    [Theory]
    [MemberData(nameof(Options))]
    public async Task An_option_at_the_end_without_its_value_is_told_with_what_it_expects(string command, string option)
    {
        await ShouldBeTold([command, .. NeededBeside(command, option), option], command, option);
        await ShouldBeTold([command, option], command, option);
        await ShouldBeTold([command, .. NeededBeside(command, option), $"{option}="], command, option);
    }

    [Theory]
    [MemberData(nameof(Options))]
    public async Task An_option_takes_no_other_option_for_its_value(string command, string option)
    {
        Command model = CommandLine.Root(Nowhere).Subcommands.Single(c => c.Name == command);
        foreach (Option other in model.Options.Where(o => o.Name != "--help"))
        {
            string[] missing = TakesValue(other) && other.Name != option ? [option, other.Name] : [option];
            string[] arguments = [command, .. NeededBeside(command, option, other.Name), option, other.Name];

            await ShouldBeTold(arguments, command, missing);
        }
    }

    [Theory]
    [MemberData(nameof(Options))]
    public async Task An_option_that_is_repeated_with_one_value_lacks_the_other(string command, string option)
    {
        CommandResult result = await CommandRunner.RunAsync(
            [command, .. NeededBeside(command, option), option, option, "1"]);

        result.ShouldBeRefused(2, $"error: {option}: expected ", ", got no value.");
    }

    [Theory]
    [InlineData("--sample: expected hair-dryer or sunspots, got no value.", "fit", "--sample")]
    [InlineData("--sample: expected hair-dryer or sunspots, got no value.", "check", "--sample")]
    [InlineData("--sample: expected hair-dryer or sunspots, got no value.", "flow", "--sample")]
    [InlineData("--inputs: expected names of columns, separated by commas, got no value.", "remedies", "--inputs")]
    [InlineData(
        "--outputs: expected names of columns, separated by commas, got no value.",
        "fit", "d.csv", "--inputs", "u", "--outputs")]
    [InlineData("--out: expected the name of a file, got no value.", "graph", "--out", "--gradients")]
    [InlineData(
        "--out: expected the name of a folder, got no value.", "fit", "--sample", "sunspots", "--out", "--report")]
    public async Task The_line_says_what_is_expected(string line, params string[] arguments)
    {
        CommandResult result = await CommandRunner.RunAsync(arguments);

        result.ExitCode.Should().Be(2);
        result.Error.Should().Be(
            $"error: {line}{Environment.NewLine}See 'bptt {arguments[0]} --help'.{Environment.NewLine}");
        File.Exists("--gradients").Should().BeFalse();
        Directory.Exists("--report").Should().BeFalse();
    }

    [Fact]
    public async Task A_process_without_a_value_ends_with_the_code_of_a_faulty_command_line()
    {
        CommandResult result = await BpttProcess.RunAsync("fit", "--sample");

        result.ExitCode.Should().Be(2);
        result.Error.Should().StartWith("error: --sample: expected ").And.NotContain("   at ");
    }

    [Fact]
    public void No_mixture_of_tokens_is_more_than_a_faulty_command_line()
    {
        var random = new Random(20260719);
        int wrong = 0;
        for (int i = 0; i < 4000; i++)
        {
            RootCommand root = CommandLine.Root(Nowhere);
            Command command = root.Subcommands[random.Next(root.Subcommands.Count)];
            string[] words =
            [
                .. command.Options.SelectMany(o => new[] { o.Name, $"{o.Name}=", $"{o.Name}=3" }),
                "", " ", "-", "--", "-1", "3", "a,b", "y", "norm:1", "lags:2",
                "adam", "subspace", "sunspots", "true", "--unknown",
            ];
            string[] arguments = [command.Name, .. random.GetItems(words, random.Next(7))];

            FluentActions
                .Invoking(() => wrong += CommandLine.Faults(CommandLine.Parse(root, arguments)).Count > 0 ? 1 : 0)
                .Should().NotThrow("of 'bptt {0}'", string.Join(' ', arguments));
        }
        wrong.Should().BeInRange(2000, 3990, "some are right");
    }

    private static async Task ShouldBeTold(string[] arguments, string command, params string[] options)
    {
        string because = string.Join(' ', arguments);

        CommandResult result = await CommandRunner.RunAsync(arguments);

        result.ExitCode.Should().Be(2, because);
        result.Output.Should().BeEmpty(because);
        string[] lines = result.Error.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        lines[^1].Should().Be($"See 'bptt {command} --help'.", because);
        IEnumerable<string> errors = lines.SkipLast(1)
            .Where(l => !l.StartsWith("error: Required argument", StringComparison.Ordinal));
        errors.Select(e => e.Split(": expected ")[0])
            .Should().BeEquivalentTo(options.Select(o => $"error: {o}"), because);
        errors.Should().OnlyContain(e => e.EndsWith(", got no value.", StringComparison.Ordinal), because);
    }

    /// <summary>What is needed, but for options that the line names anyway.</summary>
    private static IEnumerable<string> NeededBeside(string command, params string[] named) =>
        Needed[command].Where(n => !named.Contains(n.Split('=')[0]));

    private static bool TakesValue(Option option) =>
        option.Arity.MaximumNumberOfValues > 0 && option.ValueType != typeof(bool);
}
