// What a gradient check found. Plain data; never NaN.

namespace Bptt.Verification;

/// <summary>One entry of a gradient beside its numerical counterpart.</summary>
public sealed class CheckedEntry
{
    internal CheckedEntry(int row, int column, double analytic, double numeric, double uncertainty)
    {
        Row = row;
        Column = column;
        Analytic = analytic;
        Numeric = numeric;
        Uncertainty = uncertainty;
    }

    /// <summary>From 0.</summary>
    public int Row { get; }

    /// <summary>From 0; for h_0 the sequence.</summary>
    public int Column { get; }

    /// <summary>What the backward pass computed.</summary>
    public double Analytic { get; }

    /// <summary>What differences of the loss give; 0 where they give nothing, and then the uncertainty is +∞.</summary>
    public double Numeric { get; }

    /// <summary>How far <see cref="Numeric"/> is likely to be off.</summary>
    public double Uncertainty { get; }

    /// <summary>|analytic − numeric|.</summary>
    public double Error => Math.Abs(Analytic - Numeric);
}

/// <summary>What was found for one parameter.</summary>
public sealed class ParameterCheck
{
    internal ParameterCheck(
        string parameter,
        Verdict verdict,
        int entryCount,
        int checkedCount,
        double relativeError,
        double relativeUncertainty,
        CheckedEntry worst)
    {
        Parameter = parameter;
        Verdict = verdict;
        EntryCount = entryCount;
        CheckedCount = checkedCount;
        RelativeError = relativeError;
        RelativeUncertainty = relativeUncertainty;
        Worst = worst;
    }

    /// <summary>W_hx, W_hh, W_qh or h_0.</summary>
    public string Parameter { get; }

    /// <summary>The outcome.</summary>
    public Verdict Verdict { get; }

    /// <summary>How many entries the parameter has.</summary>
    public int EntryCount { get; }

    /// <summary>How many of them were checked.</summary>
    public int CheckedCount { get; }

    /// <summary>‖analytic − numeric‖ / max(‖analytic‖, ‖numeric‖) over the checked entries; 0 where all are zero on both
    /// sides.</summary>
    public double RelativeError { get; }

    /// <summary>The norm of the uncertainties over the same divisor: what a right gradient may show as error. 0 where all
    /// entries are zero on both sides, +∞ where differences give nothing for one of them.</summary>
    public double RelativeUncertainty { get; }

    /// <summary>The checked entry with the largest error over what is allowed to it.</summary>
    public CheckedEntry Worst { get; }
}

/// <summary>What was found for all parameters.</summary>
public sealed class GradientCheckReport
{
    internal GradientCheckReport(IReadOnlyList<ParameterCheck> parameters)
    {
        Parameters = parameters;
    }

    /// <summary>W_hx, W_hh, W_qh and h_0.</summary>
    public IReadOnlyList<ParameterCheck> Parameters { get; }

    /// <summary>The worst verdict of any parameter.</summary>
    public Verdict Verdict => Parameters.Max(p => p.Verdict);

    /// <summary>The largest relative error of any parameter.</summary>
    public double RelativeError => Parameters.Max(p => p.RelativeError);
}
