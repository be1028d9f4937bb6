// A model in a file: the weights, h_0, and how measured values become inputs and outputs; and the model run on them.
//
//   d  inputs      h  hidden units      q  outputs      T  time steps

using System.Collections.ObjectModel;
using System.Text;
using System.Text.Json;
using Bptt.Edge;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Files;

/// <summary>
/// A <see cref="LinearRnn"/> as a JSON file, with all that is needed to use it: h_0, the names and the scaling of its
/// inputs and outputs, and how far ahead its outputs lie. Every number is written so that it is read back bit for bit.
/// Immutable.
/// </summary>
/// <remarks>
/// The format, version 1: an object with <c>format</c> ("bptt-linear-rnn"), <c>version</c> (1), <c>inputs</c> and
/// <c>outputs</c> (arrays of {name, mean, scale}), <c>stepsAhead</c>, <c>initialState</c> (h numbers),
/// <c>finalState</c> (h numbers, where it is known), and <c>whx</c>, <c>whh</c>, <c>wqh</c> (arrays of rows). Other
/// properties are ignored.
/// </remarks>
/// <example>
/// <code>
/// // A model that meets a plant in the middle of its work: the state is estimated from what was measured first.
/// var plant = new LinearRnnFile(model);
/// Matrix&lt;double&gt; firstInputs = inputs.SubMatrix(0, inputs.RowCount, 0, 2);
/// Matrix&lt;double&gt; firstOutputs = targets.SubMatrix(0, targets.RowCount, 0, 2);
/// Vector&lt;double&gt; state = plant.EstimateInitialState(firstInputs, firstOutputs);
/// Matrix&lt;double&gt; goesOn = plant.Predict(inputs, state);
///
/// // Or at every step anew, three steps ahead.
/// Matrix&lt;double&gt; ahead = plant.PredictAhead(inputs, targets, horizon: 3, window: 2);
/// </code>
/// </example>
public sealed partial class LinearRnnFile
{
    private const string FormatName = "bptt-linear-rnn";
    private const int FormatVersion = 1;

    private readonly Vector<double> _initialState;
    private readonly Vector<double>? _finalState;

    /// <summary>Puts together what a file holds.</summary>
    /// <param name="model">The model.</param>
    /// <param name="initialState">h_0, length h; zero where null. Copied.</param>
    /// <param name="inputs">One channel for each input; named x1, x2, … and unscaled where null.</param>
    /// <param name="outputs">One channel for each output; named y1, y2, … and unscaled where null.</param>
    /// <param name="stepsAhead">How many steps after x_t the value lies that o_t stands for: 0, or 1 for a forecast of
    /// the next step.</param>
    /// <param name="finalState">The state after the last step of the data that the model was fitted on, length h, for
    /// data that go on from there; null where it is not known. Copied.</param>
    /// <exception cref="ArgumentNullException">The model is null.</exception>
    /// <exception cref="ArgumentException">A size does not fit the model, or a state holds NaN or
    /// infinities.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="stepsAhead"/> is negative.</exception>
    public LinearRnnFile(
        LinearRnn model,
        Vector<double>? initialState = null,
        IReadOnlyList<Channel>? inputs = null,
        IReadOnlyList<Channel>? outputs = null,
        int stepsAhead = 0,
        Vector<double>? finalState = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (stepsAhead < 0)
        {
            throw Guard.Range(nameof(stepsAhead), $"expected at least 0, got {stepsAhead}.");
        }
        _initialState = initialState?.Clone() ?? Vector<double>.Build.Dense(model.HiddenSize);
        Guard.Length(_initialState.Count, model.HiddenSize, "h", nameof(initialState));
        Guard.Finite(_initialState.Entries(), nameof(initialState));
        if (finalState is not null)
        {
            Guard.Length(finalState.Count, model.HiddenSize, "h", nameof(finalState));
            Guard.Finite(finalState.Entries(), nameof(finalState));
            _finalState = finalState.Clone();
        }
        Model = model;
        Inputs = Channels(inputs, model.InputSize, "d", "x", nameof(inputs));
        Outputs = Channels(outputs, model.OutputSize, "q", "y", nameof(outputs));
        StepsAhead = stepsAhead;
    }

    /// <summary>The model.</summary>
    public LinearRnn Model { get; }

    /// <summary>h_0, length h; every call makes an independent copy.</summary>
    public Vector<double> InitialState => _initialState.Clone();

    /// <summary>The state after the last step of the data that the model was fitted on, length h, an independent copy;
    /// null where it is not known.</summary>
    public Vector<double>? FinalState => _finalState?.Clone();

    /// <summary>The d inputs, in order.</summary>
    public IReadOnlyList<Channel> Inputs { get; }

    /// <summary>The q outputs, in order.</summary>
    public IReadOnlyList<Channel> Outputs { get; }

    /// <summary>How many steps after x_t the value lies that o_t stands for.</summary>
    public int StepsAhead { get; }

    /// <summary>Runs the model, from h_0, on measured values: scales the inputs, and undoes the scaling of the
    /// outputs.</summary>
    /// <param name="inputs">d×T, in the units of <see cref="Inputs"/>: column t−1 is the input of step t.</param>
    /// <returns>q×T, in the units of <see cref="Outputs"/>: column t−1 stands for the value at step
    /// t + <see cref="StepsAhead"/>, known once the input of step t is. With 0 it is the value at the same step; with 1
    /// compare it with the measured column t, and the last column is a forecast beyond the data. Cost of one forward
    /// pass.</returns>
    /// <exception cref="ArgumentNullException">The inputs are null.</exception>
    /// <exception cref="ArgumentException">The inputs are empty, have not d rows, or are not finite, before or after
    /// scaling.</exception>
    public Matrix<double> Predict(Matrix<double> inputs) => Predict(inputs, _initialState);

    /// <summary>The same from another state.</summary>
    /// <param name="inputs">d×T, in the units of <see cref="Inputs"/>.</param>
    /// <param name="initialState">h_0, length h.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The inputs are empty, have not d rows, or are not finite, before or after
    /// scaling; h_0 has not length h or is not finite.</exception>
    public Matrix<double> Predict(Matrix<double> inputs, Vector<double> initialState)
    {
        ArgumentNullException.ThrowIfNull(initialState);
        Guard.NotEmpty(inputs, "d×T", nameof(inputs));
        Guard.Finite(inputs, nameof(inputs));
        Matrix<double> scaled = new Standardizer(Inputs).Apply(inputs);
        return new Standardizer(Outputs).Invert(ForwardPass.Run(Model, scaled, initialState).Outputs());
    }

    /// <summary>Runs the model on measured sequences, each of them from h_0.</summary>
    /// <param name="inputs">B sequences of d rows, in the units of <see cref="Inputs"/>.</param>
    /// <returns>B sequences of q rows, each as from <see cref="Predict(Matrix{double})"/>.</returns>
    /// <exception cref="ArgumentNullException">The inputs are null.</exception>
    /// <exception cref="ArgumentException">The inputs have not d rows, or are not finite, before or after
    /// scaling.</exception>
    public SequenceBatch Predict(SequenceBatch inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        inputs.RequireFinite(nameof(inputs));
        SequenceBatch scaled = new Standardizer(Inputs).Apply(inputs);
        var states = Matrix<double>.Build.Dense(Model.HiddenSize, inputs.Count, (i, _) => _initialState[i]);
        return new Standardizer(Outputs).Invert(ForwardPass.Run(Model, scaled, states).OutputBatch());
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="ArgumentException">The path is null or empty.</exception>
    /// <exception cref="InvalidDataException">The file is damaged or of another format; the message names the file and
    /// the place.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static LinearRnnFile Load(string path) => JsonReading.Load(path, Load);

    /// <summary>Reads a stream to its end.</summary>
    /// <exception cref="ArgumentNullException">The stream is null.</exception>
    /// <exception cref="InvalidDataException">What it holds is damaged or of another format.</exception>
    public static LinearRnnFile Load(Stream stream) => JsonReading.Parse(stream, Read);

    /// <summary>Writes a file, beside and renamed: an interruption leaves an earlier file whole.</summary>
    /// <exception cref="ArgumentException">The path is null or empty.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        AtomicFile.Write(path, Save);
    }

    /// <summary>Writes to a stream, which stays open.</summary>
    /// <exception cref="ArgumentNullException">The stream is null.</exception>
    public void Save(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        writer.WriteStartObject();
        writer.WriteString("format", FormatName);
        writer.WriteNumber("version", FormatVersion);
        WriteUse(writer);
        WriteMatrix(writer, "whx", Model.Whx);
        WriteMatrix(writer, "whh", Model.Whh);
        WriteMatrix(writer, "wqh", Model.Wqh);
        writer.WriteEndObject();
        writer.Flush();
        stream.WriteByte((byte)'\n');
    }

    /// <summary>All but the weights, as JSON: what is needed to use them.</summary>
    internal string UseText()
    {
        using var memory = new MemoryStream();
        using (var writer = new Utf8JsonWriter(memory))
        {
            writer.WriteStartObject();
            WriteUse(writer);
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(memory.ToArray());
    }

    /// <summary>A model with what <see cref="UseText"/> told.</summary>
    /// <exception cref="InvalidDataException">The text is damaged, or does not fit the model.</exception>
    internal static LinearRnnFile OfUse(LinearRnn model, string use)
    {
        using var memory = new MemoryStream(Encoding.UTF8.GetBytes(use));
        return JsonReading.Parse(memory, root => Read(root, model));
    }

    private static LinearRnnFile Read(JsonReading root)
    {
        string format = root.Property("format").Text();
        if (format != FormatName)
        {
            throw new InvalidDataException($"format: expected \"{FormatName}\", got \"{format}\".");
        }
        int version = root.Property("version").Integer();
        if (version != FormatVersion)
        {
            throw new InvalidDataException(
                $"version: expected {FormatVersion}, which is all that this version of the library reads, "
                + $"got {version}.");
        }
        return Read(
            root,
            new LinearRnn(
                root.Property("whx").Matrix(), root.Property("whh").Matrix(), root.Property("wqh").Matrix()));
    }

    private static LinearRnnFile Read(JsonReading root, LinearRnn model) => new(
        model,
        Vector<double>.Build.Dense(root.Property("initialState").Numbers()),
        ReadChannels(root.Property("inputs")),
        ReadChannels(root.Property("outputs")),
        root.Property("stepsAhead").Integer(),
        root.Has("finalState") ? Vector<double>.Build.Dense(root.Property("finalState").Numbers()) : null);

    private void WriteUse(Utf8JsonWriter writer)
    {
        WriteChannels(writer, "inputs", Inputs);
        WriteChannels(writer, "outputs", Outputs);
        writer.WriteNumber("stepsAhead", StepsAhead);
        writer.WritePropertyName("initialState");
        writer.WriteRawValue(Numbers(_initialState));
        if (_finalState is not null)
        {
            writer.WritePropertyName("finalState");
            writer.WriteRawValue(Numbers(_finalState));
        }
    }

    internal static Channel[] ReadChannels(JsonReading array) => Array.ConvertAll(
        array.Items(),
        c => new Channel(c.Property("name").Text(), c.Property("mean").Number(), c.Property("scale").Number()));

    internal static void WriteChannels(Utf8JsonWriter writer, string name, IReadOnlyList<Channel> channels)
    {
        writer.WriteStartArray(name);
        foreach (Channel channel in channels)
        {
            writer.WriteStartObject();
            writer.WriteString("name", channel.Name);
            writer.WriteNumber("mean", channel.Mean);
            writer.WriteNumber("scale", channel.Scale);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }

    /// <summary>A row to a line, so that a person can read the file.</summary>
    internal static void WriteMatrix(Utf8JsonWriter writer, string name, Matrix<double> matrix)
    {
        writer.WritePropertyName(name);
        writer.WriteRawValue($"[\n    {string.Join(",\n    ", matrix.EnumerateRows().Select(Numbers))}\n  ]");
    }

    internal static string Numbers(Vector<double> numbers) =>
        $"[{string.Join(", ", numbers.Select(NumberText.Exact))}]";

    private static ReadOnlyCollection<Channel> Channels(
        IReadOnlyList<Channel>? given, int count, string letter, string prefix, string name)
    {
        Channel[] channels = given?.ToArray()
            ?? Enumerable.Range(1, count).Select(i => new Channel($"{prefix}{i}")).ToArray();
        Guard.Length(channels.Length, count, letter, name);
        if (Array.IndexOf(channels, null) is int missing and >= 0)
        {
            throw Guard.Error(name, $"expected {count} channels ({letter}), got null at index {missing}.");
        }
        if (channels.GroupBy(c => c.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw Guard.Error(name, $"expected channels of different names, got '{twice.Key}' twice.");
        }
        return Array.AsReadOnly(channels);
    }
}
