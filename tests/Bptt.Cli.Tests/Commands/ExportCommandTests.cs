// `bptt export` and `bptt import`: models to files of weights and back, weights of other programs, and what is refused.

using Bptt.Files;
using Bptt.Onnx;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Tests.Commands;

public class ExportCommandTests
{
    private static readonly LinearRnn Model = new(
        Of(new[,] { { 0.1 }, { -2.5 } }),
        Of(new[,] { { 0.5, 1.0 / 3 }, { -0.25, 0.7 } }),
        Of(new[,] { { 1e-3, 2.0 } }));

    [Theory]
    [InlineData("model.onnx")]
    [InlineData("MODEL.ONNX")]
    [InlineData("weights.safetensors")]
    [InlineData("weights.safetensors", "--names", "keras")]
    [InlineData("weights.npz", "--names", "flax")]
    [InlineData("weights.npz", "--names", "pytorch")]
    public async Task What_is_exported_comes_back_bit_for_bit(string name, params string[] names)
    {
        using var folder = new TemporaryFolder();
        string model = Saved(folder);
        string[] channels = name.EndsWith(".npz", StringComparison.Ordinal)
            ? ["--inputs", "power", "--outputs", "\"air, °C\""] : [];

        CommandResult export = await CommandRunner.RunAsync(["export", model, folder.At(name), .. names]);
        CommandResult import = await CommandRunner.RunAsync(
            ["import", folder.At(name), .. names, .. channels, "--out", folder.At("again.json")]);

        export.ShouldBeDone();
        export.Output.Trim().Should().Be($"written: {folder.At(name)}");
        import.ShouldBeDone();
        import.Output.Should().Contain("2 hidden units, 1 input, 1 output").And.Contain("again.json");
        string expected = File.ReadAllText(model);
        if (channels.Length > 0)
        {
            expected = expected.Replace("\"stepsAhead\": 1", "\"stepsAhead\": 0", StringComparison.Ordinal);
        }
        File.ReadAllText(folder.At("again.json")).Should().Be(expected);
    }

    [Theory]
    [InlineData("model.onnx")]
    [InlineData("weights.safetensors")]
    [InlineData("weights.npz")]
    public async Task Single_precision_rounds_the_weights_alone(string name)
    {
        using var folder = new TemporaryFolder();
        string model = Saved(folder);

        (await CommandRunner.RunAsync("export", model, folder.At(name), "--precision", "single")).ShouldBeDone();
        CommandResult import = await CommandRunner.RunAsync("import", folder.At(name));

        import.ShouldBeDone();
        string path = folder.File("again.json", import.Output);
        var again = LinearRnnFile.Load(path);
        again.Model.Whh.Should().Be(Model.Whh.Map(value => (double)(float)value));
        again.InitialState[0].Should().Be(1.0 / 7);
        again.Inputs[0].Mean.Should().Be(41.7);
    }

    [Fact]
    public async Task The_files_are_those_of_the_library()
    {
        using var folder = new TemporaryFolder();
        string model = Saved(folder);
        var file = LinearRnnFile.Load(model);
        foreach (string name in new[] { "m.onnx", "w.safetensors", "w.npz" })
        {
            (await CommandRunner.RunAsync("export", model, folder.At(name))).ShouldBeDone();
        }

        File.ReadAllBytes(folder.At("m.onnx")).Should().Equal(OnnxModel.ToBytes(file, new OnnxOptions()));
        SafeTensorsFile.Load(folder.At("w.safetensors")).Tensors["rnn.weight_hh_l0"].ToMatrix().Should().Be(Model.Whh);
        NumPyFile.LoadArchive(folder.At("w.npz"))["input_mean"].Values.ToArray().Should().Equal(41.7);
        folder.Content().Should().Equal("m.onnx", "model.json", "w.npz", "w.safetensors");
    }

    [Fact]
    public async Task Weights_of_other_programs_become_a_model()
    {
        using var folder = new TemporaryFolder();
        string path = folder.At("w.safetensors");
        var own = new WeightNames("enc.x", "enc.h", "dec", isTransposed: true);
        new SafeTensorsFile(own.ToTensors(Model)).Save(path);

        CommandResult result = await CommandRunner.RunAsync(
            "import", path, "--names", "enc.x, enc.h, dec", "--transposed", "--out", folder.At("m.json"),
            "--inputs", "u");

        result.ShouldBeDone();
        var loaded = LinearRnnFile.Load(folder.At("m.json"));
        loaded.Model.Whx.Should().Be(Model.Whx);
        loaded.Model.Whh.Should().Be(Model.Whh);
        loaded.Inputs.Should().Equal(new Channel("u"));
        loaded.Outputs.Should().Equal(new Channel("y1"));
    }

    [Fact]
    public async Task Layers_of_complex_numbers_become_real_models()
    {
        using var folder = new TemporaryFolder();
        var lru = new Dictionary<string, StoredTensor>
        {
            ["seq/nu_log"] = new([1], [-2.0]),
            ["seq/theta_log"] = new([1], [-1.0]),
            ["seq/gamma_log"] = new([1], [-0.5]),
            ["seq/B_re"] = new([1, 1], [1.0]),
            ["seq/B_im"] = new([1, 1], [0.0]),
            ["seq/C_re"] = new([1, 1], [2.0]),
            ["seq/C_im"] = new([1, 1], [-1.0]),
            ["seq/D"] = new([1], [0.5]),
        };
        NumPyFile.SaveArchive(folder.At("lru.npz"), lru);
        new SafeTensorsFile(new Dictionary<string, StoredTensor>
        {
            ["Lambda_re"] = new([1], [-0.5]),
            ["Lambda_im"] = new([1], [3.0]),
            ["log_step"] = new([1, 1], [-2.3]),
            ["B"] = new([1, 1, 2], [1.0, 0.0]),
            ["C"] = new([1, 1, 2], [0.5, 0.25]),
            ["D"] = new([1], [0.0]),
        }).Save(folder.At("s5.safetensors"));

        (await CommandRunner.RunAsync("import", folder.At("lru.npz"), "--names", "lru", "--out", folder.At("l.json")))
            .ShouldBeDone();
        (await CommandRunner.RunAsync(
            "import", folder.At("s5.safetensors"), "--names", "s5", "--out", folder.At("s.json"))).ShouldBeDone();

        LinearRnnFile.Load(folder.At("l.json")).Model.HiddenSize.Should().Be(3);
        LinearRnnFile.Load(folder.At("l.json")).Model.Whh
            .Should().Be(DiagonalRnn.OfLru(lru, "seq/").ToLinearRnn().Whh);
        LinearRnnFile.Load(folder.At("s.json")).Model.HiddenSize.Should().Be(2);
        lru["other/nu_log"] = lru["seq/nu_log"];
        NumPyFile.SaveArchive(folder.At("two.npz"), lru);
        (await CommandRunner.RunAsync("import", folder.At("two.npz"), "--names", "lru"))
            .ShouldBeRefused(1, "two.npz", "one layer, got those of 2");
    }

    [Fact]
    public async Task Faults_of_files_are_told_with_their_names_and_remedies()
    {
        using var folder = new TemporaryFolder();
        string model = Saved(folder);
        var tensors = WeightNames.PyTorch.ToTensors(Model).ToDictionary();
        tensors["rnn.bias_ih_l0"] = new([2], [0.0, 1.0]);
        new SafeTensorsFile(tensors).Save(folder.At("biased.safetensors"));
        Archive("state.npz", "initial_state", new StoredTensor([3], new double[3]));
        Archive("scale.npz", "input_scale", new StoredTensor([1], [-1.0]));
        folder.File("text.onnx", "no graph");
        folder.File("text.npz", "no archive");
        folder.File("text.safetensors", "no tensors at all");
        folder.File("large.json", File.ReadAllText(model).Replace("-2.5", "1e39", StringComparison.Ordinal));
        Directory.CreateDirectory(folder.At("folder.npz"));

        await Refused("expected no bias", "import", folder.At("biased.safetensors"));
        await Refused("an input that is constantly 1", "import", folder.At("biased.safetensors"));
        await Refused("got none among", "import", folder.At("biased.safetensors"), "--names", "keras");
        await Refused("expected a tensor 'nu_log'", "import", folder.At("biased.safetensors"), "--names", "lru");
        await Refused("initial_state: expected 2 numbers, got 3", "import", folder.At("state.npz"));
        await Refused("scale: expected a finite number above 0", "import", folder.At("scale.npz"));
        await Refused("text.onnx", "import", folder.At("text.onnx"));
        await Refused("text.npz", "import", folder.At("text.npz"));
        await Refused("text.safetensors", "import", folder.At("text.safetensors"));
        await Refused("there is no such file", "import", folder.At("none.npz"));
        await Refused("got a folder", "import", folder.At("folder.npz"));
        await Refused("there is no such file", "export", folder.At("none.json"), folder.At("m.onnx"));
        await Refused("cannot be written", "export", model, folder.At("none/m.onnx"));
        await Refused("cannot be written", "export", model, folder.At("folder.npz"));
        (await CommandRunner.RunAsync("export", model, folder.At("w.npz"))).ShouldBeDone();
        await Refused("1 different names of inputs", "import", folder.At("w.npz"), "--inputs", "a,b");
        foreach (string name in new[] { "m.onnx", "w.safetensors", "l.npz" })
        {
            await Refused(
                "range of float", "export", folder.At("large.json"), folder.At(name), "--precision", "single");
            File.Exists(folder.At(name)).Should().BeFalse();
        }

        void Archive(string file, string name, StoredTensor array)
        {
            var arrays = WeightNames.PyTorch.ToTensors(Model).ToDictionary();
            arrays.Add(name, array);
            NumPyFile.SaveArchive(folder.At(file), arrays);
        }

        static async Task Refused(string message, params string[] arguments) =>
            (await CommandRunner.RunAsync(arguments)).ShouldBeRefused(1, message);
    }

    /// <summary>A model file with everything in it that a file may have.</summary>
    private static string Saved(TemporaryFolder folder)
    {
        string path = folder.At("model.json");
        new LinearRnnFile(
            Model,
            Vector<double>.Build.Dense([1.0 / 7, -2.0]),
            [new Channel("power", 41.7, 212.7)],
            [new Channel("air, °C", 4.0 / 3, 0.8)],
            stepsAhead: 1,
            finalState: Vector<double>.Build.Dense([-0.25, 1.0 / 3])).Save(path);
        return path;
    }

    private static Matrix<double> Of(double[,] entries) => Matrix<double>.Build.DenseOfArray(entries);
}
