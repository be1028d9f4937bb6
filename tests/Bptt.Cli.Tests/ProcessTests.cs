// What only a process of its own can show: signals, exit codes, and bytes on redirected streams.

using System.Diagnostics;
using Xunit.Abstractions;

namespace Bptt.Cli.Tests;

public class ProcessTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Ctrl_C_stops_the_training_and_the_best_weights_are_reported_and_written()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // Windows has no way to send Ctrl-C to one process without a console of its own.
        }
        using var folder = new TemporaryFolder();
        using var process = BpttProcess.Start(
            "fit", "--sample", "sunspots", "--hidden", "3", "--optimizer", "adam", "--epochs", "1000000000",
            "--out", folder.At("out"));

        await process.WaitForAsync("epoch 0/1000000000 ");
        process.Interrupt();
        CommandResult result = await process.FinishAsync();

        result.ExitCode.Should().Be(0);
        result.Error.Should().MatchRegex(
            @"^warning: stopped after epoch \d+; the best weights so far are kept\. "
                + @"The same command with --resume \S+checkpoint\.json goes on\.\r?\n");
        result.Output.Should().MatchRegex(@"\nheld-out fit: -?\d+\.\d\d %\r?\n")
            .And.Contain("gradient check after training: ");
        folder.Content()
            .Should().Equal("out", "out/checkpoint.json", "out/fit.svg", "out/model.json", "out/predictions.csv");
        CommandResult predict = await CommandRunner.RunAsync(
            "predict", folder.At("out/model.json"), folder.File("new.csv", "sunspot_number\n5\n11\n16\n"));
        predict.ExitCode.Should().Be(0);
    }

    [Fact]
    public async Task A_killed_training_leaves_the_files_of_the_last_fit_as_they_were()
    {
        using var folder = new TemporaryFolder();
        folder.File("model.json", "old");
        folder.File("fit.svg", "old");
        using (var process = BpttProcess.Start(
            "fit", "--sample", "sunspots", "--hidden", "8", "--optimizer", "adam", "--epochs", "1000000000",
            "--out", folder.Path))
        {
            await process.WaitForAsync("epoch 0/1000000000 ");
            process.Kill();
            await process.FinishAsync();
        }

        folder.Content().Should().Equal("fit.svg", "model.json");
        File.ReadAllText(folder.At("model.json")).Should().Be("old");
    }

    [Fact]
    public Task A_training_killed_at_random_moments_ends_as_if_it_had_not_been() => KillAndResume(kills: 3);

    [Fact]
    [Trait("Category", "Long")]
    public Task A_training_killed_a_thousand_times_ends_as_if_it_had_not_been() => KillAndResume(kills: 1000);

    /// <summary>Trains, is killed at a random moment, resumes from the checkpoint if there is one, and so on. Each
    /// training that ends is compared with one that nobody killed, and the next begins from nothing.</summary>
    private async Task KillAndResume(int kills)
    {
        using var folder = new TemporaryFolder();
        string[] line =
        [
            "fit", "--sample", "sunspots", "--hidden", "2", "--optimizer", "adam", "--no-checks", "--epochs", "30000",
        ];
        var clock = Stopwatch.StartNew();
        (await BpttProcess.RunAsync([.. line, "--out", folder.At("whole")])).ShouldBeDone();
        TimeSpan time = clock.Elapsed;
        byte[] whole = File.ReadAllBytes(folder.At("whole/model.json"));
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string checkpoint = folder.At("killed/checkpoint.json");
        int killed = 0;
        int resumed = 0;
        int ended = 0;
        while (killed < kills || resumed == 0 || ended == 0)
        {
            string[] resume = File.Exists(checkpoint) ? ["--resume", checkpoint] : [];
            resumed += resume.Length > 0 ? 1 : 0;
            using var process = BpttProcess.Start(
                [.. line, "--checkpoint-minutes", "0.002", .. resume, "--out", folder.At("killed")]);
            // From before it begins until it may have ended; once all kills are done, not at all.
            bool isKilled = killed < kills || resumed == 0;
            if (isKilled && !await process.EndsWithin(time * (0.1 + random.NextDouble())))
            {
                process.Kill();
                killed++;
            }
            CommandResult result = await process.FinishAsync();
            if (result.ExitCode == 0)
            {
                ended++;
                File.ReadAllBytes(folder.At("killed/model.json")).Should().Equal(whole, "seed {0}", seed);
                Directory.Delete(folder.At("killed"), recursive: true);
            }
            else
            {
                result.Error.Should().NotContain("fault", "seed {0}", seed).And.NotContain("expected");
            }
        }
        output.WriteLine($"{killed} kills, {resumed} resumed, {ended} ended with the same bits");
        resumed.Should().BePositive();
    }

    [Fact]
    public async Task A_redirected_run_prints_plain_lines()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await BpttProcess.RunAsync(
            "fit", "--sample", "sunspots", "--hidden", "2", "--optimizer", "adam", "--epochs", "20",
            "--out", folder.Path);

        result.ShouldBeDone();
        result.Output.Should().StartWith("sample sunspots: ", "no byte-order mark goes first");
        result.Output.Should().NotContainAny("\u001b", "\b", "\r");
        result.Output.Split('\n').Count(l => l.StartsWith("epoch ", StringComparison.Ordinal))
            .Should().BeInRange(2, 21);
        result.Output.Should().Contain("‖∂L/∂h_1‖: ").And.MatchRegex(@"\nheld-out fit: -?\d+\.\d\d %\n");
    }

    [Theory]
    [InlineData(0, "--version")]
    [InlineData(1, "fit", "none.csv", "--inputs", "a", "--outputs", "y")]
    [InlineData(2, "fit", "--sample", "none")]
    public async Task Exit_codes_arrive_at_the_shell(int exitCode, params string[] arguments)
    {
        CommandResult result = await BpttProcess.RunAsync(arguments);

        result.ExitCode.Should().Be(exitCode);
        result.Error.Should().NotContain("   at ");
        (result.Error.Length > 0).Should().Be(exitCode != 0);
        (result.Output.Length > 0).Should().Be(exitCode == 0);
    }
}
