// Rows of inputs and targets from a file, from any place on. Knows nothing of shards and sequences.

using System.Globalization;
using System.Text;
using Bptt.Files;
using CsvHelper;
using CsvHelper.Configuration;

namespace Bptt.Orleans.Data;

/// <summary>Rows of d inputs and q targets. A place is where a row begins, as the same file has it
/// everywhere.</summary>
internal abstract class RowFile : IDisposable
{
    /// <summary>d.</summary>
    public required int InputSize { get; init; }

    /// <summary>q.</summary>
    public required int OutputSize { get; init; }

    /// <summary>The steps of a sequence where the file's shape says it; null where not.</summary>
    public int? SequenceLength { get; init; }

    /// <summary>Where the next row begins.</summary>
    public abstract long Place { get; }

    /// <summary>What the group column of the last row read holds.</summary>
    public string? Group { get; protected set; }

    /// <summary>Opens a file.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="inputs">See <see cref="FileSource.Inputs"/>.</param>
    /// <param name="targets">See <see cref="FileSource.Targets"/>.</param>
    /// <param name="group">See <see cref="FileSource.Group"/>.</param>
    /// <exception cref="InvalidDataException">It is damaged, or has not what is asked for.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static RowFile Open(string path, IReadOnlyList<string> inputs, IReadOnlyList<string> targets, string? group)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"{path}: there is no such file.", path);
        }
        return System.IO.Path.GetExtension(path).Equals(".csv", StringComparison.OrdinalIgnoreCase)
            ? TextRows.OpenTable(path, inputs, targets, group)
            : ArrayRows.OpenArrays(path, inputs, targets);
    }

    /// <summary>Goes on from a place.</summary>
    public abstract void GoTo(long place);

    /// <summary>Reads the next rows, each the inputs and then the targets.</summary>
    /// <param name="rows">Receives whole rows of finite numbers.</param>
    /// <returns>The rows read; fewer than there is room for only at the end of the file.</returns>
    /// <exception cref="InvalidDataException">Something in them is no finite number.</exception>
    public abstract int Read(Span<double> rows);

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>A table: its places are bytes.</summary>
internal sealed class TextRows : RowFile
{
    private readonly string _path;
    private readonly CsvConfiguration _settings;
    private int[] _columns = [];
    private int _groupColumn = -1;
    private CsvParser _parser;
    private long _begin;

    private TextRows(string path)
    {
        _path = path;
        _settings = new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            CountBytes = true,
            Encoding = Encoding.UTF8,
            TrimOptions = TrimOptions.Trim,
        };
        using (FileStream file = File.OpenRead(path))
        {
            Span<byte> mark = stackalloc byte[3];
            bool isMarked = file.ReadAtLeast(mark, 3, throwOnEndOfStream: false) == 3
                && mark.SequenceEqual(Encoding.UTF8.Preamble);
            _begin = isMarked ? 3 : 0;
        }
        _parser = ParserAt(_begin);
    }

    public override long Place => _begin + _parser.ByteCount;

    public static TextRows OpenTable(
        string path, IReadOnlyList<string> inputs, IReadOnlyList<string> targets, string? group)
    {
        var rows = new TextRows(path) { InputSize = inputs.Count, OutputSize = targets.Count };
        try
        {
            string[] header = rows._parser.Read() ? rows._parser.Record! : [];
            rows._columns = [.. inputs.Concat(targets).Select(Find)];
            rows._groupColumn = group is null ? -1 : Find(group);
            return rows;

            int Find(string name) => Array.IndexOf(header, name) is int at and >= 0
                ? at
                : throw new InvalidDataException(
                    $"{path}: expected a column '{name}' in the header, got {string.Join(", ", header)}.");
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    public override void GoTo(long place)
    {
        if (place != Place)
        {
            _parser.Dispose();
            _begin = place;
            _parser = ParserAt(place);
        }
    }

    public override int Read(Span<double> rows)
    {
        int width = _columns.Length;
        int count = 0;
        for (; count < rows.Length / width; count++)
        {
            long place = Place;
            if (!_parser.Read())
            {
                break;
            }
            for (int i = 0; i < width; i++)
            {
                string? cell = _columns[i] < _parser.Count ? _parser[_columns[i]] : null;
                rows[count * width + i] =
                    double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
                    && double.IsFinite(number)
                        ? number
                        : throw new InvalidDataException(
                            $"{_path}: expected finite numbers, got '{cell}' in the row that begins at byte {place}.");
            }
            Group = _groupColumn < 0 || _groupColumn >= _parser.Count ? null : _parser[_groupColumn];
        }
        return count;
    }

    public override void Dispose() => _parser.Dispose();

    private CsvParser ParserAt(long place)
    {
        FileStream file = File.OpenRead(_path);
        file.Position = place;
        return new CsvParser(new StreamReader(file, Encoding.UTF8), _settings, leaveOpen: false);
    }
}

/// <summary>Two arrays: their places are rows.</summary>
internal sealed class ArrayRows : RowFile
{
    private readonly string _path;
    private readonly TensorRows _inputs;
    private readonly TensorRows _targets;
    private int _next;

    private ArrayRows(string path, TensorRows inputs, TensorRows targets)
    {
        _path = path;
        _inputs = inputs;
        _targets = targets;
    }

    public override long Place => _next;

    public static ArrayRows OpenArrays(string path, IReadOnlyList<string> inputs, IReadOnlyList<string> targets)
    {
        if (inputs.Count != 1 || targets.Count != 1)
        {
            throw new InvalidDataException(
                $"{path}: expected the names of one array of inputs and one of targets, got {inputs.Count} and "
                + $"{targets.Count}.");
        }
        var x = TensorRows.Open(path, inputs[0]);
        TensorRows? y = null;
        try
        {
            y = TensorRows.Open(path, targets[0]);
            if (!x.Shape.SkipLast(1).SequenceEqual(y.Shape.SkipLast(1)) || x.Shape.Count is < 2 or > 3)
            {
                throw new InvalidDataException(
                    $"{path}: expected arrays of steps or sequences × steps that agree, got "
                    + $"{string.Join('×', x.Shape)} and {string.Join('×', y.Shape)}.");
            }
            return new ArrayRows(path, x, y)
            {
                InputSize = x.RowLength,
                OutputSize = y.RowLength,
                SequenceLength = x.Shape.Count == 3 ? x.Shape[1] : null,
            };
        }
        catch
        {
            x.Dispose();
            y?.Dispose();
            throw;
        }
    }

    public override void GoTo(long place) => _next = checked((int)place);

    public override int Read(Span<double> rows)
    {
        (int d, int q) = (InputSize, OutputSize);
        int count = Math.Min(rows.Length / (d + q), _inputs.RowCount - _next);
        double[] inputs = _inputs.Read(_next, count);
        double[] targets = _targets.Read(_next, count);
        for (int t = 0; t < count; t++)
        {
            Span<double> row = rows.Slice(t * (d + q), d + q);
            inputs.AsSpan(t * d, d).CopyTo(row);
            targets.AsSpan(t * q, q).CopyTo(row[d..]);
            foreach (double number in row)
            {
                if (!double.IsFinite(number))
                {
                    throw new InvalidDataException(
                        $"{_path}: expected finite numbers, got {number} in row {_next + t}.");
                }
            }
        }
        _next += count;
        return count;
    }

    public override void Dispose()
    {
        _inputs.Dispose();
        _targets.Dispose();
    }
}
