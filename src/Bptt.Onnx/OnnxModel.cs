// A model as an ONNX file, and back. The graph itself is in LinearRnnGraph.

using System.Buffers.Binary;
using Bptt.Files;
using Bptt.Onnx.Schema;
using Google.Protobuf;

namespace Bptt.Onnx;

/// <summary>
/// Writes a model as ONNX (opset 17): the graph takes <c>inputs</c> in the units of the data and, where it is given,
/// <c>initial_state</c>, and computes <c>outputs</c> in the units of the data and <c>final_state</c>. Numbers of steps
/// and of sequences are free.
/// </summary>
/// <remarks>
/// Output t is what <see cref="LinearRnnFile.Predict(MathNet.Numerics.LinearAlgebra.Matrix{double})"/> has in column
/// t−1: it stands for step t + <see cref="LinearRnnFile.StepsAhead"/>. States are those of the model, of scaled values;
/// <c>final_state</c> fed as the next <c>initial_state</c> goes on with a stream. What belongs to the model beside its
/// weights (channels with names and scaling, steps ahead, h_0) stands as JSON in the metadata, under <c>bptt</c>.
/// </remarks>
public static class OnnxModel
{
    private const string MetadataName = "bptt";

    /// <summary>The newest that all runtimes of the last years read.</summary>
    private const int OperatorSet = 17;

    private const int FormatVersion = 8;

    /// <summary>What a message of Protocol Buffers may have.</summary>
    private const long MostBytes = int.MaxValue;

    /// <summary>The model as the bytes of an ONNX file. Cost O(h(h + d + q)).</summary>
    /// <param name="file">The model with its channels.</param>
    /// <param name="options">How it is written; in double precision where null.</param>
    /// <exception cref="ArgumentNullException">The model is null.</exception>
    /// <exception cref="ArgumentException">The operator RNN was asked for with double precision, which runtimes do not
    /// have; a number is beyond the range of float in single precision; or the weights take more than 2 GB.</exception>
    public static byte[] ToBytes(LinearRnnFile file, OnnxOptions? options = null) =>
        Message(file, options).ToByteArray();

    /// <summary>The model alone, without channels and from h_0 = 0. Cost O(h(h + d + q)).</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How it is written; in double precision where null.</param>
    /// <inheritdoc cref="ToBytes(LinearRnnFile, OnnxOptions?)" path="/exception"/>
    public static byte[] ToBytes(LinearRnn model, OnnxOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        return ToBytes(new LinearRnnFile(model), options);
    }

    /// <summary>Writes the model to a stream, which stays open. Cost O(h(h + d + q)).</summary>
    /// <param name="file">The model with its channels.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="options">How it is written; in double precision where null.</param>
    /// <exception cref="ArgumentNullException">The model or the stream is null.</exception>
    /// <inheritdoc cref="ToBytes(LinearRnnFile, OnnxOptions?)" path="/exception"/>
    public static void Save(LinearRnnFile file, Stream stream, OnnxOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        Message(file, options).WriteTo(stream);
    }

    /// <summary>Writes the model to a file. Cost O(h(h + d + q)).</summary>
    /// <param name="file">The model with its channels.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">How it is written; in double precision where null.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    /// <inheritdoc cref="ToBytes(LinearRnnFile, OnnxOptions?)" path="/exception"/>
    public static void Save(LinearRnnFile file, string path, OnnxOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        File.WriteAllBytes(path, ToBytes(file, options));
    }

    /// <summary>Reads a model that was written here, with its channels and h_0; exactly, where it was written in double
    /// precision. Graphs of other programs are not read. Cost O(bytes).</summary>
    /// <exception cref="ArgumentException">The path is null or empty.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or no model that was written here; the message names
    /// the file.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static LinearRnnFile Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using FileStream stream = File.OpenRead(path);
        try
        {
            return Load(stream);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>Reads a model that was written here, as <see cref="Load(string)"/> does, from a stream to its
    /// end.</summary>
    /// <exception cref="ArgumentNullException">The stream is null.</exception>
    /// <exception cref="InvalidDataException">What it holds is damaged, or no model that was written
    /// here.</exception>
    public static LinearRnnFile Load(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var model = Parse(stream);
        string? use = model.MetadataProps.FirstOrDefault(entry => entry.Key == MetadataName)?.Value;
        if (use is null)
        {
            throw new InvalidDataException(
                $"expected an ONNX file with the metadata \"{MetadataName}\", as Bptt writes it; "
                + "graphs of other programs are not read.");
        }
        var initializers = (model.Graph ?? new GraphProto()).Initializer
            .GroupBy(tensor => tensor.Name).ToDictionary(group => group.Key, group => group.First());
        bool isScan = initializers.ContainsKey(LinearRnnGraph.WhhT);
        var names = new WeightNames(LinearRnnGraph.Whx, LinearRnnGraph.Whh, LinearRnnGraph.WqhT);
        Dictionary<string, StoredTensor> weights = new()
        {
            [names.Whx] = isScan
                ? Weight(initializers, LinearRnnGraph.WhxT, isTransposed: true)
                : Weight(initializers, LinearRnnGraph.Whx, isTransposed: false),
            [names.Whh] = isScan
                ? Weight(initializers, LinearRnnGraph.WhhT, isTransposed: true)
                : Weight(initializers, LinearRnnGraph.Whh, isTransposed: false),
            [names.Wqh] = Weight(initializers, LinearRnnGraph.WqhT, isTransposed: true),
        };
        return new SafeTensorsFile(weights, [new(MetadataName, use)]).ToModelFile(names);
    }

    private static ModelProto Parse(Stream stream)
    {
        try
        {
            return ModelProto.Parser.ParseFrom(stream);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidDataException($"expected an ONNX file: {e.Message}", e);
        }
    }

    private static ModelProto Message(LinearRnnFile file, OnnxOptions? options)
    {
        ArgumentNullException.ThrowIfNull(file);
        options ??= new OnnxOptions();
        if (options.Precision == Precision.Double && options.Recurrence == OnnxRecurrence.Rnn)
        {
            throw new ArgumentException(
                "Expected single precision for the operator RNN, which runtimes have no other for; "
                + "the operator Scan is of any.",
                nameof(options));
        }
        (long d, long h, long q) = (file.Model.InputSize, file.Model.HiddenSize, file.Model.OutputSize);
        if (h * (d + h + q) * (options.Precision == Precision.Single ? 4 : 8) > MostBytes - (1 << 20))
        {
            throw new ArgumentException(
                $"Expected weights of less than 2 GB, which is all that an ONNX file holds, got {h} hidden units.",
                nameof(file));
        }
        var model = new ModelProto
        {
            IrVersion = FormatVersion,
            ProducerName = "Bptt",
            ProducerVersion = typeof(OnnxModel).Assembly.GetName().Version?.ToString(3) ?? "",
            DocString = "The linear recurrent neural network h_t = W_hx x_t + W_hh h_{t-1}, o_t = W_qh h_t.",
            Graph = LinearRnnGraph.Of(file, options),
        };
        model.OpsetImport.Add(new OperatorSetIdProto { Version = OperatorSet });
        model.MetadataProps.Add(new StringStringEntryProto
        {
            Key = MetadataName,
            Value = SafeTensorsFile.Of(file).Metadata[MetadataName],
        });
        return model;
    }

    /// <summary>The matrix of an initializer; dimensions before the last two must be of size 1.</summary>
    private static StoredTensor Weight(
        Dictionary<string, TensorProto> initializers, string name, bool isTransposed)
    {
        if (!initializers.TryGetValue(name, out TensorProto? tensor))
        {
            throw new InvalidDataException($"expected an initializer {name}, as Bptt writes it, got none.");
        }
        int size = tensor.DataType switch
        {
            GraphBuilder.Float => 4,
            GraphBuilder.Double => 8,
            _ => throw new InvalidDataException($"{name}: expected numbers in float or double, got others."),
        };
        ReadOnlySpan<byte> bytes = tensor.RawData.Span;
        if (tensor.Dims.Count < 2
            || tensor.Dims.Any(dim => dim is < 1 or > int.MaxValue)
            || tensor.Dims.SkipLast(2).Any(dim => dim != 1)
            || bytes.Length % size != 0
            || tensor.Dims[^2] * tensor.Dims[^1] != bytes.Length / size)
        {
            throw new InvalidDataException(
                $"{name}: expected a matrix and its numbers, got the shape {string.Join('×', tensor.Dims)} "
                + $"and {bytes.Length} bytes.");
        }
        double[] values = new double[bytes.Length / size];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = size == 4
                ? BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..])
                : BinaryPrimitives.ReadDoubleLittleEndian(bytes[(8 * i)..]);
        }
        var stored = new StoredTensor([(int)tensor.Dims[^2], (int)tensor.Dims[^1]], values);
        return isTransposed ? StoredTensor.Of(stored.ToMatrix().Transpose()) : stored;
    }
}
