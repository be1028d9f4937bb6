// Which number of hidden units was chosen, and over which others. Data and words.

using Bptt.Cli.Console;

namespace Bptt.Cli.Fitting;

/// <summary>One number of hidden units, judged.</summary>
/// <param name="Order">h.</param>
/// <param name="Loss">½‖o_t − y_t‖², the mean over the last quarter; infinite where a free run left the range of
/// numbers.</param>
/// <param name="Fit">The same as a fit.</param>
internal sealed record OrderCandidate(int Order, double Loss, double? Fit);

/// <summary>The outcome of <see cref="OrderSearch"/>.</summary>
/// <param name="Order">The number of hidden units chosen.</param>
/// <param name="Candidates">All that were compared; none where the rows are too few.</param>
internal sealed record OrderChoice(int Order, IReadOnlyList<OrderCandidate> Candidates)
{
    /// <summary>In a line.</summary>
    public string Sentence => Candidates.Count == 0
        ? $"hidden units: {Order}, since the training rows are too few to compare others; --hidden takes another number"
        : $"hidden units: {Order}, chosen by validation on the last quarter of the training rows";

    /// <summary>All that were compared; null where none were.</summary>
    public TextTable? Table()
    {
        if (Candidates.Count == 0)
        {
            return null;
        }
        var table = new TextTable("hidden units", "validation fit");
        foreach (OrderCandidate candidate in Candidates)
        {
            table.Add(
                $"{candidate.Order}{(candidate.Order == Order ? " (chosen)" : "")}",
                double.IsFinite(candidate.Loss) ? FitScore.Text(candidate.Fit) : "diverged");
        }
        return table;
    }
}
