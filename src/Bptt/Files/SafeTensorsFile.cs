// Tensors with names in a safetensors file. It knows nothing of models: which tensor is which weight, WeightNames says.

using System.Buffers.Binary;
using System.Collections.ObjectModel;
using System.Text;
using System.Text.Json;
using Bptt.Edge;

namespace Bptt.Files;

/// <summary>
/// Tensors with names, and texts beside them, in the safetensors format: the length of a header in eight bytes, the
/// header as JSON, the numbers. Immutable.
/// </summary>
/// <remarks>
/// Reading takes memory for the bytes that a file has, not for those that it promises, and refuses what the format's
/// own library refuses: a header above 100 MB or one that is no JSON, names that stand twice, kinds of numbers that it
/// does not know, tensors that overlap or leave holes, and bytes behind the last. Numbers come back bit for bit, but
/// for the payload of NaNs.
/// </remarks>
/// <example>
/// <code>
/// // To PyTorch, which loads it with safetensors.torch.load_file, and back.
/// var file = new MemoryStream();
/// SafeTensorsFile.Of(new LinearRnnFile(model), WeightNames.PyTorch, Precision.Single).Save(file);
/// file.Position = 0;
/// var loaded = SafeTensorsFile.Load(file);
/// LinearRnn same = loaded.ToModelFile(WeightNames.PyTorch).Model;
/// Console.WriteLine($"{string.Join(", ", loaded.Tensors.Keys)}: {same.HiddenSize} hidden units");
/// </code>
/// </example>
public sealed class SafeTensorsFile
{
    private const string UseName = "bptt";

    /// <summary>Puts together what a file holds.</summary>
    /// <param name="tensors">The tensors by their names, which are not empty and differ.</param>
    /// <param name="metadata">Texts by their names; none where null.</param>
    /// <exception cref="ArgumentNullException">The tensors are null.</exception>
    /// <exception cref="ArgumentException">A tensor or a text is null, or a name is empty, stands twice, is
    /// "__metadata__" or is no text (half of a surrogate pair).</exception>
    public SafeTensorsFile(
        IEnumerable<KeyValuePair<string, StoredTensor>> tensors,
        IEnumerable<KeyValuePair<string, string>>? metadata = null)
        : this(Sorted(tensors, nameof(tensors)), Sorted(metadata ?? [], nameof(metadata)), [])
    {
        foreach (string text in Metadata.Values)
        {
            RequireText(text, nameof(metadata));
        }
        if (Tensors.ContainsKey("") || Tensors.ContainsKey(SafeTensorsHeader.MetadataName))
        {
            throw Guard.Error(
                nameof(tensors),
                $"expected names that are neither empty nor \"{SafeTensorsHeader.MetadataName}\".");
        }
    }

    private SafeTensorsFile(
        IDictionary<string, StoredTensor> tensors, IDictionary<string, string> metadata, string[] leftOut)
    {
        Tensors = new ReadOnlyDictionary<string, StoredTensor>(tensors);
        Metadata = new ReadOnlyDictionary<string, string>(metadata);
        LeftOut = Array.AsReadOnly(leftOut);
    }

    /// <summary>The tensors of real numbers by their names, in the order of those.</summary>
    public IReadOnlyDictionary<string, StoredTensor> Tensors { get; }

    /// <summary>The texts by their names.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The names of tensors that a file has and that are not read: whole numbers and truth values, such as
    /// counters of training steps.</summary>
    public IReadOnlyList<string> LeftOut { get; }

    /// <summary>A model file as tensors: the weights under given names, and beside them, as the text <c>bptt</c>, h_0,
    /// the channels and how far ahead outputs lie, which <see cref="ToModelFile(WeightNames)"/> reads again. The
    /// weights are those of scaled values, (value − mean) / scale. Cost O(h(h + d + q)).</summary>
    /// <param name="file">The model file.</param>
    /// <param name="names">What the weights are called; as in PyTorch where null.</param>
    /// <param name="precision">What the file is to keep of the weights; h_0 and the channels are kept exactly.</param>
    /// <exception cref="ArgumentNullException">The model file is null.</exception>
    /// <exception cref="ArgumentException">A weight is beyond the range of float, which was asked for.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The precision has no name.</exception>
    public static SafeTensorsFile Of(
        LinearRnnFile file, WeightNames? names = null, Precision precision = Precision.Double)
    {
        ArgumentNullException.ThrowIfNull(file);
        return new SafeTensorsFile(
            (names ?? WeightNames.PyTorch).ToTensors(file.Model, precision), [new(UseName, file.UseText())]);
    }

    /// <summary>The model file whose weights these tensors are. Cost O(h(h + d + q)).</summary>
    /// <param name="names">What the weights are called.</param>
    /// <returns>With h_0 and the channels that <see cref="Of"/> kept; with h_0 = 0 and plain channels where the file
    /// comes from elsewhere.</returns>
    /// <exception cref="ArgumentNullException">The names are null.</exception>
    /// <exception cref="InvalidDataException">The tensors are not those of a linear network under these names
    /// (<see cref="WeightNames.ToModel"/>), or what stands beside them does not fit it.</exception>
    public LinearRnnFile ToModelFile(WeightNames names)
    {
        ArgumentNullException.ThrowIfNull(names);
        return ToModelFile(names.ToModel(Tensors));
    }

    /// <summary>A model that was made of these tensors, such as by <see cref="DiagonalRnn"/>, with what stands beside
    /// them as in <see cref="ToModelFile(WeightNames)"/>.</summary>
    /// <param name="model">The model.</param>
    /// <exception cref="ArgumentNullException">The model is null.</exception>
    /// <exception cref="InvalidDataException">What stands beside the tensors does not fit the model.</exception>
    public LinearRnnFile ToModelFile(LinearRnn model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Metadata.TryGetValue(UseName, out string? use)
            ? LinearRnnFile.OfUse(model, use) : new LinearRnnFile(model);
    }

    /// <summary>Reads a file. Cost O(bytes).</summary>
    /// <exception cref="ArgumentException">The path is null or empty.</exception>
    /// <exception cref="InvalidDataException">The file is damaged or of another format; the message names the file and
    /// the place.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static SafeTensorsFile Load(string path) => JsonReading.Load(path, Load);

    /// <summary>Reads a stream to its end. Cost O(bytes).</summary>
    /// <exception cref="ArgumentNullException">The stream is null.</exception>
    /// <exception cref="InvalidDataException">What it holds is damaged or of another format.</exception>
    public static SafeTensorsFile Load(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var header = SafeTensorsHeader.Read(stream);
        if (TensorBytes.Remaining(stream) is long remaining && remaining != header.DataLength)
        {
            throw new InvalidDataException(
                $"expected {header.DataLength} bytes after the header, as it says, got {remaining}.");
        }
        var tensors = new SortedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        var leftOut = new List<string>();
        foreach (SafeTensorsEntry entry in header.Entries)
        {
            if (entry.Format is FloatFormat format)
            {
                int count = StoredTensor.CountOf(entry.Shape);
                double[] values = TensorBytes.Read(stream, count, format, entry.Name);
                tensors.Add(entry.Name, new StoredTensor(entry.Shape, values, format));
            }
            else
            {
                TensorBytes.Skip(stream, entry.End - entry.Begin, entry.Name);
                leftOut.Add(entry.Name);
            }
        }
        if (stream.ReadByte() >= 0)
        {
            throw new InvalidDataException("expected the end after the last tensor, got more bytes.");
        }
        return new SafeTensorsFile(
            tensors, new SortedDictionary<string, string>(header.Metadata.ToDictionary(), StringComparer.Ordinal),
            [.. leftOut]);
    }

    /// <summary>Writes a file, beside and renamed: an interruption leaves an earlier file whole. Cost
    /// O(bytes).</summary>
    /// <exception cref="ArgumentException">The path is null or empty.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        AtomicFile.Write(path, Save);
    }

    /// <summary>Writes to a stream, which stays open. Equal files have equal bytes. Cost O(bytes).</summary>
    /// <exception cref="ArgumentNullException">The stream is null.</exception>
    public void Save(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);

        // The widest numbers first, so that each tensor begins at a multiple of its numbers' size.
        (string Name, StoredTensor Tensor)[] all =
            [.. Tensors.Select(t => (t.Key, t.Value)).OrderByDescending(t => TensorBytes.SizeOf(t.Value.Format))];
        byte[] header = Header(all);
        byte[] length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach ((_, StoredTensor tensor) in all)
        {
            TensorBytes.Write(stream, tensor.Values, tensor.Format);
        }
    }

    /// <summary>The JSON, with spaces up to a multiple of eight bytes.</summary>
    private byte[] Header((string Name, StoredTensor Tensor)[] all)
    {
        using var memory = new MemoryStream();
        using (var writer = new Utf8JsonWriter(memory))
        {
            writer.WriteStartObject();
            if (Metadata.Count > 0)
            {
                writer.WriteStartObject(SafeTensorsHeader.MetadataName);
                foreach ((string name, string text) in Metadata)
                {
                    writer.WriteString(name, text);
                }
                writer.WriteEndObject();
            }
            long begin = 0;
            foreach ((string name, StoredTensor tensor) in all)
            {
                long end = begin + (long)tensor.Values.Length * TensorBytes.SizeOf(tensor.Format);
                writer.WriteStartObject(name);
                writer.WriteString("dtype", SafeTensorsHeader.KindOf(tensor.Format));
                WriteNumbers(writer, "shape", [.. tensor.Shape.Select(size => (long)size)]);
                WriteNumbers(writer, "data_offsets", [begin, end]);
                writer.WriteEndObject();
                begin = end;
            }
            writer.WriteEndObject();
        }
        while (memory.Length % 8 != 0)
        {
            memory.WriteByte((byte)' ');
        }
        return memory.ToArray();
    }

    private static void WriteNumbers(Utf8JsonWriter writer, string name, long[] numbers)
    {
        writer.WriteStartArray(name);
        foreach (long number in numbers)
        {
            writer.WriteNumberValue(number);
        }
        writer.WriteEndArray();
    }

    private static SortedDictionary<string, T> Sorted<T>(IEnumerable<KeyValuePair<string, T>> given, string parameter)
    {
        ArgumentNullException.ThrowIfNull(given, parameter);
        var sorted = new SortedDictionary<string, T>(StringComparer.Ordinal);
        foreach ((string name, T value) in given)
        {
            RequireText(name, parameter);
            if (value is null || !sorted.TryAdd(name, value))
            {
                throw Guard.Error(
                    parameter,
                    $"expected one value for each name, got {(value is null ? "null" : "two")} for '{name}'.");
            }
        }
        return sorted;
    }

    private static void RequireText(string text, string parameter)
    {
        try
        {
            new UTF8Encoding(false, throwOnInvalidBytes: true).GetByteCount(text);
        }
        catch (EncoderFallbackException)
        {
            throw Guard.Error(parameter, "expected text, got half of a surrogate pair.");
        }
    }
}
