// Safetensors: files byte by byte, round trips bit for bit, and what is refused. Random damage is in
// DamagedWeightFileTests.

using Bptt.Files;
using static Bptt.Tests.Files.WeightFiles;

namespace Bptt.Tests.Files;

public sealed class SafeTensorsFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bptt-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_file_byte_by_byte_is_read_as_it_says()
    {
        byte[] file = SafeTensors(
            """
            {"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2],"data_offsets":[16,24]},
            "w":{"dtype":"F64","shape":[1,2],"data_offsets":[0,16]},
            "half":{"shape":[3],"dtype":"F16","data_offsets":[24,30]},
            "brain":{"dtype":"BF16","shape":[2],"data_offsets":[30,34]},
            "none":{"dtype":"F32","shape":[0,7],"data_offsets":[34,34]},
            "step":{"dtype":"I64","shape":[],"data_offsets":[34,42]},
            "one":{"dtype":"F32","shape":[],"data_offsets":[42,46]}}   
            """,
            [
                .. Doubles(0.1, -2.5), .. Floats(1.5f, -0.1f), 0x00, 0x3C, 0x55, 0x35, 0x00, 0xFC,
                0x80, 0x3F, 0x49, 0xC0, 1, 2, 3, 4, 5, 6, 7, 8, .. Floats(7f),
            ]);

        foreach (Stream stream in new Stream[] { new MemoryStream(file), new TrickleStream(file) })
        {
            var loaded = SafeTensorsFile.Load(stream);

            loaded.Tensors.Keys.Should().Equal("b", "brain", "half", "none", "one", "w");
            loaded.Tensors["w"].Shape.Should().Equal(1, 2);
            loaded.Tensors["w"].Values.ToArray().Should().Equal(0.1, -2.5);
            loaded.Tensors["w"].Format.Should().Be(FloatFormat.Float64);
            loaded.Tensors["b"].Values.ToArray().Should().Equal(1.5, -0.1f);
            loaded.Tensors["b"].Format.Should().Be(FloatFormat.Float32);
            loaded.Tensors["half"].Values.ToArray().Should().Equal(1.0, 0.333251953125, double.NegativeInfinity);
            loaded.Tensors["half"].Format.Should().Be(FloatFormat.Float16);
            loaded.Tensors["brain"].Values.ToArray().Should().Equal(1.0, -3.140625);
            loaded.Tensors["brain"].Format.Should().Be(FloatFormat.BFloat16);
            loaded.Tensors["none"].Values.Length.Should().Be(0);
            loaded.Tensors["one"].Shape.Should().BeEmpty();
            loaded.Tensors["one"].Values.ToArray().Should().Equal(7.0);
            loaded.LeftOut.Should().Equal("step");
            loaded.Metadata.Should().Equal(new Dictionary<string, string> { ["format"] = "pt" });
        }
    }

    [Fact]
    public void A_file_is_written_byte_by_byte_as_the_format_says()
    {
        var file = new SafeTensorsFile(
            new Dictionary<string, StoredTensor>
            {
                ["a"] = new([1], [1.5], Precision.Single),
                ["z"] = new([2, 1], [0.1, -0.0]),
            },
            new Dictionary<string, string> { ["format"] = "pt" });

        byte[] bytes = Bytes(file.Save);

        string header = """
            {"__metadata__":{"format":"pt"},"z":{"dtype":"F64","shape":[2,1],"data_offsets":[0,16]},
            "a":{"dtype":"F32","shape":[1],"data_offsets":[16,20]}}
            """.ReplaceLineEndings("");
        int padded = (header.Length + 7) / 8 * 8;
        bytes.Should().Equal(SafeTensors(header.PadRight(padded), [.. Doubles(0.1, -0.0), .. Floats(1.5f)]));
        bytes.Length.Should().Be(8 + padded + 20);
    }

    [Fact]
    public void Every_number_of_every_format_comes_back_bit_for_bit()
    {
        const int seed = 51;
        var random = new Random(seed);
        byte[] data = new byte[8 * 3000];
        random.NextBytes(data);
        data[7] = 0x3F; // no NaN at the beginning
        byte[] first = SafeTensors(
            """
            {"a":{"dtype":"F64","shape":[2000],"data_offsets":[0,16000]},
            "c":{"dtype":"F16","shape":[1000],"data_offsets":[16000,18000]},
            "d":{"dtype":"BF16","shape":[10,5,20],"data_offsets":[18000,20000]},
            "b":{"dtype":"F32","shape":[1000],"data_offsets":[20000,24000]}}
            """,
            data);
        var loaded = SafeTensorsFile.Load(new MemoryStream(first));

        byte[] second = Bytes(loaded.Save);
        var again = SafeTensorsFile.Load(new MemoryStream(second));

        again.Tensors.Keys.Should().Equal("a", "b", "c", "d");
        foreach ((string name, StoredTensor tensor) in loaded.Tensors)
        {
            again.Tensors[name].Shape.Should().Equal(tensor.Shape);
            again.Tensors[name].Format.Should().Be(tensor.Format);
            Bits(again.Tensors[name]).Should().Equal(Bits(tensor), "of {0}, seed {1}", name, seed);
        }
        Bytes(again.Save).Should().Equal(second);

        // Against the bytes themselves, but for NaNs, whose payload a conversion may change.
        byte[] written = second[^24000..];
        byte[] expected = [.. data[..16000], .. data[20000..24000], .. data[16000..18000], .. data[18000..20000]];
        int[] same = [.. Enumerable.Range(0, 3000).Where(i =>
            written.AsSpan(8 * i, 8).SequenceEqual(expected.AsSpan(8 * i, 8)))];
        same.Length.Should().BeGreaterThan(2900, "few of the random numbers are NaN, seed {0}", seed);
    }

    [Fact]
    public void Through_a_file_names_and_texts_of_any_letters_come_back()
    {
        string path = Path.Combine(_folder, "weights.safetensors");
        var file = new SafeTensorsFile(
            new Dictionary<string, StoredTensor> { ["Wärme \"∂\"\n/𝕎.0"] = new([], [double.Epsilon]) },
            new Dictionary<string, string> { ["größe"] = "\u0000 ∂ 𝕎", [""] = "" });

        file.Save(path);
        var loaded = SafeTensorsFile.Load(path);

        loaded.Tensors.Single().Key.Should().Be("Wärme \"∂\"\n/𝕎.0");
        loaded.Tensors.Single().Value.Values.ToArray().Should().Equal(double.Epsilon);
        loaded.Metadata.Should().Equal(file.Metadata);
        Directory.GetFiles(_folder).Should().Equal(path);
    }

    [Fact]
    public void A_model_file_comes_back_with_all_that_belongs_to_it()
    {
        var examples = new Examples(seed: 5);
        var file = new LinearRnnFile(
            examples.Model(2, 3, 1),
            examples.Vector(3),
            [new Channel("heater \"power\"", 1.0 / 3, 2e-7), new Channel("Wärme, °C", -5, 1)],
            [new Channel("y", 1e300, 3)],
            stepsAhead: 1);
        foreach (WeightNames names in new[] { WeightNames.PyTorch, WeightNames.Keras, WeightNames.Flax })
        {
            using var memory = new MemoryStream(Bytes(SafeTensorsFile.Of(file, names).Save));
            LinearRnnFile back = SafeTensorsFile.Load(memory).ToModelFile(names);

            back.Model.Whh.Should().Be(file.Model.Whh);
            Bytes(back.Save).Should().Equal(Bytes(file.Save));
        }

        var single = SafeTensorsFile.Of(file, precision: Precision.Single).ToModelFile(WeightNames.PyTorch);
        single.Model.Whh.Should().Be(file.Model.Whh.Map(value => (double)(float)value));
        single.InitialState.Should().Equal(file.InitialState);

        var foreign = new SafeTensorsFile(WeightNames.PyTorch.ToTensors(file.Model)).ToModelFile(WeightNames.PyTorch);
        foreign.Inputs.Should().Equal(new Channel("x1"), new Channel("x2"));
        var damaged = new SafeTensorsFile(WeightNames.PyTorch.ToTensors(file.Model), [new("bptt", "{}")]);
        FluentActions.Invoking(() => damaged.ToModelFile(WeightNames.PyTorch)).Should().Throw<InvalidDataException>();
    }

    [Fact]
    public void A_file_of_no_tensors_is_one() =>
        SafeTensorsFile.Load(new MemoryStream(SafeTensors("{}"))).Tensors.Should().BeEmpty();

    [Theory]
    [InlineData("""{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,16]}}""", 16, "expected 8 bytes for F64")]
    [InlineData("""{"a":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}""", 15, "got 15")]
    [InlineData("""{"a":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}""", 17, "got 17")]
    [InlineData("""{"a":{"dtype":"F64","shape":[1],"data_offsets":[8,16]}}""", 16, "expected its bytes to begin at 0")]
    [InlineData(
        """{"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[],"data_offsets":[8,9]}}""",
        9, "b: expected its bytes to begin at 4")]
    [InlineData(
        """{"a":{"dtype":"I8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}""",
        8, "b: expected its bytes to begin at 8")]
    [InlineData(
        """{"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}""",
        8, "one name stands twice")]
    [InlineData("""{"a":{"dtype":"F64","shape":[1],"data_offsets":[8,0]}}""", 8, "a: expected 8 bytes")]
    [InlineData("""{"a":{"dtype":"F64","shape":[1],"data_offsets":[-8,0]}}""", 8, "of at least 0")]
    [InlineData("""{"a":{"dtype":"F64","shape":[1],"data_offsets":[0]}}""", 8, "two data_offsets")]
    [InlineData("""{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8.5]}}""", 8, "whole number, got 8.5")]
    [InlineData("""{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,99999999999999999999]}}""", 8, "whole number")]
    [InlineData("""{"a":{"dtype":"F64","shape":[-1],"data_offsets":[0,8]}}""", 8, "sizes from 0 to")]
    [InlineData("""{"a":{"dtype":"F64","shape":[4294967297],"data_offsets":[0,8]}}""", 8, "sizes from 0 to")]
    [InlineData("""{"a":{"dtype":"F64","shape":[65536,65536],"data_offsets":[0,0]}}""", 0, "expected at most")]
    [InlineData(
        """{"a":{"dtype":"F64","shape":[2147483647,2147483647,2147483647,2],"data_offsets":[0,16]}}""", 16, "at most")]
    [InlineData("""{"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}""", 8, "got \"C64\"")]
    [InlineData("""{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8],"more":1}}""", 8, "got \"more\"")]
    [InlineData("""{"a":{"dtype":"F64","data_offsets":[0,8]}}""", 8, "\"shape\"")]
    [InlineData("""{"a":{"dtype":8,"shape":[1],"data_offsets":[0,8]}}""", 8, "expected a string")]
    [InlineData("""{"a":7}""", 0, "a: expected an object")]
    [InlineData("""{"__metadata__":{"n":1}}""", 0, "n: expected a string")]
    [InlineData("""{"__metadata__":{"n":"\ud800"}}""", 0, "n: expected text")]
    [InlineData("""{"\ud800":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}""", 8, "text")]
    [InlineData("""[]""", 0, "expected an object of JSON")]
    [InlineData("""{}}""", 0, "not valid JSON")]
    [InlineData(""" {}""", 0, "expected an object of JSON")]
    public void What_is_damaged_is_refused_with_its_place(string header, int bytes, string message) =>
        LoadShouldFail(SafeTensors(header, new byte[bytes]), message);

    [Fact]
    public void What_is_no_such_file_is_refused()
    {
        LoadShouldFail([], "cut off");
        LoadShouldFail([2, 0, 0, 0, 0, 0, 0], "cut off");
        LoadShouldFail([2, 0, 0, 0, 0, 0, 0, 0, (byte)'{'], "cut off");
        LoadShouldFail([1, 0, 0, 0, 0, 0, 0, 0, (byte)'{'], "expected a length from 2");
        LoadShouldFail([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "no safetensors file");
        LoadShouldFail([1, 0xE1, 0xF5, 5, 0, 0, 0, 0], "to 100000000 bytes, got 100000001");
        LoadShouldFail([0, 0xE1, 0xF5, 5, 0, 0, 0, 0, (byte)'{'], "cut off");
        LoadShouldFail([3, 0, 0, 0, 0, 0, 0, 0, (byte)'{', 0xFF, (byte)'}'], "UTF-8");
        LoadShouldFail(SafeTensors(string.Concat(Enumerable.Repeat("{\"a\":", 100_000))), "not valid JSON");
    }

    [Fact]
    public void A_header_that_promises_more_than_there_is_takes_no_memory_for_it()
    {
        byte[] file = SafeTensors(
            """{"a":{"dtype":"F64","shape":[200000000],"data_offsets":[0,1600000000]}}""", new byte[100]);
        long before = GC.GetAllocatedBytesForCurrentThread();

        LoadShouldFail(file, "got 100");

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(10_000_000);
    }

    [Fact]
    public void Names_and_tensors_that_no_file_can_hold_are_refused()
    {
        var tensor = new StoredTensor([], [1.0]);
        foreach (string name in new[] { "", "__metadata__", "\ud800" })
        {
            FluentActions.Invoking(() => new SafeTensorsFile([new(name, tensor)])).Should().Throw<ArgumentException>();
        }
        FluentActions.Invoking(() => new SafeTensorsFile([new("a", tensor), new("a", tensor)]))
            .Should().Throw<ArgumentException>().WithMessage("*got two for 'a'*");
        FluentActions.Invoking(() => new SafeTensorsFile([new("a", null!)]))
            .Should().Throw<ArgumentException>().WithMessage("*got null for 'a'*");
        FluentActions.Invoking(() => new SafeTensorsFile([new("a", tensor)], [new("t", "\ud800")]))
            .Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new StoredTensor([2], [1.0]))
            .Should().Throw<ArgumentException>().WithMessage("*expected 2 numbers*");
        FluentActions.Invoking(() => new StoredTensor([-1], []))
            .Should().Throw<ArgumentException>().WithMessage("*at least 0*");
        FluentActions.Invoking(() => new StoredTensor([1], [1e39], Precision.Single))
            .Should().Throw<ArgumentException>().WithMessage("*range of float*");
        FluentActions.Invoking(() => tensor.ToMatrix()).Should().Throw<InvalidOperationException>();
    }

    private void LoadShouldFail(byte[] content, string message)
    {
        string path = Path.Combine(_folder, "bad.safetensors");
        File.WriteAllBytes(path, content);
        FluentActions.Invoking(() => SafeTensorsFile.Load(path))
            .Should().Throw<InvalidDataException>().Which.Message.Should().Contain(path).And.Contain(message);
        FluentActions.Invoking(() => SafeTensorsFile.Load(new TrickleStream(content)))
            .Should().Throw<InvalidDataException>();
    }
}
