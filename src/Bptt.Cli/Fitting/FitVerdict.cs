// Whether a fitted model is worth trusting, in words: against the baseline, its stability, what it was fitted on, and
// what its residuals still hold.

using Bptt.Cli.Data;
using Bptt.Diagnostics;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Fitting;

internal static class FitVerdict
{
    /// <summary>A probability below which a correlation is not taken for chance.</summary>
    private const double Chance = 0.01;

    /// <summary>Points of fit that do not count.</summary>
    private const double Tie = 0.5;

    /// <summary>Numbers for each parameter, below which a fit is on too little.</summary>
    private const double FewNumbers = 5;

    /// <summary>A mode that is forgotten more slowly than over this part of the longest record was hardly seen
    /// to end.</summary>
    private const double LongestMemory = 1.0 / 3.0;

    private const int FewestResiduals = 8;

    /// <summary>Residuals of less than this part of the spread of an output are below what it is measured with, and
    /// tests of them would find rounding.</summary>
    private const double NegligiblePart = 1e-3;

    /// <summary>In a line: to be trusted or not, and why.</summary>
    public static string Sentence(Dataset data, FitResult fit, FitReport report) => string.Join(
        "; ",
        [
            Standing(report), Stability(data, report.SpectralRadius), Numbers(data, fit),
            .. fit is IdentifiedFit { System.IsOrderAtLimit: true }
                ? (string[])["the order is the largest that was allowed: a larger one may be better"] : [],
        ]);

    /// <summary>What the residuals of the rows that the model has not seen still hold, output by output; where nothing
    /// is held out, of those that it was fitted to.</summary>
    public static IEnumerable<string> Residuals(Dataset data, FitReport report)
    {
        if (report.Residuals is not ResidualAnalysis analysis)
        {
            yield break;
        }
        for (int i = 0; i < data.OutputChannels.Length; i++)
        {
            string name = data.OutputChannels.Length == 1 ? "" : $" of {data.OutputChannels[i].Name}";
            double part = PartLeft(data, report, i);
            yield return $"residuals{name}, {PartOf(data)}: " + (part < NegligiblePart
                ? $"negligible, {part:0.0E+0} of the spread of the output: whatever they hold, it hardly matters"
                : $"{Whiteness(analysis, i)}; {Independence(analysis, data, i)}");
        }
    }

    /// <summary>The norm of the residuals of an output over that of its deviations from its mean; 1 where it does not
    /// vary.</summary>
    private static double PartLeft(Dataset data, FitReport report, int output)
    {
        Matrix<double> targets = data.JoinedTargets.SubMatrix(output, 1, 0, data.Count);
        Matrix<double> predictions = report.Predictions.SubMatrix(output, 1, 0, data.Count);
        double? fit = data.HoldsOut
            ? FitScore.Of(data.HeldOut(targets), data.HeldOut(predictions)) : FitScore.Of(targets, predictions);
        return fit is double percent ? 1.0 - percent / 100.0 : 1.0;
    }

    /// <summary>Of which rows the residuals are, in words.</summary>
    public static string PartOf(Dataset data) => data.HoldsOut ? "held out" : "of the training rows";

    /// <summary>The tests; null where residuals are too few.</summary>
    /// <param name="data">What was fitted.</param>
    /// <param name="predictions">q×N, joined, scaled.</param>
    public static ResidualAnalysis? Analysis(Dataset data, Matrix<double> predictions)
    {
        Matrix<double> residuals = data.JoinedTargets - predictions;
        Matrix<double> inputs = Dataset.Joined(data.Inputs);
        List<Matrix<double>> errors = [];
        List<Matrix<double>> causes = [];
        int first = 0;
        foreach (DataRun run in data.Runs)
        {
            int from = data.HoldsOut ? run.TrainingLength : 0;
            int count = run.Rows.Length - from;
            if (count > 0)
            {
                errors.Add(residuals.SubMatrix(0, residuals.RowCount, first + from, count));
                causes.Add(inputs.SubMatrix(0, inputs.RowCount, first + from, count));
            }
            first += run.Rows.Length;
        }
        bool isEnough = errors.Count > 0 && errors.Max(e => e.ColumnCount) > 1
            && Enumerable.Range(0, residuals.RowCount).All(
                i => errors.Sum(e => e.Row(i).Count(double.IsFinite)) >= FewestResiduals)
            && errors.All(e => e.ForAll(x => !double.IsInfinity(x) && !(Math.Abs(x) > 1e150)));
        return isEnough ? ResidualAnalysis.Of(SequenceBatch.Pack(errors), SequenceBatch.Pack(causes)) : null;
    }

    private static string Standing(FitReport report)
    {
        if (report.HeldOutFit is not double fit)
        {
            return "not judged, no held-out rows tell";
        }
        if (fit < 0.0)
        {
            return "not to be used: it predicts the held-out rows worse than their mean does";
        }
        return report.BaselineHeldOutFit is not double other || !double.IsFinite(other) || other < -100.0
            ? $"better than {report.BaselineName}, which runs away"
            : fit > other + Tie ? $"better than {report.BaselineName} by {fit - other:0.0} points"
            : fit < other - Tie ? $"worse than {report.BaselineName} by {other - fit:0.0} points"
            : $"as good as {report.BaselineName}";
    }

    private static string Stability(Dataset data, double radius)
    {
        if (radius >= 1.0)
        {
            return $"unstable (spectral radius {Words.Magnitude(radius)}): its outputs grow without end";
        }
        double memory = radius > 0.0 ? -1.0 / Math.Log(radius) : 0.0;
        int longest = data.Training.Inputs.Lengths.Max();
        return memory > LongestMemory * longest
            ? $"stable, but near the border (spectral radius {Words.Magnitude(radius)}): its slowest mode takes "
                + $"{Words.Steps(memory)} to fall to a third, and the longest run has {longest}"
            : $"stable (its slowest mode takes {Words.Steps(memory)} to fall to a third)";
    }

    private static string Numbers(Dataset data, FitResult fit)
    {
        long parameters = FitPlan.ParameterCount(data, fit.Model.HiddenSize, fit.LearnedStates is not null);
        double each = (double)data.Training.Count * data.OutputChannels.Length / parameters;
        return each < FewNumbers
            ? $"fitted on little, {Words.Number(each)} numbers for each parameter"
            : $"{Words.Number(each)} numbers for each parameter";
    }

    private static string Whiteness(ResidualAnalysis analysis, int output)
    {
        int largest = Enumerable.Range(1, analysis.Lags).MaxBy(k => Math.Abs(analysis.Autocorrelation(output, k)));
        return analysis.WhitenessProbability(output) >= Chance
            ? "white, as far as can be told"
            : $"coloured (correlation {analysis.Autocorrelation(output, largest):0.00} at {Words.Steps(largest)}), so "
                + "that measured outputs would help to predict the next ones";
    }

    private static string Independence(ResidualAnalysis analysis, Dataset data, int output)
    {
        string[] seen =
        [
            .. Enumerable.Range(0, data.InputChannels.Length)
                .Where(j => analysis.IndependenceProbability(output, j) < Chance)
                .Select(j =>
                {
                    int largest = Enumerable.Range(0, analysis.Lags + 1)
                        .MaxBy(k => Math.Abs(analysis.InputCorrelation(output, j, k)));
                    return $"{data.InputChannels[j].Name} ({analysis.InputCorrelation(output, j, largest):0.00} after "
                        + $"{Words.Steps(largest)})";
                }),
        ];
        return seen.Length == 0 ? "nothing of the inputs is left in them"
            : $"they still hold some of {string.Join(", ", seen)}, which a larger or non-linear model may explain";
    }
}
