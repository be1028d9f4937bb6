// Numbers from and to the bytes of weight files, little end first. Memory is taken for what a stream has, not for what
// it says that it has.

using System.Buffers.Binary;

namespace Bptt.Files;

internal static class TensorBytes
{
    private const int ChunkBytes = 1 << 16;

    /// <summary>How many bytes a number takes.</summary>
    public static int SizeOf(FloatFormat format) => format switch
    {
        FloatFormat.Float64 => 8,
        FloatFormat.Float32 => 4,
        _ => 2,
    };

    /// <summary>Bytes that are left in a stream; null where it does not tell.</summary>
    public static long? Remaining(Stream stream) => stream.CanSeek ? stream.Length - stream.Position : null;

    /// <summary>Bytes from a stream. Memory grows with what arrives.</summary>
    /// <exception cref="InvalidDataException">The stream ends before.</exception>
    public static byte[] Read(Stream stream, int count, string what)
    {
        if (Remaining(stream) is long remaining && remaining < count)
        {
            throw TooShort(what);
        }
        byte[] bytes = new byte[stream.CanSeek ? count : Math.Min(count, ChunkBytes)];
        for (int filled = 0; ;)
        {
            int read = stream.ReadAtLeast(bytes.AsSpan(filled), bytes.Length - filled, throwOnEndOfStream: false);
            filled += read;
            if (filled == count)
            {
                return bytes;
            }
            if (filled < bytes.Length)
            {
                throw TooShort(what);
            }
            Array.Resize(ref bytes, (int)Math.Min(count, 2L * bytes.Length));
        }
    }

    /// <summary>Numbers from a stream. Memory grows with what arrives.</summary>
    /// <exception cref="InvalidDataException">The stream ends before.</exception>
    public static double[] Read(Stream stream, int count, FloatFormat format, string what)
    {
        int size = SizeOf(format);
        if (Remaining(stream) is long remaining && remaining < (long)count * size)
        {
            throw TooShort(what);
        }
        double[] values = new double[stream.CanSeek ? count : Math.Min(count, ChunkBytes / size)];
        byte[] chunk = new byte[(int)Math.Min(ChunkBytes, (long)count * size)];
        for (int filled = 0; filled < count;)
        {
            Span<byte> bytes = chunk.AsSpan(0, (int)Math.Min(chunk.Length, (long)(count - filled) * size));
            if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            {
                throw TooShort(what);
            }
            int numbers = bytes.Length / size;
            if (filled + numbers > values.Length)
            {
                Array.Resize(ref values, (int)Math.Min(count, 2L * values.Length));
            }
            Read(bytes, format, values.AsSpan(filled, numbers));
            filled += numbers;
        }
        return values;
    }

    /// <summary>Passes over bytes that are not wanted.</summary>
    /// <exception cref="InvalidDataException">The stream ends before.</exception>
    public static void Skip(Stream stream, long count, string what)
    {
        byte[] chunk = new byte[(int)Math.Min(ChunkBytes, count)];
        while (count > 0)
        {
            Span<byte> bytes = chunk.AsSpan(0, (int)Math.Min(chunk.Length, count));
            if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            {
                throw TooShort(what);
            }
            count -= bytes.Length;
        }
    }

    /// <summary>Writes numbers that have the format exactly.</summary>
    public static void Write(Stream stream, ReadOnlySpan<double> values, FloatFormat format)
    {
        int size = SizeOf(format);
        Span<byte> chunk = new byte[Math.Min(ChunkBytes, (long)values.Length * size)];
        while (values.Length > 0)
        {
            int numbers = Math.Min(values.Length, chunk.Length / size);
            Write(values[..numbers], format, chunk);
            stream.Write(chunk[..(numbers * size)]);
            values = values[numbers..];
        }
    }

    private static void Read(ReadOnlySpan<byte> bytes, FloatFormat format, Span<double> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = format switch
            {
                FloatFormat.Float64 => BinaryPrimitives.ReadDoubleLittleEndian(bytes[(8 * i)..]),
                FloatFormat.Float32 => BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]),
                FloatFormat.Float16 => (double)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * i)..]),
                _ => BitConverter.UInt32BitsToSingle(
                    (uint)BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]) << 16),
            };
        }
    }

    private static void Write(ReadOnlySpan<double> values, FloatFormat format, Span<byte> bytes)
    {
        for (int i = 0; i < values.Length; i++)
        {
            switch (format)
            {
                case FloatFormat.Float64:
                    BinaryPrimitives.WriteDoubleLittleEndian(bytes[(8 * i)..], values[i]);
                    break;
                case FloatFormat.Float32:
                    BinaryPrimitives.WriteSingleLittleEndian(bytes[(4 * i)..], (float)values[i]);
                    break;
                case FloatFormat.Float16:
                    BinaryPrimitives.WriteHalfLittleEndian(bytes[(2 * i)..], (Half)values[i]);
                    break;
                default:
                    BinaryPrimitives.WriteUInt16LittleEndian(
                        bytes[(2 * i)..], (ushort)(BitConverter.SingleToUInt32Bits((float)values[i]) >> 16));
                    break;
            }
        }
    }

    private static InvalidDataException TooShort(string what) =>
        new($"{what}: expected more bytes than there are; the file is cut off.");
}
