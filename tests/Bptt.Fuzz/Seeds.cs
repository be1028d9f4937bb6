// Small right files of every kind, to begin with.

using System.Security.Cryptography;
using System.Text;
using Bptt.Files;
using Bptt.Forecasting;
using Bptt.Onnx;
using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Fuzz;

internal static class Seeds
{
    private static readonly LinearRnn Model = Initializer.Orthogonal(1, 2, 1, seed: 1, spectralRadius: 0.9);

    public static void Write(string folder)
    {
        var named = new LinearRnnFile(
            Model, Vector<double>.Build.Dense([0.5, -1.0]), [new Channel("u", 1.0, 2.0)], [new Channel("y")]);
        Put(folder, "model", "named", named.Save);
        Put(folder, "model", "plain", new LinearRnnFile(Model).Save);

        var series = Matrix<double>.Build.Dense(1, 60, (_, t) => 20.0 + t + 3.0 * Math.Sin(t));
        Put(folder, "forecaster", "network", Forecaster.Fit(series).Save);
        Put(folder, "forecaster", "season", Forecaster.Fit(series, options: new ForecasterOptions { Season = 6 }).Save);

        IReadOnlyDictionary<string, StoredTensor> tensors = WeightNames.PyTorch.ToTensors(Model, Precision.Single);
        Put(folder, "safetensors", "weights", new SafeTensorsFile(tensors, [new("format", "pt")]).Save);
        Put(folder, "npy", "rows", stream => NumPyFile.Save(stream, StoredTensor.Of(Model.Whh)));
        Put(folder, "npy", "columns", stream =>
            NumPyFile.Save(stream, StoredTensor.Of(Model.Whh, Precision.Single), MatrixOrder.ColumnMajor));
        Put(folder, "npz", "weights", stream => NumPyFile.SaveArchive(stream, tensors));

        Put(folder, "onnx", "double", stream => OnnxModel.Save(named, stream));
        Put(folder, "onnx", "single", stream =>
            OnnxModel.Save(named, stream, new OnnxOptions { Precision = Precision.Single }));

        Put(folder, "csv", "numbers", stream => stream.Write("u,y\n1,2\n3,4.5\n-1e3,\n"u8));
        Put(folder, "csv", "quoted", stream => stream.Write("\"a;b\";y\r\n\"1,5\";2\r\nNaN;3\r\n"u8));
        Put(folder, "csv", "dates", stream => stream.Write("t\tu\n2024-01-02\t1\n03.01.2024\t2\n"u8));

        string path = Path.Combine(folder, "checkpoint", "windows");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        Train(new TrainerOptions
        {
            Optimizer = new Adam(),
            WindowLength = 2,
            MaxEpochs = 1,
            Checkpoint = new CheckpointOptions(path),
        });
    }

    /// <summary>A small training.</summary>
    public static TrainingResult Train(TrainerOptions options) => Trainer.Run(
        Model,
        Matrix<double>.Build.Dense(1, 5, (_, t) => t),
        Objective.SquaredError(Matrix<double>.Build.Dense(1, 5, (_, t) => t % 2)),
        options);

    /// <summary>A checkpoint whose checksum holds again, so that what is behind it is reached.</summary>
    public static byte[] WithChecksum(byte[] file)
    {
        const string Mark = "\"training\":";
        const string Sum = "\"sha256\":\"";
        string text = Encoding.Latin1.GetString(file);
        int content = text.IndexOf(Mark, StringComparison.Ordinal) + Mark.Length;
        int sum = text.IndexOf(Sum, StringComparison.Ordinal) + Sum.Length;
        if (content < Mark.Length || sum < Sum.Length || sum + 64 > text.Length || content >= file.Length)
        {
            return file;
        }
        byte[] hash = SHA256.HashData(file.AsSpan(content, file.Length - content - 1));
        byte[] sound = [.. file];
        Encoding.ASCII.GetBytes(Convert.ToHexStringLower(hash)).CopyTo(sound, sum);
        return sound;
    }

    private static void Put(string folder, string target, string name, Action<Stream> save)
    {
        string path = Path.Combine(folder, target, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using FileStream file = File.Create(path);
        save(file);
    }
}
