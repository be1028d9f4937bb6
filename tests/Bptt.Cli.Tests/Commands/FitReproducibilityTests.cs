// What a fit depends on: the seed and the training part, and nothing else.

using System.Text.RegularExpressions;

namespace Bptt.Cli.Tests.Commands;

public class FitReproducibilityTests
{
    private static readonly string[] Files = ["model.json", "predictions.csv", "fit.svg"];

    [Fact]
    public async Task The_same_seed_gives_the_same_bytes_twice()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(60));

        CommandResult first = await Fit(csv, folder.At("first"), "--seed", "5");
        CommandResult second = await Fit(csv, folder.At("second"), "--seed", "5");

        first.ShouldBeDone();
        foreach (string file in Files)
        {
            Bytes(folder, "second", file)
                .Should().Equal(Bytes(folder, "first", file), "{0} holds no time and no chance", file);
        }
        Timeless(second.Output.Replace("second", "first", StringComparison.Ordinal))
            .Should().Be(Timeless(first.Output));
    }

    [Fact]
    public async Task Another_seed_gives_another_model()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(60));

        foreach (string seed in new[] { "1", "2", "-1", "0", "2147483647", "-2147483648" })
        {
            (await Fit(csv, folder.At(seed), "--seed", seed)).ShouldBeDone();
        }
        await Fit(csv, folder.At("default"));

        File.ReadAllText(folder.At("default/model.json")).Should().Be(File.ReadAllText(folder.At("1/model.json")));
        Directory.EnumerateFiles(folder.Path, "model.json", SearchOption.AllDirectories)
            .Select(File.ReadAllText).Distinct()
            .Should().HaveCount(6);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Held_out_rows_change_no_trained_weight_and_no_scaling(bool predictNext)
    {
        using var folder = new TemporaryFolder();
        string table = Tables.TwoByTwo(61);
        string[] lines = table.Split('\n');
        for (int line = 41; line < 62; line++) // the 40th row still holds the target of the 39th
        {
            lines[line] = $"{line * line},{-line},{1000 + line % 7},3";
        }
        string[] option = predictNext ? ["--predict-next"] : [];

        CommandResult one = await Fit(folder.File("one.csv", table), folder.At("one"), option);
        CommandResult other = await Fit(folder.File("other.csv", string.Join('\n', lines)), folder.At("other"), option);

        one.ShouldBeDone();
        other.ShouldBeDone();
        Bytes(folder, "other", "model.json").Should().Equal(Bytes(folder, "one", "model.json"));
        Bytes(folder, "other", "predictions.csv").Should().NotEqual(Bytes(folder, "one", "predictions.csv"));
    }

    [Fact]
    public async Task The_form_of_the_file_changes_nothing()
    {
        using var folder = new TemporaryFolder();
        string table = Tables.TwoByTwo(40);
        string plain = folder.File("plain.csv", table);
        string european = folder.File(
            "european.csv",
            "\uFEFF" + table.Replace(',', ';').Replace('.', ',').Replace("\n", "\r\n", StringComparison.Ordinal));

        await Fit(plain, folder.At("plain"));
        await Fit(european, folder.At("european"));

        Bytes(folder, "european", "model.json").Should().Equal(Bytes(folder, "plain", "model.json"));
        Bytes(folder, "european", "predictions.csv").Should().Equal(Bytes(folder, "plain", "predictions.csv"));
    }

    [Fact]
    public async Task Columns_may_be_named_in_one_list_or_one_by_one()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(40));
        string[] rest = ["--outputs", "y", "--epochs", "2", "--hidden", "2", "--out"];

        await CommandRunner.RunAsync(["fit", csv, "--inputs", " a , b ", .. rest, folder.At("list")]);
        await CommandRunner.RunAsync(["fit", csv, "--inputs", "a", "--inputs", "b", .. rest, folder.At("each")]);

        Bytes(folder, "each", "model.json").Should().Equal(Bytes(folder, "list", "model.json"));
    }

    private static Task<CommandResult> Fit(string csv, string output, params string[] more) => CommandRunner.RunAsync(
        [
            "fit", csv, "--inputs", "a,b", "--outputs", "y", "--train", "0.65", "--hidden", "3", "--optimizer", "adam",
            "--epochs", "5", "--out", output, .. more,
        ]);

    private static byte[] Bytes(TemporaryFolder folder, string fit, string file) =>
        File.ReadAllBytes(folder.At($"{fit}/{file}"));

    private static string Timeless(string output) => Regex.Replace(output, @" +\d+ s left", "");
}
