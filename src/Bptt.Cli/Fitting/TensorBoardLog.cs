// The losses of one training as a file of events that TensorBoard reads while it grows. Format: records of TensorFlow
// (core/lib/io/record_writer.h) that hold messages of core/util/event.proto.

using System.Buffers.Binary;
using System.Numerics;
using Bptt.Cli.Console;
using Bptt.Training;
using Google.Protobuf;

namespace Bptt.Cli.Fitting;

internal sealed class TensorBoardLog : IProgress<TrainingProgress>, IDisposable
{
    // Numbers of fields in event.proto and summary.proto.
    private const int EventTime = 1;
    private const int EventStep = 2;
    private const int EventVersion = 3;
    private const int EventSummary = 5;
    private const int SummaryValue = 1;
    private const int ValueTag = 1;
    private const int ValueNumber = 2;

    private static readonly TimeSpan FlushInterval = TimeSpan.FromSeconds(1);
    private static int _files;

    private readonly FileStream _stream;
    private DateTime _flushed = DateTime.UtcNow;
    private int _epoch = -1;

    private TensorBoardLog(FileStream stream)
    {
        _stream = stream;
        Append(message => WriteText(message, EventVersion, "brain.Event:2"));
    }

    /// <summary>Why it was not written to its end; null where it was.</summary>
    public string? Fault { get; private set; }

    /// <summary>Begins a file of its own in a folder, which is made where it is not there; what other trainings wrote
    /// there stays.</summary>
    /// <exception cref="DataFaultException">The folder cannot be written.</exception>
    public static TensorBoardLog Create(string folder)
    {
        var opened = OutputFolder.Open(folder);
        long seconds = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        string name = $"events.out.tfevents.{seconds}.bptt.{Environment.ProcessId}.{Interlocked.Increment(ref _files)}";
        return new TensorBoardLog(new FileStream(
            opened.PathOf(name), FileMode.Create, FileAccess.Write, FileShare.Read));
    }

    /// <summary>Writes the last epoch, once.</summary>
    public void Report(TrainingProgress value)
    {
        if (value.Epoch == _epoch || Fault is not null)
        {
            return;
        }
        _epoch = value.Epoch;
        try
        {
            Append(message =>
            {
                message.WriteTag(EventStep, WireFormat.WireType.Varint);
                message.WriteInt64(value.Epoch);
                WriteBytes(message, EventSummary, SummaryOf(value));
            });
            if (DateTime.UtcNow - _flushed > FlushInterval)
            {
                _stream.Flush();
                _flushed = DateTime.UtcNow;
            }
        }
        catch (IOException e)
        {
            Fault = $"--tensorboard: nothing more is written after epoch {_epoch}: {e.Message}";
        }
    }

    /// <summary>Writes all epochs of a training that is over.</summary>
    /// <param name="training">The training.</param>
    /// <param name="learningRate">The same for all of them; null for methods that have none.</param>
    public void ReportAll(TrainingResult training, double? learningRate)
    {
        foreach (EpochRecord record in training.History)
        {
            Report(new TrainingProgress
            {
                Epoch = record.Epoch,
                Loss = record.Loss,
                ValidationLoss = record.ValidationLoss,
                GradientNorm = record.GradientNorm,
                LearningRate = learningRate,
            });
        }
    }

    public void Dispose()
    {
        try
        {
            _stream.Dispose();
        }
        catch (IOException e)
        {
            Fault ??= $"--tensorboard: the last epochs may be missing: {e.Message}";
        }
    }

    private static byte[] SummaryOf(TrainingProgress value) => Message(summary =>
    {
        Add("loss/training", value.Loss);
        Add("loss/validation", value.ValidationLoss);
        Add("gradient/norm", value.GradientNorm);
        Add("optimizer/learning_rate", value.LearningRate);

        void Add(string tag, double? number)
        {
            if (number is double known)
            {
                WriteBytes(summary, SummaryValue, Message(scalar =>
                {
                    WriteText(scalar, ValueTag, tag);
                    scalar.WriteTag(ValueNumber, WireFormat.WireType.Fixed32);
                    scalar.WriteFloat((float)known);
                }));
            }
        }
    });

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using var bytes = new MemoryStream();
        using var message = new CodedOutputStream(bytes);
        write(message);
        message.Flush();
        return bytes.ToArray();
    }

    private static void WriteBytes(CodedOutputStream message, int field, byte[] bytes)
    {
        message.WriteTag(field, WireFormat.WireType.LengthDelimited);
        message.WriteBytes(UnsafeByteOperations.UnsafeWrap(bytes));
    }

    private static void WriteText(CodedOutputStream message, int field, string text)
    {
        message.WriteTag(field, WireFormat.WireType.LengthDelimited);
        message.WriteString(text);
    }

    /// <summary>Appends a record: length, its checksum, an event of now, its checksum.</summary>
    private void Append(Action<CodedOutputStream> write)
    {
        byte[] data = Message(message =>
        {
            message.WriteTag(EventTime, WireFormat.WireType.Fixed64);
            message.WriteDouble(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0);
            write(message);
        });
        byte[] record = new byte[12 + data.Length + 4];
        BinaryPrimitives.WriteUInt64LittleEndian(record, (ulong)data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedChecksum(record.AsSpan(0, 8)));
        data.CopyTo(record.AsSpan(12));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), MaskedChecksum(data));
        _stream.Write(record);
    }

    /// <summary>CRC-32C, rotated and shifted, as a checksum of data that hold checksums is weak.</summary>
    private static uint MaskedChecksum(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte next in data)
        {
            crc = BitOperations.Crc32C(crc, next);
        }
        return unchecked(BitOperations.RotateRight(~crc, 15) + 0xa282ead8u);
    }
}
