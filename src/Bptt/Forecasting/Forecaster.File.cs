// A forecaster in a file: the network, its state at the last row, and what is done to measured values.

using System.Text.Json;
using Bptt.Edge;
using Bptt.Files;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Forecasting;

public sealed partial class Forecaster
{
    private const string FormatName = "bptt-forecaster";
    private const int FormatVersion = 1;

    /// <summary>Writes a JSON file, beside and renamed: an interruption leaves an earlier file whole. Every number is
    /// read back bit for bit.</summary>
    /// <remarks>The format, version 1: an object with <c>format</c> ("bptt-forecaster"), <c>version</c> (1),
    /// <c>log</c>, <c>differences</c>, <c>seasonalDifferences</c>, <c>season</c>, <c>kind</c> (words), <c>inputs</c>
    /// and <c>outputs</c> (arrays of {name, mean, scale}, of differences where there are any), <c>whx</c>, <c>whh</c>,
    /// <c>wqh</c>, <c>noise</c> (arrays of rows; the covariance of scaled errors), <c>freedom</c>, <c>start</c> (h_1),
    /// and of the last row <c>state</c> (h_T), <c>latest</c> (scaled), <c>lastValues</c> and <c>lastInputs</c> (the
    /// rows that differences reach back to).</remarks>
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
        writer.WriteBoolean("log", IsLog);
        writer.WriteNumber("differences", Differences);
        writer.WriteNumber("seasonalDifferences", SeasonalDifferences);
        writer.WriteNumber("season", Season);
        writer.WriteString("kind", _fit.Kind);
        LinearRnnFile.WriteChannels(writer, "inputs", _fit.Inputs);
        LinearRnnFile.WriteChannels(writer, "outputs", _fit.Outputs);
        LinearRnnFile.WriteMatrix(writer, "whx", _fit.Model.Whx);
        LinearRnnFile.WriteMatrix(writer, "whh", _fit.Model.Whh);
        LinearRnnFile.WriteMatrix(writer, "wqh", _fit.Model.Wqh);
        LinearRnnFile.WriteMatrix(writer, "noise", _fit.Noise);
        writer.WriteNumber("freedom", _fit.Freedom);
        WriteNumbers(writer, "start", _fit.Start);
        WriteNumbers(writer, "state", _at.State!);
        WriteNumbers(writer, "latest", _at.Latest!);
        WriteRows(writer, "lastValues", _at.Values);
        WriteRows(writer, "lastInputs", _at.Inputs);
        writer.WriteEndObject();
        writer.Flush();
        stream.WriteByte((byte)'\n');
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="ArgumentException">The path is null or empty.</exception>
    /// <exception cref="InvalidDataException">The file is damaged or of another format; the message names the file and
    /// the place.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static Forecaster Load(string path) => JsonReading.Load(path, Load);

    /// <summary>Reads a stream to its end.</summary>
    /// <exception cref="ArgumentNullException">The stream is null.</exception>
    /// <exception cref="InvalidDataException">What it holds is damaged or of another format.</exception>
    public static Forecaster Load(Stream stream) => JsonReading.Parse(stream, Read);

    private static Forecaster Read(JsonReading root)
    {
        string format = root.Property("format").Text();
        if (format != FormatName)
        {
            throw new InvalidDataException($"format: expected \"{FormatName}\", got \"{format}\".");
        }
        int version = root.Property("version").Integer();
        if (version != FormatVersion)
        {
            throw new InvalidDataException($"version: expected {FormatVersion}, got {version}.");
        }
        var model = new LinearRnn(
            root.Property("whx").Matrix(), root.Property("whh").Matrix(), root.Property("wqh").Matrix());
        Channel[] inputs = LinearRnnFile.ReadChannels(root.Property("inputs"));
        Channel[] outputs = LinearRnnFile.ReadChannels(root.Property("outputs"));
        Guard.Length(outputs.Length, model.OutputSize, "q", nameof(outputs));
        Guard.Length(inputs.Length, model.InputSize - model.OutputSize, "d", nameof(inputs));
        Matrix<double> noise = root.Property("noise").Matrix();
        Guard.Shape(noise, outputs.Length, outputs.Length, "q×q", nameof(noise));
        Guard.Finite(noise, nameof(noise));
        SeriesTransform transform = ReadTransform(root);
        int freedom = root.Property("freedom").Integer();
        Guard.AtLeastOne(freedom, nameof(freedom));
        var at = new FilterState(
            Row("state", model.HiddenSize),
            Row("latest", outputs.Length),
            Rows("lastValues", outputs.Length),
            Rows("lastInputs", inputs.Length));
        return new Forecaster(
            new PredictorFit(
                transform,
                root.Property("kind").Text(),
                model,
                Row("start", model.HiddenSize),
                inputs,
                outputs,
                noise,
                freedom),
            at);

        double[] Row(string name, int length)
        {
            double[] row = root.Property(name).Numbers();
            Guard.Length(row.Length, length, "as the network has it", name);
            Guard.Finite(row, name);
            return row;
        }

        double[][] Rows(string name, int length)
        {
            double[][] rows = Array.ConvertAll(root.Property(name).Items(), item => item.Numbers());
            Guard.Length(rows.Length, transform.Lost, "the rows that differences reach back to", name);
            foreach (double[] row in rows)
            {
                Guard.Length(row.Length, length, "a number for each channel", name);
                Guard.Finite(row, name);
            }
            return rows;
        }
    }

    private static SeriesTransform ReadTransform(JsonReading root)
    {
        var options = new ForecasterOptions
        {
            Season = root.Property("season").Integer(),
            Differences = root.Property("differences").Integer(),
            SeasonalDifferences = root.Property("seasonalDifferences").Integer(),
        };
        return new SeriesTransform(
            root.Property("log").Flag(),
            options.Differences!.Value,
            options.SeasonalDifferences!.Value,
            options.Season);
    }

    private static void WriteNumbers(Utf8JsonWriter writer, string name, double[] numbers)
    {
        writer.WritePropertyName(name);
        writer.WriteRawValue(Text(numbers));
    }

    private static void WriteRows(Utf8JsonWriter writer, string name, double[][] rows)
    {
        writer.WritePropertyName(name);
        writer.WriteRawValue($"[{string.Join(", ", rows.Select(Text))}]");
    }

    private static string Text(double[] numbers) => $"[{string.Join(", ", numbers.Select(NumberText.Exact))}]";
}
