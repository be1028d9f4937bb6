// A, packed for a recurrence, and its power for recurrences in chunks.

using Bptt.Kernels;

namespace Bptt.LinearRecurrence;

/// <summary>A^S, computed when first needed. The forward and the backward pass share it: (Aᵀ)^S = (A^S)ᵀ.</summary>
internal sealed class TransitionPower
{
    private readonly ArraySegment<double> _power;
    private readonly ArraySegment<double> _spare;
    private bool _isComputed;

    /// <param name="h">Rows of A.</param>
    /// <param name="exponent">S, a power of two, at least 2.</param>
    /// <param name="storage">Makes memory of a length.</param>
    public TransitionPower(int h, int exponent, Func<long, ArraySegment<double>> storage)
    {
        Exponent = exponent;
        _power = storage((long)h * h);
        _spare = storage((long)h * h);
    }

    /// <summary>S.</summary>
    public int Exponent { get; }

    /// <summary>
    /// A^S by repeated squaring, at cost 2h³·log₂S the first time. Entries below <see cref="KernelSet.FlushThreshold"/>
    /// in magnitude become zero.
    /// </summary>
    /// <param name="kernels">The arithmetic.</param>
    /// <param name="a">A, h×h; the same at each call.</param>
    public MatrixSpan Of(KernelSet kernels, MatrixView a)
    {
        var power = new MatrixSpan(_power, a.Rows, a.Rows, a.Rows);
        var spare = new MatrixSpan(_spare, a.Rows, a.Rows, a.Rows);
        int squarings = int.Log2(Exponent);
        for (int i = 1; i <= squarings && !_isComputed; i++)
        {
            // They change places at each squaring, so that the last one writes to where the power belongs.
            bool toPower = (squarings - i) % 2 == 0;
            MatrixView source = i == 1 ? a : toPower ? spare : power;
            MatrixSpan target = toPower ? power : spare;
            kernels.Multiply(source, source, target);
            KernelSet.FlushTiny(target.Values);
        }
        _isComputed = true;
        return power;
    }
}

/// <summary>Memory for A and A^S in the forms that a plan needs.</summary>
internal sealed class TransitionMatrix
{
    private readonly PackedFor _transitionUses;
    private readonly PackedFor _powerUses;
    private readonly ArraySegment<double> _transition;
    private readonly ArraySegment<double> _packedPower;
    private readonly TransitionPower? _power;

    /// <param name="kernels">The arithmetic.</param>
    /// <param name="h">Rows of A.</param>
    /// <param name="plan">What A is for.</param>
    /// <param name="sequences">The most sequences that are carried at once.</param>
    /// <param name="power">A^S; null where the plan has no chunks.</param>
    /// <param name="storage">Makes memory of a length.</param>
    public TransitionMatrix(
        KernelSet kernels,
        int h,
        RecurrencePlan plan,
        int sequences,
        TransitionPower? power,
        Func<long, ArraySegment<double>> storage)
    {
        const PackedFor any = PackedFor.OneColumn | PackedFor.Columns;
        _power = plan.ChunkLength > 1 ? power : null;
        _powerUses = sequences == 1 ? PackedFor.OneColumn : any;
        _transitionUses = _power is null ? _powerUses : any;
        _transition = storage(kernels.PackedLength(h, h, _transitionUses));
        _packedPower = _power is null ? default : storage(kernels.PackedLength(h, h, _powerUses));
    }

    /// <summary>Packs W_hh, and its power where the plan has chunks, and gives them to a recurrence: as they are
    /// forward in time, transposed backward in time.</summary>
    public void Pack(KernelSet kernels, MatrixView whh, TimeDirection direction, BlockRecurrence recurrence)
    {
        bool isForward = direction == TimeDirection.Forward;
        recurrence.Transition = kernels.Pack(isForward ? whh : whh.T, _transitionUses, _transition);
        if (_power is not null)
        {
            MatrixView power = _power.Of(kernels, whh);
            recurrence.Power = kernels.Pack(isForward ? power : power.T, _powerUses, _packedPower);
        }
    }
}
