// Buffers that passes take and give back, and the schedules that go with them: the inside of a workspace, or the arena
// of one pass. Holds memory, never results of its own.

using System.Numerics;
using System.Runtime.CompilerServices;
using Bptt.Kernels;

namespace Bptt.Passes;

/// <summary>Memory by length. One pass at a time takes from it; <see cref="BeginForward"/> and its companions see to
/// that where a user hands it from pass to pass.</summary>
internal sealed class BufferPool<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly List<ArraySegment<TReal>> _free = [];
    private readonly List<ArraySegment<TReal>> _lent = [];
    private readonly List<(object Plan, long LastUse)> _plans = [];
    private readonly Lock _gate = new();
    private readonly bool _isPinned;
    private readonly int _plansKept;
    private long _generation;
    private bool _isBusy;
    private int _readers;

    private BufferPool(bool isPinned, int plansKept)
    {
        _isPinned = isPinned;
        _plansKept = plansKept;
    }

    /// <summary>For one pass alone: it ends with the pass, so its memory is the collector's to move, and of the
    /// schedules those of the last few windows are worth keeping.</summary>
    public static BufferPool<TReal> ForOnePass() => new(isPinned: false, plansKept: 4);

    /// <summary>For any number of passes, one after the other.</summary>
    public static BufferPool<TReal> ForManyPasses() => new(isPinned: true, plansKept: int.MaxValue);

    /// <summary>Starts a forward pass. What earlier passes recorded here stays as it is until
    /// <see cref="TakeOver"/>.</summary>
    public void BeginForward()
    {
        lock (_gate)
        {
            Acquire();
        }
    }

    /// <summary>Gives up whatever earlier passes recorded here.</summary>
    /// <returns>The generation of the new pass.</returns>
    public long TakeOver()
    {
        lock (_gate)
        {
            if (_readers > 0)
            {
                throw new InvalidOperationException(
                    "The workspace is in use: expected nobody to read an earlier pass from it, but another thread is "
                    + "reading one within a memory budget.");
            }
            _free.AddRange(_lent);
            _lent.Clear();
            _generation++;
            _plans.RemoveAll(plan => plan.LastUse < _generation - 2);
            return _generation;
        }
    }

    /// <summary>Starts a backward pass beside the forward pass of the given generation.</summary>
    public void BeginBackward(long generation)
    {
        lock (_gate)
        {
            RequireCurrent(generation);
            Acquire();
        }
    }

    public void End()
    {
        lock (_gate)
        {
            _isBusy = false;
        }
    }

    /// <summary>Starts to read a pass in a way that computes and writes: no other pass may take over
    /// meanwhile.</summary>
    public void BeginRead(long generation)
    {
        lock (_gate)
        {
            RequireCurrent(generation);
            _readers++;
        }
    }

    public void EndRead()
    {
        lock (_gate)
        {
            _readers--;
        }
    }

    public void RequireCurrent(long generation)
    {
        if (Volatile.Read(ref _generation) != generation)
        {
            throw new InvalidOperationException(
                "This pass was made from a workspace that a newer forward pass has taken over: expected to be read "
                + "before that, came after it.");
        }
    }

    /// <summary>The bytes of all memory that is here or lent.</summary>
    public long Bytes => Unsafe.SizeOf<TReal>() * (_free.Sum(m => (long)m.Count) + _lent.Sum(m => (long)m.Count));

    /// <summary>Memory of the given length, lent until the next forward pass begins or until it is released.</summary>
    /// <param name="length">The length.</param>
    /// <param name="isKept">Whether it stays lent while windows come and go: then it is not taken from memory that is
    /// much longer, which windows would have to replace.</param>
    public ArraySegment<TReal> Rent(int length, bool isKept = false)
    {
        int longest = isKept ? length + length / 8 : int.MaxValue;
        int best = -1;
        int largest = -1;
        for (int i = 0; i < _free.Count; i++)
        {
            if (_free[i].Count >= length
                && _free[i].Count <= longest
                && (best < 0 || _free[i].Count < _free[best].Count))
            {
                best = i;
            }
            if (largest < 0 || _free[i].Count > _free[largest].Count)
            {
                largest = i;
            }
        }

        ArraySegment<TReal> memory;
        if (best >= 0)
        {
            memory = _free[best];
            _free.RemoveAt(best);
        }
        else
        {
            // The new array takes the place of one that has become too small for its purpose, so that the workspace
            // does not keep both.
            if (largest >= 0 && _free[largest].Count > length / 2 && _free[largest].Count < length)
            {
                _free.RemoveAt(largest);
            }
            memory = AlignedMemory.Allocate<TReal>(length, _isPinned);
        }
        _lent.Add(memory);
        return memory[..length];
    }

    /// <summary>What is lent now, for <see cref="Release"/>.</summary>
    public int Mark() => _lent.Count;

    /// <summary>Takes back what was lent since the mark.</summary>
    public void Release(int mark)
    {
        for (int i = mark; i < _lent.Count; i++)
        {
            _free.Add(_lent[i]);
        }
        _lent.RemoveRange(mark, _lent.Count - mark);
    }

    /// <summary>Lets go of what nobody has taken.</summary>
    public void LetGo()
    {
        _free.Clear();
        _plans.Clear();
    }

    /// <summary>The schedule of an earlier window or pass if it fits, else a new one. Those of the last two passes are
    /// kept, but no more than the pool is for.</summary>
    public TPlan Plan<TPlan>(Func<TPlan, bool> fits, Func<TPlan> make)
        where TPlan : class
    {
        for (int i = 0; i < _plans.Count; i++)
        {
            if (_plans[i].Plan is TPlan known && fits(known))
            {
                _plans[i] = (known, _generation);
                return known;
            }
        }
        if (_plans.Count >= _plansKept)
        {
            _plans.RemoveAt(0);
        }
        TPlan made = make();
        _plans.Add((made, _generation));
        return made;
    }

    private void Acquire()
    {
        if (_isBusy)
        {
            throw new InvalidOperationException(
                "The workspace is in use: expected one pass at a time, but another pass from it is still running.");
        }
        _isBusy = true;
    }
}
