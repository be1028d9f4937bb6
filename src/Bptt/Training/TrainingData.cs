// What a training learns from and what it is judged by: cuts the held-out ends off, and windows that start from zero.
//
//   h  hidden units      B  sequences      T_b  steps of sequence b

using Bptt.Edge;
using Bptt.LinearRecurrence;
using Bptt.Optimization;
using Bptt.Sharding;

namespace Bptt.Training;

internal sealed class TrainingData
{
    private TrainingData(SequenceBatch inputs, Objective objective)
    {
        Inputs = inputs;
        Objective = objective;
        Lengths = inputs.Lengths;
    }

    /// <summary>Data that are elsewhere.</summary>
    private TrainingData(IShardedData data)
    {
        (Inputs, Objective) = (null!, null!); // nobody asks for them: an epoch is one update with all the data
        Elsewhere = data;
        Lengths = [.. data.Lengths.SelectMany(shard => shard)];
    }

    /// <summary>The sequences that are learned from.</summary>
    public SequenceBatch Inputs { get; private init; }

    /// <summary>The objective on them.</summary>
    public Objective Objective { get; private init; }

    /// <summary>Where the data are, if they are not here; null where they are.</summary>
    public IShardedData? Elsewhere { get; }

    /// <summary>T_b.</summary>
    public IReadOnlyList<int> Lengths { get; }

    /// <summary>What the validation is made of; null where there is none.</summary>
    public ValidationSet? Validation { get; private init; }

    /// <summary>Where the validation goes on from the end of the training part: training sequence of each of its
    /// sequences; null where it starts for itself.</summary>
    public int[]? ValidationFollows { get; private init; }

    /// <summary>The training part in whole sequences, which the validation goes on from; the same as
    /// <see cref="Inputs"/> unless windows start from zero.</summary>
    public SequenceBatch WholeInputs { get; private init; } = null!;

    /// <summary>Steps of a window through which the state is carried; null where sequences are taken whole.</summary>
    public int? WindowLength { get; private init; }

    /// <summary>Data that are elsewhere, with the validation set that the options give.</summary>
    public static TrainingData Of(IShardedData data, TrainerOptions options) =>
        new(data) { Validation = options.Validation };

    /// <summary>The loss of the whole training set.</summary>
    public TrainingLoss LossOf(TrainingLossOptions options, TrainingMemory memory, ShardedLoss? shards) =>
        Elsewhere is null
            ? new TrainingLoss(Inputs, Objective, options, memory, shards)
            : new TrainingLoss(shards!, options, memory);

    /// <summary>Cuts the data as the options say.</summary>
    /// <exception cref="ArgumentException">Nothing is left to learn from or to judge by.</exception>
    public static TrainingData Of(SequenceBatch inputs, Objective objective, TrainerOptions options)
    {
        SequencePart[] training = Whole(inputs);
        SequenceBatch kept = inputs;
        Objective keptObjective = objective;
        ValidationSet? validation = options.Validation;
        int[]? follows = null;
        if (options.ValidationFraction is double fraction)
        {
            (training, SequencePart[] held) = Split(training, fraction);
            Objective heldObjective = objective.Part(held);
            SequenceBatch heldInputs = inputs.Part(held);
            validation = new ValidationSet(heldInputs, heldObjective);
            follows = Array.ConvertAll(held, p => p.Sequence);
            kept = inputs.Part(training);
            keptObjective = objective.Part(training);
        }
        if (keptObjective.IsMasked(kept))
        {
            throw Guard.Error(
                nameof(objective), "expected a training step of weight above 0, got weights that are all 0.");
        }
        if (validation is not null && validation.Objective.IsMasked(validation.Inputs))
        {
            throw Guard.Error(
                follows is null ? nameof(options.Validation) : nameof(options.ValidationFraction),
                "expected a validation step of weight above 0, got weights that are all 0.");
        }

        int? window = options.WindowLength;
        SequenceBatch whole = kept;
        if (window is int length && options.InitialStateKind == InitialStateKind.Zero)
        {
            SequencePart[] windows = [.. Whole(kept).SelectMany(p => Windows(p, length))];
            keptObjective = keptObjective.Part(windows);
            kept = kept.Part(windows);
            window = null;
        }
        return new TrainingData(kept, keptObjective)
        {
            Validation = validation,
            ValidationFollows = follows,
            WholeInputs = whole,
            WindowLength = window,
        };
    }

    private static SequencePart[] Whole(SequenceBatch inputs) =>
        [.. inputs.Lengths.Select((length, b) => new SequencePart(b, 1, length))];

    private static IEnumerable<SequencePart> Windows(SequencePart part, int length)
    {
        for (int done = 0; done < part.Length;)
        {
            int count = Math.Min(length, part.Length - done);
            yield return new SequencePart(part.Sequence, part.FirstStep + done, count);
            done += count;
        }
    }

    private static (SequencePart[] Training, SequencePart[] Held) Split(SequencePart[] sequences, double fraction)
    {
        int[] held = Array.ConvertAll(sequences, p => (int)Math.Round(fraction * p.Length));
        for (int b = 0; b < held.Length; b++)
        {
            if (held[b] == sequences[b].Length)
            {
                throw Guard.Error(
                    nameof(TrainerOptions.ValidationFraction),
                    "expected a fraction that leaves each sequence a step to train on, "
                        + $"got {NumberText.Exact(fraction)}, which takes all {held[b]} steps of sequence {b}.");
            }
        }
        if (Array.TrueForAll(held, count => count == 0))
        {
            throw Guard.Error(
                nameof(TrainerOptions.ValidationFraction),
                $"expected a fraction that holds out at least one step, got {NumberText.Exact(fraction)} of sequences "
                    + $"of at most {sequences.Max(p => p.Length)} steps.");
        }
        return (
            [.. sequences.Select((p, b) => new SequencePart(b, 1, p.Length - held[b]))],
            [.. sequences.Where((_, b) => held[b] > 0)
                .Select(p => new SequencePart(p.Sequence, p.Length - held[p.Sequence] + 1, held[p.Sequence]))]);
    }
}
