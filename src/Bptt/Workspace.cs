// Buffers that successive passes of a training loop reuse. Holds memory, never results of its own.

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
/// It keeps the most memory that one forward pass and the backward passes made from it have needed, until it is itself
/// let go.
/// </remarks>
public sealed class Workspace
{
    private readonly List<double[]> _free = [];
    private readonly List<double[]> _lent = [];
    private long _generation;
    private int _isBusy;

    /// <summary>Starts a forward pass: whatever earlier passes recorded here is given up.</summary>
    internal long BeginForward()
    {
        Acquire();
        _free.AddRange(_lent);
        _lent.Clear();
        Volatile.Write(ref _generation, _generation + 1);
        return _generation;
    }

    /// <summary>Starts a backward pass beside the forward pass of the given generation.</summary>
    internal void BeginBackward(long generation)
    {
        Acquire();
        if (!IsCurrent(generation))
        {
            End();
            throw Stale();
        }
    }

    internal void End() => Volatile.Write(ref _isBusy, 0);

    internal bool IsCurrent(long generation) => Volatile.Read(ref _generation) == generation;

    internal static InvalidOperationException Stale() => new(
        "This pass was made from a workspace that a newer forward pass has taken over: expected to be read before that, came after it.");

    /// <summary>An array of at least the given length, lent until the next forward pass begins.</summary>
    internal double[] Rent(int length)
    {
        int best = -1;
        int largest = -1;
        for (int i = 0; i < _free.Count; i++)
        {
            if (_free[i].Length >= length && (best < 0 || _free[i].Length < _free[best].Length))
            {
                best = i;
            }
            if (largest < 0 || _free[i].Length > _free[largest].Length)
            {
                largest = i;
            }
        }

        double[] array;
        if (best >= 0)
        {
            array = _free[best];
            _free.RemoveAt(best);
        }
        else
        {
            // The new array takes the place of one that proved too small, so that the workspace does not keep both.
            if (largest >= 0)
            {
                _free.RemoveAt(largest);
            }
            array = GC.AllocateUninitializedArray<double>(length);
        }
        _lent.Add(array);
        return array;
    }

    private void Acquire()
    {
        if (Interlocked.CompareExchange(ref _isBusy, 1, 0) != 0)
        {
            throw new InvalidOperationException(
                "The workspace is in use: expected one pass at a time, but another pass from it is still running.");
        }
    }
}
