// Wrong command lines, help and version: what is printed, where, and the exit code. No data are read here.

namespace Bptt.Cli.Tests;

public class CommandLineTests
{
    private const string Csv = "{csv}";
    private const string Out = "{out}";

    /// <summary>Of the files in the examples of the help.</summary>
    private static readonly string[] Extensions = [".csv", ".json", ".svg", ".onnx", ".safetensors", ".npz"];

    /// <summary>The arguments, and what the message says.</summary>
    private static readonly Dictionary<string, (string[] Arguments, string[] Message)> WrongLines = new()
    {
        ["nothing"] = ([], ["Required command was not provided", "See 'bptt --help'"]),
        ["no data to look at"] =
            (["flow", "--out", Out], ["Expected a CSV file or --sample, got neither", "See 'bptt flow --help'"]),
        ["a model file and a random model"] =
            (Flow("--hidden", "3"), ["Expected --model, or --hidden and --seed for a random model, got both"]),
        ["a model file and a seed"] = (Flow("--seed", "1"), ["Expected --model, or --hidden and --seed"]),
        ["a model file and inputs"] =
            (Flow("--inputs", "a"), ["Expected no --inputs beside --model: the file names its columns"]),
        ["a model file and outputs"] = (Flow("--outputs", "y"), ["Expected no --outputs beside --model"]),
        ["a model file and a forecast"] = (Flow("--predict-next"), ["Expected no --predict-next beside --model"]),
        ["a model file and no data"] =
            (["flow", "--model", "model.json", "--out", Out], ["Expected a CSV file or --sample, got neither"]),
        ["a model file without a name"] =
            (["flow", Csv, "--model", "", "--out", Out], ["--model: expected the name of a file, got an empty one"]),
        ["no folder for pictures"] = (
            ["flow", "--sample", "sunspots", "--out", " "], ["--out: expected the name of a folder, got an empty one"]),
        ["a flow without columns"] = (["flow", Csv, "--out", Out], ["Expected --inputs and --outputs to name columns"]),
        ["a value for a switch"] = (Fit("--report", "report.html"), ["'report.html'"]),
        ["no such command"] = (["train"], ["'train'", "See 'bptt --help'"]),
        ["a command in other letters"] = (["FIT", Csv], ["'FIT'", "Did you mean 'fit'?"]),
        ["a command with a letter too many"] = (["fitt", Csv], ["'fitt'. Did you mean 'fit'?"]),
        ["a command without a letter"] = (["ft", Csv], ["'ft'. Did you mean 'fit'?"]),
        ["the beginning of a command"] = (["pred", Csv], ["'pred'. Did you mean 'predict'?"]),
        ["a command with two letters swapped"] = (["rpedict", Csv], ["Did you mean 'predict'?"]),
        ["an option without a letter"] = (["fit", "--hiden", "3"], ["'--hiden'. Did you mean '--hidden'?"]),
        ["a picture of two formats"] = (
            ["graph", "--format", "dot", "--out", "graph.svg"],
            ["Expected one format, got --format dot and --out graph.svg", "See 'bptt graph --help'"]),
        ["an option before the command"] = (["--hidden", "3", "fit"], ["'--hidden'"]),
        ["no data"] =
            (["fit", "--out", Out], ["Expected a CSV file or --sample, got neither", "See 'bptt fit --help'"]),
        ["no data to check"] = (["check"], ["Expected a CSV file or --sample, got neither", "See 'bptt check --help'"]),
        ["a file and a sample"] =
            (["fit", Csv, "--sample", "sunspots", "--out", Out], ["Expected a CSV file or --sample, got both"]),
        ["no columns"] = (
            ["fit", Csv, "--out", Out],
            ["Expected --inputs and --outputs to name columns of the CSV file, which has 'a', 'b', 'y', 'z'."]),
        ["no outputs"] = (["fit", Csv, "--inputs", "a", "--out", Out], ["Expected --outputs to name", "'a', 'b', 'y'"]),
        ["no columns of a file that is not there"] =
            (["fit", "none.csv", "--out", Out], ["Expected --inputs and --outputs", "none.csv: there is no such file"]),
        ["a forecast of nothing"] = (["forecast", Csv, "--out", Out], ["Expected --outputs to name", "'a', 'b', 'y'"]),
        ["commas alone"] =
            (["fit", Csv, "--inputs", " , ", "--outputs", "y", "--out", Out], ["Expected --inputs to name columns"]),
        ["a list with a blank, unquoted"] = (
            ["fit", Csv, "--inputs", "a,", "b", "--outputs", "y", "--out", Out],
            ["got spaces between 'a', 'b'; use a comma: --inputs a,b (a name"]),
        ["a list with a blank before the file"] =
            (["fit", "--outputs", "y", "z", Csv, "--inputs", "a"], ["use a comma: --outputs y,z (a name"]),
        ["a column twice"] = (Fit("--inputs", "a"), ["Expected each column once, got 'a' twice"]),
        ["an input that is an output"] =
            (["fit", Csv, "--inputs", "a,y", "--outputs", "y", "--out", Out], ["'y'", "got both", "--predict-next"]),
        ["no such sample"] = (
            ["fit", "--sample", "hairdryer", "--out", Out],
            ["--sample: expected hair-dryer or sunspots, got 'hairdryer'"]),
        ["two files"] = (Fit("more.csv"), ["'more.csv'"]),
        ["an unknown option"] = (Fit("--momentum"), ["'--momentum'"]),
        ["an unknown option with a value"] = (Fit("--momentum", "0.9"), ["'--momentum'"]),
        ["an unknown option before the file"] = (["fit", "--input", "a", Csv], ["'--input'"]),
        ["an option of another command"] = (["check", "--sample", "sunspots", "--epochs", "5"], ["'--epochs'"]),
        ["no value"] = (Fit("--hidden"), ["--hidden: expected a whole number of at least 1 or auto, got no value"]),
        ["an empty value"] = (Fit("--hidden", ""), ["--hidden", "expected a whole number of at least 1", "''"]),
        ["no hidden units"] = (Fit("--hidden", "0"), ["--hidden", "expected a whole number of at least 1", "'0'"]),
        ["negative hidden units"] =
            (Fit("--hidden", "-8"), ["--hidden", "expected a whole number of at least 1", "'-8'"]),
        ["half a hidden unit"] =
            (Fit("--hidden", "2.5"), ["--hidden", "expected a whole number of at least 1", "'2.5'"]),
        ["too many hidden units to count"] = (Fit("--hidden", "99999999999"), ["--hidden", "'99999999999'"]),
        ["an option twice"] = (Fit("--hidden", "2", "--hidden", "3"), ["--hidden", "single"]),
        ["no epochs"] = (Fit("--epochs", "0"), ["--epochs", "expected a whole number of at least 1", "'0'"]),
        ["epochs in exponents"] = (Fit("--epochs", "1e3"), ["--epochs", "expected a whole number", "'1e3'"]),
        ["a thousands separator"] = (Fit("--epochs", "2,000"), ["--epochs", "'2,000'"]),
        ["a word as seed"] = (Fit("--seed", "random"), ["--seed", "expected a whole number", "'random'"]),
        ["a seed too large"] = (Fit("--seed", "3000000000"), ["--seed", "expected a whole number", "'3000000000'"]),
        ["nothing to train on"] = (Fit("--train", "0"), ["--train", "expected a number above 0 and at most 1", "'0'"]),
        ["more than all rows to train"] =
            (Fit("--train", "1.1"), ["--train", "expected a number above 0 and at most 1", "'1.1'"]),
        ["a percentage"] = (Fit("--train", "60%"), ["--train", "expected a number above 0 and at most 1", "'60%'"]),
        ["a decimal comma"] = (Fit("--train", "0,6"), ["--train", "'0,6'"]),
        ["a fraction that is no number"] = (Fit("--train", "NaN"), ["--train", "'NaN'"]),
        ["a learning rate of zero"] =
            (Fit("--learning-rate", "0"), ["--learning-rate", "expected a finite number above 0", "'0'"]),
        ["a negative learning rate"] = (Fit("--learning-rate", "-0.1"), ["--learning-rate", "'-0.1'"]),
        ["an infinite learning rate"] =
            (Fit("--learning-rate", "1e999"), ["--learning-rate", "expected a finite number", "'1e999'"]),
        ["a truncation in words"] =
            (Fit("--truncate", "some"), ["--truncate: expected lags:k, windows:k or none", "'some'"]),
        ["a truncation to nothing"] = (Fit("--truncate", "lags:0"), ["--truncate", "'lags:0'"]),
        ["random cuts after each step"] =
            (Fit("--truncate", "random:1"), ["--truncate", "random:k with k of at least 2", "'random:1'"]),
        ["a truncation of another kind"] = (Fit("--truncate", "steps:5"), ["--truncate", "'steps:5'"]),
        ["a clip of another kind"] = (Fit("--clip", "max:1"), ["--clip", "'max:1'"]),
        ["a clip of nothing"] = (Fit("--clip", "value:0"), ["--clip", "'value:0'"]),
        ["an infinite clip"] = (Fit("--clip", "norm:1e999"), ["--clip", "'norm:1e999'"]),
        ["an unknown optimiser"] = (
            Fit("--optimizer", "rmsprop"),
            ["--optimizer: expected lm, newton, bfgs, lbfgs, adam or sgd, got 'rmsprop'"]),
        ["an unknown start"] =
            (Fit("--init", "zeros"), ["--init: expected subspace, orthogonal, gaussian or identity, got 'zeros'"]),
        ["a radius of zero"] = (Fit("--radius", "0"), ["--radius", "'0'"]),
        ["no starts"] = (Fit("--starts", "0"), ["--starts: expected a whole number from 1 to 10000, got '0'"]),
        ["a learning rate of a method that has none"] =
            (Fit("--optimizer", "lm", "--learning-rate", "0.1"), ["Expected no --learning-rate with --optimizer lm"]),
        ["a truncation of a method that knows none"] =
            (Fit("--optimizer", "bfgs", "--truncate", "lags:5"), ["Expected no --truncate with --optimizer bfgs"]),
        ["segments of a method of second order"] = (
            Fit("--optimizer", "lm", "--segments", "4"),
            ["Expected --optimizer bfgs, lbfgs, adam or sgd with --segments", "got lm"]),
        ["segments of no method"] = (Fit("--segments", "4"), ["with --segments", "got none"]),
        ["no segments"] = (
            Fit("--optimizer", "adam", "--segments", "0"), ["--segments: expected a whole number", "'0'"]),
        ["segments of truncated gradients"] = (
            Fit("--optimizer", "adam", "--segments", "4", "--truncate", "lags:5"), ["Expected no --truncate with"]),
        ["a radius where nothing is drawn"] =
            (Fit("--init", "subspace", "--radius", "0.8"), ["Expected no --radius with --init subspace"]),
        ["one checkpoint for several starts"] =
            (Fit("--starts", "2", "--resume", "checkpoint.json"), ["Expected one of --resume and --starts"]),
        ["a time between checkpoints that are not written"] =
            (Fit("--starts", "2", "--checkpoint-minutes", "5"), ["Expected one of --checkpoint-minutes and --starts"]),
        ["a worker for nobody"] = (["worker"], ["Expected --join with HOST:PORT or redis:HOST:PORT"]),
        ["a worker for no port"] = (["worker", "--join", "here:0"], ["--join: expected HOST:PORT", "'here:0'"]),
        ["no time between checkpoints"] = (Fit("--checkpoint-minutes", "0"), ["--checkpoint-minutes", "'0'"]),
        ["a checkpoint without a name"] =
            (Fit("--resume", ""), ["--resume: expected the name of a file, got an empty one"]),
        ["a negative clip"] = (Fit("--clip", "-1"), ["--clip", "expected a finite number above 0", "'-1'"]),
        ["several faults at once"] = (Fit("--hidden", "x", "--clip", "z"), ["--hidden", "'x'", "--clip", "'z'"]),
        ["remedies for a file and a sample"] =
            (["remedies", Csv, "--sample", "sunspots", "--out", Out], ["Expected a CSV file or --sample, got both"]),
        ["remedies for a file without columns"] =
            (["remedies", Csv, "--out", Out], ["Expected --inputs and --outputs to name columns"]),
        ["remedies without epochs"] =
            (["remedies", "--epochs", "0", "--out", Out], ["--epochs", "'0'", "See 'bptt remedies --help'"]),
        ["remedies from no radius"] =
            (["remedies", "--radius", "0", "--out", Out], ["--radius", "expected a finite number above 0", "'0'"]),
        ["remedies of an optimiser"] = (["remedies", "--optimizer", "adam", "--out", Out], ["'--optimizer'"]),
        ["no model"] = (["predict"], ["'model'", "'csv'", "See 'bptt predict --help'"]),
        ["an unknown option of a prediction"] = (["predict", "--zero", "data.csv"], ["Unrecognized option '--zero'"]),
        ["a model without a name to predict with"] =
            (["predict", "", Csv], ["Expected the name of a model file, got an empty one"]),
        ["an option for a folder"] = (
            ["fit", Csv, "--inputs", "a", "--outputs", "y", "--out=--report"],
            ["--out: expected the name of a folder, got '--report', which reads like an option"]),
        ["no data to predict from"] = (["predict", "model.json"], ["'csv'"]),
        ["no steps"] = (
            ["graph", "--steps", "0", "--out", Out],
            ["--steps", "expected a whole number from 1 to 100", "'0'", "See 'bptt graph --help'"]),
        ["more steps than a picture shows"] =
            (["graph", "--steps", "101", "--out", Out], ["--steps", "expected a whole number from 1 to 100", "'101'"]),
        ["half a step"] = (["graph", "--steps", "2.5"], ["--steps", "expected a whole number from 1 to 100", "'2.5'"]),
        ["a format that is not written"] =
            (["graph", "--format", "png", "--out", Out], ["--format", "expected svg, dot or mermaid", "'png'"]),
        ["a format in other letters"] = (["graph", "--format", "SVG"], ["--format", "'SVG'"]),
        ["an empty format"] = (["graph", "--format", ""], ["--format", "''"]),
        ["windows of no steps"] = (
            ["graph", "--truncate-windows", "0"],
            ["--truncate-windows", "expected a whole number of at least 1", "'0'"]),
        ["windows without a number"] = (["graph", "--truncate-windows"], ["--truncate-windows"]),
        ["windows in words"] = (
            ["graph", "--truncate-windows", "two"],
            ["--truncate-windows", "expected a whole number of at least 1", "'two'"]),
        ["a picture without a name"] =
            (["graph", "--out", " "], ["--out", "expected the name of a file, got an empty one"]),
        ["a picture of data"] = (["graph", Csv], [".csv'"]),
        ["weights of no kind"] =
            (["export", "model.json", "model.pt"], ["ends in .onnx, .safetensors or .npz", "'model.pt'"]),
        ["weights without a name"] = (["export", "model.json"], ["See 'bptt export --help'"]),
        ["weights of an empty name"] = (["export", "model.json", " "], ["Expected the name of a file of weights"]),
        ["names in a graph"] = (["export", "m.json", "m.onnx", "--names", "keras"], ["Expected no --names for .onnx"]),
        ["names that are not known"] =
            (["export", "m.json", "w.npz", "--names", "jax"], ["--names: expected pytorch, keras or flax, got 'jax'"]),
        ["half of a precision"] =
            (["export", "m.json", "w.npz", "--precision", "half"], ["--precision: expected double or single"]),
        ["weights from no kind"] = (["import", "weights.pt"], ["ends in .onnx, .safetensors or .npz", "'weights.pt'"]),
        ["two names of weights"] =
            (["import", "w.npz", "--names", "a,b"], ["--names: expected pytorch,", "three names", "'a,b'"]),
        ["three names, two alike"] = (["import", "w.npz", "--names", "a,b,a"], ["'a,b,a'"]),
        ["names for a graph"] = (["import", "m.onnx", "--names", "keras"], ["Expected no --names for .onnx"]),
        ["libraries transposed"] = (["import", "w.npz", "--transposed"], ["--transposed beside three names alone"]),
        ["a lesson that there is not"] =
            (["studio", "--lesson", "13"], ["--lesson: expected a whole number from 1 to 12, got '13'"]),
        ["a studio of a million units"] =
            (["studio", "--state", "h=1000000"], ["--state", "within their bounds", "'h=1000000'"]),
        ["a missing response file"] = (Fit("@none"), ["'none'"]),
        ["a sample's output as its input"] = (
            ["fit", "--sample", "hair-dryer", "--inputs", "air_temperature", "--out", Out, "--epochs", "1"],
            ["'air_temperature'", "got both"]),
    };

    public static TheoryData<string> WrongLineNames => new(WrongLines.Keys);

    [Theory]
    [MemberData(nameof(WrongLineNames))]
    public async Task A_wrong_command_line_is_told_and_nothing_is_read_or_written(string what)
    {
        (string[] arguments, string[] message) = WrongLines[what];
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(12));

        CommandResult result = await CommandRunner.RunAsync(Array.ConvertAll(
            arguments, a => a == Csv ? csv : a == Out ? folder.At("out") : a));

        result.ShouldBeRefused(2, message);
        result.Output.Should().BeEmpty();
        result.Error.Should().StartWith("error: ").And.MatchRegex("See 'bptt( [a-z]+)? --help'\\.");
        folder.Content().Should().Equal("data.csv");
        Directory.Exists("bptt-out").Should().BeFalse();
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("-?")]
    public async Task Help_lists_the_commands_and_the_exit_codes(string option)
    {
        CommandResult result = await CommandRunner.RunAsync(option);

        result.ShouldBeDone();
        result.Output.Should().ContainAll(
            "Usage:", "bptt", "fit", "predict", "forecast", "check", "flow", "remedies", "graph", "export",
            "import", "studio", "--version",
            "Exit codes: 0", "1 ", "2 ");
    }

    [Theory]
    [InlineData(
        "fit", "--sample", "--inputs", "--outputs", "--predict-next", "--train", "[default: 0.6]",
        "--hidden", "[default: auto]", "--optimizer", "lm|newton|bfgs|lbfgs|adam|sgd",
        "--init", "subspace|orthogonal|gaussian|identity", "--radius", "[default: 0.9]", "--seed", "[default: 1]",
        "--starts", "--epochs", "200", "2000", "--learning-rate", "[default: 0.01]", "--clip", "[default: norm:1]",
        "--truncate", "lags:k|windows:k|random:k|none", "[default: none]", "--resume",
        "--checkpoint-minutes", "checkpoint.json", "--learn-state", "--tensorboard", "--out", "[default: bptt-out]",
        "hair-dryer",
        "sunspots", "Ctrl-C", "model.json", "predictions.csv", "fit.svg", "--report", "report.html")]
    [InlineData("predict", "<model>", "<csv>", "--out", "--zero-state")]
    [InlineData(
        "flow", "--sample", "--inputs", "--outputs", "--predict-next", "--train", "--model", "--hidden", "--seed",
        "--out", "[default: bptt-out]", "flow.svg", "eigenvalues.svg", "lags.svg", "Exit code 0")]
    [InlineData(
        "remedies", "--sample", "--inputs", "--outputs", "--predict-next", "--train", "--hidden", "[default: 8]",
        "--seed", "--epochs", "[default: 300]", "--radius", "[default: 1.3]", "--learning-rate", "[default: 0.05]",
        "--out", "remedies.svg", "remedies.csv", "Exit code 0", "Ctrl-C")]
    [InlineData(
        "check", "--sample", "--inputs", "--outputs", "--predict-next", "--train", "--hidden", "--seed", "Exit code 0")]
    [InlineData(
        "graph", "--steps", "[default: 3]", "--format", "svg|dot|mermaid", "or else svg", "--gradients", "--stored",
        "--truncate-windows", "--out", "at most 100")]
    [InlineData(
        "export", "<model>", "<output>", ".onnx, .safetensors or .npz", "--names", "pytorch|keras|flax", "--precision",
        "double|single", "[default: double]", "initial_state")]
    [InlineData(
        "import", "<weights>", ".onnx, .safetensors or .npz", "--names", "pytorch|keras|flax|lru|s5|W_HX,W_HH,W_QH",
        "[default: pytorch]", "--transposed", "--inputs", "--outputs", "--out", "tanh")]
    [InlineData(
        "studio", "--lesson", "[default: 1]", "--language", "en|zh", "--state", "--no-browser", "127.0.0.1", "Ctrl-C")]
    public async Task Every_command_has_help_with_its_options_defaults_and_an_example(
        string command, params string[] parts)
    {
        CommandResult result = await CommandRunner.RunAsync(command, "--help");

        result.ShouldBeDone();
        result.Output.Should().Contain($"bptt {command}").And.Contain("Example").And.ContainAll(parts);
        result.Output.Should().NotContain("$", "no shell prompt has to be cut off");
    }

    [Fact]
    public async Task Help_wins_over_what_else_is_wrong()
    {
        CommandResult result = await CommandRunner.RunAsync("fit", "--hidden", "x", "--help");

        result.ShouldBeDone();
        result.Output.Should().Contain("--hidden");
    }

    [Fact]
    public async Task The_examples_in_the_help_run()
    {
        using var folder = new TemporaryFolder();
        folder.File("data.csv", Tables.TwoByTwo(40));
        folder.File("new.csv", "heater_power,air_temperature\n" + string.Concat(Enumerable.Range(0, 60).Select(
            t => $"{3 + t % 5},{5 + 0.1 * (t % 7)}\n"))); // for the model of the example before it
        folder.File("runs.csv", "run_id,t,u1,u2,u3,u4,u5,temp_in,temp_out,y\n" + string.Concat(
            RunTables.Rows(3).Select(r =>
                $"{r.Run},{r.Step},{r.A},{r.B},{-r.A},{r.A * r.B},{r.B * r.B},{r.A},{r.B},{r.Y}\n")));
        int count = 0;
        foreach (string command in new[] { "fit", "predict", "check", "flow", "remedies", "graph", "export", "import" })
        {
            string help = (await CommandRunner.RunAsync(command, "--help")).Output;
            foreach (string example in help.Split('\n').Select(l => l.Trim()).Where(IsExample))
            {
                IEnumerable<string> arguments = example.Split(' ').Skip(1)
                    .Select(a => a.Trim('\'')) // as a shell does
                    .Select(a => a == "DIR" || Extensions.Contains(Path.GetExtension(a)) ? folder.At(a) : a);
                if (command == "fit")
                {
                    arguments = arguments.Concat(["--epochs", "1"]);
                    arguments = example.Contains("--out")
                        ? arguments
                        : arguments.Concat(["--out", folder.At("bptt-out")]);
                }

                CommandResult result = await CommandRunner.RunAsync(arguments.ToArray());

                result.ExitCode.Should().Be(0, "of '{0}': {1}", example, result.Error);
                count++;
            }

            bool IsExample(string line) =>
                line.StartsWith($"bptt {command} ", StringComparison.Ordinal)
                && !line.Contains('[', StringComparison.Ordinal)
                && !line.Contains('<', StringComparison.Ordinal);
        }
        count.Should().BeGreaterThan(19, "otherwise examples were not found");
    }

    [Fact]
    public async Task The_version_is_one_line()
    {
        CommandResult result = await CommandRunner.RunAsync("--version");

        result.ShouldBeDone();
        result.Output.Trim().Should().MatchRegex(@"^\d+\.\d+\.\d+\S*$");
    }

    /// <summary>A right command line of `bptt fit`, and what makes it wrong.</summary>
    private static string[] Fit(params string[] more) =>
        ["fit", Csv, "--inputs", "a", "--outputs", "y", "--out", Out, .. more];

    /// <summary>A right command line of `bptt flow`, and what makes it wrong.</summary>
    private static string[] Flow(params string[] more) => ["flow", Csv, "--model", "model.json", "--out", Out, .. more];
}
