// A fit that was stopped goes on from its checkpoint and ends as it would have without the stop, bit for bit.

using System.Text.Json.Nodes;

namespace Bptt.Cli.Tests.Commands;

public class FitResumeTests
{
    private static readonly string[] Options = ["--hidden", "3", "--learn-state", "--init", "orthogonal"];

    [Theory]
    [InlineData("adam", "7", "20", "--truncate", "random:5")]
    [InlineData("sgd", "7", "20", "--clip", "matrix:0.5")]
    [InlineData("lm", "2", "200")]
    [InlineData("newton", "2", "200")]
    [InlineData("lbfgs", "1", "3")]
    public async Task A_fit_resumed_after_its_last_epoch_is_the_fit_of_all_epochs(
        string optimizer, string first, string all, params string[] more)
    {
        using var folder = new TemporaryFolder();
        string checkpoint = folder.At("part/checkpoint.json");

        CommandResult whole = await Fit(folder, "whole", ["--optimizer", optimizer, "--epochs", all, .. more]);
        CommandResult part = await Fit(folder, "part", ["--optimizer", optimizer, "--epochs", first, .. more]);
        CommandResult resumed = await Fit(
            folder, "resumed", ["--optimizer", optimizer, "--epochs", all, "--resume", checkpoint, .. more]);

        whole.ShouldBeDone();
        part.Output.Should().Contain($"With --resume {checkpoint} and a larger --epochs it goes on.");
        resumed.ShouldBeDone();
        File.ReadAllBytes(folder.At("resumed/model.json"))
            .Should().Equal(File.ReadAllBytes(folder.At("whole/model.json")));
        File.ReadAllBytes(folder.At("part/model.json"))
            .Should().NotEqual(File.ReadAllBytes(folder.At("whole/model.json")));
        resumed.Output.Should().NotContain("epoch 0/").And.Contain("epoch ");
    }

    [Fact]
    public async Task A_fit_stopped_by_Ctrl_C_goes_on_by_the_same_command()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // Windows has no way to send Ctrl-C to one process without a console of its own.
        }
        using var folder = new TemporaryFolder();
        string[] line = ["fit", "--sample", "sunspots", "--hidden", "12", "--optimizer", "adam", "--epochs", "20000"];
        using (var process = BpttProcess.Start([.. line, "--out", folder.At("out")]))
        {
            await process.WaitForAsync("epoch 0/20000 ");
            process.Interrupt();
            CommandResult stopped = await process.FinishAsync();
            stopped.Error.Should().Contain($"--resume {folder.At("out/checkpoint.json")} goes on");
        }

        // The same epochs in two runs and in one; few more, so that the test is short.
        int done =
            JsonNode.Parse(File.ReadAllText(folder.At("out/checkpoint.json")))!["training"]!["epoch"]!.GetValue<int>();
        string at = $"{done + 20}";
        string[] until = [.. line[..^1], at];
        CommandResult resumed = await CommandRunner.RunAsync(
            [.. until, "--resume", folder.At("out/checkpoint.json"), "--out", folder.At("out")]);
        CommandResult whole = await CommandRunner.RunAsync([.. until, "--out", folder.At("whole")]);

        resumed.ShouldBeDone();
        whole.ShouldBeDone();
        File.ReadAllBytes(folder.At("out/model.json")).Should().Equal(File.ReadAllBytes(folder.At("whole/model.json")));
    }

    [Theory]
    [InlineData("clipping", "--optimizer", "adam", "--clip", "norm:2")]
    [InlineData("optimizer", "--optimizer", "sgd")]
    [InlineData("seed", "--optimizer", "adam", "--seed", "9")]
    [InlineData("hidden units", "--optimizer", "adam", "--hidden", "2")]
    public async Task Another_training_is_not_resumed(string difference, params string[] options)
    {
        using var folder = new TemporaryFolder();
        await Sunspots(folder.At("one"), "--hidden", "3", "--optimizer", "adam");
        string[] hidden = options.Contains("--hidden") ? [] : ["--hidden", "3"];

        CommandResult result = await Sunspots(
            folder.At("two"), [.. hidden, .. options, "--resume", folder.At("one/checkpoint.json")]);

        result.ShouldBeRefused(
            1, "error: --resume: expected the training that was saved, got another one", $"{difference}: expected ");
        Directory.GetFileSystemEntries(folder.At("two")).Should().BeEmpty();
    }

    [Theory]
    [InlineData("none.json", null, "there is no such file")]
    [InlineData("", null, "expected a checkpoint, got a folder")]
    [InlineData("damaged.json", "{\"fingerprint\": ", "damaged.json")]
    [InlineData("model.json", "{\"format\": \"bptt-linear-rnn\"}", "model.json")]
    public async Task What_is_no_checkpoint_is_refused(string name, string? content, string message)
    {
        using var folder = new TemporaryFolder();
        string path = content is null ? folder.At(name) : folder.File(name, content);

        CommandResult result = await Sunspots(folder.At("out"), "--hidden", "2", "--resume", path);

        result.ShouldBeRefused(1, "--resume: ", message);
        Directory.GetFileSystemEntries(folder.At("out")).Should().BeEmpty();
    }

    [Fact]
    public async Task A_checkpoint_that_cannot_be_written_is_warned_of_and_the_fit_is_there()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.At("checkpoint.json"));

        CommandResult result = await Sunspots(folder.Path, "--hidden", "2", "--optimizer", "adam");

        result.ExitCode.Should().Be(0);
        result.Error.Should().StartWith("warning: The training could not be saved to ");
        folder.Content().Should().Equal("checkpoint.json", "fit.svg", "model.json", "predictions.csv");
    }

    [Fact]
    public async Task Where_there_is_nothing_to_go_on_with_no_checkpoint_is_left()
    {
        using var folder = new TemporaryFolder();
        string[] line = ["--hidden", "2", "--init", "orthogonal"];
        (await Sunspots(folder.Path, [.. line, "--epochs", "2"])).ShouldBeDone();
        string path = folder.At("checkpoint.json");
        File.Exists(path).Should().BeTrue();

        (await Sunspots(folder.Path, [.. line, "--epochs", "200", "--resume", path])).ShouldBeDone();

        folder.Content().Should().Equal("fit.svg", "model.json", "predictions.csv");
    }

    private static Task<CommandResult> Fit(TemporaryFolder folder, string output, string[] more) =>
        CommandRunner.RunAsync(
            ["fit", "--sample", "sunspots", .. Options, "--out", folder.At(output), .. more]);

    private static Task<CommandResult> Sunspots(string output, params string[] more) => CommandRunner.RunAsync(
        [
            "fit", "--sample", "sunspots", "--out", output,
            .. more.Contains("--epochs") ? more : [.. more, "--epochs", "4"],
        ]);
}
