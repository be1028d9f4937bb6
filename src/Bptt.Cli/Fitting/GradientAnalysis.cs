// How gradients flow in a model on given data, in words, tables and pictures: what `bptt flow` and a report show.

using Bptt.Cli.Output;
using Bptt.Cli.Pictures;
using Bptt.Diagnostics;

namespace Bptt.Cli.Fitting;

internal sealed class GradientAnalysis
{
    /// <summary>The part of ∂L/∂W_hh that a truncation may lose.</summary>
    private const double Tolerance = 0.01;

    private const double Hundredth = 0.01;
    private const double Millionth = 1e-6;

    /// <summary>What is lost so little of needs no line in a table.</summary>
    private const double Negligible = 1e-9;

    /// <summary>Multiply-adds that a curve may cost: about a second.</summary>
    private const double MostWork = 2e9;

    private const int MostLags = 10_000;
    private const int FewestLags = 16;
    private const int MostModes = 12;

    private readonly double _gradientNorm; // ‖∂L/∂W_hh‖

    private GradientAnalysis(GradientFlow flow, LagDecomposition? lags, double gradientNorm)
    {
        Flow = flow;
        Lags = lags;
        _gradientNorm = gradientNorm;
    }

    public GradientFlow Flow { get; }

    /// <summary>Null where ∂L/∂W_hh is zero or not finite, or a part of it is not: nothing has a share in it.</summary>
    public LagDecomposition? Lags { get; }

    /// <summary>Analyses one sequence, over as many lags as it has, fewer where they would take long: each costs
    /// O(q·h·(h + T)).</summary>
    /// <exception cref="DataFaultException">The eigenvalues of W_hh cannot be found.</exception>
    public static GradientAnalysis Of(BackwardThroughTime backward)
    {
        ForwardPass forward = backward.Forward;
        double perStep = (double)forward.Model.OutputSize * forward.Model.HiddenSize;
        int lags = Math.Min(
            forward.Lengths[0] - 1, Affordable(perStep * (forward.Model.HiddenSize + forward.Lengths[0])));
        int flowLags = Math.Min(forward.Lengths[0] - 1, Affordable(perStep * forward.Model.HiddenSize));
        double norm = backward.Gradients.WhhNorm();
        try
        {
            return new GradientAnalysis(
                GradientFlow.Of(backward, flowLags),
                double.IsFinite(norm) && norm > 0.0 ? Split(backward, lags) : null,
                norm);
        }
        catch (ArithmeticException e)
        {
            throw new DataFaultException($"The flow of gradients cannot be analysed: {e.Message}", e);
        }

        static int Affordable(double perLag) => (int)Math.Clamp(MostWork / perLag, FewestLags, MostLags);
    }

    /// <summary>The verdict.</summary>
    public string FlowSentence => $"gradient flow: {Flow.Summary}";

    /// <summary>How far a step's gradient reaches; null where it does not fade within the sequence.</summary>
    public string? ReachSentence
    {
        get
        {
            if (Flow.LagWhereFlowFallsTo(Hundredth) is not int hundredth)
            {
                return null;
            }
            string further = Flow.LagWhereFlowFallsTo(Millionth) is int millionth ? $", a millionth after {Words.Steps(millionth)}" : "";
            return $"left of a step's gradient: 1 % after {Words.Steps(hundredth)}{further}";
        }
    }

    /// <summary>What truncated back-propagation through time would lose.</summary>
    public string TruncationSentence
    {
        get
        {
            if (Lags is null)
            {
                return "truncation: not defined, "
                    + (_gradientNorm == 0.0 ? "∂L/∂W_hh is zero" : double.IsFinite(_gradientNorm) ? "a part of ∂L/∂W_hh overflows" : "∂L/∂W_hh is not finite");
            }
            if (Lags.SmallestWindow(Tolerance) is int window)
            {
                return Lags.IsComplete && window == Lags.LagCount
                    ? $"truncation: no window shorter than all {Words.Steps(window)} loses less than {Words.Percent(Tolerance)} of ∂L/∂W_hh and stays there"
                    : $"truncation: a window of {Words.Steps(window)} loses {Words.Percent(Lags.TruncationErrors[window - 1])} of ∂L/∂W_hh";
            }
            return $"truncation: a window of {Words.Steps(Lags.LagCount)} still loses {Words.Percent(Lags.TruncationErrors[^1])} of ∂L/∂W_hh";
        }
    }

    /// <summary>Why parts of a gradient can be larger than it; null where they are not by much.</summary>
    public string? CancellationSentence =>
        Lags is not null && Lags.ContributionNorms.Max() / _gradientNorm is double largest and > 2.0
            ? $"A single lag is up to {Words.Number(largest)} times as large as the sum of all: they cancel, as they do near a minimum, where the sum is small."
            : null;

    /// <summary>What W_hh does to states and gradients, whatever the data.</summary>
    public IEnumerable<string> SpectrumSentences
    {
        get
        {
            Spectrum spectrum = Flow.Spectrum;
            yield return $"spectral radius of W_hh: {Words.Magnitude(spectrum.SpectralRadius)}, norm {Words.Number(spectrum.Norm)}, condition of the eigenvectors {Words.Number(spectrum.EigenvectorCondition)}";
            yield return double.IsPositiveInfinity(spectrum.TransientGrowth)
                ? "powers of W_hh: grow without bound"
                : spectrum.TransientPeakLag == 0
                    ? "powers of W_hh: never above 1 in norm"
                    : $"powers of W_hh: {(spectrum.IsTransientGrowthCertain ? "at most" : "at least")} {Words.Number(spectrum.TransientGrowth)} in norm, after {Words.Steps(spectrum.TransientPeakLag)}{(spectrum.IsTransientGrowthCertain ? "" : ", the largest that was found")}";
            yield return $"response to an input at step 1: {Range(spectrum.StateOverflowStep, spectrum.StateVanishStep, step => $"at step {step}", step => $"from step {step} on")}";
            yield return $"gradient of one output: {Range(spectrum.GradientOverflowLag, spectrum.GradientVanishLag, After, After)}";
        }
    }

    /// <summary>Where numbers end.</summary>
    public string NonFiniteSentence => $"first number that is not finite: {Flow.FirstNonFinite?.ToString() ?? "none"}";

    /// <summary>The modes that last longest.</summary>
    public TextTable Modes()
    {
        var table = new TextTable("eigenvalue of W_hh", "magnitude", "halves in", "doubles in", "turns once in");
        IReadOnlyList<SpectralMode> modes = Flow.Spectrum.Modes;
        int shown = 0;
        for (int i = 0; i < modes.Count; i++)
        {
            if (table.Rows.Count == MostModes)
            {
                table.Add($"{modes.Count - shown} more", "", "", "", "");
                break;
            }
            SpectralMode mode = modes[i];
            bool isPair = i + 1 < modes.Count && mode.Eigenvalue.Imaginary != 0.0
                && modes[i + 1].Eigenvalue.Imaginary == -mode.Eigenvalue.Imaginary;
            table.Add(
                Words.Complex(mode.Eigenvalue, isPair ? "±" : mode.Eigenvalue.Imaginary < 0 ? "-" : "+"),
                Words.Magnitude(mode.Magnitude),
                Steps(mode.HalfLife),
                Steps(mode.DoublingTime),
                Steps(mode.Period));
            i += isPair ? 1 : 0;
            shown = i + 1;
        }
        return table;
    }

    /// <summary>What windows of some lengths lose, up to the first that loses next to nothing; null where that is not
    /// defined.</summary>
    public TextTable? Windows()
    {
        if (Lags is null)
        {
            return null;
        }
        var table = new TextTable("truncated to", "loses of ∂L/∂W_hh", "cosine");
        var windows = new SortedSet<int>(RoundNumbers().TakeWhile(k => k <= Lags.LagCount));
        if (Lags.SmallestWindow(Tolerance) is int smallest)
        {
            windows.Add(smallest);
        }
        foreach (int window in windows)
        {
            double error = Lags.TruncationErrors[window - 1];
            table.Add(Words.Steps(window), Words.Percent(error), $"{Lags.TruncationCosines[window - 1]:F6}");
            if (error < Negligible)
            {
                break;
            }
        }
        return table;
    }

    /// <summary>The flow against the steps back.</summary>
    public Picture FlowPicture() => Pictures.FlowPicture.Of(
        Flow.MeanFlow, Flow.LastStepFlow, Flow.PredictedEnvelope, Flow.Summary);

    /// <summary>The spectrum against the unit circle.</summary>
    public Picture EigenvaluePicture() => Pictures.EigenvaluePicture.Of(
        Flow.Spectrum.Modes.Select(m => m.Eigenvalue).ToArray());

    /// <summary>The lags and the errors of truncation; null where they are not defined.</summary>
    public Picture? LagPicture() => Lags is null ? null : Pictures.LagPicture.Of(
        Lags.ContributionNorms.Select(norm => norm / _gradientNorm).ToArray(),
        Lags.TruncationErrors,
        Tolerance,
        Lags.SmallestWindow(Tolerance));

    private static LagDecomposition? Split(BackwardThroughTime backward, int lags)
    {
        try
        {
            return LagDecomposition.Of(backward, lags);
        }
        catch (ArithmeticException)
        {
            return null; // a part overflows although the sum does not
        }
    }

    private static string Range(long? overflow, long? vanish, Func<long, string> exceeds, Func<long, string> falls) =>
        (overflow, vanish) switch
        {
            (long at, _) => $"exceeds the range of double precision {exceeds(at)}",
            (null, long at) => $"falls below 1E-290, to zero, {falls(at)}",
            _ => "neither leaves the range of double precision nor falls to zero",
        };

    private static string After(long steps) => steps == 1 ? "after 1 step" : $"after {steps} steps";

    private static string Steps(double? steps) => steps is double number ? Words.Steps(number) : "";

    private static IEnumerable<int> RoundNumbers()
    {
        for (int power = 1; power <= 1_000_000; power *= 10)
        {
            yield return power;
            yield return 2 * power;
            yield return 5 * power;
        }
    }
}
