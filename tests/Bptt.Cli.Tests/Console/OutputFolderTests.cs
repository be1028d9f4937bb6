// Results are written whole or not at all.

using Bptt.Cli.Console;

namespace Bptt.Cli.Tests.Console;

public class OutputFolderTests
{
    [Fact]
    public void A_folder_is_made_with_all_that_lie_above_it_and_nothing_is_left_inside()
    {
        using var folder = new TemporaryFolder();

        OutputFolder.Open(folder.At("one/two/three")).Path.Should().Be(folder.At("one/two/three"));

        folder.Content().Should().Equal("one", "one/two", "one/two/three");
    }

    [Fact]
    public void A_file_is_written_and_then_replaced()
    {
        using var folder = new TemporaryFolder();
        var output = OutputFolder.Open(folder.Path);

        output.Write("a.txt", stream => stream.Write("first, and longer"u8)).Should().Be(folder.At("a.txt"));
        output.Write("a.txt", stream => stream.Write("second"u8));

        File.ReadAllText(folder.At("a.txt")).Should().Be("second");
        folder.Content().Should().Equal("a.txt");
    }

    [Fact]
    public void A_write_that_fails_half_way_leaves_the_old_file_whole_and_no_other()
    {
        using var folder = new TemporaryFolder();
        folder.File("a.txt", "old");
        var output = OutputFolder.Open(folder.Path);

        Action interrupted = () => output.Write("a.txt", stream =>
        {
            stream.Write("ne"u8);
            stream.Flush();
            File.ReadAllText(folder.At("a.txt")).Should().Be("old", "the new file is written beside it");
            throw new IOException("The disc is full.");
        });

        interrupted.Should().Throw<IOException>().WithMessage("The disc is full.");
        File.ReadAllText(folder.At("a.txt")).Should().Be("old");
        folder.Content().Should().Equal("a.txt");
    }

    [Theory]
    [InlineData("file")]
    [InlineData("file/below")]
    [InlineData("file/far/below")]
    public void A_folder_that_cannot_be_is_refused_by_name(string name)
    {
        using var folder = new TemporaryFolder();
        folder.File("file", "content");

        FluentActions.Invoking(() => OutputFolder.Open(folder.At(name)))
            .Should().Throw<DataFaultException>().WithMessage(
                $"The output folder '{folder.At(name)}' cannot be written: *");
        folder.Content().Should().Equal("file");
    }
}
