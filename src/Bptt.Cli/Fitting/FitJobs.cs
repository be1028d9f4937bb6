// What workers do for a fit beside shards: whole trainings and candidates of the order search, as bytes to and fro.

namespace Bptt.Cli.Fitting;

internal static class FitJobs
{
    /// <summary>Has workers do jobs.</summary>
    /// <param name="shared">What all of them need.</param>
    /// <param name="jobs">What each needs besides.</param>
    /// <param name="finished">Told how many are done, one call at a time.</param>
    /// <param name="cancellation">Asks them to come to an end.</param>
    /// <returns>The results, in the order of the jobs.</returns>
    public delegate byte[][] Spread(
        byte[] shared, IReadOnlyList<byte[]> jobs, Action<int> finished, CancellationToken cancellation);

    /// <summary>Does a job, on a worker.</summary>
    /// <param name="shared">What all of them need.</param>
    /// <param name="job">What this one needs besides.</param>
    /// <param name="cancellation">Ends it.</param>
    public static byte[] Do(byte[] shared, byte[] job, CancellationToken cancellation) => shared[0] switch
    {
        StartJobs.Mark => StartJobs.Do(shared, job, cancellation),
        OrderJobs.Mark => OrderJobs.Do(shared, job, cancellation),
        byte other => throw new InvalidDataException($"expected a job that this version knows, got {other}."),
    };

    /// <summary>Puts bytes together.</summary>
    public static byte[] Write(Action<BinaryWriter> write)
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        write(writer);
        writer.Flush();
        return bytes.ToArray();
    }

    /// <summary>Takes bytes apart.</summary>
    public static BinaryReader Reader(byte[] bytes) => new(new MemoryStream(bytes, writable: false));

    /// <summary>Bytes with their number before them.</summary>
    public static void WriteBytes(BinaryWriter writer, byte[] bytes)
    {
        writer.Write(bytes.Length);
        writer.Write(bytes);
    }

    /// <summary>The bytes again.</summary>
    public static byte[] ReadBytes(BinaryReader reader) => reader.ReadBytes(reader.ReadInt32());

    /// <summary>Numbers with their number before them.</summary>
    public static void WriteNumbers(BinaryWriter writer, double[] numbers)
    {
        writer.Write(numbers.Length);
        foreach (double number in numbers)
        {
            writer.Write(number);
        }
    }

    /// <summary>The numbers again.</summary>
    public static double[] ReadNumbers(BinaryReader reader)
    {
        double[] numbers = new double[reader.ReadInt32()];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = reader.ReadDouble();
        }
        return numbers;
    }
}
