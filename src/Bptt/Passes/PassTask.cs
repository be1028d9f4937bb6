// The steps that a pass is made of, by what they compute, and what tells the schedules of two passes apart. Data only.

using System.Numerics;
using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>What a task of a pass does.</summary>
internal enum PassStep
{
    /// <summary>Packs the left sides of products.</summary>
    Pack,

    /// <summary>Packs A, and A^S where there are chunks.</summary>
    PackTransition,

    /// <summary>(1) ∂L/∂o_t, or its derivative, of some columns.</summary>
    Evaluate,

    /// <summary>u_t = W_hx x_t forward, W_qhᵀ ∂L/∂o_t backward; and the ends of the chunks.</summary>
    Drive,

    /// <summary>s_t = A s_{t∓1} + u_t from step to step, or from chunk to chunk.</summary>
    Recur,

    /// <summary>All states of the chunks.</summary>
    Fill,

    /// <summary>o_t = W_qh h_t.</summary>
    Read,

    /// <summary>All states of the chunks, and o_t = W_qh h_t while they are in the cache.</summary>
    FillAndRead,

    /// <summary>(5) ∂L/∂W_qh, some rows.</summary>
    WqhGradient,

    /// <summary>(5) ∂L/∂W_hx, some rows.</summary>
    WhxGradient,

    /// <summary>(5) ∂L/∂W_hh, some rows.</summary>
    WhhGradient,

    /// <summary>The gradient of the direct term of a lifted pass, some rows.</summary>
    DirectGradient,

    /// <summary>∂L/∂h_0 = W_hhᵀ ∂L/∂h_1.</summary>
    StepZero,
}

/// <summary>A task of a pass.</summary>
/// <param name="Step">What it does.</param>
/// <param name="Index">The block; of gradients the span, of an evaluation the part.</param>
/// <param name="Part">The group of sequences, or the first row.</param>
/// <param name="Rows">How many rows.</param>
internal readonly record struct PassTask(PassStep Step, int Index, int Part = 0, int Rows = 0);

/// <summary>The sizes of what a pass runs.</summary>
/// <param name="Inputs">d.</param>
/// <param name="Hidden">h.</param>
/// <param name="Outputs">q.</param>
/// <param name="IsLifted">Whether a step stands for several, so that outputs come from the state before it and,
/// directly, from its inputs.</param>
internal readonly record struct PassSizes(int Inputs, int Hidden, int Outputs, bool IsLifted = false)
{
    /// <summary>Those of a model.</summary>
    public static PassSizes Of<TReal>(ParameterArray<TReal> weights)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal> =>
        new(weights.InputSize, weights.HiddenSize, weights.OutputSize);

    /// <summary>The entries of the weights.</summary>
    public double Weights => (double)Hidden * (Inputs + Hidden + Outputs) + (IsLifted ? 0.5 * Inputs * Outputs : 0.0);
}

/// <summary>What tells the schedules of passes over the same steps apart.</summary>
/// <param name="Sizes">d, h and q.</param>
/// <param name="Direction">The order of the steps.</param>
/// <param name="Recurs">Whether the states are computed; where not, they are there.</param>
/// <param name="Reads">Whether outputs are read from them.</param>
/// <param name="Sums">Whether weight gradients are summed.</param>
/// <param name="ReachesStepZero">Whether a backward recurrence goes on to step 0.</param>
/// <param name="ChunkLength">S; 1 for step by step.</param>
/// <param name="EvaluationColumns">Columns of a part of the evaluation; 0 where there is none.</param>
/// <param name="Tuning">How large the pieces are.</param>
internal readonly record struct PassShape(
    PassSizes Sizes,
    TimeDirection Direction,
    bool Recurs,
    bool Reads,
    bool Sums,
    bool ReachesStepZero,
    int ChunkLength,
    int EvaluationColumns,
    PlanTuning Tuning);
