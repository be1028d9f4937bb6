// How the recurrence of a pass was run, as the user reads it.

using Bptt.Lifting;
using Bptt.LinearRecurrence;

namespace Bptt;

/// <summary>The way that a forward pass took through the steps; see <see cref="ExecutionOptions.Recurrence"/>. It
/// depends on the shapes, on W_hh and on the options, never on the number of threads.</summary>
/// <example>
/// <code>
/// RecurrenceMethod method = forward.Method;
/// Console.WriteLine($"{method.Recurrence}, {method.ChunkLength} steps at once");
/// </code>
/// </example>
public sealed class RecurrenceMethod
{
    internal RecurrenceMethod(Recurrence recurrence, int chunkLength, string? whyNotLifted)
    {
        Recurrence = recurrence;
        ChunkLength = chunkLength;
        WhyNotLifted = whyNotLifted;
    }

    /// <summary><see cref="Recurrence.Sequential"/>, <see cref="Recurrence.TimeParallel"/> or
    /// <see cref="Recurrence.Lifted"/>.</summary>
    public Recurrence Recurrence { get; }

    /// <summary>S, the steps of a chunk; 1 where the pass was run step by step.</summary>
    public int ChunkLength { get; }

    /// <summary>Why the pass did not take S steps at once; null where it did, or where that was not asked
    /// for.</summary>
    public string? WhyNotLifted { get; }

    /// <summary>For a debugger.</summary>
    public override string ToString() => Recurrence == Recurrence.Sequential
        ? $"{Recurrence}"
        : $"{Recurrence}, S = {ChunkLength}";

    /// <summary>S of a recurrence in parallel over time; 1 for step by step.</summary>
    internal static int ChunkLengthFor(LinearRnn model, BatchLayout steps, ExecutionOptions options)
    {
        Recurrence recurrence = options.Recurrence;
        if (recurrence == Recurrence.Sequential)
        {
            return 1;
        }
        if (recurrence == Recurrence.TimeParallel && options.Tuning.ChunkLength is int given)
        {
            return given;
        }
        int atLeast = recurrence == Recurrence.TimeParallel ? 2 : 1;
        return CostModel.ChunkLength(model.HiddenSize, steps.Segments, OtherWork(model) / 2, atLeast);
    }

    /// <summary>Whether a pass takes several steps at once.</summary>
    internal static LiftingChoice Lift(
        LinearRnn model, BatchLayout steps, ExecutionOptions options, MemoryPlan plan, PassContext context)
    {
        if (options.Recurrence is not (Recurrence.Automatic or Recurrence.Lifted))
        {
            return LiftingChoice.NotAsked;
        }
        double timeOfOthers = options.Recurrence == Recurrence.Lifted
            ? double.PositiveInfinity
            : 2 * CostModel.Time(
                model.HiddenSize, steps.Segments, OtherWork(model) / 2, plan.ChunkLength);
        return LiftingChoice.Make(
            context,
            model.Weights,
            steps,
            options.Tuning.LiftedLength,
            length => plan.ForLifted(length) is not null,
            timeOfOthers,
            options.Precision == Precision.Single ? LiftedNumbers.Single : LiftedNumbers.Double);
    }

    /// <summary>Operations of a forward and a backward pass for each step that do not wait for the step
    /// before.</summary>
    private static double OtherWork(LinearRnn model)
    {
        double h = model.HiddenSize;
        return 2 * h * h + 4 * h * model.InputSize + 6 * h * model.OutputSize;
    }
}
