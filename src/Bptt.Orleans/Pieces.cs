// Bytes in pieces that fit into messages, and numbers as bytes. Sends nothing.

using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Bptt.Orleans;

internal static class Pieces
{
    /// <summary>How many pieces; one for nothing.</summary>
    public static int CountOf(int bytes, int most) => Math.Max(1, (int)(((long)bytes + most - 1) / most));

    /// <summary>Piece i.</summary>
    public static byte[] Of(ReadOnlySpan<byte> bytes, int index, int most)
    {
        int first = index * most;
        return bytes.Slice(first, Math.Min(most, bytes.Length - first)).ToArray();
    }

    /// <summary>The whole again.</summary>
    public static byte[] Join(IReadOnlyList<byte[]> pieces)
    {
        if (pieces.Count == 1)
        {
            return pieces[0];
        }
        using var whole = new MemoryStream();
        foreach (byte[] piece in pieces)
        {
            whole.Write(piece);
        }
        return whole.ToArray();
    }

    /// <summary>Numbers as bytes, as this processor has them: the handshake refuses others.</summary>
    public static byte[] BytesOf(ReadOnlySpan<double> numbers) => MemoryMarshal.AsBytes(numbers).ToArray();

    /// <summary>The numbers again.</summary>
    public static double[] NumbersOf(ReadOnlySpan<byte> bytes) => MemoryMarshal.Cast<byte, double>(bytes).ToArray();

    /// <summary>SHA-256.</summary>
    public static string HashOf(ReadOnlySpan<byte> bytes) => Convert.ToHexString(SHA256.HashData(bytes));
}
