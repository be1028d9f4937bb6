// What a gradient check found. Plain data.

namespace Bptt.Verification;

/// <summary>The outcome of a gradient check.</summary>
public enum GradientCheckVerdict
{
    /// <summary>The gradient agrees with the differences within the tolerance.</summary>
    Passed,

    /// <summary>The differences are too uncertain to tell, because rounding of the loss is too large.</summary>
    Inconclusive,

    /// <summary>The gradient disagrees with the differences by more than their uncertainty.</summary>
    Failed,
}

/// <summary>One entry of a gradient beside its numerical counterpart.</summary>
/// <param name="Row">From 0.</param>
/// <param name="Column">From 0; for h_0 the sequence.</param>
/// <param name="Analytic">What the backward pass computed.</param>
/// <param name="Numeric">What differences of the loss give.</param>
/// <param name="Uncertainty">A likely bound on the error of <paramref name="Numeric"/>.</param>
public sealed record CheckedEntry(int Row, int Column, double Analytic, double Numeric, double Uncertainty)
{
    /// <summary>|analytic − numeric|.</summary>
    public double Error => Math.Abs(Analytic - Numeric);
}

/// <summary>What was found for one parameter.</summary>
/// <param name="Parameter">W_hx, W_hh, W_qh or h_0.</param>
/// <param name="Verdict">The outcome.</param>
/// <param name="EntryCount">How many entries the parameter has.</param>
/// <param name="CheckedCount">How many of them were checked.</param>
/// <param name="RelativeError">‖analytic − numeric‖ / max(‖analytic‖, ‖numeric‖) over the checked entries; 0 where all
/// are zero on both sides.</param>
/// <param name="RelativeUncertainty">The norm of the uncertainties over the same divisor: what a correct gradient may
/// show as error; 0 where all entries are zero on both sides.</param>
/// <param name="Worst">The checked entry with the largest error.</param>
public sealed record ParameterCheck(
    string Parameter,
    GradientCheckVerdict Verdict,
    int EntryCount,
    int CheckedCount,
    double RelativeError,
    double RelativeUncertainty,
    CheckedEntry Worst);

/// <summary>What was found for all parameters.</summary>
/// <param name="Parameters">W_hx, W_hh, W_qh and h_0.</param>
public sealed record GradientCheckReport(IReadOnlyList<ParameterCheck> Parameters)
{
    /// <summary>The worst verdict of any parameter.</summary>
    public GradientCheckVerdict Verdict => Parameters.Max(p => p.Verdict);

    /// <summary>The largest relative error of any parameter.</summary>
    public double RelativeError => Parameters.Max(p => p.RelativeError);
}
