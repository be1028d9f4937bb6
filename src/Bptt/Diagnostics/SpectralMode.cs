// One eigenvalue of W_hh and what it does to a state or a gradient in time. Data only.

using System.Numerics;
using Bptt.Edge;

namespace Bptt.Diagnostics;

/// <summary>A mode of h_t = W_hh h_{t−1}: along its eigenvector a state is multiplied by λ at each step, and so is a
/// gradient backward in time.</summary>
public sealed class SpectralMode
{
    private readonly double _log2Magnitude;

    /// <param name="scaled">λ/2ᵉ.</param>
    /// <param name="exponent">e.</param>
    internal SpectralMode(Complex scaled, int exponent)
    {
        Eigenvalue = new Complex(Math.ScaleB(scaled.Real, exponent), Math.ScaleB(scaled.Imaginary, exponent));
        double magnitude = Complex.Abs(scaled);
        Magnitude = Math.ScaleB(magnitude, exponent);
        _log2Magnitude = Math.Log2(magnitude) + exponent;
        bool isPositive = scaled.Imaginary == 0.0 && scaled.Real >= 0.0;
        Period = isPositive ? null : 2.0 * Math.PI / Math.Abs(scaled.Phase);
    }

    /// <summary>λ.</summary>
    public Complex Eigenvalue { get; }

    /// <summary>|λ|.</summary>
    public double Magnitude { get; }

    /// <summary>Steps after which half of it is left, ln ½ / ln |λ| (0 where λ = 0); null unless |λ| &lt; 1.</summary>
    public double? HalfLife => _log2Magnitude < 0.0 ? -1.0 / _log2Magnitude : null;

    /// <summary>Steps after which it has doubled, ln 2 / ln |λ|; null unless |λ| &gt; 1.</summary>
    public double? DoublingTime => _log2Magnitude > 0.0 ? 1.0 / _log2Magnitude : null;

    /// <summary>Steps of one oscillation, 2π / |arg λ|: 2 for a negative number, more for a complex one; null where λ
    /// is a positive real number or 0.</summary>
    public double? Period { get; }

    /// <summary>Whether |λ| cannot be told from 1: rounding of the weights alone moves it by as much.</summary>
    internal bool KeepsItsSize => Math.Abs(_log2Magnitude) < 1e-13;

    /// <summary>log₂ |λ|; −∞ where λ = 0.</summary>
    internal double Log2Magnitude => _log2Magnitude;

    /// <summary>The mode in words.</summary>
    public override string ToString()
    {
        string real = NumberText.Significant(Eigenvalue.Real, 4);
        string imaginary = NumberText.Significant(Math.Abs(Eigenvalue.Imaginary), 4);
        string value = Eigenvalue.Imaginary == 0.0
            ? real
            : $"{real} {(Eigenvalue.Imaginary < 0.0 ? "−" : "+")} {imaginary}i";
        string pace = KeepsItsSize ? "keeps its size"
            : HalfLife is double half ? half == 0.0 ? "gone after a step" : $"halves in {Steps(half)}"
            : $"doubles in {Steps(DoublingTime ?? 0.0)}";
        return Period is double period ? $"{value}: {pace}, oscillates in {Steps(period)}" : $"{value}: {pace}";
    }

    /// <summary>A number of steps as texts print it.</summary>
    internal static string Steps(double count) => count == 1.0 ? "1 step" : $"{NumberText.Significant(count, 4)} steps";
}
