// What a forward pass and the backward passes made from it are carried out with: kernels, threads, memory. Knows
// nothing of what they compute.

using Bptt.Kernels;
using Bptt.LinearRecurrence;
using Bptt.Scheduling;

namespace Bptt;

/// <summary>Options with their defaults resolved, and the memory that the passes take: fresh, or a workspace as it
/// stands for these passes.</summary>
internal sealed class PassContext
{
    private readonly Workspace? _workspace;
    private long _generation;

    private PassContext(ExecutionOptions options, Workspace? workspace)
    {
        Options = options;
        Kernels = options.Kernels ?? KernelChoice.Default;
        _workspace = workspace;
    }

    /// <summary>The defaults, in new arrays.</summary>
    public static PassContext Fresh => new(ExecutionOptions.Default, null);

    public ExecutionOptions Options { get; }

    public KernelSet Kernels { get; }

    public PlanTuning Tuning => Options.Tuning;

    /// <summary>Starts a forward pass; <see cref="End"/> must follow. Plans can be made, but no memory be taken until
    /// <see cref="TakeOver"/>.</summary>
    public static PassContext BeginForward(ExecutionOptions options)
    {
        var context = new PassContext(options, options.Workspace);
        options.Workspace?.BeginForward();
        return context;
    }

    /// <summary>Gives up whatever earlier passes recorded in the workspace.</summary>
    public void TakeOver() => _generation = _workspace?.TakeOver() ?? 0;

    /// <summary>Another way of running, in new arrays that nobody takes over.</summary>
    public static PassContext With(ExecutionOptions options) => new(options, null);

    /// <summary>The same way of running, in new arrays that nobody takes over.</summary>
    public PassContext WithFreshMemory() => new(Options, null);

    /// <summary>Starts a backward pass; <see cref="End"/> must follow.</summary>
    public void BeginBackward() => _workspace?.BeginBackward(_generation);

    /// <summary>Ends the pass begun last.</summary>
    public void End() => _workspace?.End();

    /// <summary>Refuses to read a pass whose memory a newer one has taken over.</summary>
    public void ThrowIfStale() => _workspace?.RequireCurrent(_generation);

    /// <summary>Reads something out; refuses where a newer pass has taken the memory over before, or meanwhile on
    /// another thread.</summary>
    public T Read<T>(Func<T> read)
    {
        ThrowIfStale();
        if (_workspace is not null && Options.MemoryBudget is not null)
        {
            // Reading may compute a window again, into memory that must stay this pass's own.
            _workspace.BeginRead(_generation);
            try
            {
                return read();
            }
            finally
            {
                _workspace.EndRead();
            }
        }
        T result = read();
        Interlocked.MemoryBarrier(); // the reading is over before the second look
        ThrowIfStale();
        return result;
    }

    /// <summary>Storage for a column of each step; what it holds is undefined.</summary>
    /// <exception cref="ArgumentException">The columns exceed what one array can hold.</exception>
    public PackedColumns Columns(int rows, BatchLayout layout)
    {
        long length = (long)rows * layout.ColumnCount;
        if (length > MaxLength)
        {
            throw new ArgumentException(
                $"The problem is too large: expected at most {MaxLength} numbers in one array, "
                + $"but {rows} rows for {layout.ColumnCount} steps need {length}.");
        }
        return new PackedColumns(rows, layout, Storage(length));
    }

    /// <summary>Storage for so many numbers; what it holds is undefined.</summary>
    /// <exception cref="ArgumentException">One array cannot hold as many.</exception>
    public ArraySegment<double> Storage(long length)
    {
        if (length > MaxLength)
        {
            throw new ArgumentException(
                $"The problem is too large: expected at most {MaxLength} numbers in one array, got {length}.");
        }
        return _workspace is null ? AlignedMemory.Allocate((int)length) : _workspace.Rent((int)length);
    }

    /// <summary>Storage for the carries of a plan.</summary>
    public PackedColumns Carries(int rows, RecurrencePlan plan) =>
        new(rows, new BatchLayout([Math.Max(1, plan.CarryColumns)]), Storage(rows * Math.Max(1, plan.CarryColumns)));

    /// <summary>Storage for a matrix that is to be packed.</summary>
    public ArraySegment<double> PackedStorage(int rows, int columns, PackedFor uses) =>
        Storage(Kernels.PackedLength(rows, columns, uses));

    /// <summary>The most numbers that one array can hold.</summary>
    public static int MaxLength => Array.MaxLength - AlignedMemory.Slack;

    /// <summary>What has been rented up to now, for <see cref="Release"/>.</summary>
    public int Mark() => _workspace?.Mark() ?? 0;

    /// <summary>Gives back what has been rented since the mark: what a pass needs only while it runs.</summary>
    public void Release(int mark) => _workspace?.Release(mark);

    /// <summary>The plan of a pass: kept by a workspace for the next pass of the same shape.</summary>
    public TPlan Plan<TPlan>(Func<TPlan, bool> fits, Func<TPlan> make)
        where TPlan : class =>
        _workspace is null ? make() : _workspace.Plan(fits, make);

    /// <summary>Runs tasks, on as many threads as are allowed and worth it.</summary>
    /// <param name="graph">The tasks.</param>
    /// <param name="body">What they do.</param>
    /// <param name="work">Their floating-point operations, about.</param>
    public void Run(TaskGraph graph, ITaskBody body, double work) => HelperThreads.Run(
        graph, body, work < Tuning.WorthSharing ? 1 : HelperThreads.Count(Options.MaxDegreeOfParallelism));

    /// <summary>The layout of sequences with the given lengths.</summary>
    /// <exception cref="ArgumentException">All steps together exceed what an index can count.</exception>
    public static BatchLayout Layout(ReadOnlySpan<int> lengths, string name)
    {
        try
        {
            return new BatchLayout(lengths);
        }
        catch (OverflowException)
        {
            throw Guard.Error(name, $"expected at most {int.MaxValue} steps in all, got more.");
        }
    }
}
