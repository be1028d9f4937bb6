// How the bytes of a file become text: its encoding by the byte-order mark or by the bytes themselves, told where it is
// not UTF-8.

using System.Text;
using Bptt.Cli.Console;

namespace Bptt.Cli.Data;

internal static class TextBytes
{
    private const int Examined = 4096;

    /// <summary>Encodings by their byte-order marks, the longer ones first.</summary>
    private static readonly Encoding[] Marked =
    [
        new UTF32Encoding(bigEndian: false, byteOrderMark: true),
        new UTF32Encoding(bigEndian: true, byteOrderMark: true),
        new UTF8Encoding(encoderShouldEmitUTF8Identifier: true),
        Encoding.Unicode,
        Encoding.BigEndianUnicode,
    ];

    /// <summary>The text, and what is to be told of its encoding; null where it is UTF-8 or has a mark.</summary>
    /// <param name="bytes">All of the file.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="DataFaultException">The bytes are no text.</exception>
    public static (string Text, string? Remark) Decode(ReadOnlySpan<byte> bytes, string name)
    {
        foreach (Encoding encoding in Marked)
        {
            if (bytes.StartsWith(encoding.Preamble))
            {
                return (encoding.GetString(bytes[encoding.Preamble.Length..]), null);
            }
        }
        if (WithoutMark(bytes) is Encoding wide)
        {
            return (wide.GetString(bytes), "the file has no byte-order mark and is read as UTF-16.");
        }
        if (bytes.Contains((byte)0))
        {
            throw new DataFaultException($"{name}: expected a table as text, got bytes that are no text "
                + "(CSV, Parquet, .npy and .npz are read).");
        }
        try
        {
            return (new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes), null);
        }
        catch (DecoderFallbackException)
        {
            return (Western().GetString(bytes), "the file is not UTF-8 and is read as Latin-1 (Windows-1252).");
        }
    }

    /// <summary>UTF-16 where every other one of the first bytes is zero.</summary>
    private static UnicodeEncoding? WithoutMark(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> first = bytes[..Math.Min(bytes.Length & ~1, Examined)];
        int even = 0;
        int odd = 0;
        for (int i = 0; i < first.Length; i += 2)
        {
            even += first[i] == 0 ? 1 : 0;
            odd += first[i + 1] == 0 ? 1 : 0;
        }
        int enough = (int)(0.4 * first.Length);
        return first.Length < 4 || bytes.Length % 2 != 0 || Math.Min(even, odd) > 0 || Math.Max(even, odd) < enough
            ? null : new UnicodeEncoding(bigEndian: even > odd, byteOrderMark: false);
    }

    private static Encoding Western()
    {
        Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);
        return Encoding.GetEncoding(1252);
    }
}
