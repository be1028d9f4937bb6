// Buffers that successive passes of a training loop reuse. Holds memory, never results of its own.

using Bptt.Kernels;

namespace Bptt;

/// <summary>
/// Memory that successive passes reuse, so that a training loop allocates nothing that grows with the number of steps.
/// Give it to a forward pass in <see cref="ExecutionOptions.Workspace"/>; the backward passes made from that forward
/// pass use it too.
/// </summary>
/// <remarks>
/// A pass made from a workspace can be read until the next forward pass from the same workspace begins, and throws
/// <see cref="InvalidOperationException"/> after that. <see cref="Gradients"/> are independent of it. One workspace
/// serves one pass at a time: a second one that begins meanwhile, on another thread or inside an objective, throws
/// <see cref="InvalidOperationException"/>; so use one workspace for each thread, and for each layer of a stack.
/// While a pass within a memory budget is being read, no forward pass can begin.
/// It keeps the most memory that one forward pass and the backward passes made from it have needed, until it is itself
/// let go.
/// </remarks>
public sealed class Workspace
{
    private readonly List<ArraySegment<double>> _free = [];
    private readonly List<ArraySegment<double>> _lent = [];
    private readonly List<(object Plan, long LastUse)> _plans = [];
    private readonly Lock _gate = new();
    private long _generation;
    private bool _isBusy;
    private int _readers;

    /// <summary>Starts a forward pass. What earlier passes recorded here stays as it is until
    /// <see cref="TakeOver"/>.</summary>
    internal void BeginForward()
    {
        lock (_gate)
        {
            Acquire();
        }
    }

    /// <summary>Gives up whatever earlier passes recorded here.</summary>
    /// <returns>The generation of the new pass.</returns>
    internal long TakeOver()
    {
        lock (_gate)
        {
            if (_readers > 0)
            {
                throw new InvalidOperationException(
                    "The workspace is in use: expected nobody to read an earlier pass from it, "
                    + "but another thread is reading one within a memory budget.");
            }
            _free.AddRange(_lent);
            _lent.Clear();
            _generation++;
            _plans.RemoveAll(plan => plan.LastUse < _generation - 2);
            return _generation;
        }
    }

    /// <summary>Starts a backward pass beside the forward pass of the given generation.</summary>
    internal void BeginBackward(long generation)
    {
        lock (_gate)
        {
            RequireCurrent(generation);
            Acquire();
        }
    }

    internal void End()
    {
        lock (_gate)
        {
            _isBusy = false;
        }
    }

    /// <summary>Starts to read a pass in a way that computes and writes: no other pass may take over
    /// meanwhile.</summary>
    internal void BeginRead(long generation)
    {
        lock (_gate)
        {
            RequireCurrent(generation);
            _readers++;
        }
    }

    internal void EndRead()
    {
        lock (_gate)
        {
            _readers--;
        }
    }

    internal void RequireCurrent(long generation)
    {
        if (Volatile.Read(ref _generation) != generation)
        {
            throw new InvalidOperationException(
                "This pass was made from a workspace that a newer forward pass has taken over: "
                + "expected to be read before that, came after it.");
        }
    }

    /// <summary>Memory of the given length, lent until the next forward pass begins or until it is released.</summary>
    internal ArraySegment<double> Rent(int length)
    {
        int best = -1;
        int largest = -1;
        for (int i = 0; i < _free.Count; i++)
        {
            if (_free[i].Count >= length && (best < 0 || _free[i].Count < _free[best].Count))
            {
                best = i;
            }
            if (largest < 0 || _free[i].Count > _free[largest].Count)
            {
                largest = i;
            }
        }

        ArraySegment<double> memory;
        if (best >= 0)
        {
            memory = _free[best];
            _free.RemoveAt(best);
        }
        else
        {
            // The new array takes the place of one that has become too small for its purpose, so that the workspace
            // does not keep both.
            if (largest >= 0 && _free[largest].Count > length / 2)
            {
                _free.RemoveAt(largest);
            }
            memory = AlignedMemory.Allocate(length, pinned: true);
        }
        _lent.Add(memory);
        return memory[..length];
    }

    /// <summary>What is lent now, for <see cref="Release"/>.</summary>
    internal int Mark() => _lent.Count;

    /// <summary>Takes back what was lent since the mark.</summary>
    internal void Release(int mark)
    {
        _free.AddRange(_lent[mark..]);
        _lent.RemoveRange(mark, _lent.Count - mark);
    }

    /// <summary>The plan of an earlier pass if it fits, else a new one. Those of the last two passes are
    /// kept.</summary>
    internal TPlan Plan<TPlan>(Func<TPlan, bool> fits, Func<TPlan> make)
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
