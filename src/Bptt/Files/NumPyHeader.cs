// The header of a .npy file: a literal of a Python dictionary with the kind of numbers, their order and the shape. No
// other Python is read.

using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Bptt.Files;

/// <summary>What a .npy file says before its numbers.</summary>
internal sealed record NumPyHeader(FloatFormat Format, MatrixOrder Order, int[] Shape)
{
    /// <summary>NumPy itself refuses headers above 10,000 bytes from files that are not trusted.</summary>
    private const int MaxLength = 10_000;

    /// <summary>As NumPy: the numbers begin at a multiple of this.</summary>
    private const int Alignment = 64;

    private static readonly byte[] Magic = [0x93, .. "NUMPY"u8];

    /// <summary>Reads the header and leaves the stream behind it.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or the array is none that is read.</exception>
    public static NumPyHeader Read(Stream stream)
    {
        byte[] begin = TensorBytes.Read(stream, 8, "header");
        if (!begin.AsSpan(0, 6).SequenceEqual(Magic))
        {
            throw new InvalidDataException("expected a .npy file, got one that does not begin like one.");
        }
        if (begin[6] is not (1 or 2 or 3) || begin[7] != 0)
        {
            throw new InvalidDataException($"expected .npy of version 1.0, 2.0 or 3.0, got {begin[6]}.{begin[7]}.");
        }
        uint length = begin[6] == 1
            ? BinaryPrimitives.ReadUInt16LittleEndian(TensorBytes.Read(stream, 2, "header"))
            : BinaryPrimitives.ReadUInt32LittleEndian(TensorBytes.Read(stream, 4, "header"));
        if (length > MaxLength)
        {
            throw new InvalidDataException($"header: expected at most {MaxLength} bytes, got {length}.");
        }
        return new Literal(Encoding.Latin1.GetString(TensorBytes.Read(stream, (int)length, "header"))).Header();
    }

    /// <summary>Writes version 1.0, as NumPy does.</summary>
    public void Write(Stream stream)
    {
        string kind = Format switch
        {
            FloatFormat.Float64 => "<f8",
            FloatFormat.Float32 => "<f4",
            _ => "<f2",
        };
        string sizes = string.Concat(Shape.Select(size => string.Create(CultureInfo.InvariantCulture, $"{size}, ")));
        string shape = Shape.Length == 1 ? sizes.TrimEnd() : sizes.TrimEnd(' ', ',');
        string order = Order == MatrixOrder.ColumnMajor ? "True" : "False";
        string text = $"{{'descr': '{kind}', 'fortran_order': {order}, 'shape': ({shape}), }}";
        int length = (Magic.Length + 4 + text.Length + 1 + Alignment - 1) / Alignment * Alignment - Magic.Length - 4;
        if (length > MaxLength)
        {
            throw new NotSupportedException(
                $"Expected a shape whose text has less than {MaxLength} letters, got {Shape.Length} dimensions.");
        }
        stream.Write(Magic);
        stream.Write([1, 0, (byte)length, (byte)(length >> 8)]);
        stream.Write(Encoding.ASCII.GetBytes(text.PadRight(length - 1) + "\n"));
    }

    /// <summary>Reads the text of a header from left to right.</summary>
    private sealed class Literal(string text)
    {
        private int _at;

        public NumPyHeader Header()
        {
            string? kind = null;
            bool? isFortran = null;
            int[]? shape = null;
            Demand('{');
            while (!Take('}'))
            {
                string key = Quoted();
                Demand(':');
                switch (key)
                {
                    case "descr" when kind is null:
                        kind = Kind();
                        break;
                    case "fortran_order" when isFortran is null:
                        isFortran = Word() switch
                        {
                            "True" => true,
                            "False" => false,
                            string other => throw Fault($"fortran_order: expected True or False, got {other}"),
                        };
                        break;
                    case "shape" when shape is null:
                        shape = Shape();
                        break;
                    default:
                        throw Fault($"expected descr, fortran_order and shape, each once, got '{key}'");
                }
                if (!Take(',') && !IsNext('}'))
                {
                    throw Fault("expected a comma or the end of the dictionary");
                }
            }
            if (text.AsSpan(_at).Trim().Length > 0)
            {
                throw Fault("expected nothing after the dictionary");
            }
            if (kind is null || isFortran is null || shape is null)
            {
                throw Fault("expected descr, fortran_order and shape, got not all of them");
            }
            if (StoredTensor.CountOf(shape) < 0)
            {
                throw Fault($"expected at most {Array.MaxLength} numbers, got {string.Join('×', shape)}");
            }
            FloatFormat format = kind switch
            {
                "<f8" => FloatFormat.Float64,
                "<f4" => FloatFormat.Float32,
                "<f2" => FloatFormat.Float16,
                _ => throw new InvalidDataException(
                    $"expected numbers of the kind <f8, <f4 or <f2, got {kind}; "
                    + "array.astype('<f8') in NumPy makes them of an array of other numbers."),
            };
            return new NumPyHeader(
                format, isFortran.Value ? MatrixOrder.ColumnMajor : MatrixOrder.RowMajor, shape);
        }

        /// <summary>The kind of numbers; of records, which are a list, only that they are.</summary>
        private string Kind()
        {
            if (!IsNext('\'') && !IsNext('"'))
            {
                throw new InvalidDataException("expected an array of numbers, got one of records or objects.");
            }
            return Quoted();
        }

        private int[] Shape()
        {
            Demand('(');
            var sizes = new List<int>();
            while (!Take(')'))
            {
                int from = _at;
                string digits = Word().TrimEnd('L'); // as Python 2 wrote large ones
                if (!int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int size))
                {
                    throw Fault($"shape: expected sizes from 0 to {int.MaxValue}, got {text[from.._at].Trim()}");
                }
                sizes.Add(size);
                if (!Take(',') && !IsNext(')'))
                {
                    throw Fault("shape: expected a comma or the end");
                }
            }
            return [.. sizes];
        }

        private string Quoted()
        {
            SkipSpaces();
            if (_at == text.Length || text[_at] is not ('\'' or '"'))
            {
                throw Fault("expected a text in quotes");
            }
            int end = text.IndexOf(text[_at], _at + 1);
            if (end < 0 || text.IndexOf('\\', _at, end - _at) >= 0)
            {
                throw Fault("expected a text in quotes, without \\");
            }
            string quoted = text[(_at + 1)..end];
            _at = end + 1;
            return quoted;
        }

        private string Word()
        {
            SkipSpaces();
            int from = _at;
            while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] is '-' or '+' or '.'))
            {
                _at++;
            }
            return text[from.._at];
        }

        private void Demand(char sign)
        {
            if (!Take(sign))
            {
                throw Fault($"expected {sign}");
            }
        }

        private bool Take(char sign)
        {
            bool isNext = IsNext(sign);
            _at += isNext ? 1 : 0;
            return isNext;
        }

        private bool IsNext(char sign)
        {
            SkipSpaces();
            return _at < text.Length && text[_at] == sign;
        }

        private void SkipSpaces()
        {
            while (_at < text.Length && text[_at] is ' ' or '\n' or '\t' or '\r')
            {
                _at++;
            }
        }

        private InvalidDataException Fault(string what) =>
            new($"header: {what}, at letter {_at + 1}.");
    }
}
