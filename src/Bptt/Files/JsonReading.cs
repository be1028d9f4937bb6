// Reads a JSON document piece by piece; whatever is not as expected is refused with its place.

using System.Runtime.InteropServices;
using System.Text.Json;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Files;

/// <summary>An element of a JSON document and where it stands.</summary>
internal readonly struct JsonReading(JsonElement element, string place)
{
    /// <summary>Reads a file, whose name then stands before whatever is wrong with it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="load">Reads a stream to its end.</param>
    /// <exception cref="ArgumentException">The path is null or empty.</exception>
    /// <exception cref="InvalidDataException">What the stream holds is refused.</exception>
    public static T Load<T>(string path, Func<Stream, T> load)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using FileStream stream = File.OpenRead(path);
        try
        {
            return load(stream);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>A property that stands twice is refused, and not the last one taken.</summary>
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>A document, with or without a byte order mark before it.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    /// <exception cref="InvalidDataException">A name is no text.</exception>
    public static JsonDocument Document(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Span.StartsWith("\uFEFF"u8))
        {
            bytes = bytes[3..];
        }
        try
        {
            return JsonDocument.Parse(bytes, Strict);
        }
        catch (InvalidOperationException e)
        {
            throw NoText("the file", e);
        }
    }

    /// <summary>Reads a document to its end.</summary>
    /// <param name="stream">The document.</param>
    /// <param name="read">Reads it; what it calls has parameters of the names of the properties, so that their messages
    /// say what is wrong with the document.</param>
    /// <exception cref="ArgumentNullException">The stream is null.</exception>
    /// <exception cref="InvalidDataException">It is no JSON, or what it holds is refused.</exception>
    public static T Parse<T>(Stream stream, Func<JsonReading, T> read)
    {
        ArgumentNullException.ThrowIfNull(stream);
        try
        {
            using var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            using JsonDocument document = Document(bytes.GetBuffer().AsMemory(0, (int)bytes.Length));
            return read(new JsonReading(document.RootElement, "the file"));
        }
        catch (JsonException e)
        {
            throw new InvalidDataException(
                e.LineNumber is long line
                    ? $"not valid JSON, from line {line + 1} on."
                    : $"not valid JSON: {e.Message}",
                e);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException(
                e.Message.Replace($" (Parameter '{e.ParamName}')", "", StringComparison.Ordinal), e);
        }
    }

    public JsonReading Property(string name)
    {
        Require(JsonValueKind.Object, "an object");
        return Find(name) is JsonElement value
            ? new JsonReading(value, name)
            : throw new InvalidDataException($"{place}: expected a property \"{name}\", got none.");
    }

    /// <summary>Whether an object has a property.</summary>
    public bool Has(string name) => element.ValueKind == JsonValueKind.Object && Find(name) is not null;

    public bool IsNull => element.ValueKind == JsonValueKind.Null;

    /// <summary>The bytes as they stand in the document.</summary>
    public ReadOnlySpan<byte> Raw => JsonMarshal.GetRawUtf8Value(element);

    /// <summary>Every property with its name.</summary>
    public (string Name, JsonReading Value)[] Properties()
    {
        Require(JsonValueKind.Object, "an object");
        try
        {
            return [.. element.EnumerateObject().Select(p => (p.Name, new JsonReading(p.Value, p.Name)))];
        }
        catch (InvalidOperationException e)
        {
            throw NoText(place, e);
        }
    }

    public JsonReading[] Items()
    {
        Require(JsonValueKind.Array, "an array");
        string array = place;
        return element.EnumerateArray().Select((item, i) => new JsonReading(item, $"{array}[{i}]")).ToArray();
    }

    public string Text()
    {
        Require(JsonValueKind.String, "a string");
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw NoText(place, e);
        }
    }

    public int Integer()
    {
        Require(JsonValueKind.Number, "a whole number");
        return element.TryGetInt32(out int value)
            ? value
            : throw new InvalidDataException($"{place}: expected a whole number, got {element.GetRawText()}.");
    }

    public long WholeNumber()
    {
        Require(JsonValueKind.Number, "a whole number");
        return element.TryGetInt64(out long value)
            ? value
            : throw new InvalidDataException($"{place}: expected a whole number, got {element.GetRawText()}.");
    }

    public double Number()
    {
        Require(JsonValueKind.Number, "a number");
        return element.GetDouble();
    }

    /// <summary>A number, or the name of one that JSON has no number for: NaN, Infinity, -Infinity.</summary>
    public double AnyNumber() => element.ValueKind != JsonValueKind.String
        ? Number()
        : Text() switch
        {
            "NaN" => double.NaN,
            "Infinity" => double.PositiveInfinity,
            "-Infinity" => double.NegativeInfinity,
            string other => throw new InvalidDataException($"{place}: expected a number, got \"{other}\"."),
        };

    public bool Flag() => element.ValueKind is JsonValueKind.True or JsonValueKind.False
        ? element.GetBoolean()
        : throw new InvalidDataException($"{place}: expected true or false, got {element.ValueKind}.");

    public double[] Numbers() => Array.ConvertAll(Items(), i => i.Number());

    /// <summary>An array of rows of equal length.</summary>
    public Matrix<double> Matrix()
    {
        double[][] rows = Array.ConvertAll(Items(), i => i.Numbers());
        int uneven = Array.FindIndex(rows, r => r.Length != rows[0].Length);
        if (uneven >= 0)
        {
            throw new InvalidDataException(
                $"{place}[{uneven}]: expected {rows[0].Length} numbers, as in the first row, "
                + $"got {rows[uneven].Length}.");
        }
        return Matrix<double>.Build.Dense(
            rows.Length, rows.Length == 0 ? 0 : rows[0].Length, (i, j) => rows[i][j]);
    }

    /// <summary>The value of a property; null where there is none.</summary>
    private JsonElement? Find(string name)
    {
        try
        {
            return element.TryGetProperty(name, out JsonElement value) ? value : null;
        }
        catch (InvalidOperationException e)
        {
            throw NoText(place, e);
        }
    }

    private static InvalidDataException NoText(string where, InvalidOperationException fault) =>
        new($"{where}: expected text, got bytes that are none.", fault);

    private void Require(JsonValueKind kind, string expected)
    {
        if (element.ValueKind != kind)
        {
            throw new InvalidDataException($"{place}: expected {expected}, got {element.ValueKind}.");
        }
    }
}
