// Outputs that are no regular files of their own: a device, a pipe, a link, standard output. None is replaced.

using Bptt.Cli.Console;
using Bptt.Tests.Files;

namespace Bptt.Cli.Tests.Console;

public class SpecialOutputTests
{
    [Fact]
    public async Task A_picture_into_a_null_device_leaves_it_a_device()
    {
        using var folder = new TemporaryFolder();
        if (!SpecialFile.TryMakeNullDevice(folder.At("null")))
        {
            return; // only an administrator can make one
        }

        (await CommandRunner.RunAsync("graph", "--out", folder.At("null"))).ShouldBeDone();

        File.ReadAllBytes(folder.At("null")).Should().BeEmpty("a regular file would hold the picture");
        folder.Content().Should().Equal("null");
    }

    [Fact]
    public async Task A_device_that_is_full_is_told_by_name()
    {
        using var folder = new TemporaryFolder();
        if (!SpecialFile.TryMakeFullDevice(folder.At("full")))
        {
            return;
        }

        CommandResult result = await CommandRunner.RunAsync("graph", "--out", folder.At("full"));

        result.ShouldBeRefused(1, $"'{folder.At("full")}' cannot be written", "space");
        folder.Content().Should().Equal("full");
    }

    [Fact]
    public async Task A_picture_goes_through_a_pipe()
    {
        using var folder = new TemporaryFolder();
        if (!SpecialFile.TryMakePipe(folder.At("pipe")))
        {
            return;
        }
        Task<string> reader = Task.Run(() => File.ReadAllText(folder.At("pipe")));

        CommandResult result = await Task
            .Run(() => CommandRunner.RunAsync("graph", "--format", "dot", "--out", folder.At("pipe")))
            .WaitAsync(TimeSpan.FromSeconds(60));

        result.ShouldBeDone();
        (await reader.WaitAsync(TimeSpan.FromSeconds(60))).Should().StartWith("digraph");
        folder.Content().Should().Equal("pipe");
    }

    [Fact]
    public async Task Standard_output_by_its_name_is_standard_output()
    {
        if (!File.Exists("/dev/stdout"))
        {
            return;
        }

        CommandResult result = await BpttProcess.RunAsync("graph", "--format", "dot", "--out", "/dev/stdout");

        result.ShouldBeDone();
        result.Output.Should().Be((await CommandRunner.RunAsync("graph", "--format", "dot")).Output);
    }

    [Fact]
    public async Task Results_go_to_where_links_lead_and_a_link_for_the_checkpoint_stays()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.At("out"));
        File.CreateSymbolicLink(folder.At("out/model.json"), folder.At("my-model.json"));
        File.CreateSymbolicLink(folder.At("out/checkpoint.json"), folder.At("my-checkpoint.json"));

        CommandResult fit = await CommandRunner.RunAsync(
            "fit", "--sample", "sunspots", "--hidden", "1", "--epochs", "200", "--out", folder.At("out"));
        CommandResult check = await CommandRunner.RunAsync(
            "check", "--sample", "sunspots", "--model", folder.At("my-model.json"));

        fit.ExitCode.Should().Be(0, fit.Error);
        check.Output.Should().Contain("gradient check: ");
        new FileInfo(folder.At("out/model.json")).LinkTarget.Should().Be(folder.At("my-model.json"));
        new FileInfo(folder.At("out/checkpoint.json")).LinkTarget.Should().Be(folder.At("my-checkpoint.json"));
    }

    [Fact]
    public void A_file_that_is_removed_is_one_that_holds_something()
    {
        using var folder = new TemporaryFolder();
        var output = OutputFolder.Open(folder.Path);
        folder.File("whole", "content");
        folder.File("empty", "");
        File.CreateSymbolicLink(folder.At("link"), "empty");
        string[] kept =
            SpecialFile.TryMakeNullDevice(folder.At("null")) ? ["empty", "link", "null"] : ["empty", "link"];

        foreach (string name in folder.Content())
        {
            output.Remove(name);
        }
        output.Remove("none");

        folder.Content().Should().Equal(kept);
    }
}
