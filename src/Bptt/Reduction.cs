// How the losses of the steps become one number.

namespace Bptt;

/// <summary>
/// How the step losses ℓ(o_t, y_t) become the objective L, which the source defines for one sequence as
/// L = 1/T Σ_t ℓ(o_t, y_t). This is the only place where 1/T lives. Weighted means
/// divide by the sum of the weights; a step of weight 0 is skipped, not multiplied.
/// </summary>
public enum Reduction
{
    /// <summary>L = 1/ΣT_b · Σ_b Σ_t ℓ: the mean over all steps; for one sequence the source's 1/T Σ_t ℓ.</summary>
    MeanPerStep,

    /// <summary>L = 1/B · Σ_b 1/T_b · Σ_t ℓ: the mean over sequences of each one's mean. A sequence whose steps all
    /// have weight 0 leaves the mean.</summary>
    MeanPerSequence,

    /// <summary>L = Σ_b Σ_t ℓ: divides by nothing.</summary>
    Sum,
}
