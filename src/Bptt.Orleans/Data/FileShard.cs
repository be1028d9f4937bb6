// One shard as a part of a file: what a worker must know to read it, and the reading. Computes nothing.

using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Bptt.Files;
using Bptt.Sharding;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Orleans.Data;

/// <summary>A shard by reference.</summary>
[GenerateSerializer, Immutable]
internal sealed record FileShard(
    [property: Id(0)] string Path,
    [property: Id(1)] string[] Inputs,
    [property: Id(2)] string[] Targets,
    [property: Id(3)] int Index,
    [property: Id(4)] int FirstSequence,
    [property: Id(5)] long Place,
    [property: Id(6)] int[] Lengths,
    [property: Id(7)] string Hash,
    [property: Id(8)] double[] Means,
    [property: Id(9)] double[] Scales,
    [property: Id(10)] int Reduction,
    [property: Id(11)] double? HuberThreshold,
    [property: Id(12)] double Normalizer,
    [property: Id(13)] int Recurrence,
    [property: Id(14)] int Precision,
    [property: Id(15)] long? MemoryBudget)
{
    /// <summary>Reads it.</summary>
    /// <param name="path">Where the file is here.</param>
    /// <exception cref="InvalidDataException">The file has not these numbers there.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public DataShard Read(string path)
    {
        using var file = RowFile.Open(path, Inputs, Targets, group: null);
        (int d, int q) = (file.InputSize, file.OutputSize);
        Channel[] channels = [.. Means.Zip(Scales, (mean, scale) => new Channel("channel", mean, scale))];
        if (channels.Length != d + q)
        {
            throw Other(path, $"rows of {channels.Length} numbers, got rows of {d + q}");
        }
        file.GoTo(Place);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var inputs = new Matrix<double>[Lengths.Length];
        var targets = new Matrix<double>[Lengths.Length];
        for (int b = 0; b < Lengths.Length; b++)
        {
            double[] rows = new double[Lengths[b] * (d + q)];
            if (file.Read(rows) != Lengths[b])
            {
                throw Other(path, $"{Lengths.Sum()} rows, got fewer");
            }
            hash.AppendData(MemoryMarshal.AsBytes(rows.AsSpan()));
            for (int i = 0; i < rows.Length; i++)
            {
                rows[i] = channels[i % (d + q)].Normalize(rows[i]);
            }
            inputs[b] = Matrix<double>.Build.Dense(d, Lengths[b], (i, t) => rows[t * (d + q) + i]);
            targets[b] = Matrix<double>.Build.Dense(q, Lengths[b], (i, t) => rows[t * (d + q) + d + i]);
        }
        string got = Convert.ToHexString(hash.GetHashAndReset());
        if (got != Hash)
        {
            throw Other(path, $"the numbers of the hash {Hash[..12]}…, got those of {got[..12]}…");
        }
        var batch = SequenceBatch.Pack(targets);
        Objective objective = HuberThreshold is double threshold
            ? Objective.Huber(batch, threshold, (Reduction)Reduction)
            : Objective.SquaredError(batch, (Reduction)Reduction);
        return new DataShard(
            SequenceBatch.Pack(inputs),
            objective.WithNormalizer(Normalizer),
            Index,
            FirstSequence,
            initialStates: null,
            new ExecutionOptions
            {
                Recurrence = (Recurrence)Recurrence,
                Precision = (Precision)Precision,
                MemoryBudget = MemoryBudget,
            });
    }

    private InvalidDataException Other(string path, string what) => new(
        $"{path}: other data than the coordinator's: expected, from {Place} on, for shard {Index}, {what}.");
}
