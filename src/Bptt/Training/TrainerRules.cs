// Which options of a training fit together, and fit the data. Refuses; changes nothing.

using Bptt.Edge;
using Bptt.Optimization;
using Bptt.Sharding;

namespace Bptt.Training;

internal static class TrainerRules
{
    /// <summary>Refuses options that contradict each other or data that are elsewhere.</summary>
    /// <exception cref="ArgumentNullException">An option that may not be null is.</exception>
    /// <exception cref="ArgumentException">Options do not fit; the message names them.</exception>
    public static void Check(LinearRnn model, IShardedData data, TrainerOptions options)
    {
        int[] lengths = [.. data.Lengths.SelectMany(shard => shard)];
        if (data.Lengths.Count == 0 || data.Lengths.Any(shard => shard.Count == 0) || lengths.Any(length => length < 1))
        {
            throw Guard.Error(nameof(data), "expected shards of sequences of a step at least.");
        }
        if (model.InputSize != data.InputSize || model.OutputSize != data.OutputSize)
        {
            throw Guard.Error(
                nameof(data),
                $"expected {model.InputSize} inputs and {model.OutputSize} outputs, as the model has, "
                    + $"got {data.InputSize} and {data.OutputSize}.");
        }
        RequireNone(options.Gradients is not null, nameof(options.Gradients), "a place where data are computed");
        RequireNone(
            options.Shards != 1 && options.Shards != data.Lengths.Count,
            nameof(options.Shards),
            $"{options.Shards} where they are cut into {data.Lengths.Count}");
        RequireNone(options.Segments > 1, nameof(options.Segments), $"{options.Segments} segments of each sequence");
        RequireNone(options.WindowLength is not null, nameof(options.WindowLength), "windows");
        RequireNone(options.ValidationFraction is not null, nameof(options.ValidationFraction), "a fraction of them");
        RequireNone(
            options.InitialStates is not null && options.InitialStateKind != InitialStateKind.Learned,
            nameof(options.InitialStates),
            "states that are not learned");
        RequireSum(options);
        CheckOptions(model, lengths, options);

        static void RequireNone(bool isGiven, string name, string what)
        {
            if (isGiven)
            {
                throw Guard.Error(name, $"expected none where the data are elsewhere, got {what}.");
            }
        }
    }

    /// <summary>Refuses options that contradict each other or the data.</summary>
    /// <exception cref="ArgumentNullException">An option that may not be null is.</exception>
    /// <exception cref="ArgumentException">Options do not fit; the message names them.</exception>
    public static void Check(LinearRnn model, SequenceBatch inputs, TrainerOptions options)
    {
        if (options.Shards > 1 || options.Segments > 1 || options.Gradients is not null)
        {
            RequireSum(options);
        }
        if (options.Segments > 1 && options.Optimizer is LevenbergMarquardt or TruncatedNewton)
        {
            throw Guard.Error(
                nameof(options.Segments),
                $"expected 1 with {options.Optimizer.GetType().Name}, whose second derivatives are not computed over "
                    + $"segments of sequences, got {options.Segments}: Sgd, Adam and QuasiNewton take segments.");
        }
        CheckOptions(model, inputs.Lengths, options);
    }

    private static void CheckOptions(LinearRnn model, IReadOnlyList<int> lengths, TrainerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options.Optimizer, nameof(options.Optimizer));
        ArgumentNullException.ThrowIfNull(options.Schedule, nameof(options.Schedule));
        ArgumentNullException.ThrowIfNull(options.Execution, nameof(options.Execution));
        NoNull(options.Regularizers, nameof(options.Regularizers));
        NoNull(options.Constraints, nameof(options.Constraints));
        if (!options.Optimizer.TakesGradients)
        {
            RequireWholeBatch(options);
        }
        if (options.WindowLength > lengths.Max())
        {
            throw Guard.Range(
                nameof(options.WindowLength),
                $"expected at most the steps of the longest sequence, {lengths.Max()}, "
                    + $"got {options.WindowLength}.");
        }
        if (options.Validation is not null && options.ValidationFraction is not null)
        {
            throw Guard.Error(
                nameof(options.ValidationFraction), "expected null where a validation set is given, got both.");
        }
        if (options.Patience is not null && options.Validation is null && options.ValidationFraction is null)
        {
            throw Guard.Error(
                nameof(options.Patience),
                "expected a validation set or fraction, whose loss patience waits for, got neither.");
        }
        if (options.InitialStates is not null)
        {
            if (options.InitialStateKind == InitialStateKind.Zero)
            {
                throw Guard.Error(
                    nameof(options.InitialStates), "expected null where sequences start from zero, got states.");
            }
            Guard.Shape(options.InitialStates, model.HiddenSize, lengths.Count, "h×B", nameof(options.InitialStates));
            Guard.Finite(options.InitialStates, nameof(options.InitialStates));
        }
    }

    private static void RequireWholeBatch(TrainerOptions options)
    {
        string method = options.Optimizer.GetType().Name;
        Refuse(options.BatchSize is not null, nameof(options.BatchSize), "mini-batches");
        Refuse(
            options.WindowLength is not null && options.InitialStateKind != InitialStateKind.Zero,
            nameof(options.WindowLength),
            "windows through which the state is carried");
        Refuse(options.Truncation is not null, nameof(options.Truncation), "truncated gradients");
        Refuse(options.Constraints.Count > 0, nameof(options.Constraints), "constraints");
        Refuse(options.Schedule != LearningRateSchedule.Constant, nameof(options.Schedule), "a learning rate");

        void Refuse(bool isGiven, string name, string what)
        {
            if (isGiven)
            {
                throw Guard.Error(
                    name,
                    $"expected none with {method}, which minimises the loss of the whole batch itself, got {what}.");
            }
        }
    }

    /// <summary>Refuses what is no sum over sequences.</summary>
    private static void RequireSum(TrainerOptions options)
    {
        Refuse(options.BatchSize is not null, nameof(options.BatchSize), "mini-batches");
        Refuse(
            options.WindowLength is not null && options.InitialStateKind != InitialStateKind.Zero,
            nameof(options.WindowLength),
            "windows through which the state is carried");
        Refuse(options.Truncation is not null, nameof(options.Truncation), "truncated gradients");
        Refuse(
            options.Regularizers.Any(r => r.Curvature is null),
            nameof(options.Regularizers),
            "a penalty that is not of the weights alone, as L2Regularizer is");

        static void Refuse(bool isGiven, string name, string what)
        {
            if (isGiven)
            {
                throw Guard.Error(
                    name,
                    $"expected none with shards or segments, whose gradients add up to that of the whole, got {what}.");
            }
        }
    }

    private static void NoNull<T>(IReadOnlyList<T> list, string name)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(list, name);
        for (int i = 0; i < list.Count; i++)
        {
            if (list[i] is null)
            {
                throw Guard.Error(name, $"expected no null, got null at index {i}.");
            }
        }
    }
}
