// What the parameters of an S5 layer do not tell: how its continuous time became steps.

using Bptt.Edge;

namespace Bptt.Files;

/// <summary>How an S5 layer was made; the names in its authors' code are given. Immutable; the defaults are those of
/// that code's experiments.</summary>
/// <example>
/// <code>
/// // A layer of one state, as it stands in a file.
/// var tensors = new Dictionary&lt;string, StoredTensor&gt;
/// {
///     ["Lambda_re"] = new([1], [-0.5]),
///     ["Lambda_im"] = new([1], [3.0]),
///     ["log_step"] = new([1, 1], [-2.3]),
///     ["B"] = new([1, 1, 2], [1.0, 0.0]),
///     ["C"] = new([1, 1, 2], [0.5, 0.25]),
///     ["D"] = new([1], [0.0]),
/// };
/// var options = new S5Options { Discretization = S5Discretization.Bilinear };
/// var real = DiagonalRnn.OfS5(tensors, options).ToLinearRnn();
/// Console.WriteLine($"W_hh[0, 0] = {real.Whh[0, 0]:F4}");
/// </code>
/// </example>
public sealed record S5Options
{
    private readonly S5Discretization _discretization;
    private readonly double _stepScale = 1.0;

    /// <summary>How continuous time becomes steps (<c>discretization</c>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value has no name.</exception>
    public S5Discretization Discretization
    {
        get => _discretization;
        init
        {
            Guard.Defined(value, nameof(Discretization));
            _discretization = value;
        }
    }

    /// <summary>Whether the file has one of each pair of conjugate states, so that the outputs are twice the real part
    /// (<c>conj_sym</c>).</summary>
    public bool HasConjugateHalf { get; init; } = true;

    /// <summary>Whether real parts of λ are at most −0.0001 (<c>clip_eigs</c>).</summary>
    public bool ClipsEigenvalues { get; init; }

    /// <summary>What steps are multiplied by (<c>step_rescale</c>): 2 for every other sample.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not a finite number above 0.</exception>
    public double StepScale
    {
        get => _stepScale;
        init
        {
            Guard.Positive(value, nameof(StepScale));
            _stepScale = value;
        }
    }
}

/// <summary>How ds/dt = λ s + B x becomes s_t = λ̄ s_{t−1} + B̄ x_t with steps of length Δ.</summary>
public enum S5Discretization
{
    /// <summary>λ̄ = exp(λΔ), B̄ = (λ̄ − 1)/λ · B: exact where x stays as it is during a step.</summary>
    ZeroOrderHold,

    /// <summary>λ̄ = (1 + λΔ/2)/(1 − λΔ/2), B̄ = Δ/(1 − λΔ/2) · B: the trapezoidal rule.</summary>
    Bilinear,
}
