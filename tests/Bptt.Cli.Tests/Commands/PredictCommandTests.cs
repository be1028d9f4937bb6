// `bptt predict`: what it makes of tables, and model files that are damaged, foreign or of another version.

namespace Bptt.Cli.Tests.Commands;

public class PredictCommandTests
{
    /// <summary>One input a, one output y, two hidden units: h_t = (a_t, h_{t−1,1}), o_t = 3 h_{t,2}, so o_t = 3
    /// a_{t−1}. Then a = 1 + 2·scaled and y = 10 + 5·scaled.</summary>
    private const string Model =
        """
        {
          "format": "bptt-linear-rnn",
          "version": 1,
          "inputs": [{"name": "a", "mean": 1, "scale": 2}],
          "outputs": [{"name": "y", "mean": 10, "scale": 5}],
          "stepsAhead": 0,
          "initialState": [0.5, 0],
          "whx": [[1], [0]],
          "whh": [[0, 0], [1, 0]],
          "wqh": [[0, 3]]
        }
        """;

    private const string Csv = "y,a\n17.5,3\n25,1\n10,5\n";

    /// <summary>What is replaced by what in the model file, and what the message says.</summary>
    private static readonly Dictionary<string, (string Old, string New, string[] Message)> FaultyModels = new()
    {
        ["empty"] = (Model, "", ["not valid JSON"]),
        ["truncated"] = (Model[(Model.Length / 2)..], "", ["not valid JSON"]),
        ["the last brace missing"] = (Model[^1..], "", ["not valid JSON"]),
        ["followed by rubbish"] = (Model, Model + "x", ["not valid JSON"]),
        ["a CSV"] = (Model, Csv, ["not valid JSON"]),
        ["a list"] = (Model, "[1, 2]", ["expected an object"]),
        ["another program's"] = (Model, """{"opset": 17}""", ["expected a property \"format\""]),
        ["another format"] =
            ("bptt-linear-rnn", "bptt-gru", ["format: expected \"bptt-linear-rnn\", got \"bptt-gru\""]),
        ["a newer version"] = ("\"version\": 1", "\"version\": 2", ["version: expected 1", "got 2"]),
        ["a version in words"] = ("\"version\": 1", "\"version\": \"one\"", ["version: expected a whole number"]),
        ["no W_hh"] = ("\"whh\"", "\"w\"", ["expected a property \"whh\""]),
        ["W_hh not square"] = ("[[0, 0], [1, 0]]", "[[0, 0]]", ["whh", "2×2", "1×2"]),
        ["uneven rows"] = ("[[0, 0], [1, 0]]", "[[0, 0], [1]]", ["whh[1]", "expected 2 numbers", "got 1"]),
        ["W_qh of another size"] = ("[[0, 3]]", "[[0, 3, 4]]", ["wqh", "1×2", "1×3"]),
        ["no hidden unit"] = ("[[1], [0]]", "[]", ["whx", "0"]),
        ["a word in a matrix"] = ("[[0, 3]]", "[[0, \"3\"]]", ["wqh[0][1]", "expected a number"]),
        ["infinity in a matrix"] = ("[[0, 3]]", "[[0, 1e400]]", ["wqh", "finite"]),
        ["a state of another size"] = ("[0.5, 0]", "[0.5]", ["initialState", "expected length 2", "got 1"]),
        ["more inputs than W_hx has columns"] = (
            "\"inputs\": [",
            "\"inputs\": [{\"name\": \"b\", \"mean\": 0, \"scale\": 1}, ",
            ["inputs", "expected length 1", "got 2"]),
        ["no inputs"] =
            ("[{\"name\": \"a\", \"mean\": 1, \"scale\": 2}]", "[]", ["inputs", "expected length 1", "got 0"]),
        ["a channel without a scale"] = (", \"scale\": 2", "", ["inputs[0]", "\"scale\""]),
        ["a scale of zero"] = ("\"scale\": 2", "\"scale\": 0", ["scale", "above 0"]),
        ["a name that a terminal would obey"] =
            ("\"name\": \"a\"", "\"name\": \"\\u001b[31ma\"", ["control characters", "'\uFFFD[31ma'"]),
        ["a format that a terminal would obey"] = ("bptt-linear-rnn", "\\u001b[2J", ["got \"\uFFFD[2J\""]),
        ["negative steps ahead"] = ("\"stepsAhead\": 0", "\"stepsAhead\": -1", ["stepsAhead", "-1"]),
    };

    public static TheoryData<string> FaultyModelNames => new(FaultyModels.Keys);

    [Theory]
    [MemberData(nameof(FaultyModelNames))]
    public async Task A_faulty_model_file_is_refused_with_the_place(string what)
    {
        (string old, string replacement, string[] message) = FaultyModels[what];
        Model.Should().Contain(old);
        using var folder = new TemporaryFolder();
        string model = folder.File("model.json", Model.Replace(old, replacement, StringComparison.Ordinal));

        CommandResult result = await CommandRunner.RunAsync(
            "predict", model, folder.File("data.csv", Csv), "--out", folder.At("out.csv"));

        result.ShouldBeRefused(1, [model, .. message]);
        result.Output.Should().BeEmpty();
        folder.Content().Should().Equal("data.csv", "model.json");
    }

    [Fact]
    public async Task The_model_runs_over_the_inputs_in_the_unit_of_the_data_and_the_fit_is_told_apart()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await Predict(folder, Model, Csv);

        // scaled a = 1, 0, 2; scaled o = 3·0.5, 3·1, 3·0; y = 10 + 5·(1.5, 3, 0)
        result.ExitCode.Should().Be(0);
        Lines(result).Should().Equal("row,y measured,y predicted", "1,17.5,17.5", "2,25,25", "3,10,10");
        result.Error.Trim().Should().StartWith("fit: 100.00 %, RMSE ");
    }

    [Fact]
    public async Task From_the_zero_state_the_first_step_knows_no_past()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await Predict(folder, Model, Csv, "--zero-state");

        Lines(result)[1..].Should().Equal("1,17.5,10", "2,25,25", "3,10,10");
    }

    [Fact]
    public async Task Without_the_output_columns_predictions_stand_alone()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await Predict(folder, Model, "a;note\n3,0;x\n1,0;\n");

        result.ShouldBeDone();
        Lines(result).Should().Equal("row,y predicted", "1,17.5", "2,25");
    }

    [Fact]
    public async Task One_row_is_enough()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await Predict(folder, Model, "a\n3\n");

        result.ShouldBeDone();
        Lines(result).Should().Equal("row,y predicted", "1,17.5");
    }

    [Fact]
    public async Task Forecasts_stand_in_the_row_that_they_are_for()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await Predict(
            folder,
            Model.Replace("\"stepsAhead\": 0", "\"stepsAhead\": 1", StringComparison.Ordinal),
            "y,a\n0,3\n17.5,1\n25,5\n");

        Lines(result)[1..].Should().Equal("2,17.5,17.5", "3,25,25", "4,,10");
        result.Error.Trim().Should().StartWith("fit: 100.00 %, RMSE ");
    }

    [Fact]
    public async Task Rows_that_are_not_measured_yet_are_predicted_and_not_scored()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await Predict(folder, Model, "y,a\n17.5,3\n25,1\n,5\n");
        CommandResult unmeasured = await Predict(folder, Model, "y,a\n,3\n,1\n");

        Lines(result)[1..].Should().Equal("1,17.5,17.5", "2,25,25", "3,,10");
        result.Error.Trim().Should().StartWith("fit: 100.00 %, RMSE ");
        unmeasured.ExitCode.Should().Be(0);
        unmeasured.Error.Should().Contain("nothing is measured");
    }

    [Theory]
    [InlineData("y,a\n0.1,3\n0.1,1\n0.1,5\n")]
    [InlineData("y,a\n7,3\n7,1\n")]
    [InlineData("y,a\n7,3\n")]
    public async Task Measured_values_that_do_not_vary_have_no_fit(string csv)
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await Predict(folder, Model, csv);

        result.ExitCode.Should().Be(0);
        Lines(result)[0].Should().Be("row,y measured,y predicted");
        result.Error.Should().NotContain("%", "a fit to a constant is not defined").And.NotContain("diverged");
    }

    [Fact]
    public async Task A_run_that_overflows_is_told_as_diverged()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await Predict(
            folder, Model.Replace("[[0, 0], [1, 0]]", "[[1e200, 0], [1e200, 0]]", StringComparison.Ordinal), Csv);

        result.ExitCode.Should().Be(0);
        Lines(result).Should().HaveCount(4);
        result.Error.Trim().Should().Be("fit: diverged, RMSE diverged");
    }

    [Fact]
    public async Task A_file_is_written_where_told_and_replaced()
    {
        using var folder = new TemporaryFolder();
        folder.File("out.csv", "old");

        CommandResult result = await Predict(folder, Model, Csv, "--out", folder.At("out.csv"));

        result.ExitCode.Should().Be(0);
        result.Output.Should().BeEmpty();
        PredictionsFile.Of(folder.At("out.csv")).Text("y predicted").Should().Equal("17.5", "25", "10");
        folder.Content().Should().Equal("data.csv", "model.json", "out.csv");
    }

    [Fact]
    public async Task A_byte_order_mark_before_the_model_is_borne()
    {
        using var folder = new TemporaryFolder();

        (await Predict(folder, "\uFEFF" + Model, "a\n3\n")).ShouldBeDone();
    }

    [Theory]
    [InlineData("b,y\n1,2\n", "expected a column 'a'")]
    [InlineData("a,y\n1,2\n\"\",3\n", "line 3, column 'a': expected a finite number, got an empty cell")]
    [InlineData("a,y\n1,2\n1,x\n", "line 3, column 'y'")]
    [InlineData("a,y\n", "expected rows below the header")]
    public async Task A_faulty_table_is_refused(string csv, string message)
    {
        using var folder = new TemporaryFolder();
        folder.File("out.csv", "old");

        CommandResult result = await Predict(folder, Model, csv, "--out", folder.At("out.csv"));

        result.ShouldBeRefused(1, folder.At("data.csv"), message);
        File.ReadAllText(folder.At("out.csv")).Should().Be("old");
        folder.Content().Should().Equal("data.csv", "model.json", "out.csv");
    }

    [Fact]
    public async Task Missing_files_and_places_that_cannot_be_written_are_named()
    {
        using var folder = new TemporaryFolder();
        string model = folder.File("model.json", Model);
        string csv = folder.File("data.csv", Csv);
        Directory.CreateDirectory(folder.At("folder"));

        (await CommandRunner.RunAsync("predict", folder.At("none.json"), csv)).ShouldBeRefused(
            1, folder.At("none.json"), "there is no such file");
        (await CommandRunner.RunAsync("predict", model, folder.At("none.csv"))).ShouldBeRefused(
            1, folder.At("none.csv"), "there is no such file");
        (await CommandRunner.RunAsync("predict", folder.Path, csv)).ShouldBeRefused(1, folder.Path);
        foreach (string place in new[] { "folder", "data.csv/out.csv", "none/out.csv" })
        {
            string output = folder.At(place);
            (await CommandRunner.RunAsync("predict", model, csv, "--out", output)).ShouldBeRefused(
                1, $"'{output}' cannot be written");
        }
        folder.Content().Should().Equal("data.csv", "folder", "model.json");
    }

    [Fact]
    public async Task An_empty_name_for_the_output_is_refused_in_words()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await Predict(folder, Model, Csv, "--out", "");

        result.ExitCode.Should().BeOneOf(1, 2);
        result.Error.Should().Contain("error: ").And.NotContain("unexpected fault");
    }

    private static Task<CommandResult> Predict(
        TemporaryFolder folder, string model, string csv, params string[] more) =>
        CommandRunner.RunAsync(["predict", folder.File("model.json", model), folder.File("data.csv", csv), .. more]);

    private static string[] Lines(CommandResult result) =>
        result.Output.TrimEnd().Split('\n').Select(l => l.TrimEnd('\r')).ToArray();
}
