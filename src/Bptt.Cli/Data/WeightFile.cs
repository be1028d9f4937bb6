// Files of weights for other programs, and from them: safetensors, .npz and ONNX, told apart by their extensions.

using Bptt.Cli.Console;
using Bptt.Files;
using Bptt.Onnx;

namespace Bptt.Cli.Data;

/// <summary>How weights are read that other programs name: the model of a file's tensors.</summary>
internal delegate LinearRnn WeightReading(IReadOnlyDictionary<string, StoredTensor> tensors);

internal static class WeightFile
{
    /// <summary>The extension of ONNX files, which have no names of weights to choose.</summary>
    public const string Onnx = ".onnx";

    private const string SafeTensors = ".safetensors";
    private const string NumPy = ".npz";

    /// <summary>What an archive of NumPy holds beside the weights, where it was written here.</summary>
    private const string InitialState = "initial_state";
    private const string FinalState = "final_state";
    private const string InputMean = "input_mean";
    private const string InputScale = "input_scale";
    private const string OutputMean = "output_mean";
    private const string OutputScale = "output_scale";

    /// <summary>The extensions, in words.</summary>
    public const string Extensions = $"{Onnx}, {SafeTensors} or {NumPy}";

    /// <summary>The extension of a name, where it is one of those.</summary>
    public static string? KindOf(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        Onnx => Onnx,
        SafeTensors => SafeTensors,
        NumPy => NumPy,
        _ => null,
    };

    /// <summary>Writes a model.</summary>
    /// <exception cref="DataFaultException">It cannot be written, or a number is beyond the range of
    /// float.</exception>
    public static void Write(string path, LinearRnnFile file, WeightNames names, Precision precision)
    {
        try
        {
            Action<Stream> write = KindOf(path) switch
            {
                Onnx => Bytes(OnnxModel.ToBytes(file, new OnnxOptions { Precision = precision })),
                NumPy => Archive(file, names, precision),
                _ => SafeTensorsFile.Of(file, names, precision).Save,
            };
            OutputFile.WriteBytes(path, write);
        }
        catch (ArgumentException e)
        {
            throw new DataFaultException($"{path}: {e.Message.Split(" (Parameter")[0]}", e);
        }
    }

    /// <summary>Reads a model.</summary>
    /// <param name="path">The file.</param>
    /// <param name="read">How its tensors become a model.</param>
    /// <exception cref="DataFaultException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is damaged, or holds no such model.</exception>
    public static LinearRnnFile Read(string path, WeightReading read)
    {
        if (!File.Exists(path))
        {
            throw new DataFaultException($"{path}: "
                + $"{(Directory.Exists(path) ? "expected a file, got a folder" : "there is no such file")}.");
        }
        switch (KindOf(path))
        {
            case Onnx:
                return OnnxModel.Load(path);
            case NumPy:
                IReadOnlyDictionary<string, StoredTensor> arrays = NumPyFile.LoadArchive(path);
                return InFile(path, () => OfArchive(arrays, read));
            default:
                var file = SafeTensorsFile.Load(path);
                return InFile(path, () => file.ToModelFile(read(file.Tensors)));
        }
    }

    private static Action<Stream> Bytes(byte[] bytes) => stream => stream.Write(bytes);

    private static Action<Stream> Archive(LinearRnnFile file, WeightNames names, Precision precision)
    {
        var arrays = names.ToTensors(file.Model, precision).ToDictionary();
        arrays[InitialState] = StoredTensor.Of(file.InitialState);
        if (file.FinalState is MathNet.Numerics.LinearAlgebra.Vector<double> state)
        {
            arrays[FinalState] = StoredTensor.Of(state);
        }
        arrays[InputMean] = Vector(file.Inputs.Select(c => c.Mean));
        arrays[InputScale] = Vector(file.Inputs.Select(c => c.Scale));
        arrays[OutputMean] = Vector(file.Outputs.Select(c => c.Mean));
        arrays[OutputScale] = Vector(file.Outputs.Select(c => c.Scale));
        return stream => NumPyFile.SaveArchive(stream, arrays);
    }

    private static StoredTensor Vector(IEnumerable<double> numbers)
    {
        double[] values = [.. numbers];
        return new StoredTensor([values.Length], values);
    }

    private static LinearRnnFile OfArchive(IReadOnlyDictionary<string, StoredTensor> arrays, WeightReading read)
    {
        string[] own = [InitialState, FinalState, InputMean, InputScale, OutputMean, OutputScale];
        LinearRnn model = read(arrays.Where(a => !own.Contains(a.Key)).ToDictionary());
        try
        {
            return new LinearRnnFile(
                model,
                State(InitialState),
                Channels("x", model.InputSize, InputMean, InputScale),
                Channels("y", model.OutputSize, OutputMean, OutputScale),
                finalState: State(FinalState));
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException(e.Message.Split(" (Parameter")[0], e);
        }

        MathNet.Numerics.LinearAlgebra.Vector<double>? State(string name) =>
            Numbers(name, model.HiddenSize) is double[] state
                ? MathNet.Numerics.LinearAlgebra.Vector<double>.Build.Dense(state) : null;

        Channel[] Channels(string prefix, int count, string mean, string scale)
        {
            double[]? means = Numbers(mean, count);
            double[]? scales = Numbers(scale, count);
            return [.. Enumerable.Range(0, count).Select(i =>
                new Channel($"{prefix}{i + 1}", means?[i] ?? 0.0, scales?[i] ?? 1.0))];
        }

        double[]? Numbers(string name, int count) => !arrays.TryGetValue(name, out StoredTensor? array)
            ? null
            : array.Values.Length == count
                ? array.Values.ToArray()
                : throw new InvalidDataException($"{name}: expected {count} numbers, got {array.Values.Length}.");
    }

    /// <summary>The name of the file before what is wrong with what it holds.</summary>
    private static LinearRnnFile InFile(string path, Func<LinearRnnFile> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }
}
