// Arrays of NumPy: one in a .npy file, several with names in a .npz file. It knows nothing of models.

using System.Collections.ObjectModel;
using System.IO.Compression;
using Bptt.Edge;

namespace Bptt.Files;

/// <summary>
/// Reads and writes .npy and .npz files of real numbers (&lt;f8, &lt;f4; &lt;f2 is read, and written back as it was),
/// in the order of C or of Fortran. Numbers come back bit for bit, but for the payload of NaNs. No pickled objects are
/// read, so that a file runs nothing.
/// </summary>
public static class NumPyFile
{
    private const string Ending = ".npy";

    /// <summary>Reads the array of a .npy file. Cost O(bytes).</summary>
    /// <exception cref="ArgumentException">The path is null or empty.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, of another format, or holds other than real numbers,
    /// little end first; the message names the file.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static StoredTensor Load(string path) => JsonReading.Load(path, Load);

    /// <summary>Reads the array of a .npy file from a stream, to its end. Cost O(bytes).</summary>
    /// <exception cref="ArgumentNullException">The stream is null.</exception>
    /// <exception cref="InvalidDataException">What it holds is damaged, of another format, or other than real numbers,
    /// little end first.</exception>
    public static StoredTensor Load(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var header = NumPyHeader.Read(stream);
        int count = StoredTensor.CountOf(header.Shape);
        double[] values = TensorBytes.Read(stream, count, header.Format, "numbers");
        if (stream.ReadByte() >= 0)
        {
            throw new InvalidDataException($"expected the end after {count} numbers, got more bytes.");
        }
        return new StoredTensor(
            header.Shape,
            header.Order == MatrixOrder.ColumnMajor ? Reversed(values, [.. header.Shape.Reverse()]) : values,
            header.Format);
    }

    /// <summary>Reads all arrays of a .npz file by their names. Cost O(bytes); a compressed array takes the memory of
    /// its numbers, up to a thousand times the bytes of the file.</summary>
    /// <inheritdoc cref="Load(string)" path="/exception"/>
    public static IReadOnlyDictionary<string, StoredTensor> LoadArchive(string path) =>
        JsonReading.Load(path, LoadArchive);

    /// <summary>Reads all arrays of a .npz file from a stream. Cost as of
    /// <see cref="LoadArchive(string)"/>.</summary>
    /// <inheritdoc cref="Load(Stream)" path="/exception"/>
    public static IReadOnlyDictionary<string, StoredTensor> LoadArchive(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var arrays = new SortedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        using ZipArchive archive = Archive(stream);
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            string name = entry.FullName;
            if (!name.EndsWith(Ending, StringComparison.Ordinal))
            {
                throw new InvalidDataException($"expected arrays ({Ending}) in the archive, got '{name}'.");
            }
            if (!arrays.TryAdd(name[..^Ending.Length], Array(entry)))
            {
                throw new InvalidDataException($"expected arrays of different names, got '{name}' twice.");
            }
        }
        return new ReadOnlyDictionary<string, StoredTensor>(arrays);
    }

    /// <summary>Writes a .npy file, beside and renamed. Cost O(numbers).</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensor">What it is to hold.</param>
    /// <param name="order">Which index runs fastest in the file: the last, as NumPy has it where nobody asks for
    /// another, or the first.</param>
    /// <exception cref="ArgumentNullException">The tensor is null.</exception>
    /// <exception cref="ArgumentException">The path is null or empty, or the tensor is of
    /// <see cref="FloatFormat.BFloat16"/>, which NumPy has not.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The order has no name.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public static void Save(string path, StoredTensor tensor, MatrixOrder order = MatrixOrder.RowMajor)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Require(tensor, nameof(tensor));
        Guard.Defined(order, nameof(order));
        AtomicFile.Write(path, stream => Save(stream, tensor, order));
    }

    /// <summary>Writes a .npy file to a stream, which stays open. Cost O(numbers).</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="tensor">What it is to hold.</param>
    /// <param name="order">As for a file by its path.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The tensor is of <see cref="FloatFormat.BFloat16"/>, which NumPy has
    /// not.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The order has no name.</exception>
    public static void Save(Stream stream, StoredTensor tensor, MatrixOrder order = MatrixOrder.RowMajor)
    {
        ArgumentNullException.ThrowIfNull(stream);
        Require(tensor, nameof(tensor));
        Guard.Defined(order, nameof(order));
        new NumPyHeader(tensor.Format, order, [.. tensor.Shape]).Write(stream);
        double[] values = tensor.Values.ToArray();
        TensorBytes.Write(
            stream, order == MatrixOrder.ColumnMajor ? Reversed(values, tensor.Shape) : values, tensor.Format);
    }

    /// <summary>Writes a .npz file, not compressed, beside and renamed. Cost O(numbers).</summary>
    /// <exception cref="ArgumentNullException">The arrays are null.</exception>
    /// <exception cref="ArgumentException">The path is null or empty, a name is empty, or an array is null or of
    /// <see cref="FloatFormat.BFloat16"/>, which NumPy has not.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public static void SaveArchive(string path, IReadOnlyDictionary<string, StoredTensor> arrays)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Require(arrays);
        AtomicFile.Write(path, stream => SaveArchive(stream, arrays));
    }

    /// <summary>Writes a .npz file, not compressed, to a stream, which stays open. Equal arrays make equal bytes. Cost
    /// O(numbers).</summary>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">A name is empty, or an array is null or of
    /// <see cref="FloatFormat.BFloat16"/>, which NumPy has not.</exception>
    public static void SaveArchive(Stream stream, IReadOnlyDictionary<string, StoredTensor> arrays)
    {
        ArgumentNullException.ThrowIfNull(stream);
        Require(arrays);
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        foreach ((string name, StoredTensor array) in arrays.OrderBy(a => a.Key, StringComparer.Ordinal))
        {
            ZipArchiveEntry entry = archive.CreateEntry(name + Ending, CompressionLevel.NoCompression);
            entry.LastWriteTime = new DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);
            using Stream content = entry.Open();
            Save(content, array);
        }
    }

    /// <summary>The numbers with the order of their indices reversed.</summary>
    /// <param name="values">Numbers, the last index running fastest.</param>
    /// <param name="shape">The size of each dimension.</param>
    private static double[] Reversed(double[] values, IReadOnlyList<int> shape)
    {
        if (shape.Count < 2 || values.Length == 0)
        {
            return values;
        }
        double[] reversed = new double[values.Length];
        int[] index = new int[shape.Count];
        int[] strides = new int[shape.Count]; // of each index where the first runs fastest
        for (int k = 0, stride = 1; k < shape.Count; stride *= shape[k++])
        {
            strides[k] = stride;
        }
        int to = 0;
        foreach (double value in values)
        {
            reversed[to] = value;
            for (int k = shape.Count - 1; k >= 0; k--)
            {
                to += strides[k];
                if (++index[k] < shape[k])
                {
                    break;
                }
                to -= strides[k] * shape[k];
                index[k] = 0;
            }
        }
        return reversed;
    }

    private static ZipArchive Archive(Stream stream)
    {
        try
        {
            return new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
        }
        catch (Exception e) when (IsOfContent(e))
        {
            throw new InvalidDataException($"expected a .npz file, which is a zip archive: {e.Message}", e);
        }
    }

    private static StoredTensor Array(ZipArchiveEntry entry)
    {
        try
        {
            using Stream content = entry.Open();
            return Load(content);
        }
        catch (Exception e) when (IsOfContent(e))
        {
            throw new InvalidDataException($"{entry.FullName}: {e.Message}", e);
        }
    }

    /// <summary>What the reader of zip archives throws at a damaged one.</summary>
    internal static bool IsOfContent(Exception e) =>
        e is InvalidDataException or EndOfStreamException or NotSupportedException or ArgumentException
            or OverflowException;

    private static void Require(StoredTensor tensor, string name)
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        if (tensor.Format == FloatFormat.BFloat16)
        {
            throw Guard.Error(name, "expected numbers of a kind that NumPy has, got BFloat16.");
        }
    }

    private static void Require(IReadOnlyDictionary<string, StoredTensor> arrays)
    {
        ArgumentNullException.ThrowIfNull(arrays);
        foreach ((string name, StoredTensor array) in arrays)
        {
            if (string.IsNullOrEmpty(name) || array is null)
            {
                throw Guard.Error(
                    nameof(arrays), $"expected names and arrays, got an empty name, or null as '{name}'.");
            }
            Require(array, nameof(arrays));
        }
    }
}
