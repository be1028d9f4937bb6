// A training in a file: writes its state, and reads it back bit for bit. Runs nothing.
//
//   h  hidden units

using System.Text.Json;
using Bptt.Edge;
using Bptt.Files;
using Bptt.Optimization;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Training;

internal static class TrainingCheckpoint
{
    /// <summary>Saves a training.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Save(
        string path, TrainingState state, TimeSpan elapsed, (string Name, string Text)[] fingerprint) =>
        CheckpointFile.Write(path, writer => Write(writer, state, elapsed, fingerprint));

    /// <summary>Takes a saved training over.</summary>
    /// <param name="path">The file.</param>
    /// <param name="state">The start of the same training; becomes what the file holds.</param>
    /// <param name="plan">The pieces of its epochs.</param>
    /// <param name="fingerprint">What must be the same.</param>
    /// <exception cref="ArgumentException">It was another training; the message names every difference.</exception>
    /// <exception cref="InvalidDataException">The file is damaged or something else.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static void Load(
        string path, TrainingState state, EpochPlan plan, (string Name, string Text)[] fingerprint) =>
        CheckpointFile.Read(path, content =>
        {
            RequireSame(content.Property("fingerprint"), fingerprint);
            Read(content, state);
            RequireSound(state, plan);
            return state;
        });

    private static void Write(
        Utf8JsonWriter writer, TrainingState state, TimeSpan elapsed, (string Name, string Text)[] fingerprint)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("fingerprint");
        foreach ((string name, string text) in fingerprint)
        {
            writer.WriteString(name, text);
        }
        writer.WriteEndObject();
        writer.WriteNumber("epoch", state.Epoch);
        writer.WriteNumber("piece", state.Piece);
        writer.WriteNumber("updates", state.Updates);
        writer.WriteNumber("skipped", state.Skipped);
        writer.WriteBoolean("hasMoved", state.HasMoved);
        WriteNumbers(writer, "largestNorm", [state.LargestNorm]);
        writer.WriteString("converged", state.Converged);
        writer.WriteString("stuck", state.Stuck);
        WriteNumbers(writer, "seconds", [elapsed.TotalSeconds]);
        WriteNumbers(writer, "current", state.Current.Values);
        WriteNumbers(writer, "best", state.Best.Values);
        WriteNumbers(writer, "bestLoss", [state.BestLoss]);
        writer.WriteNumber("bestEpoch", state.BestEpoch);
        WriteNumbers(writer, "carry", state.Carry is null ? [] : state.Carry.ColumnMajor());
        writer.WriteStartObject("optimizer");
        foreach ((string name, double[] values) in state.Optimizer.State)
        {
            WriteNumbers(writer, name, values);
        }
        writer.WriteEndObject();
        writer.WriteStartArray("history");
        foreach (EpochRecord record in state.History)
        {
            writer.WriteStartArray();
            writer.WriteNumberValue(record.Epoch);
            WriteNumber(writer, record.Loss);
            WriteOptional(writer, record.ValidationLoss);
            WriteOptional(writer, record.GradientNorm);
            WriteNumber(writer, record.Elapsed.TotalSeconds);
            writer.WriteEndArray();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void RequireSame(JsonReading saved, (string Name, string Text)[] fingerprint)
    {
        Dictionary<string, string> texts = saved.Properties().ToDictionary(p => p.Name, p => p.Value.Text());
        (string Name, string Text)[] other =
            [.. fingerprint.Where(f => !texts.TryGetValue(f.Name, out string? text) || text != f.Text)];
        // Of other numbers nothing more is to be said where what they are of differs.
        (string Name, string Text)[] told = [.. other.Where(f => !TrainingFingerprint.IsHash(f.Text))];
        string[] differences =
        [
            .. (told.Length > 0 ? told : other).Select(
                f => TrainingFingerprint.Difference(f.Name, texts.GetValueOrDefault(f.Name, "nothing"), f.Text)),
        ];
        if (differences.Length > 0)
        {
            throw Guard.Error(
                nameof(TrainerOptions.ResumeFrom),
                $"expected the training that was saved, got another one. {string.Join("; ", differences)}.");
        }
    }

    /// <summary>What no training that was saved can hold is refused here, and not met later.</summary>
    private static void RequireSound(TrainingState state, EpochPlan plan)
    {
        Require(
            state.Epoch >= 0
                && state.History.Count == state.Epoch + 1
                && state.History.Select((record, i) => record.Epoch == i).All(isRight => isRight),
            "history",
            $"the epochs 0 to {state.Epoch} in order");
        Require(state.BestEpoch >= 0 && state.BestEpoch <= state.Epoch, "bestEpoch", "one of its epochs");
        Require(state.Updates >= 0 && state.Skipped >= 0 && state.Skipped <= state.Updates, "updates", "counts");
        Require(!(state.LargestNorm < 0.0), "largestNorm", "no negative number");
        Require(state.BestLoss is not double.NegativeInfinity and not double.NaN, "bestLoss", "a loss");

        TrainingPiece[] pieces = plan.PiecesOf(state.Epoch + 1);
        Require(state.Piece >= 0 && state.Piece < pieces.Length, "piece", $"one of the {pieces.Length} of an epoch");
        bool goesOn = state.Piece > 0 && !pieces[state.Piece].IsFirstWindow;
        Require(
            goesOn ? state.Carry?.ColumnCount == pieces[state.Piece - 1].Parts.Length : state.Carry is null,
            "carry",
            "the states of the window before, where there is one");
    }

    private static void Require(bool isRight, string place, string expected)
    {
        if (!isRight)
        {
            throw new InvalidDataException($"{place}: expected {expected}, got something else.");
        }
    }

    private static void Read(JsonReading content, TrainingState state)
    {
        Parameters start = state.Current;
        state.Current = ReadParameters(content.Property("current"), start);
        state.Best = ReadParameters(content.Property("best"), start);
        state.BestLoss = ReadOne(content, "bestLoss");
        state.BestEpoch = content.Property("bestEpoch").Integer();
        state.Epoch = content.Property("epoch").Integer();
        state.Piece = content.Property("piece").Integer();
        state.Updates = content.Property("updates").Integer();
        state.Skipped = content.Property("skipped").Integer();
        state.HasMoved = content.Property("hasMoved").Flag();
        state.LargestNorm = ReadOne(content, "largestNorm");
        state.Converged = ReadText(content.Property("converged"));
        state.Stuck = ReadText(content.Property("stuck"));
        state.Before = Duration(ReadOne(content, "seconds"));
        double[] carry = ReadNumbers(content.Property("carry"));
        int h = start.Model.HiddenSize;
        Require(carry.Length % h == 0, "carry", $"columns of {h} numbers");
        state.Carry = carry.Length == 0 ? null : Matrix<double>.Build.Dense(h, carry.Length / h, carry);
        state.Optimizer.Restore(content.Property("optimizer").Properties()
            .ToDictionary(p => p.Name, p => ReadNumbers(p.Value)));
        state.History.AddRange(content.Property("history").Items().Select(ReadRecord));
    }

    private static EpochRecord ReadRecord(JsonReading record)
    {
        JsonReading[] items = record.Items();
        Require(items.Length == 5, "history", "five entries for each epoch");
        return new EpochRecord(
            items[0].Integer(),
            items[1].AnyNumber(),
            items[2].IsNull ? null : items[2].AnyNumber(),
            items[3].IsNull ? null : items[3].AnyNumber(),
            Duration(items[4].AnyNumber()));
    }

    private static Parameters ReadParameters(JsonReading values, Parameters start)
    {
        double[] numbers = ReadNumbers(values);
        return numbers.Length == start.Count
            ? start.With(numbers)
            : throw new InvalidDataException($"expected {start.Count} parameters, got {numbers.Length}.");
    }

    private static double ReadOne(JsonReading content, string name)
    {
        double[] numbers = ReadNumbers(content.Property(name));
        Require(numbers.Length == 1, name, "one number");
        return numbers[0];
    }

    private static TimeSpan Duration(double seconds)
    {
        Require(seconds >= 0.0 && seconds < TimeSpan.MaxValue.TotalSeconds, "seconds", "a time");
        return TimeSpan.FromSeconds(seconds);
    }

    private static string? ReadText(JsonReading text) => text.IsNull ? null : text.Text();

    private static double[] ReadNumbers(JsonReading array) => Array.ConvertAll(array.Items(), i => i.AnyNumber());

    private static void WriteNumbers(Utf8JsonWriter writer, string name, ReadOnlySpan<double> numbers)
    {
        writer.WriteStartArray(name);
        foreach (double number in numbers)
        {
            WriteNumber(writer, number);
        }
        writer.WriteEndArray();
    }

    private static void WriteOptional(Utf8JsonWriter writer, double? number)
    {
        if (number is double value)
        {
            WriteNumber(writer, value);
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    /// <summary>The shortest text that is read back bit for bit; by name where JSON has no number.</summary>
    private static void WriteNumber(Utf8JsonWriter writer, double number)
    {
        if (double.IsFinite(number))
        {
            writer.WriteRawValue(NumberText.Exact(number), skipInputValidation: true);
        }
        else
        {
            writer.WriteStringValue(NumberText.Exact(number));
        }
    }
}
