// ONNX files as such: read again, and what cannot be written or read.

using System.Text;
using Bptt.Files;
using Bptt.Tests;

namespace Bptt.Onnx.Tests;

public sealed class OnnxModelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bptt-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_model_is_read_again_with_all_that_belongs_to_it()
    {
        LinearRnnFile file = File();
        string path = Path.Combine(_folder, "model.onnx");
        OnnxModel.Save(file, path);

        Json(OnnxModel.Load(path)).Should().Be(Json(file), "in double precision every number comes back");

        foreach (OnnxRecurrence recurrence in new[] { OnnxRecurrence.Rnn, OnnxRecurrence.Scan })
        {
            using var memory = new MemoryStream();
            OnnxModel.Save(file, memory, new OnnxOptions { Precision = Precision.Single, Recurrence = recurrence });
            memory.Position = 0;
            LinearRnnFile back = OnnxModel.Load(memory);
            back.Model.Whx.Should().Be(file.Model.Whx.Map(value => (double)(float)value));
            back.Model.Whh.Should().Be(file.Model.Whh.Map(value => (double)(float)value));
            back.Model.Wqh.Should().Be(file.Model.Wqh.Map(value => (double)(float)value));
            back.InitialState.Should().Equal(file.InitialState);
            back.Inputs.Should().Equal(file.Inputs);
        }
        OnnxModel.ToBytes(file).Should().Equal(OnnxModel.ToBytes(file), "equal models make equal bytes");
    }

    [Fact]
    public void What_single_precision_cannot_hold_is_refused()
    {
        var single = new OnnxOptions { Precision = Precision.Single };
        LinearRnn model = new Examples(seed: 1).Model(1, 2, 1);
        LinearRnn large = new(1e39 * model.Whx, model.Whh, model.Wqh);

        Refuse(() => OnnxModel.ToBytes(large, single), "range of float*W_hx");
        Refuse(
            () => OnnxModel.ToBytes(new LinearRnnFile(model, null, [new Channel("u", 0, 1e-50)]), single),
            "range of float*rounds to zero");
        Refuse(
            () => OnnxModel.ToBytes(model, new OnnxOptions { Recurrence = OnnxRecurrence.Rnn }),
            "single precision for the operator RNN");
        FluentActions.Invoking(() => new OnnxOptions { Recurrence = (OnnxRecurrence)7 })
            .Should().Throw<ArgumentOutOfRangeException>();
        OnnxModel.ToBytes(large).Should().NotBeEmpty();
    }

    [Fact]
    public void What_was_not_written_here_is_refused()
    {
        Load([], "metadata");
        Load(Encoding.UTF8.GetBytes("{ \"format\": \"bptt-linear-rnn\" }"), "");
        string path = Path.Combine(_folder, "bad.onnx");
        System.IO.File.WriteAllBytes(path, [1, 2, 3]);
        FluentActions.Invoking(() => OnnxModel.Load(path))
            .Should().Throw<InvalidDataException>().WithMessage($"{path}: *");

        static void Load(byte[] bytes, string message) => FluentActions
            .Invoking(() => OnnxModel.Load(new MemoryStream(bytes)))
            .Should().Throw<InvalidDataException>().WithMessage($"*{message}*");
    }

    [Fact]
    public void Ten_thousand_damaged_files_are_read_or_refused()
    {
        const int seed = 71;
        var random = new Random(seed);
        byte[] original = OnnxModel.ToBytes(File());
        int refused = 0;
        for (int i = 0; i < 10_000; i++)
        {
            byte[] file = [.. original];
            for (int k = random.Next(1, 4); k > 0; k--)
            {
                file[random.Next(file.Length)] = (byte)random.Next(256);
            }
            try
            {
                int length = random.Next(4) == 0 ? random.Next(file.Length) : file.Length;
                OnnxModel.Load(new MemoryStream(file[..length]));
            }
            catch (InvalidDataException)
            {
                refused++;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}, file {i}: {Convert.ToBase64String(file)}", e);
            }
        }
        refused.Should().BeInRange(1000, 9999);
    }

    private static LinearRnnFile File()
    {
        var examples = new Examples(seed: 2);
        return new LinearRnnFile(
            examples.Model(2, 3, 2),
            examples.Vector(3),
            [new Channel("Wärme", 1.0 / 3, 2e-7), new Channel("b", 0, 1)],
            [new Channel("y", 1e30, 3), new Channel("z", 0, 1)],
            stepsAhead: 2);
    }

    private static string Json(LinearRnnFile file)
    {
        using var memory = new MemoryStream();
        file.Save(memory);
        return Encoding.UTF8.GetString(memory.ToArray());
    }

    private static void Refuse(Action write, string message) =>
        write.Should().Throw<ArgumentException>().WithMessage($"*{message}*");
}
