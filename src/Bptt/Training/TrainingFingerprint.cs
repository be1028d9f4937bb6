// What makes a training the same one: its options as text, its data and start as hashes. Decides nothing.

using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Bptt.Edge;
using Bptt.Optimization;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Training;

/// <summary>Named texts that must agree where a training is resumed.</summary>
internal static class TrainingFingerprint
{
    private const string LossAtStart = "loss and gradient at the start";
    private const string HashMark = "hash ";

    /// <summary>The fingerprint of a training before its first update.</summary>
    /// <param name="data">The data.</param>
    /// <param name="options">The options; those that may differ are left out.</param>
    /// <param name="fixedStates">h_0, h×B, where given.</param>
    /// <param name="start">θ at the start.</param>
    /// <param name="shards">Who computes the training loss; null for this process in one piece.</param>
    public static (string Name, string Text)[] Of(
        TrainingData data,
        TrainerOptions options,
        Matrix<double>? fixedStates,
        Parameters start,
        ShardedLoss? shards)
    {
        var evaluation = new TrainingEvaluation(data, options, fixedStates, new TrainingMemory(), shards);
        TrainingPoint point = evaluation.Training.Evaluate(start);
        double validationLoss = evaluation.ValidationLoss(start, point.FinalStates) ?? 0.0;
        LinearRnn model = start.Model;
        return
        [
            ("inputs", $"{model.InputSize}"),
            ("hidden units", $"{model.HiddenSize}"),
            ("outputs", $"{model.OutputSize}"),
            ("optimizer", options.Optimizer.ToString()),
            ("schedule", options.Schedule.ToString()),
            ("clipping", options.Clipping?.ToString() ?? "none"),
            ("non-finite numbers", options.NonFinite.ToString()),
            ("penalties", List(options.Regularizers.Select(r => r.ToString()))),
            ("constraints", List(options.Constraints.Select(c => c.ToString()))),
            ("truncation", options.Truncation?.ToString() ?? "none"),
            ("initial state", options.InitialStateKind.ToString()),
            ("batch size", options.BatchSize is int size ? $"{size}" : "all"),
            ("window length", options.WindowLength is int length ? $"{length}" : "whole sequences"),
            ("validation", options.ValidationFraction is double fraction
                ? $"the last {NumberText.Exact(fraction)}"
                : options.Validation is null ? "none" : "other sequences"),
            ("seed", options.Seed.ToString(CultureInfo.InvariantCulture)),
            ("recurrence", options.Execution.Recurrence.ToString()),
            .. options.Execution.Precision == Precision.Double
                ? Array.Empty<(string, string)>()
                : [("precision", options.Execution.Precision.ToString())],
            .. ShardCount(data, options) is 1
                ? Array.Empty<(string, string)>() : [("shards", $"{ShardCount(data, options)}")],
            .. options.Segments == 1
                ? Array.Empty<(string, string)>() : [("segments", $"{options.Segments}")],
            ("memory budget", options.Execution.MemoryBudget is long bytes ? $"{bytes}" : "none"),
            ("start", Hash(start.Values)),
            ("lengths of the sequences", Lengths(data.Lengths)),
            (
                "numbers of the inputs",
                data.Elsewhere is null
                    ? Hash(data.Inputs.Columns.All.Values)
                    : HashMark + CheckpointFile.Hash(Encoding.UTF8.GetBytes(data.Elsewhere.Identity))),
            (
                "lengths of the validation sequences",
                data.Validation is null ? "none" : Lengths(data.Validation.Inputs.Lengths)),
            (
                "numbers of the inputs of the validation",
                data.Validation is null ? "none" : Hash(data.Validation.Inputs.Columns.All.Values)),
            (LossAtStart, Hash([point.Loss, validationLoss, .. point.Gradient])),
        ];
    }

    /// <summary>Whether a text stands for numbers.</summary>
    public static bool IsHash(string text) => text.StartsWith(HashMark, StringComparison.Ordinal);

    /// <summary>What a saved and a present text do not agree in, in words: a hash says nothing to people.</summary>
    public static string Difference(string name, string saved, string present) =>
        !IsHash(present) ? $"{name}: expected {saved}, got {present}"
        : name == LossAtStart ? $"{name}: expected the numbers that were saved, got others: the data or the model are "
            + "not the same, or the kind of processor"
        : $"{name}: expected the numbers that were saved, got others";

    private static int ShardCount(TrainingData data, TrainerOptions options) =>
        data.Elsewhere?.Lengths.Count ?? options.Shards;

    private static string Lengths(IReadOnlyList<int> lengths) => string.Join(' ', lengths);

    private static string Hash(ReadOnlySpan<double> values) =>
        HashMark + CheckpointFile.Hash(MemoryMarshal.AsBytes(values));

    private static string List(IEnumerable<string> texts) =>
        texts.ToArray() is { Length: > 0 } some ? string.Join("; ", some) : "none";
}
