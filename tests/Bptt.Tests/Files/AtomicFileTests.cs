// Files are put in their place whole, with the mode of those before them; links, devices and pipes stay what they are.

using System.Text;
using Bptt.Files;

namespace Bptt.Tests.Files;

public sealed class AtomicFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bptt-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_null_device_is_written_and_stays_a_device()
    {
        if (!SpecialFile.TryMakeNullDevice(At("null")))
        {
            return; // only an administrator can make one
        }

        Write("null", "into nothing");
        Write("null", "again");

        File.ReadAllBytes(At("null")).Should().BeEmpty("a regular file would hold it");
        Content().Should().Equal("null");
    }

    [Fact]
    public void A_device_that_is_full_is_told_and_stays_a_device()
    {
        if (!SpecialFile.TryMakeFullDevice(At("full")))
        {
            return;
        }

        for (int i = 0; i < 2; i++)
        {
            FluentActions.Invoking(() => Write("full", "more")).Should().Throw<IOException>().WithMessage("*space*");
        }
        Content().Should().Equal("full");
    }

    [Fact]
    public async Task What_is_written_to_a_pipe_is_read_from_it_and_it_stays_a_pipe()
    {
        if (!SpecialFile.TryMakePipe(At("pipe")))
        {
            return;
        }
        foreach (string text in new[] { "first, and longer", "second" })
        {
            Task<string> reader = Task.Run(() => File.ReadAllText(At("pipe")));

            await Task.Run(() => Write("pipe", text)).WaitAsync(TimeSpan.FromSeconds(30));

            (await reader.WaitAsync(TimeSpan.FromSeconds(30))).Should().Be(text);
        }
        Content().Should().Equal("pipe");
    }

    [Fact]
    public void A_descriptor_of_an_open_file_is_written_where_it_leads()
    {
        if (!Directory.Exists("/proc/self/fd"))
        {
            return;
        }
        File.WriteAllText(At("open"), "old, and longer than what follows");
        using var open = new FileStream(
            At("open"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

        AtomicFile.Write($"/proc/self/fd/{open.SafeFileHandle.DangerousGetHandle()}", Writing("new"));

        using var reader = new StreamReader(open);
        reader.ReadToEnd().Should().Be("new", "the file that is open was written and not another in its place");
        Content().Should().Equal("open");
    }

    [Fact]
    public void Links_stay_and_what_they_lead_to_is_replaced()
    {
        Directory.CreateDirectory(At("one/deep"));
        Directory.CreateDirectory(At("two"));
        File.WriteAllText(At("one/target"), "old");
        File.CreateSymbolicLink(At("two/link"), "../one/target");
        File.CreateSymbolicLink(At("chain"), At("two/link"));

        AtomicFile.Write(At("chain"), stream =>
        {
            Content().Should().Contain(
                p => p.StartsWith("one/target.") && p.EndsWith(".tmp"), "one disc holds old and new");
            stream.Write("new"u8);
        });

        File.ReadAllText(At("one/target")).Should().Be("new");
        new FileInfo(At("chain")).LinkTarget.Should().Be(At("two/link"));
        new FileInfo(At("two/link")).LinkTarget.Should().Be("../one/target");
        new FileInfo(At("one/target")).LinkTarget.Should().BeNull();
        Content().Should().Equal("chain", "one", "one/deep", "one/target", "two", "two/link");
    }

    [Fact]
    public void A_link_upwards_is_taken_from_the_folder_that_a_linked_folder_leads_to()
    {
        Directory.CreateDirectory(At("far/deep"));
        Directory.CreateSymbolicLink(At("near"), At("far/deep"));
        File.CreateSymbolicLink(At("far/deep/link"), "../target");

        Write("near/link", "text");

        File.ReadAllText(At("far/target")).Should().Be("text");
        File.Exists(At("target")).Should().BeFalse("that is above the link to the folder, not above the folder");
    }

    [Fact]
    public void A_link_that_leads_nowhere_makes_its_target()
    {
        File.CreateSymbolicLink(At("link"), "new");

        Write("link", "text");

        File.ReadAllText(At("new")).Should().Be("text");
        new FileInfo(At("link")).LinkTarget.Should().Be("new");
        Content().Should().Equal("link", "new");
    }

    [Fact]
    public void A_link_into_a_folder_that_is_not_there_is_told_with_the_folder()
    {
        File.CreateSymbolicLink(At("link"), "none/new");

        FluentActions.Invoking(() => Write("link", "text"))
            .Should().Throw<DirectoryNotFoundException>().WithMessage($"*'{At("none")}'*");
        Content().Should().Equal("link");
    }

    [Fact]
    public void Links_in_a_circle_are_told_and_stay()
    {
        File.CreateSymbolicLink(At("one"), "two");
        File.CreateSymbolicLink(At("two"), "one");

        FluentActions.Invoking(() => Write("one", "text"))
            .Should().Throw<IOException>().WithMessage($"'{At("one")}' leads through*symbolic links*circle.");
        Content().Should().Equal("one", "two");
    }

    [Theory]
    [InlineData("folder")]
    [InlineData("link")]
    [InlineData("none/")]
    public void A_folder_is_told(string name)
    {
        Directory.CreateDirectory(At("folder"));
        Directory.CreateSymbolicLink(At("link"), "folder");

        FluentActions.Invoking(() => Write(name, "text"))
            .Should().Throw<IOException>().WithMessage($"'{At(name)}' is the name of a folder, not of a file.");
        Content().Should().Equal("folder", "link");
    }

    [Theory]
    [InlineData(0b110_000_000)]
    [InlineData(0b110_100_000)]
    [InlineData(0b110_110_110)]
    [InlineData(0b111_101_101)]
    public void The_mode_of_a_file_is_kept_and_the_file_beside_it_has_it_before_anything_is_written(int bits)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        var mode = (UnixFileMode)bits;
        File.WriteAllText(At("file"), "old");
        File.SetUnixFileMode(At("file"), mode);

        AtomicFile.Write(At("file"), stream =>
        {
            Mode(((FileStream)stream).Name).Should().Be(mode);
            stream.Write("new"u8);
        });

        Mode(At("file")).Should().Be(mode);
        File.ReadAllText(At("file")).Should().Be("new");
    }

    [Fact]
    public void A_new_file_and_one_that_is_empty_are_as_any_program_makes_them()
    {
        File.WriteAllText(At("ordinary"), "");
        File.WriteAllText(At("empty"), "");

        Write("new", "text");
        Write("empty", "text");

        File.ReadAllText(At("empty")).Should().Be("text");
        Mode(At("new")).Should().Be(Mode(At("ordinary")));
    }

    [Fact]
    public void What_killed_runs_left_beside_a_target_goes_with_the_next_write_and_nothing_else()
    {
        string left = $"model.json.{Guid.NewGuid():N}.tmp";
        string[] others =
        [
            $"model.json.{Guid.NewGuid():N}", $"model.json.{Guid.NewGuid():N}.tmp.tmp",
            $"other.json.{Guid.NewGuid():N}.tmp",
            $"a-model.json.{Guid.NewGuid():N}.tmp", "model.json.tmp", "model.json.0123456789012345678901234567890x.tmp",
        ];
        foreach (string name in (string[])[left, .. others])
        {
            File.WriteAllText(At(name), "half");
        }

        Write("model.json", "text");

        Content().Should().BeEquivalentTo([.. others, "model.json"]);
    }

    [Fact]
    public void Two_that_write_one_target_at_once_end_with_a_whole_file_of_the_last()
    {
        AtomicFile.Write(At("file"), stream =>
        {
            stream.Write("the first, "u8);
            Write("file", "the second");
            File.ReadAllText(At("file")).Should().Be("the second");
            stream.Write("which ends last"u8);
        });

        File.ReadAllText(At("file")).Should().Be("the first, which ends last");
        Content().Should().Equal("file");
    }

    [Fact]
    public void Many_that_write_one_target_at_once_disturb_each_other_in_nothing()
    {
        string[] texts = [.. Enumerable.Range(0, 200).Select(i => $"{i} {new string('x', 20_000)}")];

        Parallel.ForEach(texts, new ParallelOptions { MaxDegreeOfParallelism = 8 }, text => Write("file", text));

        texts.Should().Contain(File.ReadAllText(At("file")));
        Content().Should().Equal("file");
    }

    private void Write(string name, string text) => AtomicFile.Write(At(name), Writing(text));

    private static Action<Stream> Writing(string text) => stream => stream.Write(Encoding.UTF8.GetBytes(text));

    private string At(string name) => Path.Combine(_folder, name);

    private static UnixFileMode Mode(string path) => OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(path);

    /// <summary>All that is in the folder, as sorted paths from there.</summary>
    private string[] Content() => [.. Directory.EnumerateFileSystemEntries(_folder, "*", SearchOption.AllDirectories)
        .Select(p => Path.GetRelativePath(_folder, p).Replace('\\', '/')).Order(StringComparer.Ordinal)];
}
