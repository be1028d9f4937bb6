// A shard as bytes and back, little-endian. Checks what it reads before it takes memory for it; computes nothing.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Sharding;

internal static class ShardBytes
{
    private const ulong Mark = 0x3144_5248_5354_5042; // "BPTSHRD1"

    public static byte[] Write(DataShard shard)
    {
        Objective objective = shard.Objective;
        (string loss, double setting, SequenceBatch? targets, int[][]? labels) =
            objective.Content ?? throw new NotSupportedException(
                $"{objective.GetType().Name}: expected an objective of the library, which every process knows, "
                + "got one of your own.");
        ExecutionOptions execution = shard.Execution;
        var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(Mark);
        writer.Write(shard.Index);
        writer.Write(shard.FirstSequence);
        writer.Write((int)execution.Recurrence);
        writer.Write((int)execution.Precision);
        writer.Write(execution.MemoryBudget ?? 0L);
        WriteBatch(writer, shard.Inputs);
        writer.Write(loss);
        writer.Write(setting);
        writer.Write((int)objective.Reduction);
        writer.Write(objective.GivenNormalizer ?? 0.0);
        writer.Write(targets is not null);
        if (targets is not null)
        {
            WriteBatch(writer, targets);
        }
        for (int b = 0; labels is not null && b < labels.Length; b++)
        {
            WriteNumbers<int>(writer, labels[b]);
        }
        writer.Write(objective.GivenWeights is not null);
        foreach (double[] weights in objective.GivenWeights ?? [])
        {
            WriteNumbers<double>(writer, weights);
        }
        WriteNumbers<double>(writer, shard.InitialStates?.ToColumnMajorArray() ?? []);
        writer.Flush();
        return bytes.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes are damaged or something else.</exception>
    public static DataShard Read(byte[] bytes)
    {
        try
        {
            using var reader = new BinaryReader(new MemoryStream(bytes, writable: false));
            return Read(reader);
        }
        catch (Exception e) when (e is EndOfStreamException or ArgumentException or OverflowException)
        {
            throw new InvalidDataException($"expected the bytes of a shard, got others: {e.Message}", e);
        }
    }

    private static DataShard Read(BinaryReader reader)
    {
        if (reader.ReadUInt64() != Mark)
        {
            throw new InvalidDataException("expected the bytes of a shard, got something else.");
        }
        int index = reader.ReadInt32();
        int firstSequence = reader.ReadInt32();
        var execution = new ExecutionOptions
        {
            Recurrence = (Recurrence)reader.ReadInt32(),
            Precision = (Precision)reader.ReadInt32(),
            MemoryBudget = reader.ReadInt64() is long budget and not 0 ? budget : null,
        };
        SequenceBatch inputs = ReadBatch(reader);
        string loss = reader.ReadString();
        double setting = reader.ReadDouble();
        var reduction = (Reduction)reader.ReadInt32();
        double normalizer = reader.ReadDouble();
        SequenceBatch? targets = reader.ReadBoolean() ? ReadBatch(reader) : null;
        Objective objective = (loss, targets) switch
        {
            (nameof(Objective.SquaredError), not null) => Objective.SquaredError(targets, reduction),
            (nameof(Objective.Huber), not null) => Objective.Huber(targets, setting, reduction),
            (nameof(Objective.CrossEntropy), null) => Objective.CrossEntropy(ReadEach<int>(reader, inputs), reduction),
            _ => throw new InvalidDataException($"expected a loss of the library, got '{loss}'."),
        };
        objective = reader.ReadBoolean() ? objective.WithStepWeights(ReadEach<double>(reader, inputs)) : objective;
        objective = normalizer == 0.0 ? objective : objective.WithNormalizer(normalizer);
        double[] states = ReadNumbers<double>(reader);
        if (states.Length % inputs.Count != 0 || reader.BaseStream.Position != reader.BaseStream.Length)
        {
            throw new InvalidDataException("expected the end of a shard, got other bytes.");
        }
        Matrix<double>? initialStates = states.Length == 0
            ? null
            : Matrix<double>.Build.Dense(states.Length / inputs.Count, inputs.Count, states);
        return new DataShard(inputs, objective, index, firstSequence, initialStates, execution);
    }

    private static void WriteBatch(BinaryWriter writer, SequenceBatch batch)
    {
        writer.Write(batch.RowCount);
        WriteNumbers<int>(writer, batch.Lengths.ToArray());
        for (int b = 0; b < batch.Count; b++)
        {
            WriteNumbers<double>(writer, batch.Sequence(b).ToColumnMajorArray());
        }
    }

    private static SequenceBatch ReadBatch(BinaryReader reader)
    {
        int rows = reader.ReadInt32();
        int[] lengths = ReadNumbers<int>(reader);
        var sequences = new Matrix<double>[lengths.Length];
        for (int b = 0; b < lengths.Length; b++)
        {
            sequences[b] = Matrix<double>.Build.Dense(rows, lengths[b], ReadNumbers<double>(reader));
        }
        return SequenceBatch.Pack(sequences);
    }

    private static T[][] ReadEach<T>(BinaryReader reader, SequenceBatch inputs)
        where T : unmanaged =>
        [.. Enumerable.Range(0, inputs.Count).Select(_ => ReadNumbers<T>(reader))];

    private static void WriteNumbers<T>(BinaryWriter writer, ReadOnlySpan<T> numbers)
        where T : unmanaged
    {
        writer.Write(numbers.Length);
        if (BitConverter.IsLittleEndian)
        {
            writer.Write(MemoryMarshal.AsBytes(numbers));
            return;
        }
        byte[] bytes = MemoryMarshal.AsBytes(numbers).ToArray();
        Swap<T>(bytes);
        writer.Write(bytes);
    }

    private static T[] ReadNumbers<T>(BinaryReader reader)
        where T : unmanaged
    {
        int count = reader.ReadInt32();
        if (count < 0 || (long)count * Unsafe.SizeOf<T>() > reader.BaseStream.Length - reader.BaseStream.Position)
        {
            throw new EndOfStreamException($"{count} numbers are announced, and fewer are there.");
        }
        var numbers = new T[count];
        Span<byte> bytes = MemoryMarshal.AsBytes(numbers.AsSpan());
        reader.BaseStream.ReadExactly(bytes);
        if (!BitConverter.IsLittleEndian)
        {
            Swap<T>(bytes);
        }
        return numbers;
    }

    private static void Swap<T>(Span<byte> bytes)
        where T : unmanaged
    {
        for (int i = 0; i < bytes.Length; i += Unsafe.SizeOf<T>())
        {
            bytes.Slice(i, Unsafe.SizeOf<T>()).Reverse();
        }
    }
}
