// What a layer keeps from one pass to the next: memory for the engine, and what went wrong in a backward pass. Computes
// nothing.

namespace Bptt.TorchSharp;

/// <summary>Workspaces that passes borrow, so that a training loop takes no fresh memory for states. Any number of
/// passes may be open at once; each has a workspace of its own.</summary>
/// <param name="faults">Where passes tell what went wrong.</param>
internal sealed class PassMemory(FaultReport faults)
{
    private readonly Lock _lock = new();
    private readonly List<Lease> _free = [];

    public FaultReport Faults { get; } = faults;

    /// <summary>A workspace, and how often it has been lent.</summary>
    internal sealed class Lease
    {
        public Workspace Workspace { get; } = new();

        public long Number { get; set; }
    }

    /// <summary>Lends a workspace that nobody else uses.</summary>
    public Lease Take()
    {
        lock (_lock)
        {
            Lease lease = _free.Count > 0 ? _free[^1] : new Lease();
            _free.Remove(lease);
            lease.Number++;
            return lease;
        }
    }

    /// <summary>Lends a workspace again to the pass that had it last, whose numbers are still there.</summary>
    /// <returns>Whether it could be: nobody has had it since.</returns>
    public bool TryTakeAgain(Lease lease, long number)
    {
        lock (_lock)
        {
            return lease.Number == number && _free.Remove(lease);
        }
    }

    /// <summary>Takes a workspace back; its numbers stay until it is lent to another pass.</summary>
    public void Return(Lease lease)
    {
        lock (_lock)
        {
            _free.Add(lease);
        }
    }
}

/// <summary>What went wrong where nothing may be thrown.</summary>
internal sealed class FaultReport
{
    private Exception? _fault;

    /// <summary>Keeps it; of several the first.</summary>
    public void Add(Exception fault) => Interlocked.CompareExchange(ref _fault, fault, null);

    /// <summary>Throws what was kept, once.</summary>
    /// <exception cref="InvalidOperationException">A backward pass has failed.</exception>
    public void Throw()
    {
        if (Interlocked.Exchange(ref _fault, null) is Exception fault)
        {
            throw new InvalidOperationException(
                $"An earlier backward pass has failed, and its gradients are NaN: {fault.Message}", fault);
        }
    }
}
