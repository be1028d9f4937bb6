// What a gradient check found along one random direction. Plain data; never NaN.

using Bptt.Edge;

namespace Bptt.Verification;

/// <summary>The derivative of the loss along a random direction v beside ⟨gradient, v⟩: every entry takes part, those
/// too that no sample holds.</summary>
public sealed class DirectionCheck
{
    internal DirectionCheck(
        IReadOnlyList<string> parameters,
        Verdict verdict,
        double analytic,
        NumericalDerivative derivative,
        DerivativeMethod method,
        double relativeError)
    {
        Parameters = parameters;
        Verdict = verdict;
        Analytic = analytic;
        Numeric = derivative.Value;
        Uncertainty = derivative.Uncertainty;
        Method = method;
        RelativeError = relativeError;
    }

    /// <summary>The parameters that the direction moves.</summary>
    public IReadOnlyList<string> Parameters { get; }

    /// <summary>The outcome.</summary>
    public Verdict Verdict { get; }

    /// <summary>⟨gradient, v⟩.</summary>
    public double Analytic { get; }

    /// <summary>What the loss itself gives; 0 where it gives nothing, and then the uncertainty is +∞.</summary>
    public double Numeric { get; }

    /// <summary>How far <see cref="Numeric"/> is likely to be off; +∞ where the loss tells nothing.</summary>
    public double Uncertainty { get; }

    /// <summary>How <see cref="Numeric"/> was computed.</summary>
    public DerivativeMethod Method { get; }

    /// <summary>|analytic − numeric|.</summary>
    public double Error => Math.Abs(Analytic - Numeric);

    /// <summary>The error over the size to be expected, ‖gradient ∘ v‖ (entry by entry), to which terms that happen to
    /// cancel in ⟨gradient, v⟩ make no difference.</summary>
    public double RelativeError { get; }

    /// <summary>The verdict and its numbers in one line.</summary>
    public override string ToString() =>
        $"direction over {string.Join(", ", Parameters)}: {Verdict.InWords()}, "
        + $"analytic {NumberText.Significant(Analytic, 9)}, numeric {NumberText.Significant(Numeric, 9)} "
        + $"± {NumberText.Size(Uncertainty)}, relative error {NumberText.Size(RelativeError)}";
}
