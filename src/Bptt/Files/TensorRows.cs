// Some rows of an array in a file, without reading the others. It knows nothing of models.

using System.IO.Compression;
using Bptt.Edge;

namespace Bptt.Files;

/// <summary>
/// The rows of one array in a .npy, .npz or .safetensors file, read from wherever they are wanted: memory is taken for
/// those rows alone. The last index runs along a row; all others count rows, so an array of B×T×d has BT rows of d
/// numbers.
/// </summary>
/// <remarks>What is compressed (<c>numpy.savez_compressed</c>) is read from its beginning, so rows are best asked for
/// in order. Arrays in the order of Fortran have no rows in a piece, and are refused. Not for use from several threads
/// at once.</remarks>
/// <example>
/// <code>
/// // The rows 1000 to 1009 of an array that need not fit into memory.
/// string path = Path.Combine(folder, "measured.npy");
/// NumPyFile.Save(path, new StoredTensor([5000, 2], new double[10_000]));
/// using var rows = TensorRows.Open(path);
/// double[] ten = rows.Read(1000, 10);
/// Console.WriteLine($"{rows.RowCount} rows of {rows.RowLength}: {ten.Length} numbers");
/// </code>
/// </example>
public sealed class TensorRows : IDisposable
{
    private readonly Func<Stream> _open; // at the first number
    private readonly FloatFormat _format;
    private readonly IDisposable _file;
    private Stream? _stream;
    private int _next; // the row that the stream stands before

    private TensorRows(IReadOnlyList<int> shape, FloatFormat format, IDisposable file, Func<Stream> open)
    {
        Shape = shape;
        RowLength = shape.Count < 2 ? 1 : shape[^1];
        RowCount = RowLength == 0 ? 0 : StoredTensor.CountOf(shape) / RowLength;
        _format = format;
        _file = file;
        _open = open;
    }

    /// <summary>The size of each dimension.</summary>
    public IReadOnlyList<int> Shape { get; }

    /// <summary>The rows.</summary>
    public int RowCount { get; }

    /// <summary>The numbers of a row; 1 where there is one dimension.</summary>
    public int RowLength { get; }

    /// <summary>Opens a file by its ending.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">The array; null for the only one.</param>
    /// <exception cref="ArgumentException">The path is null or empty, or ends in none of .npy, .npz and
    /// .safetensors.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, of another format, or has not that
    /// array.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static TensorRows Open(string path, string? name = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Func<FileStream, string?, TensorRows> open = Path.GetExtension(path).ToUpperInvariant() switch
        {
            ".NPY" => OfNumPy,
            ".NPZ" => OfArchive,
            ".SAFETENSORS" => OfSafeTensors,
            string other => throw Guard.Error(
                nameof(path), $"expected a file that ends in .npy, .npz or .safetensors, got '{other}'."),
        };
        FileStream file = File.OpenRead(path);
        try
        {
            return open(file, name);
        }
        catch (Exception e) when (NumPyFile.IsOfContent(e))
        {
            file.Dispose();
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>Reads rows.</summary>
    /// <param name="first">The first, from 0.</param>
    /// <param name="count">How many.</param>
    /// <returns>Row after row, fresh. Cost O(numbers), and where the array is compressed and the rows before were not
    /// just read, of those before too.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many rows.</exception>
    /// <exception cref="InvalidDataException">The file is cut off.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public double[] Read(int first, int count)
    {
        if (first < 0 || count < 0 || first > RowCount - count)
        {
            throw Guard.Range(nameof(first), $"expected rows out of {RowCount}, got {count} from {first} on.");
        }
        int bytes = RowLength * TensorBytes.SizeOf(_format);
        if (_stream is null || first < _next)
        {
            _stream?.Dispose();
            _stream = null;
            _stream = _open();
            _next = 0;
        }
        long left = (long)(first - _next) * bytes;
        if (_stream.CanSeek)
        {
            _stream.Position += left;
        }
        else
        {
            TensorBytes.Skip(_stream, left, "rows");
        }
        double[] values = TensorBytes.Read(_stream, count * RowLength, _format, "rows");
        _next = first + count;
        return values;
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        _stream?.Dispose();
        _file.Dispose();
    }

    /// <summary>The shape, for a debugger.</summary>
    public override string ToString() => $"TensorRows ({string.Join('×', Shape)}, {_format})";

    private static TensorRows OfNumPy(FileStream file, string? name)
    {
        if (name is not null)
        {
            throw new InvalidDataException($"expected no name, since a .npy file holds one array, got '{name}'.");
        }
        var header = NumPyHeader.Read(file);
        long begin = file.Position;
        RequireRows(header);
        return new TensorRows(header.Shape, header.Format, file, () => At(file.Name, begin));
    }

    private static TensorRows OfArchive(FileStream file, string? name)
    {
        var archive = new ZipArchive(file, ZipArchiveMode.Read);
        string[] names = [.. archive.Entries.Select(e => Path.GetFileNameWithoutExtension(e.FullName))];
        ZipArchiveEntry entry = archive.Entries[Array.IndexOf(names, Chosen(names, name))];
        using Stream content = entry.Open();
        var header = NumPyHeader.Read(content);
        RequireRows(header);
        return new TensorRows(header.Shape, header.Format, archive, () =>
        {
            Stream stream = entry.Open();
            _ = NumPyHeader.Read(stream);
            return stream;
        });
    }

    private static TensorRows OfSafeTensors(FileStream file, string? name)
    {
        var header = SafeTensorsHeader.Read(file);
        long begin = file.Position;
        string[] names = [.. header.Entries.Select(e => e.Name)];
        SafeTensorsEntry entry = header.Entries[Array.IndexOf(names, Chosen(names, name))];
        FloatFormat format = entry.Format
            ?? throw new InvalidDataException($"{entry.Name}: expected real numbers, got another kind.");
        return new TensorRows(entry.Shape, format, file, () => At(file.Name, begin + entry.Begin));
    }

    private static FileStream At(string path, long position)
    {
        FileStream file = File.OpenRead(path);
        file.Position = position;
        return file;
    }

    private static string Chosen(string[] names, string? name) => name switch
    {
        null when names.Length == 1 => names[0],
        not null when names.Contains(name) => name,
        _ => throw new InvalidDataException(
            $"expected an array out of {string.Join(", ", names)}, got {name ?? "no name"}."),
    };

    private static void RequireRows(NumPyHeader header)
    {
        if (header.Order == MatrixOrder.ColumnMajor && header.Shape.Count(size => size > 1) > 1)
        {
            throw new InvalidDataException(
                "expected an array row after row, got one in the order of Fortran; numpy.ascontiguousarray makes one.");
        }
    }
}
