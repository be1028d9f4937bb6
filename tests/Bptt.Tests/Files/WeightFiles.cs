// Small files of weights byte by byte, as their formats' documentation tells, written without the library.

using System.Buffers.Binary;
using System.Text;
using Bptt.Files;

namespace Bptt.Tests.Files;

internal static class WeightFiles
{
    /// <summary>A safetensors file of a header and bytes.</summary>
    public static byte[] SafeTensors(string header, params byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)json.Length);
        return [.. length, .. json, .. data];
    }

    /// <summary>A .npy file of version 1.0.</summary>
    public static byte[] NumPy(string dictionary, params byte[] data) =>
    [
        0x93, .. "NUMPY"u8, 1, 0, (byte)(dictionary.Length + 1), (byte)((dictionary.Length + 1) >> 8),
        .. Encoding.ASCII.GetBytes(dictionary), (byte)'\n', .. data,
    ];

    public static byte[] Doubles(params double[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    public static byte[] Floats(params float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    public static long[] Bits(StoredTensor tensor) =>
        Array.ConvertAll(tensor.Values.ToArray(), BitConverter.DoubleToInt64Bits);

    public static byte[] Bytes(Action<Stream> save)
    {
        using var memory = new MemoryStream();
        save(memory);
        return memory.ToArray();
    }
}

/// <summary>A stream that cannot seek, as from a network, and gives a few bytes at a time.</summary>
internal sealed class TrickleStream(byte[] bytes) : MemoryStream(bytes)
{
    public override bool CanSeek => false;

    public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, 7)]);

    public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, 7));
}
