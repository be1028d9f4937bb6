// The power of A that carries a state over a chunk, and whether the recurrence is run in chunks at all.

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearAlgebra;

namespace Bptt.LinearRecurrence;

/// <summary>A^S, computed when first needed. Whoever runs with A and whoever runs with Aᵀ share it:
/// (Aᵀ)^S = (A^S)ᵀ.</summary>
internal sealed class TransitionPower<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly KernelSet<TReal> _kernels;
    private readonly ArraySegment<TReal> _power;
    private readonly ArraySegment<TReal> _spare; // empty where the power is computed in double
    private bool _isComputed;

    /// <param name="kernels">The arithmetic.</param>
    /// <param name="h">Rows of A.</param>
    /// <param name="exponent">S, a power of two, at least 2.</param>
    /// <param name="storage">Makes memory of a length.</param>
    public TransitionPower(KernelSet<TReal> kernels, int h, int exponent, Func<long, ArraySegment<TReal>> storage)
    {
        _kernels = kernels;
        Exponent = exponent;
        _power = storage((long)h * h);
        _spare = storage(typeof(TReal) == typeof(double) ? (long)h * h : 0);
    }

    /// <summary>S.</summary>
    public int Exponent { get; }

    /// <summary>
    /// A^S by repeated squaring, at cost 2h³·log₂S the first time. Entries below
    /// <see cref="KernelSet{TReal}.FlushThreshold"/> in magnitude become zero. In single precision it is squared in
    /// double and rounded once: the error of a power acts again in every chunk, and each squaring doubles it.
    /// </summary>
    /// <param name="a">A, h×h; the same at each call.</param>
    public MatrixView<TReal> Of(MatrixView<TReal> a)
    {
        int h = a.Rows;
        var power = new MatrixSpan<TReal>(_power, h, h, h);
        if (_isComputed)
        {
            return power;
        }
        if (typeof(TReal) == typeof(double))
        {
            Square(_kernels, a, power, new MatrixSpan<TReal>(_spare, h, h, h));
        }
        else
        {
            double[] storage = new double[3L * h * h];
            var exact = new MatrixSpan<double>(storage.AsSpan(0, h * h), h, h, h);
            var inDouble = new MatrixSpan<double>(storage.AsSpan(h * h, h * h), h, h, h);
            VectorMath.Convert(a.Values, inDouble.Values);
            Square(
                KernelChoice.Named(_kernels.Name),
                inDouble,
                exact,
                new MatrixSpan<double>(storage.AsSpan(2 * h * h), h, h, h));
            VectorMath.Convert<double, TReal>(exact.Values, power.Values);
            KernelSet<TReal>.FlushTiny(power.Values);
        }
        _isComputed = true;
        return power;
    }

    private void Square<TAny>(
        KernelSet<TAny> kernels, MatrixView<TAny> a, MatrixSpan<TAny> power, MatrixSpan<TAny> spare)
        where TAny : unmanaged, IBinaryFloatingPointIeee754<TAny>
    {
        int squarings = int.Log2(Exponent);
        for (int i = 1; i <= squarings; i++)
        {
            // They change places at each squaring, so that the last one writes to where the power belongs.
            bool toPower = (squarings - i) % 2 == 0;
            MatrixView<TAny> source = i == 1 ? a : toPower ? spare : power;
            MatrixSpan<TAny> target = toPower ? power : spare;
            kernels.Multiply(source, source, target);
            KernelSet<TAny>.FlushTiny(target.Values);
        }
    }
}

/// <summary>The chunks in which a recurrence is run for as long as that holds; once given up, it goes step by
/// step.</summary>
internal sealed class Chunking<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly TransitionPower<TReal>? _power;
    private bool _isGivenUp;

    private Chunking(TransitionPower<TReal>? power)
    {
        _power = power;
    }

    /// <summary>Step by step.</summary>
    public static Chunking<TReal> None() => new(null);

    /// <summary>In chunks of S steps, or step by step where S is 1.</summary>
    /// <param name="kernels">The arithmetic.</param>
    /// <param name="h">Rows of A.</param>
    /// <param name="chunkLength">S.</param>
    /// <param name="storage">Makes memory of a length.</param>
    public static Chunking<TReal> Of(
        KernelSet<TReal> kernels, int h, int chunkLength, Func<long, ArraySegment<TReal>> storage) =>
        chunkLength == 1 ? None() : new Chunking<TReal>(new TransitionPower<TReal>(kernels, h, chunkLength, storage));

    /// <summary>S; 1 for step by step.</summary>
    public int Length => Power?.Exponent ?? 1;

    /// <summary>A^S; null for step by step.</summary>
    public TransitionPower<TReal>? Power => _isGivenUp ? null : _power;

    /// <summary>Another recurrence with the same matrix, which gives up for itself.</summary>
    public Chunking<TReal> ForAnother() => new(Power);

    /// <summary>Goes on step by step.</summary>
    public void GiveUp() => _isGivenUp = true;
}
