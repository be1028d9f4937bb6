// The files of events, read by a reader of their format that is written here from its description.

using System.Buffers.Binary;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Google.Protobuf;

namespace Bptt.Cli.Tests.Fitting;

public class TensorBoardLogTests
{
    private static readonly Dataset Data = DatasetBuilder.From(
        CsvTable.Read(new StringReader(Tables.TwoByTwo(60)), "data.csv"), ["a", "b"], ["y"], new DataSettings());

    [Fact]
    public void Every_epoch_is_there_with_its_loss_norm_and_learning_rate()
    {
        using var folder = new TemporaryFolder();
        double before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;

        TrainedFit fit = Run(new FitSettings
        {
            Method = FitMethod.Adam,
            Epochs = 30,
            LearningRate = 0.02,
            TensorBoardFolder = folder.Path,
        });

        string file = folder.Content().Should().ContainSingle().Subject;
        file.Should().StartWith("events.out.tfevents.");
        List<Event> events = Read(folder.At(file));
        events[0].Version.Should().Be("brain.Event:2");
        events.Should().OnlyContain(e => e.Time >= before && e.Time < before + 600);
        events.Skip(1).Select(e => e.Step).Should().Equal(fit.Training.History.Select(e => (long)e.Epoch));
        events.Skip(1).Select(e => e.Values["loss/training"])
            .Should().Equal(fit.Training.History.Select(e => (float)e.Loss));
        events.Skip(1).Select(e => e.Values["gradient/norm"])
            .Should().Equal(fit.Training.History.Select(e => (float)e.GradientNorm!));
        events.Skip(1).Should().OnlyContain(e => e.Values["optimizer/learning_rate"] == 0.02f);
        fit.Runs.Single().LogFault.Should().BeNull();
    }

    [Fact]
    public void Several_starts_are_runs_of_their_own()
    {
        using var folder = new TemporaryFolder();

        TrainedFit fit = Run(new FitSettings
        {
            Method = FitMethod.LevenbergMarquardt,
            Epochs = 5,
            Starts = 3,
            TensorBoardFolder = folder.At("log"),
        });

        string[] files = [.. folder.Content().Where(f => f.Contains("tfevents", StringComparison.Ordinal))];
        files.Select(f => f.Split('/')[1]).Should().Equal("start-1", "start-2", "start-3");
        files.Select(f => Read(folder.At(f)).Last().Values["loss/training"])
            .Should().Equal(fit.Runs.Select(r => (float)r.Training.History[^1].Loss));
    }

    [Fact]
    public void A_second_training_into_the_same_folder_leaves_the_first_file()
    {
        using var folder = new TemporaryFolder();
        FitSettings settings = new() { Method = FitMethod.Adam, Epochs = 2, TensorBoardFolder = folder.Path };

        Run(settings);
        Run(settings);

        folder.Content().Should().HaveCount(2);
    }

    [Fact]
    public async Task The_command_names_the_folder_and_refuses_one_that_cannot_be_written()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", Tables.TwoByTwo(60));
        string[] fit = ["fit", csv, "--inputs", "a,b", "--outputs", "y", "--hidden", "2", "--epochs", "3"];

        CommandResult written = await CommandRunner.RunAsync(
            [.. fit, "--out", folder.At("out"), "--tensorboard", folder.At("log")]);
        CommandResult refused = await CommandRunner.RunAsync([.. fit, "--out", folder.At("out"), "--tensorboard", csv]);

        written.ShouldBeDone();
        written.Output.Should().MatchRegex(@"\nwritten: .*log[\r\n]");
        Directory.GetFiles(folder.At("log")).Should().ContainSingle();
        refused.ShouldBeRefused(1, "The output folder", "cannot be written");
    }

    private static TrainedFit Run(FitSettings settings) => FitTraining.Run(
        Data, FitPlan.Of(settings, Data, 2), checkpoint: null, _ => { }, _ => { }, CancellationToken.None);

    private sealed record Event(double Time, long Step, string? Version, Dictionary<string, float> Values);

    /// <summary>All records of a file, with their checksums verified.</summary>
    private static List<Event> Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        List<Event> events = [];
        for (int at = 0; at < bytes.Length;)
        {
            int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
            BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 8)).Should().Be(Checksum(bytes, at, 8));
            BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 12 + length))
                .Should().Be(Checksum(bytes, at + 12, length));
            events.Add(EventOf(new CodedInputStream(bytes, at + 12, length)));
            at += 16 + length;
        }
        return events;
    }

    private static Event EventOf(CodedInputStream message)
    {
        double time = 0.0;
        long step = 0;
        string? version = null;
        Dictionary<string, float> values = [];
        while (message.ReadTag() is uint tag and not 0)
        {
            switch (tag)
            {
                case (1 << 3) | 1:
                    time = message.ReadDouble();
                    break;
                case 2 << 3:
                    step = message.ReadInt64();
                    break;
                case (3 << 3) | 2:
                    version = message.ReadString();
                    break;
                case (5 << 3) | 2:
                    AddValues(message.ReadBytes().CreateCodedInput(), values);
                    break;
                default:
                    throw new InvalidDataException($"an event has no field {tag >> 3}");
            }
        }
        return new Event(time, step, version, values);
    }

    private static void AddValues(CodedInputStream summary, Dictionary<string, float> values)
    {
        while (summary.ReadTag() is uint tag and not 0)
        {
            tag.Should().Be((1 << 3) | 2u);
            CodedInputStream value = summary.ReadBytes().CreateCodedInput();
            value.ReadTag().Should().Be((1 << 3) | 2u);
            string name = value.ReadString();
            value.ReadTag().Should().Be((2 << 3) | 5u);
            values.Add(name, value.ReadFloat());
            value.IsAtEnd.Should().BeTrue();
        }
    }

    /// <summary>CRC-32C bit by bit (RFC 3720, appendix B.4), masked as TensorFlow does.</summary>
    private static uint Checksum(byte[] bytes, int start, int length)
    {
        uint crc = uint.MaxValue;
        foreach (byte next in bytes.AsSpan(start, length))
        {
            crc ^= next;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78u : crc >> 1;
            }
        }
        crc = ~crc;
        return unchecked(((crc >> 15) | (crc << 17)) + 0xa282ead8u);
    }
}
