// What stands at the beginning of a safetensors file: which tensors follow, of which kind and shape, and where. It is
// checked as a whole before any number is read.

using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;

namespace Bptt.Files;

/// <summary>One tensor of a file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Format">The format of its numbers; null where it is none that is read.</param>
/// <param name="Shape">The size of each dimension.</param>
/// <param name="Begin">Where its bytes begin, from the first byte after the header.</param>
/// <param name="End">Where they end.</param>
internal sealed record SafeTensorsEntry(string Name, FloatFormat? Format, int[] Shape, long Begin, long End);

/// <summary>The tensors in the order of their bytes, and the texts beside them.</summary>
internal sealed record SafeTensorsHeader(
    IReadOnlyList<SafeTensorsEntry> Entries, IReadOnlyDictionary<string, string> Metadata)
{
    public const string MetadataName = "__metadata__";

    /// <summary>As the format's own library does: a longer header is no header.</summary>
    private const int MaxLength = 100_000_000;

    private static readonly Dictionary<string, (int Bytes, FloatFormat? Format)> Kinds = new()
    {
        ["F64"] = (8, FloatFormat.Float64),
        ["F32"] = (4, FloatFormat.Float32),
        ["F16"] = (2, FloatFormat.Float16),
        ["BF16"] = (2, FloatFormat.BFloat16),
        ["I64"] = (8, null),
        ["U64"] = (8, null),
        ["I32"] = (4, null),
        ["U32"] = (4, null),
        ["I16"] = (2, null),
        ["U16"] = (2, null),
        ["I8"] = (1, null),
        ["U8"] = (1, null),
        ["BOOL"] = (1, null),
    };

    /// <summary>The bytes of all tensors.</summary>
    public long DataLength => Entries.Count == 0 ? 0 : Entries[^1].End;

    /// <summary>The name of a format in the file.</summary>
    public static string KindOf(FloatFormat format) => Kinds.First(kind => kind.Value.Format == format).Key;

    /// <summary>Reads the header and leaves the stream behind it.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or the tensors do not fill what follows.</exception>
    public static SafeTensorsHeader Read(Stream stream)
    {
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(TensorBytes.Read(stream, 8, "header"));
        if (length is < 2 or > MaxLength)
        {
            throw new InvalidDataException(
                $"header: expected a length from 2 to {MaxLength} bytes, got {length}; this is no safetensors file.");
        }
        byte[] json = TensorBytes.Read(stream, (int)length, "header");
        if (json[0] != (byte)'{' || !Utf8.IsValid(json))
        {
            throw new InvalidDataException("header: expected an object of JSON in UTF-8.");
        }
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return Read(new JsonReading(document.RootElement, "header"));
        }
        catch (JsonException e)
        {
            throw new InvalidDataException("header: not valid JSON, or one name stands twice.", e);
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidDataException("header: expected names that are text, got bytes that are none.", e);
        }
    }

    private static SafeTensorsHeader Read(JsonReading root)
    {
        var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var entries = new List<SafeTensorsEntry>();
        foreach ((string name, JsonReading value) in root.Properties())
        {
            if (name != MetadataName)
            {
                entries.Add(Entry(name, value));
                continue;
            }
            foreach ((string key, JsonReading text) in value.Properties())
            {
                metadata.Add(key, text.Text());
            }
        }
        entries.Sort((x, y) => (x.Begin, x.End).CompareTo((y.Begin, y.End)));
        long end = 0;
        foreach (SafeTensorsEntry entry in entries)
        {
            if (entry.Begin != end)
            {
                throw new InvalidDataException(
                    $"{entry.Name}: expected its bytes to begin at {end}, where those before it end, "
                    + $"got {entry.Begin}.");
            }
            end = entry.End;
        }
        return new SafeTensorsHeader(entries, metadata);
    }

    private static SafeTensorsEntry Entry(string name, JsonReading value)
    {
        if (value.Properties().FirstOrDefault(p => p.Name is not ("dtype" or "shape" or "data_offsets"))
            is { Name: string other })
        {
            throw new InvalidDataException($"{name}: expected dtype, shape and data_offsets, got \"{other}\".");
        }
        string kind = value.Property("dtype").Text();
        if (!Kinds.TryGetValue(kind, out (int Bytes, FloatFormat? Format) known))
        {
            throw new InvalidDataException(
                $"{name}: expected a dtype out of {string.Join(", ", Kinds.Keys)}, got \"{kind}\".");
        }
        long[] sizes = Array.ConvertAll(value.Property("shape").Items(), item => item.WholeNumber());
        if (sizes.Any(size => size is < 0 or > int.MaxValue))
        {
            throw new InvalidDataException(
                $"{name}: expected sizes from 0 to {int.MaxValue}, got {string.Join('×', sizes)}.");
        }
        int[] shape = Array.ConvertAll(sizes, size => (int)size);
        int count = StoredTensor.CountOf(shape);
        if (count < 0)
        {
            throw new InvalidDataException(
                $"{name}: expected at most {Array.MaxLength} numbers, got {string.Join('×', shape)}.");
        }
        if (Array.ConvertAll(value.Property("data_offsets").Items(), item => item.WholeNumber())
            is not [>= 0 and var begin, >= 0 and var end])
        {
            throw new InvalidDataException($"{name}: expected two data_offsets of at least 0.");
        }
        if (end < begin || end - begin != (long)count * known.Bytes)
        {
            throw new InvalidDataException(
                $"{name}: expected {(long)count * known.Bytes} bytes for {kind} and the shape "
                + $"[{string.Join(", ", shape)}], got those from {begin} to {end}.");
        }
        return new SafeTensorsEntry(name, known.Format, shape, begin, end);
    }
}
