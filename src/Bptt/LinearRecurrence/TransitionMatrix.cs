// A and A^S, packed for a recurrence.

using System.Numerics;
using Bptt.Kernels;

namespace Bptt.LinearRecurrence;

/// <summary>Memory for A and A^S in the forms that a plan needs.</summary>
internal sealed class TransitionMatrix<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly PackedFor _transitionUses;
    private readonly PackedFor _powerUses;
    private readonly ArraySegment<TReal> _transition;
    private readonly ArraySegment<TReal> _power;

    /// <param name="kernels">The arithmetic.</param>
    /// <param name="h">Rows of A.</param>
    /// <param name="plan">What A is for.</param>
    /// <param name="sequences">The most sequences that are carried at once.</param>
    /// <param name="storage">Makes memory of a length.</param>
    public TransitionMatrix(
        KernelSet<TReal> kernels,
        int h,
        RecurrencePlan plan,
        int sequences,
        Func<long, ArraySegment<TReal>> storage)
    {
        const PackedFor any = PackedFor.OneColumn | PackedFor.Columns;
        bool hasChunks = plan.ChunkLength > 1;
        _powerUses = sequences == 1 ? PackedFor.OneColumn : any;
        _transitionUses = hasChunks ? any : _powerUses;
        _transition = storage(kernels.PackedLength(h, h, _transitionUses));
        _power = hasChunks ? storage(kernels.PackedLength(h, h, _powerUses)) : default;
    }

    /// <summary>A, packed.</summary>
    public PackedMatrix<TReal> Pack(KernelSet<TReal> kernels, MatrixView<TReal> a) =>
        kernels.Pack(a, _transitionUses, _transition);

    /// <summary>A^S, packed, for a plan with chunks.</summary>
    public PackedMatrix<TReal> PackPower(KernelSet<TReal> kernels, MatrixView<TReal> power) =>
        kernels.Pack(power, _powerUses, _power);
}
