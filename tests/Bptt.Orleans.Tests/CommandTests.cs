// `bptt fit --workers`: the same files for any number of workers, also when one is killed, for one training and for
// several. The command is real.

using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Bptt.Orleans.Tests;

public sealed class CommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bptt").FullName;

    public CommandTests()
    {
        var random = new Random(4);
        var table = new StringBuilder("run,u,y\n");
        for (int run = 0; run < 14; run++)
        {
            double y = 0.0;
            for (int t = 0; t < 80; t++)
            {
                double u = random.NextDouble() - 0.5;
                y = 0.8 * y + u;
                table.AppendLine(CultureInfo.InvariantCulture, $"{run},{u:R},{y + 0.01 * random.NextDouble():R}");
            }
        }
        File.WriteAllText(Path.Combine(_folder, "runs.csv"), table.ToString());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_fit_writes_the_same_model_for_any_number_of_workers()
    {
        byte[] here = Fit("here", "--shards", "60", "--optimizer", "lm", "--epochs", "8");
        byte[] one = Fit("one", "--workers", "1", "--optimizer", "lm", "--epochs", "8");
        byte[] three = Fit("three", "--workers", "3", "--optimizer", "lm", "--epochs", "8");

        one.Should().Equal(here);
        three.Should().Equal(here);
    }

    [Theory]
    [InlineData("lbfgs")]
    [InlineData("adam")]
    public void A_fit_over_segments_writes_the_same_model_for_any_number_of_workers(string method)
    {
        string[] training = ["--optimizer", method, "--segments", "4", "--epochs", "8"];

        byte[] here = Fit("here", ["--shards", "60", .. training]);

        Fit("two", ["--workers", "2", .. training]).Should().Equal(here);
    }

    [Fact]
    public void A_worker_that_is_killed_leaves_the_model_as_it_is_and_no_process_behind()
    {
        string[] training = ["--optimizer", "adam", "--epochs", "600"];
        byte[] here = Fit("here", ["--shards", "60", .. training]);
        using PeerProcess fit = Start("killed", ["--workers", "2", .. training]);
        int killed = int.Parse(fit.WaitFor(@"^worker (\d+) on .*: \d+ of \d+ shards"), CultureInfo.InvariantCulture);

        PeerProcess.Signal("KILL", killed);
        fit.WaitFor("^written: ");
        fit.WaitForEnd().Should().Be(0);

        Model("killed").Should().Equal(here);
        int[] workers = [.. fit.All(@"^worker (\d+) on .* has joined").Select(int.Parse)];
        workers.Should().HaveCountGreaterThanOrEqualTo(2).And.NotContain(id => PeerProcess.Lives(id));
    }

    [Fact]
    public void Several_starts_are_trained_by_workers_with_the_bits_of_one_process()
    {
        string[] training = ["--hidden", "3", "--starts", "5", "--optimizer", "lm", "--epochs", "12"];
        byte[] here = Fit("here", training);

        using PeerProcess fit = Start("spread", [.. training, "--workers", "2"]);
        fit.WaitFor("^written: ");
        fit.WaitForEnd().Should().Be(0);

        Model("spread").Should().Equal(here);
        fit.All(@"^job (\d) of 5 by worker \d+ on ").Order().Should().Equal("1", "2", "3", "4", "5");
        fit.All(@"^(\d) of 5 starts done").Should().Equal("1", "2", "3", "4", "5");
    }

    [Fact]
    public void A_start_whose_worker_is_killed_is_trained_by_another()
    {
        string[] training = ["--hidden", "4", "--starts", "3", "--optimizer", "adam", "--epochs", "1500"];
        byte[] here = Fit("here", training);
        using PeerProcess fit = Start("killed", [.. training, "--workers", "2"]);
        int killed = int.Parse(fit.WaitFor(@"^job \d of 3 by worker (\d+) on "), CultureInfo.InvariantCulture);

        PeerProcess.Signal("KILL", killed);
        fit.WaitFor(@"^again: job \d of 3 by worker \d+");
        fit.WaitFor("^written: ");
        fit.WaitForEnd().Should().Be(0);

        Model("killed").Should().Equal(here);
    }

    [Fact]
    public void Several_starts_that_are_stopped_keep_what_they_have()
    {
        using PeerProcess fit = Start(
            "stopped",
            "--hidden", "4", "--starts", "3", "--optimizer", "adam", "--epochs", "1000000", "--workers", "2");
        fit.WaitFor(@"^job 2 of 3 by worker (\d+) on ");
        Thread.Sleep(3000); // into the training

        PeerProcess.Signal("INT", fit.Id);
        fit.WaitFor(@"stopped after epoch \d+; the best weights so far are kept");
        fit.WaitFor("^written: ");

        Model("stopped").Should().NotBeEmpty();
        fit.WaitForEnd().Should().Be(0);
    }

    [Fact]
    public void The_order_is_chosen_by_workers_with_the_bits_of_one_process()
    {
        string[] training = ["--hidden", "auto", "--optimizer", "lm", "--epochs", "5", "--shards", "4"];
        using PeerProcess alone = Start("here", training);
        string[] table = Table(alone);

        using PeerProcess fit = Start("spread", [.. training, "--workers", "2"]);

        Table(fit).Should().Equal(table).And.HaveCountGreaterThan(2);
        Model("spread").Should().Equal(Model("here"));
        fit.All(@"^job \d+ of (\d+) by worker \d+ on ").Should().HaveCountGreaterThan(2);

        static string[] Table(PeerProcess fit)
        {
            fit.WaitFor("^written: ");
            fit.WaitForEnd().Should().Be(0);
            return [.. fit.All(@"^( *\d+.*%.*)$"), .. fit.All("^(hidden units: .*)$")];
        }
    }

    private byte[] Fit(string name, params string[] options)
    {
        using PeerProcess fit = Start(name, options);
        fit.WaitFor("^written: ");
        fit.WaitForEnd().Should().Be(0);
        return Model(name);
    }

    private byte[] Model(string name) => File.ReadAllBytes(Path.Combine(_folder, name, "model.json"));

    // What a shell starts in the background ignores Ctrl-C, and all that it starts: also the tests, and so the command.
    private PeerProcess Start(string name, params string[] options) => PeerProcess.Start(new ProcessStartInfo("env",
    [
        "--default-signal=INT", "dotnet",
        Path.Combine(PeerProcess.Folder, "Bptt.Cli.dll"), "fit", Path.Combine(_folder, "runs.csv"),
        "--group", "run", "--inputs", "u", "--outputs", "y", "--no-checks",
        .. options.Contains("--hidden") ? Array.Empty<string>() : ["--hidden", "2"],
        "--out", Path.Combine(_folder, name), .. options,
    ]));
}
