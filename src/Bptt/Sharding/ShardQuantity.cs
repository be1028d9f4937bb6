// What a shard of the data may be asked for. Data only.

namespace Bptt.Sharding;

/// <summary>What a shard computes at given parameters: terms of sums over all shards.</summary>
public enum ShardQuantity
{
    /// <summary>L: one number.</summary>
    Loss,

    /// <summary>L, then ∂L/∂W_hx, ∂L/∂W_hh and ∂L/∂W_qh column by column, then ∂L/∂h_0 of the shard's sequences where
    /// it is learned or <see cref="ShardTask.InitialStates"/> are given.</summary>
    Gradient,

    /// <summary>h_T of the shard's sequences, h×B column by column.</summary>
    FinalStates,

    /// <summary>The Hessian of L times a direction, in the order of the parameters, without L.</summary>
    HessianProduct,

    /// <summary>The Gauss–Newton matrix JᵀCJ times a direction, likewise.</summary>
    GaussNewtonProduct,

    /// <summary>R and Z of the QR factorisation of the rows of a Gauss–Newton problem, so that RᵀR = JᵀCJ and
    /// RᵀZ = Jᵀr: 1 where RᵀZ is all of the gradient and 0 where it is not, then row i of [R Z] from its diagonal
    /// on.</summary>
    JacobianFactor,

    /// <summary>L, then h_T of the shard's sequences: whether a segment of a sequence ends where the next one was told
    /// to begin.</summary>
    LossAndFinalStates,

    /// <summary>L, then h_T and then ∂L/∂h_0 of the shard's sequences, without the gradients of the weights: what is
    /// carried between the segments of sequences that are cut in time.</summary>
    LossAndBorders,
}
