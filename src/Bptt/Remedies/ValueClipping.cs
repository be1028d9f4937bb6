// Clipping of gradients entry by entry.

using Bptt.Edge;

namespace Bptt.Remedies;

/// <summary>
/// Moves each entry of each gradient into ±c: g ← max(−c, min(c, g)) (Mikolov 2012, <i>Statistical Language Models
/// Based on Neural Networks</i>). Signs stay, the direction does not. Immutable.
/// </summary>
/// <remarks>No identity of <c>GradientCertificate</c> survives: certify before clipping.</remarks>
public sealed class ValueClipping : GradientClipping
{
    /// <summary>Creates a clipping.</summary>
    /// <param name="maxValue">c, the largest magnitude of an entry let through, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">c is not a finite number above 0.</exception>
    public ValueClipping(double maxValue)
    {
        Guard.Positive(maxValue, nameof(maxValue));
        MaxValue = maxValue;
    }

    /// <summary>c.</summary>
    public double MaxValue { get; }

    /// <inheritdoc/>
    protected override FormattableString Settings => $"value {MaxValue}";

    /// <inheritdoc/>
    protected override double? Clip(GradientEntries gradients)
    {
        bool isClipped = ClipEntries(gradients.Weights);
        isClipped |= ClipEntries(gradients.InitialStates);
        return isClipped ? null : 1.0;
    }

    private bool ClipEntries(Span<double> values)
    {
        bool isClipped = false;
        foreach (ref double value in values)
        {
            if (Math.Abs(value) > MaxValue)
            {
                value = Math.CopySign(MaxValue, value);
                isClipped = true;
            }
        }
        return isClipped;
    }
}
