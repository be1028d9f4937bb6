// A fingerprint of bit patterns: SHA-256 of all numbers in their order, cut to 16 digits. Knows nothing of what they
// mean.

using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Bptt.Benchmarks.Bits;

/// <summary>Two hashes are equal where the numbers added are, to the last bit. One exception: all NaNs count as the
/// same, since neither their sign nor their payload is defined by the arithmetic.</summary>
internal sealed class BitHash : IDisposable
{
    private const int Digits = 16;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly long[] _buffer = new long[1024];
    private int _count;

    public void Add(double value) => Add(BitConverter.DoubleToInt64Bits(double.IsNaN(value) ? double.NaN : value));

    public void Add(double? value)
    {
        Add(value.HasValue);
        Add(value ?? 0.0);
    }

    public void Add(ReadOnlySpan<double> values)
    {
        Add(values.Length);
        foreach (double value in values)
        {
            Add(value);
        }
    }

    public void Add(IEnumerable<double> values) => Add([.. values]);

    public void Add(long value)
    {
        _buffer[_count++] = value;
        if (_count == _buffer.Length)
        {
            Flush();
        }
    }

    public void Add(long? value)
    {
        Add(value.HasValue);
        Add(value ?? 0);
    }

    public void Add(bool value) => Add(value ? 1L : 0L);

    public void Add(string text)
    {
        Add(text.Length);
        Flush();
        _hash.AppendData(Encoding.UTF8.GetBytes(text));
    }

    /// <summary>16 hexadecimal digits of all that was added; the hash is empty afterwards.</summary>
    public string Finish()
    {
        Flush();
        return Convert.ToHexStringLower(_hash.GetHashAndReset())[..Digits];
    }

    public void Dispose() => _hash.Dispose();

    private void Flush()
    {
        _hash.AppendData(MemoryMarshal.AsBytes(_buffer.AsSpan(0, _count)));
        _count = 0;
    }
}
