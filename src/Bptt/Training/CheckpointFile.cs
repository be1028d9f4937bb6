// The envelope of a checkpoint: what it is, of which version, and a checksum. Knows nothing of trainings.

using System.Security.Cryptography;
using System.Text.Json;
using Bptt.Files;

namespace Bptt.Training;

/// <summary>A JSON file: <c>format</c> ("bptt-training"), <c>version</c> (1), <c>sha256</c> of the text of
/// <c>training</c>, and <c>training</c>.</summary>
internal static class CheckpointFile
{
    private const string FormatName = "bptt-training";
    private const int FormatVersion = 1;

    /// <summary>Writes a file, beside and renamed: an interruption leaves an earlier file whole.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, Action<Utf8JsonWriter> writeContent)
    {
        using var content = new MemoryStream();
        using (var writer = new Utf8JsonWriter(content))
        {
            writeContent(writer);
        }
        byte[] bytes = content.ToArray();
        AtomicFile.Write(path, stream =>
        {
            using var writer = new Utf8JsonWriter(stream);
            writer.WriteStartObject();
            writer.WriteString("format", FormatName);
            writer.WriteNumber("version", FormatVersion);
            writer.WriteString("sha256", Hash(bytes));
            writer.WritePropertyName("training");
            writer.WriteRawValue(bytes);
            writer.WriteEndObject();
        });
    }

    /// <summary>Reads a file and hands its content on.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, cut short, or of another format or version; the
    /// message names the file.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static T Read<T>(string path, Func<JsonReading, T> readContent)
    {
        byte[] bytes = File.ReadAllBytes(path);
        try
        {
            using JsonDocument document = JsonReading.Document(bytes);
            return readContent(Content(new JsonReading(document.RootElement, "the file")));
        }
        catch (JsonException e)
        {
            throw new InvalidDataException(
                $"{path}: not a whole JSON file: it is damaged, cut short or something else.", e);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
        catch (FormatException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>SHA-256 as text.</summary>
    public static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static JsonReading Content(JsonReading root)
    {
        string format = root.Property("format").Text();
        if (format != FormatName)
        {
            throw new InvalidDataException($"format: expected \"{FormatName}\", a saved training, got \"{format}\".");
        }
        int version = root.Property("version").Integer();
        if (version != FormatVersion)
        {
            throw new InvalidDataException(
                $"version: expected {FormatVersion}, which is all that this version of the library reads, "
                + $"got {version}.");
        }
        JsonReading content = root.Property("training");
        if (Hash(content.Raw) != root.Property("sha256").Text())
        {
            throw new InvalidDataException(
                "sha256: expected the checksum of the training, got another: the file is damaged.");
        }
        return content;
    }
}
