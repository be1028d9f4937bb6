// Model files: bit-for-bit round trips, refusal of what is damaged, and no loss when a write fails.

using System.Text;
using Bptt.Files;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Files;

public sealed class LinearRnnFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bptt-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Every_number_comes_back_bit_for_bit()
    {
        var examples = new Examples(seed: 71);
        Matrix<double> whh = examples.Matrix(3, 3);
        whh[0, 0] = double.Epsilon;
        whh[0, 1] = double.MaxValue;
        whh[0, 2] = -0.0;
        whh[1, 0] = 0.1 + 0.2;
        var file = new LinearRnnFile(
            new LinearRnn(examples.Matrix(3, 2), whh, examples.Matrix(1, 3)),
            examples.Vector(3),
            [new Channel("heater \"power\"", 1.0 / 3, 2e-7), new Channel("Wärme, °C", -5, 1)],
            [new Channel("y", 1e300, 3)],
            stepsAhead: 1);
        string path = Path.Combine(_folder, "model.json");

        file.Save(path);
        var loaded = LinearRnnFile.Load(path);

        Bits(loaded.Model.Whx).Should().Equal(Bits(file.Model.Whx));
        Bits(loaded.Model.Whh).Should().Equal(Bits(whh));
        Bits(loaded.Model.Wqh).Should().Equal(Bits(file.Model.Wqh));
        loaded.InitialState.Should().Equal(file.InitialState);
        loaded.Inputs.Should().Equal(file.Inputs);
        loaded.Outputs.Should().Equal(file.Outputs);
        loaded.StepsAhead.Should().Be(1);
        Directory.GetFiles(_folder).Should().Equal(path);
        File.ReadAllText(path).Should().EndWith("}\n");
    }

    [Fact]
    public void Without_channels_and_state_a_model_has_plain_ones()
    {
        var file = new LinearRnnFile(new Examples(seed: 1).Model(2, 3, 1));
        file.Inputs.Should().Equal(new Channel("x1"), new Channel("x2"));
        file.Outputs.Should().Equal(new Channel("y1"));
        file.InitialState.Should().Equal(Vector<double>.Build.Dense(3));
    }

    [Fact]
    public void A_channel_scales_there_and_back()
    {
        var channel = new Channel("t", mean: 20, scale: 4);
        channel.Normalize(26).Should().Be(1.5);
        channel.Denormalize(1.5).Should().Be(26);
    }

    [Theory]
    [InlineData("", "not valid JSON")]
    [InlineData("{ \"format\": \"bptt-linear-rnn\", \"vers", "not valid JSON")]
    [InlineData("[]", "expected an object")]
    [InlineData("{}", "\"format\"")]
    [InlineData("{ \"format\": \"onnx\" }", "expected \"bptt-linear-rnn\", got \"onnx\"")]
    [InlineData("{ \"format\": \"\\ud800\" }", "format: expected text")]
    [InlineData("{ \"format\": 3 }", "format: expected a string, got Number")]
    [InlineData("{ \"format\": \"bptt-linear-rnn\", \"version\": 2 }", "version: expected 1")]
    [InlineData("{ \"format\": \"bptt-linear-rnn\", \"version\": 1.5 }", "whole number, got 1.5")]
    public void What_is_damaged_or_foreign_is_refused(string content, string message) =>
        LoadShouldFail(content, message);

    [Theory]
    [InlineData("\"whx\": [[1]]", "\"whx\": [[1], [2]]", "got 2×1, as if transposed")]
    [InlineData("\"whx\": [[1]]", "\"whx\": [[1, 2], [3, 4]]", "whx: expected 1×2 (h×d, where whh has")]
    [InlineData("\"wqh\": [[3]]", "\"wqh\": [[3, 4]]", "wqh: expected 2×1 (q×h, where whh has h = 1 rows)")]
    [InlineData("\"whh\": [[0.5]]", "\"whh\": [[0.5, 1]]", "whh: expected 1×1 (h×h, where whx has h = 1 rows)")]
    [InlineData("\"whh\": [[0.5]]", "\"whh\": [[0.5, 1], [2]]", "whh[1]: expected 2 numbers")]
    [InlineData("\"whh\": [[0.5]]", "\"whh\": []", "whh: expected h×h")]
    [InlineData("\"whh\": [[0.5]]", "\"whh\": [[1e999]]", "whh: expected finite numbers, got Infinity")]
    [InlineData("\"whh\": [[0.5]]", "\"whh\": [[\"NaN\"]]", "whh[0][0]: expected a number, got String")]
    [InlineData("\"whh\": [[0.5]]", "\"whh\": 7", "whh: expected an array, got Number")]
    [InlineData("\"whh\": [[0.5]]", "\"w\": 7", "expected a property \"whh\"")]
    [InlineData("\"initialState\": [0]", "\"initialState\": [0, 1]", "initialState: expected length 1 (h), got 2")]
    [InlineData("\"initialState\": [0]", "\"initialState\": []", "initialState: expected length 1 (h), got 0")]
    [InlineData("\"scale\": 2 }]", "\"scale\": 0 }]", "scale: expected a finite number above 0")]
    [InlineData(
        "\"scale\": 2 }]",
        "\"scale\": 2 }, { \"name\": \"b\", \"mean\": 0, \"scale\": 1 }]",
        "inputs: expected length 1 (d), got 2")]
    [InlineData("\"stepsAhead\": 0", "\"stepsAhead\": -1", "stepsAhead")]
    public void What_does_not_fit_is_refused_with_its_place(string good, string bad, string message)
    {
        const string content = """
            { "format": "bptt-linear-rnn", "version": 1, "comment": "ignored",
              "inputs": [{ "name": "a", "mean": 1, "scale": 2 }], "outputs": [{ "name": "y", "mean": 0, "scale": 1 }],
              "stepsAhead": 0, "initialState": [0], "whx": [[1]], "whh": [[0.5]], "wqh": [[3]] }
            """;
        LinearRnnFile.Load(Stream(content)).Model.Whh[0, 0].Should().Be(0.5);
        content.Should().Contain(good);

        LoadShouldFail(content.Replace(good, bad, StringComparison.Ordinal), message);
    }

    [Theory]
    [InlineData("{\"format\":\"bptt-linear-rnn\",\"format\":\"bptt-linear-rnn\"}", "format")]
    [InlineData("{\"format\":\"bptt-linear-rnn\",\"\\ud800\":1}", "text")]
    [InlineData("{\"\\ud800\":1,\"\\udc00\":1}", "text")]
    public void A_property_that_stands_twice_or_has_a_name_that_is_no_text_is_refused(string content, string message) =>
        FluentActions.Invoking(() => LinearRnnFile.Load(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(content))))
            .Should().Throw<InvalidDataException>().Which.Message.Should().Contain(message);

    [Fact]
    public void A_byte_order_mark_is_borne()
    {
        using var file = new MemoryStream();
        file.Write("\uFEFF"u8);
        new LinearRnnFile(new Examples(seed: 2).Model(1, 2, 1)).Save(file);
        file.Position = 0;

        LinearRnnFile.Load(file).Model.HiddenSize.Should().Be(2);
    }

    [Fact]
    public void A_missing_file_is_an_IO_error() =>
        FluentActions.Invoking(() => LinearRnnFile.Load(Path.Combine(_folder, "none.json")))
            .Should().Throw<FileNotFoundException>();

    [Fact]
    public void A_missing_folder_is_named_without_the_temporary_file() =>
        FluentActions.Invoking(
            () => new LinearRnnFile(new Examples(seed: 1).Model(1, 1, 1)).Save(Path.Combine(_folder, "none", "m.json")))
            .Should().Throw<DirectoryNotFoundException>().Which.Message.Should().Contain("none").And.NotContain(".tmp");

    [Fact]
    public void A_write_that_fails_leaves_the_old_file_whole_and_nothing_behind()
    {
        string path = Path.Combine(_folder, "model.json");
        File.WriteAllText(path, "old");

        FluentActions.Invoking(() => AtomicFile.Write(path, stream =>
        {
            stream.WriteByte(1);
            throw new IOException("disc full");
        })).Should().Throw<IOException>().WithMessage("disc full");

        File.ReadAllText(path).Should().Be("old");
        Directory.GetFiles(_folder).Should().Equal(path);
    }

    private void LoadShouldFail(string content, string message)
    {
        string path = Path.Combine(_folder, "bad.json");
        File.WriteAllText(path, content);
        FluentActions.Invoking(() => LinearRnnFile.Load(path))
            .Should().Throw<InvalidDataException>().Which.Message.Should().Contain(path).And.Contain(message)
            .And.NotContain("(Parameter", "a file has no parameters");
        FluentActions.Invoking(() => LinearRnnFile.Load(Stream(content))).Should().Throw<InvalidDataException>();
    }

    private static MemoryStream Stream(string content) => new(Encoding.UTF8.GetBytes(content));

    private static long[] Bits(Matrix<double> matrix) =>
        Array.ConvertAll(matrix.ToColumnMajorArray(), BitConverter.DoubleToInt64Bits);
}
