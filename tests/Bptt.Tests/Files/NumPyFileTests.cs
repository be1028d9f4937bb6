// Arrays of NumPy: files byte by byte, both orders, round trips bit for bit, and what is refused. Random damage is in
// DamagedWeightFileTests.

using System.IO.Compression;
using System.Text;
using Bptt.Files;
using static Bptt.Tests.Files.WeightFiles;

namespace Bptt.Tests.Files;

public sealed class NumPyFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bptt-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Files_byte_by_byte_are_read_as_they_say()
    {
        StoredTensor doubles = Load(NumPy(
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", Doubles(1, 2, 3, 4, 5, 6)));
        doubles.Shape.Should().Equal(2, 3);
        doubles.ToMatrix()[0, 2].Should().Be(3);
        doubles.Format.Should().Be(FloatFormat.Float64);

        StoredTensor fortran = Load(NumPy(
            "{\"shape\":(2,3),'fortran_order':True,'descr':'<f4'}   ", Floats(1, 2, 3, 4, 5, 6)));
        fortran.ToMatrix().Should().Be(Of("1 3 5; 2 4 6"));
        fortran.Format.Should().Be(FloatFormat.Float32);

        StoredTensor halves = Load(NumPy(
            "{'descr': '<f2', 'fortran_order': False, 'shape': (3L,)}", 0, 0x3C, 0x55, 0x35, 0, 0xFC));
        halves.Shape.Should().Equal(3);
        halves.Values.ToArray().Should().Equal(1.0, 0.333251953125, double.NegativeInfinity);

        Load(NumPy("{'descr': '<f8', 'fortran_order': False, 'shape': ()}", Doubles(7))).Shape.Should().BeEmpty();
        Load(NumPy("{'descr': '<f8', 'fortran_order': True, 'shape': (0, 3)}")).Shape.Should().Equal(0, 3);

        const string text = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}";
        foreach (byte version in new byte[] { 2, 3 })
        {
            byte[] file =
            [
                0x93, .. "NUMPY"u8, version, 0, (byte)text.Length, 0, 0, 0, .. Encoding.ASCII.GetBytes(text),
                .. Doubles(-2.5),
            ];
            Load(file).Values.ToArray().Should().Equal(-2.5);
        }
    }

    [Fact]
    public void A_file_is_written_byte_by_byte_as_NumPy_writes_it()
    {
        byte[] file = Bytes(stream => NumPyFile.Save(stream, StoredTensor.Of(Of("1 2 3; 4 5 6"))));

        string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }".PadRight(117) + "\n";
        file.Should().Equal(
        [
            0x93, .. "NUMPY"u8, 1, 0, 118, 0, .. Encoding.ASCII.GetBytes(header), .. Doubles(1, 2, 3, 4, 5, 6),
        ]);

        byte[] column = Bytes(stream => NumPyFile.Save(
            stream, StoredTensor.Of(Of("1 2 3; 4 5 6"), Precision.Single), MatrixOrder.ColumnMajor));
        Encoding.ASCII.GetString(column[10..128]).TrimEnd().Should()
            .Be("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }");
        column[128..].Should().Equal(Floats(1, 4, 2, 5, 3, 6));

        byte[] vector = Bytes(stream => NumPyFile.Save(stream, new StoredTensor([1], [1])));
        Encoding.ASCII.GetString(vector[10..128]).Should().Contain("'shape': (1,), }");
        byte[] single = Bytes(stream => NumPyFile.Save(stream, new StoredTensor([], [1])));
        Encoding.ASCII.GetString(single[10..128]).Should().Contain("'shape': (), }");
    }

    [Theory]
    [InlineData(MatrixOrder.RowMajor)]
    [InlineData(MatrixOrder.ColumnMajor)]
    public void Every_number_comes_back_bit_for_bit_in_both_orders(MatrixOrder order)
    {
        int seed = 52 + (int)order;
        var random = new Random(seed);
        foreach (int[] shape in new int[][] { [], [1], [7], [3, 5], [2, 3, 4], [5, 1, 2, 3], [4, 0, 2], [20_000, 3] })
        {
            double[] values = [.. Enumerable.Range(0, shape.Aggregate(1, (product, size) => product * size))
                .Select(_ => BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)))];
            foreach (Precision precision in Enum.GetValues<Precision>())
            {
                double[] representable = precision == Precision.Double
                    ? values : Array.ConvertAll(values, value => (double)(float)(value / 1e300));
                var tensor = new StoredTensor(shape, representable, precision);
                byte[] file = Bytes(stream => NumPyFile.Save(stream, tensor, order));

                StoredTensor loaded = NumPyFile.Load(new TrickleStream(file));

                loaded.Shape.Should().Equal(shape);
                loaded.Format.Should().Be(tensor.Format);
                Bits(loaded).SequenceEqual(Bits(tensor)).Should().BeTrue("seed {0}, {1}", seed, loaded);
            }
        }
    }

    [Fact]
    public void An_archive_comes_back_and_equal_arrays_make_equal_bytes()
    {
        string path = Path.Combine(_folder, "weights.npz");
        var arrays = new Dictionary<string, StoredTensor>
        {
            ["b/kernel"] = StoredTensor.Of(Of("1 2; 3 4"), Precision.Single),
            ["a"] = new([], [0.1]),
        };

        NumPyFile.SaveArchive(path, arrays);
        IReadOnlyDictionary<string, StoredTensor> loaded = NumPyFile.LoadArchive(path);

        loaded.Keys.Should().Equal("a", "b/kernel");
        loaded["a"].Values.ToArray().Should().Equal(0.1);
        loaded["b/kernel"].ToMatrix().Should().Be(Of("1 2; 3 4"));
        File.ReadAllBytes(path).Should().Equal(Bytes(stream => NumPyFile.SaveArchive(stream, arrays)));
    }

    [Fact]
    public void A_compressed_archive_is_read()
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            using Stream entry = archive.CreateEntry("w.npy", CompressionLevel.SmallestSize).Open();
            entry.Write(NumPy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", Doubles(3, 4)));
        }
        stream.Position = 0;

        NumPyFile.LoadArchive(stream)["w"].Values.ToArray().Should().Equal(3, 4);
    }

    [Theory]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", 15, "cut off")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", 17, "more bytes")]
    [InlineData("{'descr': '<i8', 'fortran_order': False, 'shape': (2,)}", 16, "got <i8; array.astype('<f8')")]
    [InlineData("{'descr': '>f8', 'fortran_order': False, 'shape': (2,)}", 16, "got >f8")]
    [InlineData("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", 16, "got |O")]
    [InlineData("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2,)}", 16, "records")]
    [InlineData("{'descr': '<f8', 'fortran_order': 0, 'shape': (2,)}", 16, "True or False")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (-2,)}", 16, "shape: expected sizes")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967298,)}", 16, "shape: expected sizes")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (65536,65536)}", 16, "expected at most")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (2}", 16, "header")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (,)}", 16, "header")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': 2}", 16, "expected (")]
    [InlineData("{'descr': '<f8', 'fortran_order': False}", 16, "not all of them")]
    [InlineData("{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", 16, "each once")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), 'x': 1}", 16, "got 'x'")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)} 1", 16, "nothing after")]
    [InlineData("{'descr': '<f\\x38', 'fortran_order': False, 'shape': (2,)}", 16, "without \\")]
    [InlineData("{'descr", 16, "in quotes")]
    [InlineData("", 16, "expected {")]
    public void What_is_damaged_is_refused(string header, int bytes, string message)
    {
        string path = Path.Combine(_folder, "bad.npy");
        File.WriteAllBytes(path, NumPy(header, new byte[bytes]));

        FluentActions.Invoking(() => NumPyFile.Load(path)).Should().Throw<InvalidDataException>()
            .Which.Message.Should().Contain(path).And.Contain(message);
        FluentActions.Invoking(() => NumPyFile.Load(new TrickleStream(NumPy(header, new byte[bytes]))))
            .Should().Throw<InvalidDataException>();
    }

    [Fact]
    public void What_is_no_such_file_is_refused()
    {
        byte[][] files =
        [
            [], [0x93], [.. "NUMPYxxxxxxxxx"u8], [0x93, .. "NUMPY"u8, 4, 0, 0, 0, 0, 0], [0x93, .. "NUMPY"u8, 1, 0, 9],
            [0x93, .. "NUMPY"u8, 2, 0, 0xFF, 0xFF, 0xFF, 0xFF, 1], [0x93, .. "NUMPY"u8, 1, 0, 0xFF, 0xFF, 1],
        ];
        foreach (byte[] file in files)
        {
            FluentActions.Invoking(() => Load(file)).Should().Throw<InvalidDataException>();
            FluentActions.Invoking(() => NumPyFile.LoadArchive(new MemoryStream(file)))
                .Should().Throw<InvalidDataException>().WithMessage("*.npz*");
        }
    }

    [Fact]
    public void A_header_that_promises_more_than_there_is_takes_no_memory_for_it()
    {
        byte[] file = NumPy("{'descr': '<f8', 'fortran_order': True, 'shape': (20000,10000)}", new byte[100]);
        long before = GC.GetAllocatedBytesForCurrentThread();

        FluentActions.Invoking(() => Load(file)).Should().Throw<InvalidDataException>();
        FluentActions.Invoking(() => NumPyFile.Load(new TrickleStream(file))).Should().Throw<InvalidDataException>();

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(10_000_000);
    }

    [Fact]
    public void What_NumPy_cannot_hold_is_refused()
    {
        StoredTensor brain = SafeTensorsFile.Load(new MemoryStream(SafeTensors(
            """{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}""", 0x80, 0x3F))).Tensors["a"];

        FluentActions.Invoking(() => NumPyFile.Save(Stream.Null, brain))
            .Should().Throw<ArgumentException>().WithMessage("*BFloat16*");
        FluentActions.Invoking(() => NumPyFile.SaveArchive(
            Stream.Null, new Dictionary<string, StoredTensor> { [""] = new([], [1.0]) }))
            .Should().Throw<ArgumentException>().WithMessage("*empty name*");
    }

    private static StoredTensor Load(byte[] file) => NumPyFile.Load(new MemoryStream(file));

    /// <summary>A matrix from its rows.</summary>
    private static MathNet.Numerics.LinearAlgebra.Matrix<double> Of(string rows) =>
        MathNet.Numerics.LinearAlgebra.Matrix<double>.Build.DenseOfRowArrays(
            rows.Split(';').Select(row => row.Trim().Split(' ').Select(double.Parse).ToArray()));
}
