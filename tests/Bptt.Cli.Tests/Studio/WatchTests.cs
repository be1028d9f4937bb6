// `bptt fit --watch`: what the page is told, its two buttons, and that the fit is the one that nobody watches.

using System.Diagnostics;
using System.Text.RegularExpressions;
using Bptt.Cli.Console;
using PuppeteerSharp;
using Xunit.Abstractions;

namespace Bptt.Cli.Tests.Studio;

public sealed class WatchTests(Chromium browser, ITestOutputHelper output) : IClassFixture<Chromium>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);
    private static readonly string[] Adam =
        ["fit", "--sample", "hair-dryer", "--hidden", "3", "--optimizer", "adam", "--no-checks"];

    [Fact]
    public async Task A_fit_that_is_watched_is_the_fit_that_is_not()
    {
        using var folder = new TemporaryFolder();
        string[] line = [.. Adam, "--epochs", "30", "--out"];

        CommandResult watched = await CommandRunner.RunAsync(
            [.. line, folder.At("a"), "--watch", "--no-browser", "--report"]);
        CommandResult alone = await CommandRunner.RunAsync([.. line, folder.At("b")]);

        watched.ShouldBeDone();
        watched.Output.Should().MatchRegex(@"watch: http://127\.0\.0\.1:\d+/[0-9a-f]{32}/");
        File.ReadAllBytes(folder.At("a/model.json")).Should().Equal(File.ReadAllBytes(folder.At("b/model.json")));
        alone.ShouldBeDone();
        string report = File.ReadAllText(folder.At("a/report.html"));
        Regex.Matches(report, "type=\"radio\"").Should().HaveCountGreaterThan(1, "the report steps through the epochs");
        Regex.Matches(report, "<p class=\"moment ").Should().HaveSameCount(Regex.Matches(report, "type=\"radio\""));
        report.Should().NotContain("<script");
    }

    [Fact]
    public async Task All_that_happens_flows_and_the_fit_ends_when_it_is_asked_to()
    {
        using var folder = new TemporaryFolder();
        await using RunningFit fit = await RunningFit.StartAsync(
            [.. Adam, "--clip", "norm:0.001", "--epochs", "100000000", "--out", folder.Path]);
        using var client = new HttpClient();
        using var reader = new StreamReader(await client.GetStreamAsync(new Uri(fit.Address, "flow")));

        string text = await ReadUntil(reader, "event: point", "event: picture", "\"Kind\":\"clipped\"");
        (await client.PostAsync(new Uri(fit.Address, "checkpoint"), null)).EnsureSuccessStatusCode();
        text += await ReadUntil(reader, "\"Kind\":\"checkpoint\"");
        (await client.PostAsync(new Uri(fit.Address, "stop"), null)).EnsureSuccessStatusCode();
        text += await ReadUntil(reader, "\"Kind\":\"stop\"", "event: done", "event: end");
        CommandResult result = await fit.FinishAsync();

        text.Should().StartWith("event: start").And.Contain("\"Name\":\"air_temperature\"");
        result.ExitCode.Should().Be(0);
        result.Error.Should().Contain("the best weights so far are kept");
        folder.Content().Should().Contain("model.json").And.Contain("checkpoint.json");
    }

    [Fact]
    public async Task An_update_that_is_refused_is_told()
    {
        using var folder = new TemporaryFolder();
        await using RunningFit fit = await RunningFit.StartAsync(
            [.. Adam, "--learning-rate", "1e308", "--epochs", "5", "--out", folder.Path]);
        using var client = new HttpClient();
        using var reader = new StreamReader(await client.GetStreamAsync(new Uri(fit.Address, "flow")));

        await ReadUntil(reader, "\"Kind\":\"refused\"", "event: end");

        (await fit.FinishAsync()).ExitCode.Should().Be(1);
    }

    [Fact]
    public async Task An_identification_tells_how_far_it_is()
    {
        using var folder = new TemporaryFolder();
        await using RunningFit fit = await RunningFit.StartAsync(
            ["fit", "--sample", "hair-dryer", "--hidden", "3", "--no-checks", "--out", folder.Path]);
        using var client = new HttpClient();
        using var reader = new StreamReader(await client.GetStreamAsync(new Uri(fit.Address, "flow")));

        string text = await ReadUntil(reader, "event: done");

        text.Should().Contain("comparing models").And.Contain("event: picture");
        (await fit.FinishAsync()).ExitCode.Should().Be(0);
    }

    [BrowserFact]
    public async Task A_fit_stopped_from_the_page_leaves_the_best_weights()
    {
        using var folder = new TemporaryFolder();
        await using RunningFit fit = await RunningFit.StartAsync(
            [.. Adam, "--epochs", "100000000", "--out", folder.At("stopped")]);
        (IPage page, List<string> requests) = await browser.OpenAsync(fit.Address);
        await page.WaitForExpressionAsync("seen.points.length > 4 && seen.picture !== null");
        double[] losses = await page.EvaluateExpressionAsync<double[]>("seen.points.map(p => p.Loss)");
        await page.WaitForExpressionAsync("seen.validations.length > 1");
        bool[] areLosses = await page.EvaluateExpressionAsync<bool[]>(
            "seen.validations.map(v => v.Loss > 0 && v.Epoch <= seen.points.at(-1).Epoch)");
        areLosses.Should().NotBeEmpty().And.OnlyContain(isThere => isThere);
        (await page.QuerySelectorAllAsync("#losses .curve.cold")).Should().ContainSingle("the held-out loss is drawn");
        (await Chromium.BarriersAsync(page)).Should().BeEmpty();

        await page.ClickAsync("#stop");
        CommandResult result = await fit.FinishAsync();
        await page.WaitForExpressionAsync("seen.start.Outcome !== null");

        losses[^1].Should().BeLessThan(losses[0]);
        string epochs = Regex.Match(result.Error, @"stopped after epoch (\d+);").Groups[1].Value;
        CommandResult whole = await CommandRunner.RunAsync([.. Adam, "--epochs", epochs, "--out", folder.At("whole")]);
        whole.ExitCode.Should().Be(0);
        File.ReadAllBytes(folder.At("stopped/model.json"))
            .Should().Equal(File.ReadAllBytes(folder.At("whole/model.json")), "the best of {0} epochs", epochs);
        (await page.EvaluateExpressionAsync<bool>("document.getElementById('stop').disabled")).Should().BeTrue();
        lock (requests)
        {
            requests.Should().OnlyContain(url => url.StartsWith(fit.Address.AbsoluteUri, StringComparison.Ordinal)
                || url.StartsWith("data:", StringComparison.Ordinal));
        }
        await page.CloseAsync();
    }

    /// <summary>Tells a cost, and demands none: fits that nobody watches and fits that somebody follows, in turns. A
    /// few epochs, unless the environment asks for more: BPTT_WATCH_EPOCHS, BPTT_WATCH_ROUNDS.</summary>
    [Fact]
    public async Task Watching_costs_next_to_nothing()
    {
        using var folder = new TemporaryFolder();
        int rounds = int.Parse(Environment.GetEnvironmentVariable("BPTT_WATCH_ROUNDS") ?? "1");
        string epochs = Environment.GetEnvironmentVariable("BPTT_WATCH_EPOCHS") ?? "2000";
        string[] line = [.. Adam, "--epochs", epochs, "--out", folder.Path];
        var times = new List<(double Alone, double Watched)>();
        int events = 0;
        for (int round = 0; round < rounds; round++)
        {
            double alone = await Seconds(async () => (await CommandRunner.RunAsync(line)).ExitCode.Should().Be(0));
            double watched = await Seconds(async () =>
            {
                await using RunningFit fit = await RunningFit.StartAsync(line);
                using var client = new HttpClient();
                using var reader = new StreamReader(await client.GetStreamAsync(new Uri(fit.Address, "flow")));
                while (await reader.ReadLineAsync() is string text && text != "event: end")
                {
                    events += text.StartsWith("event: ", StringComparison.Ordinal) ? 1 : 0;
                }
                (await fit.FinishAsync()).ExitCode.Should().Be(0);
            });
            times.Add((alone, watched));
        }

        events.Should().BeGreaterThan(2 * rounds);
        output.WriteLine(FormattableString.Invariant(
            $"watch: {times.Min(t => t.Alone):F3} s alone, {times.Min(t => t.Watched):F3} s watched, {events} events"));
    }

    private static async Task<double> Seconds(Func<Task> work)
    {
        var clock = Stopwatch.StartNew();
        await work();
        return clock.Elapsed.TotalSeconds;
    }

    /// <summary>Reads what flows until all of some texts have come.</summary>
    private static async Task<string> ReadUntil(StreamReader reader, params string[] texts)
    {
        using var limit = new CancellationTokenSource(Limit);
        var read = new System.Text.StringBuilder();
        var missing = texts.ToList();
        while (missing.Count > 0)
        {
            string line = await reader.ReadLineAsync(limit.Token)
                ?? throw new EndOfStreamException($"ended without '{string.Join("', '", missing)}'");
            read.AppendLine(line);
            missing.RemoveAll(t => line.Contains(t, StringComparison.Ordinal));
        }
        return read.ToString();
    }

    /// <summary>A fit in this process that goes on beside the test.</summary>
    private sealed class RunningFit : IAsyncDisposable
    {
        private readonly StringWriter _output = new();
        private readonly StringWriter _error = new();
        private readonly Task<int> _run;

        private RunningFit(string[] line)
        {
            var terminal = new Terminal(
                TextWriter.Synchronized(_output), TextWriter.Synchronized(_error), isInteractive: false);
            _run = Task.Run(() => CommandLine.RunAsync([.. line, "--watch", "--no-browser"], terminal));
        }

        public Uri Address { get; private set; } = null!;

        public static async Task<RunningFit> StartAsync(string[] line)
        {
            var fit = new RunningFit(line);
            var clock = Stopwatch.StartNew();
            Match found;
            while (!(found = Regex.Match(Text(fit._output), @"watch: (\S+)\r?\n")).Success)
            {
                if (fit._run.IsCompleted || clock.Elapsed > Limit)
                {
                    throw new TimeoutException($"No page: {Text(fit._output)}{Text(fit._error)}");
                }
                await Task.Delay(10);
            }
            fit.Address = new Uri(found.Groups[1].Value);
            return fit;
        }

        public async Task<CommandResult> FinishAsync()
        {
            int code = await _run.WaitAsync(Limit);
            return new CommandResult(code, Text(_output), Text(_error));
        }

        /// <summary>A test that failed leaves no fit behind.</summary>
        public async ValueTask DisposeAsync()
        {
            if (!_run.IsCompleted)
            {
                using var client = new HttpClient();
                await client.PostAsync(new Uri(Address, "stop"), null);
                await _run.WaitAsync(Limit);
            }
        }

        private static string Text(StringWriter writer)
        {
            for (int attempt = 0; ; attempt++)
            {
                try
                {
                    return writer.ToString();
                }
                catch (ArgumentException) when (attempt < 100)
                {
                    // It was written to meanwhile.
                }
            }
        }
    }
}
