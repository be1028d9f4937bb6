// Some rows of an array in a file: those that the whole array has there, wherever they are asked for.

using System.IO.Compression;
using Bptt.Files;

namespace Bptt.Tests.Files;

public sealed class TensorRowsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bptt").FullName;
    private readonly StoredTensor _tensor = new([5, 4, 3], [.. Enumerable.Range(0, 60).Select(i => 0.5 * i)]);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("a.npy")]
    [InlineData("a.npz")]
    [InlineData("packed.npz")]
    [InlineData("a.safetensors")]
    public void Rows_are_those_of_the_whole_wherever_they_are_asked_for(string file)
    {
        using var rows = TensorRows.Open(Write(file), file == "a.npy" ? null : "x");

        rows.Shape.Should().Equal(5, 4, 3);
        (rows.RowCount, rows.RowLength).Should().Be((20, 3));
        foreach ((int first, int count) in new[] { (3, 2), (5, 10), (19, 1), (0, 20), (7, 0), (2, 1) })
        {
            rows.Read(first, count).Should().Equal(_tensor.Values.Slice(3 * first, 3 * count).ToArray());
        }
    }

    [Fact]
    public void Floats_come_as_they_are_and_an_array_of_one_dimension_has_rows_of_one()
    {
        string path = Path.Combine(_folder, "a.npy");
        NumPyFile.Save(path, new StoredTensor([4], [0.1, 0.2, 0.3, 0.4], Precision.Single));

        using var rows = TensorRows.Open(path);

        rows.Read(1, 2).Should().Equal(0.2f, 0.3f);
    }

    [Fact]
    public void What_is_not_there_is_refused_by_name()
    {
        string archive = Write("a.npz");
        string fortran = Path.Combine(_folder, "f.npy");
        NumPyFile.Save(fortran, _tensor, MatrixOrder.ColumnMajor);
        string cut = Path.Combine(_folder, "cut.npy");
        File.WriteAllBytes(cut, File.ReadAllBytes(Write("a.npy"))[..^8]);

        Opening(archive, "z").Should().Throw<InvalidDataException>().WithMessage($"{archive}: *out of x, y, got z.");
        Opening(archive, null).Should().Throw<InvalidDataException>().WithMessage("*out of x, y, got no name.");
        Opening(fortran, null).Should().Throw<InvalidDataException>().WithMessage("*the order of Fortran*");
        Opening(Path.Combine(_folder, "a.txt"), null).Should().Throw<ArgumentException>().WithMessage("*'.TXT'*");
        Opening(Path.Combine(_folder, "none.npy"), null).Should().Throw<FileNotFoundException>();
        using var rows = TensorRows.Open(cut);
        rows.Invoking(r => r.Read(19, 1)).Should().Throw<InvalidDataException>().WithMessage("*cut off*");
        rows.Invoking(r => r.Read(19, 2)).Should().Throw<ArgumentOutOfRangeException>().WithMessage("*out of 20*");
    }

    private static Action Opening(string path, string? name) => () => TensorRows.Open(path, name).Dispose();

    private string Write(string file)
    {
        string path = Path.Combine(_folder, file);
        var arrays = new Dictionary<string, StoredTensor> { ["x"] = _tensor, ["y"] = new([1], [7.0]) };
        switch (Path.GetExtension(file))
        {
            case ".npy":
                NumPyFile.Save(path, _tensor);
                break;
            case ".npz" when file == "packed.npz":
                using (var archive = new ZipArchive(File.Create(path), ZipArchiveMode.Create))
                using (Stream entry = archive.CreateEntry("x.npy", CompressionLevel.Fastest).Open())
                {
                    NumPyFile.Save(entry, _tensor);
                }
                break;
            case ".npz":
                NumPyFile.SaveArchive(path, arrays);
                break;
            default:
                new SafeTensorsFile(arrays).Save(path);
                break;
        }
        return path;
    }
}
