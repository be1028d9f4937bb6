// The data of a training by reference: looks once through a file, holds sizes and hashes, and no numbers.
//
//   d  inputs      q  targets      B  sequences      T_b  steps of sequence b

using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Bptt.Files;
using Bptt.Optimization;
using Bptt.Orleans.Data;
using Bptt.Sharding;

namespace Bptt.Orleans;

/// <summary>
/// The data of a training that stay in their file: each worker reads its own shards from it, and the coordinator holds
/// none of them, only the sizes of the sequences and a hash of each shard. Immutable.
/// </summary>
/// <remarks><see cref="BpttCluster.Over"/> has workers compute on it. By itself it computes in this process, which then
/// reads all shards, with the same bits.</remarks>
public sealed class FileData : IShardedData
{
    private const int RowsAtOnce = 4096;

    private readonly FileSource _source;
    private readonly FileShard[] _shards;

    private FileData(FileSource source, FileShard[] shards, Channel[] inputs, Channel[] outputs)
    {
        _source = source;
        _shards = shards;
        InputChannels = Array.AsReadOnly(inputs);
        OutputChannels = Array.AsReadOnly(outputs);
        Lengths = Array.AsReadOnly(Array.ConvertAll(shards, shard => (IReadOnlyList<int>)shard.Lengths));
        Identity = string.Join(' ', shards.SelectMany(s => s.Means.Concat(s.Scales).Select(x => $"{x:R}")
            .Prepend($"{s.Hash} {s.Reduction} {s.HuberThreshold:R}")));
    }

    /// <inheritdoc/>
    public int InputSize => InputChannels.Count;

    /// <inheritdoc/>
    public int OutputSize => OutputChannels.Count;

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<int>> Lengths { get; }

    /// <inheritdoc/>
    public string Identity { get; }

    /// <summary>The scaling of the inputs: keep it with the model.</summary>
    public IReadOnlyList<Channel> InputChannels { get; }

    /// <summary>The scaling of the targets: keep it with the model.</summary>
    public IReadOnlyList<Channel> OutputChannels { get; }

    /// <summary>Looks through a file: where its sequences and shards begin, their hashes, and the scaling.</summary>
    /// <param name="source">The file, by a path of this machine.</param>
    /// <param name="shards">The number of shards, cut as <see cref="DataShard.Cut"/> cuts; fewer where there are fewer
    /// sequences.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The data by reference. Cost O(bytes) twice; memory for some thousand rows, and for B lengths.</returns>
    /// <exception cref="ArgumentNullException">The source is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The number of shards is below 1.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, has not what is asked for, or holds something that
    /// is no finite number.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static FileData Scan(FileSource source, int shards, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfLessThan(shards, 1);
        using var file = RowFile.Open(source.Path, source.Inputs, source.Targets, source.Group);
        long begin = file.Place;
        int[] lengths = LengthsOf(file, source, cancellation);
        IReadOnlyList<int> borders = DataShard.Borders(lengths, shards);
        int width = file.InputSize + file.OutputSize;
        var moments = new Moments(width);
        var found = new (long Place, string Hash)[borders.Count - 1];
        file.GoTo(begin);
        for (int k = 0; k < found.Length; k++)
        {
            int rows = lengths[borders[k]..borders[k + 1]].Sum();
            found[k] = (file.Place, HashOf(file, rows, moments, cancellation));
        }
        string[] names = NamesOf(source, file);
        Channel[] channels = [.. names.Select((name, i) => moments.ChannelOf(i, name, source.IsStandardized))];
        double normalizer = source.Reduction switch
        {
            Reduction.MeanPerStep => lengths.Sum(length => (double)length),
            Reduction.MeanPerSequence => lengths.Length,
            _ => 1.0,
        };
        return new FileData(
            source,
            [
                .. found.Select((f, k) => new FileShard(
                    source.Path,
                    [.. source.Inputs],
                    [.. source.Targets],
                    k,
                    borders[k],
                    f.Place,
                    lengths[borders[k]..borders[k + 1]],
                    f.Hash,
                    [.. channels.Select(c => c.Mean)],
                    [.. channels.Select(c => c.Scale)],
                    (int)source.Reduction,
                    source.HuberThreshold,
                    normalizer,
                    0,
                    0,
                    null)),
            ],
            channels[..file.InputSize],
            channels[file.InputSize..]);
    }

    /// <summary>The same data, found by workers at another path.</summary>
    /// <param name="path">Their path; one that is not rooted is taken from the
    /// <see cref="BpttClusterOptions.DataFolder"/> of each.</param>
    /// <exception cref="ArgumentException">The path is null or empty.</exception>
    public FileData At(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new FileData(
            _source,
            Array.ConvertAll(_shards, shard => shard with { Path = path }),
            [.. InputChannels],
            [.. OutputChannels]);
    }

    /// <summary>Has this process read all shards, and compute them one after the other.</summary>
    /// <param name="execution">How passes are carried out.</param>
    /// <exception cref="ArgumentNullException">The execution is null.</exception>
    /// <exception cref="InvalidDataException">The file is no longer as it was.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public IShardRunner Start(ExecutionOptions execution)
    {
        ArgumentNullException.ThrowIfNull(execution);
        return new Here([.. Shards(execution).Select(
            shard => new ShardComputation(shard.Read(_source.Path), execution.MaxDegreeOfParallelism))]);
    }

    /// <summary>Where the data are, for a debugger.</summary>
    public override string ToString() =>
        $"{_source.Path}: {Lengths.Sum(s => s.Count)} sequences in {_shards.Length} shards";

    /// <summary>The shards as workers are told of them.</summary>
    internal IReadOnlyList<FileShard> Shards(ExecutionOptions execution) =>
    [
        .. _shards.Select(shard => shard with
        {
            Recurrence = (int)execution.Recurrence,
            Precision = (int)execution.Precision,
            MemoryBudget = execution.MemoryBudget,
        }),
    ];

    private static string[] NamesOf(FileSource source, RowFile file) => file is TextRows
        ? [.. source.Inputs, .. source.Targets]
        :
        [
            .. Enumerable.Range(0, file.InputSize).Select(i => $"{source.Inputs[0]}[{i}]"),
            .. Enumerable.Range(0, file.OutputSize).Select(i => $"{source.Targets[0]}[{i}]"),
        ];

    /// <summary>T_b: as given, as the shape says, or where the group changes.</summary>
    private static int[] LengthsOf(RowFile file, FileSource source, CancellationToken cancellation)
    {
        if (source.Lengths is not null)
        {
            return source.Lengths.Count > 0 && source.Lengths.All(length => length > 0)
                ? [.. source.Lengths]
                : throw new InvalidDataException($"{source.Path}: expected lengths of at least 1, got others.");
        }
        List<int> lengths = [];
        string? group = null;
        bool isOneByOne = source.Group is not null;
        double[] rows = new double[(isOneByOne ? 1 : RowsAtOnce) * (file.InputSize + file.OutputSize)];
        long all = 0;
        for (int count; (count = file.Read(rows)) > 0; all += count)
        {
            cancellation.ThrowIfCancellationRequested();
            if (lengths.Count == 0 || (isOneByOne && file.Group != group))
            {
                lengths.Add(0);
            }
            lengths[^1] = checked(lengths[^1] + count);
            group = file.Group;
        }
        if (all == 0)
        {
            throw new InvalidDataException($"{source.Path}: expected rows, got none.");
        }
        return file.SequenceLength is int steps ? [.. Enumerable.Repeat(steps, (int)(all / steps))] : [.. lengths];
    }

    private static string HashOf(RowFile file, int rows, Moments moments, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int width = file.InputSize + file.OutputSize;
        double[] chunk = new double[Math.Min(rows, RowsAtOnce) * width];
        while (rows > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            Span<double> part = chunk.AsSpan(0, Math.Min(rows, RowsAtOnce) * width);
            int count = file.Read(part);
            if (count * width < part.Length)
            {
                throw new InvalidDataException($"expected {rows} more rows at {file.Place}, got {count}.");
            }
            hash.AppendData(MemoryMarshal.AsBytes(part));
            moments.Add(part);
            rows -= count;
        }
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <summary>Mean and standard deviation of each column, by Welford's method.</summary>
    private sealed class Moments(int width)
    {
        private const double SmallestVariation = 1e-12;

        private readonly double[] _means = new double[width];
        private readonly double[] _squares = new double[width];
        private readonly double[] _largest = new double[width];
        private long _count;

        public void Add(ReadOnlySpan<double> rows)
        {
            for (int at = 0; at < rows.Length; at += width)
            {
                _count++;
                for (int i = 0; i < width; i++)
                {
                    double value = rows[at + i];
                    double difference = value - _means[i];
                    _means[i] += difference / _count;
                    _squares[i] += difference * (value - _means[i]);
                    _largest[i] = Math.Max(_largest[i], Math.Abs(value));
                }
            }
        }

        public Channel ChannelOf(int column, string name, bool isStandardized)
        {
            double deviation = Math.Sqrt(_squares[column] / _count);
            return !isStandardized ? new Channel(name)
                : deviation > SmallestVariation * _largest[column] ? new Channel(name, _means[column], deviation)
                : new Channel(name, _means[column]);
        }
    }

    private sealed class Here(ShardComputation[] computations) : IShardRunner
    {
        public IReadOnlyList<ReadOnlyMemory<double>> Run(ShardTask task, CancellationToken cancellation) =>
            Array.ConvertAll(computations, c => (ReadOnlyMemory<double>)c.Run(task, cancellation));

        public void Dispose()
        {
        }
    }
}
