// A comparison of remedies in a table, in sentences and as CSV. Trains nothing.

using System.Globalization;
using Bptt.Cli.Console;
using Bptt.Optimization;
using CsvHelper;

namespace Bptt.Cli.Fitting;

internal sealed class RemedyReport(IReadOnlyList<RemedyTrial> trials)
{
    /// <summary>A row for each training.</summary>
    public TextTable Table()
    {
        var table = new TextTable(
            "remedy", "outcome", "epochs", "final loss", "best loss", "gradient up to", "held out", "seconds");
        foreach (RemedyTrial trial in trials)
        {
            table.Add(
                $"{trial.Remedy.Name}: {trial.Remedy.What}",
                trial.OutcomeText,
                $"{trial.Training.Epochs}",
                Loss(trial.FinalLoss),
                Loss(trial.BestLoss),
                double.IsFinite(trial.LargestGradientNorm) ? $"{trial.LargestGradientNorm:0.0E+0}" : "not finite",
                FitScore.Text(trial.HeldOutFit),
                $"{trial.Seconds:F2}");
        }
        return table;
    }

    /// <summary>What the table shows.</summary>
    public IEnumerable<string> Sentences()
    {
        yield return Listed("diverged", RemedyOutcome.Diverged);
        yield return Listed("no better than the training mean", RemedyOutcome.NotLearned);
        RemedyTrial[] learned = [.. trials.Where(t => t.Outcome == RemedyOutcome.Learned)];
        if (learned.Length == 0)
        {
            yield return "learned: none";
            yield break;
        }
        RemedyTrial best = learned.MinBy(t => t.BestLoss)!;
        yield return $"smallest training loss: {best.Remedy.Name}, {Loss(best.BestLoss)} after "
            + Words.Epochs(best.Training.BestEpoch);
        RemedyTrial[] others = [.. learned.Where(t => t.Remedy.Options.Optimizer is Sgd)];
        if (others.MinBy(t => t.BestLoss) is { } descent && descent != best)
        {
            yield return $"smallest by gradient descent: {descent.Remedy.Name}, {Loss(descent.BestLoss)} after "
                + $"{Words.Epochs(descent.Training.BestEpoch)}";
        }
        if (learned.Where(t => t.HeldOutFit is double fit && double.IsFinite(fit)).MaxBy(t => t.HeldOutFit) is { } fits)
        {
            yield return $"best held-out fit: {fits.Remedy.Name}, {FitScore.Text(fits.HeldOutFit)}";
        }
    }

    /// <summary>Writes the table as CSV, numbers in full.</summary>
    /// <param name="writer">Stays open.</param>
    public void WriteCsv(TextWriter writer)
    {
        using var csv = new CsvWriter(writer, CultureInfo.InvariantCulture, leaveOpen: true);
        foreach (string heading in (string[])
        [
            "remedy", "what it does", "outcome", "epochs", "final loss", "best loss", "best epoch",
            "largest gradient norm", "held-out fit", "seconds",
        ])
        {
            csv.WriteField(heading);
        }
        csv.NextRecord();
        foreach (RemedyTrial trial in trials)
        {
            csv.WriteField(trial.Remedy.Name);
            csv.WriteField(trial.Remedy.What);
            csv.WriteField(trial.OutcomeText);
            csv.WriteField(trial.Training.Epochs);
            csv.WriteField(Number(trial.FinalLoss));
            csv.WriteField(Number(trial.BestLoss));
            csv.WriteField(trial.Training.BestEpoch);
            csv.WriteField(Number(trial.LargestGradientNorm));
            csv.WriteField(trial.HeldOutFit is double fit ? Number(fit) : "");
            csv.WriteField(trial.Seconds.ToString("F4", CultureInfo.InvariantCulture));
            csv.NextRecord();
        }
    }

    private string Listed(string what, RemedyOutcome outcome)
    {
        string[] names = [.. trials.Where(t => t.Outcome == outcome).Select(t => t.Remedy.Name)];
        return $"{what}: {(names.Length == 0 ? "no training" : string.Join(", ", names))}";
    }

    private static string Loss(double loss) => double.IsFinite(loss) ? $"{loss:0.000E+0}" : "not finite";

    /// <summary>Empty where it is not finite.</summary>
    private static string Number(double number) =>
        double.IsFinite(number) ? number.ToString("G15", CultureInfo.InvariantCulture) : "";
}
