// A fit by identification: the estimation run on a dataset, and what it found in words. Estimates nothing itself.

using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Identification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Fitting;

/// <summary>A model that <see cref="SystemIdentification"/> estimated.</summary>
/// <param name="System">What it found.</param>
internal sealed record IdentifiedFit(IdentifiedSystem System)
    : FitResult(System.Model, NonZero(System.InitialStates), NonZero(System.Offset))
{
    /// <summary>Beyond these an estimation takes too long: its regressions and responses are of every input.</summary>
    public const int MostInputs = 20;

    /// <inheritdoc cref="MostInputs"/>
    public const int MostUnits = 30;

    private const int FewestSteps = 3;
    private const int ShownCandidates = 8;

    /// <summary>Whether data and settings are such that a model is identified, rather than trained. Forecasts of the
    /// next row are trained: their inputs hold past outputs already.</summary>
    public static bool IsFor(Dataset data, FitSettings settings) =>
        !settings.AsksForTraining
        && data.StepsAhead == 0
        && data.InputChannels.Length <= MostInputs
        && (settings.HiddenSize ?? 1) <= MostUnits
        && data.Training.Inputs.Lengths.Max() >= FewestSteps;

    /// <summary>Estimates.</summary>
    /// <param name="data">Of which the training part is seen.</param>
    /// <param name="settings">What was asked for.</param>
    /// <param name="progress">Told which part of the work is done, from 0 to 1.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="DataFaultException">The numbers leave the range of numbers.</exception>
    public static IdentifiedFit Run(
        Dataset data, FitSettings settings, Action<double> progress, CancellationToken cancellation)
    {
        var options = new SystemIdentificationOptions
        {
            Order = settings.HiddenSize,
            StepWeights = data.Training.Weights,
            EstimateInitialStates = settings.LearnsInitialState ? true : null,
            UsePrior = settings.HasPrior,
            // Given units are all of them.
            EstimateDirectTerm = settings.HiddenSize is null ? null : false,
            Methods = settings.HiddenSize is null ? IdentificationMethods.All
                : IdentificationMethods.OutputError | IdentificationMethods.PredictionError,
        };
        try
        {
            return new IdentifiedFit(SystemIdentification.Estimate(
                data.Training.Inputs, data.Training.FilledTargets, options, new Fraction(progress), cancellation));
        }
        catch (Exception e) when (e is ArithmeticException or ArgumentException)
        {
            throw new DataFaultException(
                $"The model cannot be identified: {e.Message} Are the values of the data extreme?", e);
        }
    }

    /// <summary>What was chosen, in a line.</summary>
    public string Sentence
    {
        get
        {
            string limit = System.IsOrderAtLimit ? ", the largest that the training rows allow" : "";
            string rule = System.Candidates.Count == 1 ? "the only one compared"
                : $"the simplest of {System.Candidates.Count} that is as good as the best within a standard error, by "
                    + "free runs over stretches of the training rows that were left out in turn";
            return System.Candidates.FirstOrDefault(c => c.IsChosen) is IdentificationCandidate chosen
                ? $"model: {chosen.Name}; order {System.Order}{limit}, {rule}"
                : $"model: order {System.Order}, since the training rows are too few to compare others";
        }
    }

    /// <summary>What is added to each output, in its unit; empty where it is nothing.</summary>
    public string OffsetText(Dataset data) => Offset is null ? "" : "; offset: " + string.Join(
        ", ", data.OutputChannels.Select((c, i) => $"{c.Name} {Words.Number(Offset[i] * c.Scale)}"));

    /// <summary>The best of each kind, by what was left out; null where none were compared.</summary>
    public TextTable? Table()
    {
        if (System.Candidates.Count < 2)
        {
            return null;
        }
        var table = new TextTable("model, fitted by", "order", "fit where left out");
        IdentificationCandidate[] shown =
        [
            .. System.Candidates.GroupBy(c => c.Name)
                .Select(g => g.FirstOrDefault(c => c.IsChosen) ?? g.MinBy(c => c.Score)!)
                .OrderBy(c => c.Score).Take(ShownCandidates),
        ];
        foreach (IdentificationCandidate candidate in shown)
        {
            table.Add(
                $"{candidate.Name}{(candidate.IsChosen ? " (chosen)" : "")}",
                $"{candidate.Order}",
                FitScore.Text(double.IsFinite(candidate.Score) ? 100.0 * (1.0 - Math.Sqrt(candidate.Score))
                    : double.NegativeInfinity));
        }
        return table;
    }

    private static Matrix<double>? NonZero(Matrix<double> states) =>
        states.Exists(x => x != 0.0) ? states : null;

    private static Vector<double>? NonZero(Vector<double> offset) => offset.Exists(x => x != 0.0) ? offset : null;

    private sealed class Fraction(Action<double> progress) : IProgress<IdentificationProgress>
    {
        public void Report(IdentificationProgress value) => progress(value.Fraction);
    }
}
