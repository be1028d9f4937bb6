// s ← A s + u, block by block: the one recurrence of the engine, run forward in time with A = W_hh and backward in
// time with A = W_hhᵀ, step by step or in parallel over time. Knows no RNN.
//
//   A  h×h      S  steps of a chunk      c_i  the carry: the state at the end of chunk i
//
// In parallel over time, a block of m chunks takes three operations on matrices of m columns, one for each chunk:
//
//   ends    e_i = A(…A(A u_1 + u_2)…) + u_S for each chunk i: the state at its end if it began from zero
//   carry   c_i = A^S c_{i−1} + e_i, one after the other: the only part that has an order
//   fill    s_1 = A c_{i−1} + u_1, s_2 = A s_1 + u_2, …, s_S for all chunks at once
//
// Each c_i must come out again as the last state of its chunk; see Disagrees.

using System.Numerics;
using System.Runtime.CompilerServices;
using Bptt.Kernels;
using Bptt.LinearAlgebra;

namespace Bptt.LinearRecurrence;

/// <summary>The states at the ends of chunks.</summary>
/// <param name="Columns">Memory for the carries of a plan.</param>
/// <param name="AreKnown">Whether they are there from an earlier run; then only the steps between them are
/// computed.</param>
internal readonly record struct Carries<TReal>(PackedColumns<TReal> Columns, bool AreKnown)
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>;

/// <summary>Which way a recurrence runs through the steps.</summary>
internal enum TimeDirection
{
    /// <summary>From the first step to the last: s_t ← A s_{t−1} + u_t.</summary>
    Forward,

    /// <summary>From the last step to the first: s_t ← A s_{t+1} + u_t.</summary>
    Backward,
}

/// <summary>
/// A first-order linear recurrence with a constant dense matrix, also called a linear scan. Step by step it costs
/// 2h² operations for each column, which no other order of evaluation beats, and every step waits for the one
/// before. In chunks it costs 2 − 1/S times as many, in matrix products, and only every S-th step waits: with the
/// carries this is the blocked solver of Stpiczyński, "Solving linear recurrence systems using level 2 and 3 BLAS
/// routines" (2003); Blelloch, "Prefix sums and their applications" (1990), and Martin and Cundy, "Parallelizing linear
/// recurrent neural nets over sequence length" (2018), scan over powers of A for diagonal A.
/// </summary>
/// <remarks>
/// Assumes that A^S is as accurate as S steps, which fails where A^S is far smaller or larger than the powers on the
/// way to it; <see cref="Holds"/> is false then and the states are not to be used. Where it holds, the rounding of A^S
/// still adds up from carry to carry, to a multiple of T√h units in the last place. Entries of the states below
/// <see cref="KernelSet{TReal}.FlushThreshold"/> in magnitude become zero, but for steps to which no other step leads.
/// </remarks>
internal sealed class BlockRecurrence<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    [ThreadStatic]
    private static TReal[]? _ends;

    private readonly KernelSet<TReal> _kernels;
    private readonly RecurrencePlan _plan;
    private readonly PackedColumns<TReal> _states;
    private readonly TimeDirection _direction;
    private readonly int _offset;
    private readonly Carries<TReal> _carries;
    private bool _hasFailed;

    /// <param name="kernels">The arithmetic.</param>
    /// <param name="plan">The blocks.</param>
    /// <param name="states">On entry u_t, in the end s_t; with the step that leads to the first one, where there is
    /// one.</param>
    /// <param name="direction">The order of the steps.</param>
    /// <param name="offset">From the columns of the plan to those of the states.</param>
    /// <param name="carries">The carries of the plan.</param>
    public BlockRecurrence(
        KernelSet<TReal> kernels,
        RecurrencePlan plan,
        PackedColumns<TReal> states,
        TimeDirection direction,
        int offset,
        Carries<TReal> carries)
    {
        _kernels = kernels;
        _plan = plan;
        _states = states;
        _direction = direction;
        _offset = offset;
        _carries = carries;
    }

    /// <summary>A, packed.</summary>
    public PackedMatrix<TReal> Transition { get; set; }

    /// <summary>A^S, packed; unused where no block is chunked.</summary>
    public PackedMatrix<TReal> Power { get; set; }

    /// <summary>Whether no state is carried into a step backward in time; null where every state is carried. Where it
    /// is not null the plan has no chunks.</summary>
    public Func<int, bool>? IsCut { get; init; }

    /// <summary>Whether every chunk has ended where its carry said.</summary>
    public bool Holds => !Volatile.Read(ref _hasFailed);

    private int Sign => _direction == TimeDirection.Forward ? 1 : -1;

    /// <summary>The ends of the chunks of a block, from zero; written to the places of their carries. They wait for the
    /// u of this block only. Nothing is to be done where the carries are known.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Ends(TimeBlock block)
    {
        if (_carries.AreKnown)
        {
            return;
        }
        int h = _states.Rows;
        int chunks = block.ChunkCount;
        int active = block.ColumnCount / block.StepCount;
        if (_ends is null || _ends.Length < h * chunks)
        {
            _ends = GC.AllocateUninitializedArray<TReal>(h * chunks);
        }
        var spare = new MatrixSpan<TReal>(_ends.AsSpan(0, h * chunks), h, chunks, h);
        for (int slot = 0; slot < active; slot++)
        {
            MatrixSpan<TReal> ends = EndCarries(block, active, slot);
            for (int step = 1; step < block.ChunkLength; step++)
            {
                bool toEnds = (block.ChunkLength - 1 - step) % 2 == 0; // so that the last one goes there
                MatrixSpan<TReal> before = step == 1 ? StepOfChunks(block, active, slot, 0) : toEnds ? spare : ends;
                _kernels.Step(Transition, before, StepOfChunks(block, active, slot, step), toEnds ? ends : spare);
            }
        }
    }

    /// <summary>The carries of a block: c_i = A^S c_{i−1} + e_i. They wait for its ends and for the block that leads to
    /// it.</summary>
    /// <param name="block">The block.</param>
    /// <param name="before">The block that leads to it; null where it is the first one.</param>
    public void Carry(TimeBlock block, TimeBlock? before)
    {
        if (_carries.AreKnown)
        {
            return;
        }
        int active = block.ColumnCount / block.StepCount;
        int first = block.FirstCarry + (Sign > 0 ? 0 : block.ChunkCount * active);
        CopyLeadingStates(block, before, _carries.Columns.Spaced(first, active, 1));
        _kernels.Advance(
            Power, _carries.Columns.All.Values, new StepRun(first, active, 1, Sign * active, block.ChunkCount));
    }

    /// <summary>What waits for the block before: the carries of a block in chunks, the states of any other.</summary>
    /// <param name="block">The block.</param>
    /// <param name="before">The block that leads to it; null where it is the first one.</param>
    /// <param name="group">The group of sequences, where it runs step by step.</param>
    public void Recur(TimeBlock block, TimeBlock? before, int group)
    {
        if (block.IsChunked)
        {
            Carry(block, before);
        }
        else
        {
            Steps(block, group);
        }
    }

    /// <summary>The states of a block from its carries.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Fill(TimeBlock block)
    {
        int active = block.ColumnCount / block.StepCount;
        int chunks = block.ChunkCount;
        for (int slot = 0; slot < active; slot++)
        {
            MatrixSpan<TReal> first = StepOfChunks(block, active, slot, 0);
            _kernels.Step(Transition, StartCarries(block, active, slot), first, first);
            _kernels.Advance(
                Transition,
                _states.All.Values,
                new StepRun(
                    ColumnOf(block, active, slot, 0),
                    chunks,
                    block.ChunkLength * active,
                    Sign * active,
                    block.ChunkLength - 1));
            if (Disagrees(
                StepOfChunks(block, active, slot, block.ChunkLength - 1),
                EndCarries(block, active, slot),
                StartCarries(block, active, slot),
                block.ChunkLength))
            {
                Volatile.Write(ref _hasFailed, true);
            }
        }
    }

    /// <summary>The states of a block step by step, for one group of sequences. They wait for the block that leads to
    /// it.</summary>
    public void Steps(TimeBlock block, int group)
    {
        int firstSlot = group * _plan.GroupWidth;
        BatchLayout layout = _states.Layout;
        int step = Sign > 0 ? block.FirstStep : block.LastStep;
        for (int remaining = block.StepCount; remaining > 0;)
        {
            BatchLayout.Segment segment = layout.Segments[layout.SegmentOf(step)];
            int inSegment = Math.Min(
                remaining, Sign > 0 ? segment.FirstStep + segment.StepCount - step : step - segment.FirstStep + 1);

            // Into the segment: forward, sequences have ended since the step before; backward, sequences join in.
            if (IsCut is null)
            {
                OneStep(layout, step - Sign, step, firstSlot);
            }
            else
            {
                if (!IsCut(step))
                {
                    OneStep(layout, step - Sign, step, firstSlot);
                }
                inSegment = StepsUpToCut(step, inSegment);
            }

            // Inside it the same sequences run on.
            int count = Math.Min(_plan.GroupWidth, segment.Active - firstSlot);
            if (inSegment > 1 && count > 0)
            {
                int first = segment.FirstColumn + (step - segment.FirstStep) * segment.Active + firstSlot;
                _kernels.Advance(
                    Transition, _states.All.Values, new StepRun(first, count, 1, Sign * segment.Active, inSegment - 1));
            }
            step += Sign * inSegment;
            remaining -= inSegment;
        }
    }

    /// <summary>How many steps from the given one on run without a cut between them, at most so many.</summary>
    private int StepsUpToCut(int step, int most)
    {
        int steps = 1;
        while (steps < most && !IsCut!(step + Sign * steps))
        {
            steps++;
        }
        return steps;
    }

    /// <summary>The state of step 0 backward in time, where nothing is added: s_0 = A s_1. It waits for step
    /// 1.</summary>
    public void StepZero()
    {
        _states.Block(0).Values.Clear();
        for (int firstSlot = 0; firstSlot < _states.Layout.SequenceCount; firstSlot += _plan.GroupWidth)
        {
            OneStep(_states.Layout, 1, 0, firstSlot);
        }
    }

    /// <summary>s_t ← A s_{t∓1} + s_t: one step for one group, between two steps with any numbers of
    /// sequences.</summary>
    private void OneStep(BatchLayout layout, int fromStep, int toStep, int firstSlot)
    {
        if (fromStep < layout.FirstStep || fromStep > layout.LastStep)
        {
            return; // no step leads here
        }
        BatchLayout.Block from = layout.BlockOf(fromStep);
        BatchLayout.Block to = layout.BlockOf(toStep);
        int count = Math.Min(_plan.GroupWidth, Math.Min(from.Active, to.Active) - firstSlot);
        if (count > 0)
        {
            // s_t = A s_{t−1} + u_t forward in time, s_t = A s_{t+1} + u_t backward: u_t lies where s_t is to be
            _kernels.Advance(
                Transition,
                _states.All.Values,
                new StepRun(from.FirstColumn + firstSlot, count, 1, to.FirstColumn - from.FirstColumn, 1));
        }
    }

    /// <summary>The states of the step that leads to a chunked block; zero for sequences to which none leads.</summary>
    private void CopyLeadingStates(TimeBlock block, TimeBlock? before, MatrixSpan<TReal> target)
    {
        BatchLayout layout = _states.Layout;
        int step = Sign > 0 ? block.FirstStep - 1 : block.LastStep + 1;
        int leading = step < layout.FirstStep || step > layout.LastStep
            ? 0
            : Math.Min(layout.BlockOf(step).Active, target.Columns);
        if (leading > 0)
        {
            // A chunked block knows its last states before it is filled.
            MatrixSpan<TReal> source = before is TimeBlock chunked && chunked.IsChunked
                ? _carries.Columns.Spaced(LastCarry(chunked), leading, 1)
                : _states.Block(step).ColumnRange(0, leading);
            source.Values.CopyTo(target.Values);
        }
        target.Values[(leading * target.Rows)..].Clear();
    }

    private int LastCarry(TimeBlock block) =>
        block.FirstCarry + (Sign > 0 ? block.ChunkCount * (block.ColumnCount / block.StepCount) : 0);

    /// <summary>c_{i−1} of each chunk of a block, in time order.</summary>
    private MatrixSpan<TReal> StartCarries(TimeBlock block, int active, int slot) =>
        _carries.Columns.Spaced(block.FirstCarry + (Sign > 0 ? 0 : active) + slot, block.ChunkCount, active);

    /// <summary>c_i of each chunk of a block, in time order.</summary>
    private MatrixSpan<TReal> EndCarries(TimeBlock block, int active, int slot) =>
        _carries.Columns.Spaced(block.FirstCarry + (Sign > 0 ? active : 0) + slot, block.ChunkCount, active);

    /// <summary>The state after <paramref name="step"/> further steps from the first one of each chunk, in time
    /// order.</summary>
    private MatrixSpan<TReal> StepOfChunks(TimeBlock block, int active, int slot, int step) =>
        _states.Spaced(ColumnOf(block, active, slot, step), block.ChunkCount, block.ChunkLength * active);

    private int ColumnOf(TimeBlock block, int active, int slot, int step) =>
        _offset + block.FirstColumn + slot + (Sign > 0 ? step : block.ChunkLength - 1 - step) * active;

    /// <summary>
    /// Whether a chunk has ended elsewhere than its carry said, beyond what rounding explains: S rounded steps differ
    /// from a rounded power by a multiple of (S√h + h) units in the last place of the states at both ends. Not finite
    /// counts as elsewhere.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool Disagrees(
        MatrixView<TReal> states, MatrixView<TReal> carries, MatrixView<TReal> starts, int chunkLength)
    {
        // Steps set tiny entries to zero one after the other, a power does so once.
        double flushed = 16.0 * (1.0 + (double)chunkLength * states.Rows)
            * double.CreateTruncating(KernelSet<TReal>.FlushThreshold);
        double unit = 16 * MachineEpsilon.Of<TReal>() * (chunkLength * Math.Sqrt(states.Rows) + states.Rows);
        for (int i = 0; i < states.Columns; i++)
        {
            ReadOnlySpan<TReal> state = Column(states, i);
            ReadOnlySpan<TReal> carry = Column(carries, i);
            double size = double.CreateTruncating(
                TReal.Max(VectorMath.MaxAbs(state), VectorMath.MaxAbs(Column(starts, i))));
            double distance = double.CreateTruncating(VectorMath.MaxDistance(state, carry));
            if (!double.IsFinite(size) || !(distance <= unit * size + flushed))
            {
                return true;
            }
        }
        return false;

        static ReadOnlySpan<TReal> Column(MatrixView<TReal> matrix, int i) =>
            matrix.Values.Slice(i * matrix.LeadingDimension, matrix.Rows);
    }
}
