// What the eigenvalues and powers of W_hh say about a model before any training: how fast states and gradients grow or
// fade. Runs no pass.
//
//   d  inputs      h  hidden units      q  outputs

using System.Numerics;
using Bptt.Edge;
using Bptt.Kernels;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Diagnostics;

/// <summary>
/// The spectrum of W_hh. A state that gets no further input is h_{t+k} = W_hhᵏ h_t, and a gradient travels back as
/// (W_hhᵀ)ᵏ ∂L/∂h, the general term (4) of <i>Dive into Deep Learning</i>, "Back-propagation through time". Its modes
/// tell how they behave in the long run (Pascanu, Mikolov &amp; Bengio 2013), the norms of the powers how they behave
/// before that: where W_hh is not normal they can grow first although every mode fades (Trefethen &amp; Embree 2005).
/// </summary>
/// <remarks>Immutable; may be used from many threads. What is costly is computed when first asked for.</remarks>
public sealed class Spectrum
{
    /// <summary>Floating-point operations that the search for the transient growth may take.</summary>
    private const double MaxScanWork = 3e9;

    private readonly ScaledMatrix _whh;
    private readonly ScaledMatrix _whx;
    private readonly ScaledMatrix _wqhTransposed;
    private readonly Lazy<MatrixPowers> _powers;
    private readonly Lazy<double> _condition;
    private readonly Lazy<TransientSearch> _transient;
    private readonly Lazy<Crossings> _state;
    private readonly Lazy<Crossings> _gradient;

    private Spectrum(LinearRnn model, KernelSet kernels)
    {
        ParameterArray weights = model.Weights;
        _whh = ScaledMatrix.Of(weights.Whh);
        _whx = ScaledMatrix.Of(weights.Whx);
        _wqhTransposed = ScaledMatrix.Of(weights.Wqh.T);
        var eigensystem = Eigensystem.Of(_whh);
        Modes = Array.AsReadOnly(Ordered(eigensystem.Values, (int)_whh.Exponent));
        SpectralRadius = Modes[0].Magnitude;
        Norm = _whh.Norm;
        _condition = new(eigensystem.Condition);
        _powers = new(() => new MatrixPowers(_whh, kernels, double.IsInfinity(_condition.Value)));
        _transient = new(() => TransientSearch.Of(_powers.Value, Modes[0].Log2Magnitude, MaxScanWork));
        _state = new(() => Crossings.Of(_whh, _whx, kernels, 1));
        _gradient = new(() =>
            Crossings.Of(ScaledMatrix.Of(_whh.View.T, _whh.Exponent), _wqhTransposed, kernels, 0));
    }

    /// <summary>The h modes, by |λ| descending, conjugate pairs adjacent.</summary>
    public IReadOnlyList<SpectralMode> Modes { get; }

    /// <summary>ρ = max |λ|, the factor by which states and gradients grow per step in the long run. +∞ only where it
    /// exceeds the largest double.</summary>
    public double SpectralRadius { get; }

    /// <summary>‖W_hh‖₂, the largest singular value: no state or gradient grows by more in one step. +∞ only where it
    /// exceeds the largest double.</summary>
    public double Norm { get; }

    /// <summary>κ₂(V) of the eigenvectors, each of length 1: 1 where W_hh is normal, +∞ where it is defective, or
    /// cannot be told from a defective matrix in double precision. ‖W_hhᵏ‖₂ ≤ κ₂(V) ρᵏ. Cost O(h³) at the first
    /// call.</summary>
    public double EigenvectorCondition => _condition.Value;

    /// <summary>max ‖W_hhᵏ‖₂ over all k ≥ 0, at least 1 since W_hh⁰ = I: how far a state or gradient can grow before it
    /// fades in the end. +∞ where the powers grow without bound: ρ &gt; 1, or ρ = 1 in a defective mode. ρ within a few
    /// roundings of 1 counts as 1. Cost O(h³) at the first call for each power up to the first of norm at most
    /// 1.</summary>
    public double TransientGrowth => _transient.Value.Growth;

    /// <summary>The k at which ‖W_hhᵏ‖₂ is largest; 0 where the powers grow without bound.</summary>
    public int TransientPeakLag => _transient.Value.Peak;

    /// <summary>Whether <see cref="TransientGrowth"/> is certainly the maximum. It is wherever some power within reach
    /// has norm at most 1, since later ones are products of it with earlier ones; the search ends uncertain after about
    /// 3·10⁹ operations, where ρ is 1 or close to it and W_hh is not normal. Then the growth is a lower bound, from all
    /// powers up to there and those of the powers 2, 4, 8, … that repeated squaring gives accurately: few where W_hh is
    /// defective, so that the maximum may be larger by orders of magnitude.</summary>
    public bool IsTransientGrowthCertain => _transient.Value.IsCertain;

    /// <summary>The step t at which the response to one input of norm 1 at step 1, ‖W_hhᵗ⁻¹ W_hx‖₂, first exceeds the
    /// largest double; null where it never does, or not within 2⁴⁵ steps, where rounding of the weights decides. Counts
    /// what W_hx reaches only. A larger input overflows sooner by ln(size)/ln ρ steps.</summary>
    public long? StateOverflowStep => _state.Value.Overflow;

    /// <summary>The step t from which on the response to one input of norm 1 at step 1, ‖W_hhᵗ⁻¹ W_hx‖₂, stays below
    /// 1e-290: the passes set such states to zero. Null where it never does, or not within 2⁴⁵ steps. For a nilpotent
    /// W_hh it is h + 1 or less; 1 where W_hx is zero.</summary>
    public long? StateVanishStep => _state.Value.Vanish;

    /// <summary>How many steps a ∂L/∂o of norm 1 has travelled back when the gradient ‖(W_hhᵀ)ᵏ W_qhᵀ‖₂ first exceeds
    /// the largest double; null where it never does, or not within 2⁴⁵ steps. Counts what W_qh sees only.</summary>
    public long? GradientOverflowLag => _gradient.Value.Overflow;

    /// <summary>How many steps a ∂L/∂o of norm 1 has travelled back when the gradient ‖(W_hhᵀ)ᵏ W_qhᵀ‖₂ stays below
    /// 1e-290 from there on: the passes set such gradients to zero. Null where it never does, or not within 2⁴⁵ steps.
    /// 0 where W_qh is zero.</summary>
    public long? GradientVanishLag => _gradient.Value.Vanish;

    /// <summary>One sentence.</summary>
    public string Summary
    {
        get
        {
            string pace = SpectralRadius == 0.0 && double.IsNegativeInfinity(Log2SpectralRadius)
                    ? $"nilpotent, nothing is left after at most {SpectralMode.Steps(Modes.Count)}"
                : Modes[0].KeepsItsSize ? "the largest mode keeps its size"
                : Modes[0].HalfLife is double half ? $"the slowest mode halves in {SpectralMode.Steps(half)}"
                : $"the fastest mode doubles in {SpectralMode.Steps(Modes[0].DoublingTime ?? 0.0)}";
            string radius = NumberText.Significant(SpectralRadius, 4);
            return $"spectral radius {radius}, norm {NumberText.Significant(Norm, 4)}: {pace}";
        }
    }

    /// <summary>ρ as log₂; −∞ for 0.</summary>
    internal double Log2SpectralRadius => Modes[0].Log2Magnitude;

    /// <summary>The spectrum of a model's W_hh. Cost about 25h³.</summary>
    /// <param name="model">The model; it is not run.</param>
    /// <exception cref="ArgumentNullException"><paramref name="model"/> is null.</exception>
    /// <exception cref="ArithmeticException">The iteration for the eigenvalues does not converge.</exception>
    public static Spectrum Of(LinearRnn model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Of(model, KernelChoice.Default);
    }

    /// <summary>The spectrum of a model's W_hh, by the kernels of a pass.</summary>
    internal static Spectrum Of(LinearRnn model, KernelSet kernels) => new(model, kernels);

    /// <summary>max |λ| of a matrix alone. Cost about 25h³.</summary>
    /// <param name="whh">h×h, of finite entries.</param>
    /// <exception cref="ArithmeticException">The iteration for the eigenvalues does not converge.</exception>
    internal static double RadiusOf(Matrix<double> whh)
    {
        int h = whh.RowCount;
        var matrix = ScaledMatrix.Of(new MatrixView(whh.ColumnMajor(), h, h, h));
        return Ordered(Eigensystem.Of(matrix).Values, (int)matrix.Exponent)[0].Magnitude;
    }

    /// <summary>‖W_hhᵏ‖₂. Cost O(h³ log k). +∞ where it exceeds the largest double.</summary>
    /// <param name="k">At least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">k is below 0.</exception>
    public double PowerNorm(int k)
    {
        if (k < 0)
        {
            throw Guard.Range(nameof(k), $"expected at least 0, got {k}.");
        }
        return _powers.Value.Power(k).Norm;
    }

    /// <summary><see cref="Summary"/>.</summary>
    public override string ToString() => Summary;

    /// <summary>By magnitude, each pair as a unit.</summary>
    private static SpectralMode[] Ordered(Complex[] values, int exponent) =>
    [
        .. values.Where(value => value.Imaginary >= 0.0)
            .OrderByDescending(Complex.Abs).ThenByDescending(value => value.Real)
            .SelectMany(value => value.Imaginary == 0.0 ? new[] { value } : [value, Complex.Conjugate(value)])
            .Select(value => new SpectralMode(value, exponent)),
    ];
}
