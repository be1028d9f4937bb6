// What a forward pass and the backward passes made from it are carried out with: kernels, threads, memory. Knows
// nothing of what they compute.

using System.Numerics;
using Bptt.Edge;
using Bptt.Kernels;
using Bptt.LinearRecurrence;
using Bptt.Scheduling;

namespace Bptt.Passes;

/// <summary>How passes are carried out, as the engine reads it.</summary>
/// <param name="Kernels">The arithmetic.</param>
/// <param name="MaxDegreeOfParallelism">The most threads; −1 for all processors.</param>
/// <param name="Tuning">How large the pieces of the work are.</param>
internal sealed record PassSettings<TReal>(KernelSet<TReal> Kernels, int MaxDegreeOfParallelism, PlanTuning Tuning)
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>;

/// <summary>Settings, and the memory that the passes take: an arena of their own, or a workspace as it stands for these
/// passes.</summary>
internal sealed class PassContext<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <summary>Operations that the loss of one output is worth, about.</summary>
    private const double WorkOfOutput = 10.0;

    private readonly PassSettings<TReal> _settings;
    private readonly BufferPool<TReal> _pool;
    private readonly bool _isShared; // with other passes, which may take the memory over
    private bool _readsCompute;
    private long _generation;

    private PassContext(
        PassSettings<TReal> settings, BufferPool<TReal> pool, bool isShared, bool readsCompute, FallBackLog fallBacks)
    {
        FallBacks = fallBacks;
        _settings = settings;
        _pool = pool;
        _isShared = isShared;
        _readsCompute = readsCompute;
    }

    public KernelSet<TReal> Kernels => _settings.Kernels;

    public int MaxDegreeOfParallelism => _settings.MaxDegreeOfParallelism;

    public PlanTuning Tuning => _settings.Tuning;

    /// <summary>What a forward pass and those made from it have given up.</summary>
    public FallBackLog FallBacks { get; }

    /// <summary>Starts a forward pass; <see cref="End"/> must follow. Plans can be made, but no memory be taken until
    /// <see cref="TakeOver"/>.</summary>
    /// <param name="settings">How it is carried out.</param>
    /// <param name="shared">Memory that passes hand on; null for an arena of its own.</param>
    /// <param name="readsCompute">Whether reading a pass may compute a part of it again.</param>
    public static PassContext<TReal> BeginForward(
        PassSettings<TReal> settings, BufferPool<TReal>? shared, bool readsCompute)
    {
        shared?.BeginForward();
        return new PassContext<TReal>(
            settings,
            shared ?? BufferPool<TReal>.ForOnePass(),
            shared is not null,
            readsCompute,
            new FallBackLog());
    }

    /// <summary>From here on, reading the pass may compute a part of it again.</summary>
    public void ReadingComputes() => _readsCompute = true;

    /// <summary>Gives up whatever earlier passes recorded in shared memory.</summary>
    public void TakeOver() => _generation = _isShared ? _pool.TakeOver() : 0;

    /// <summary>An arena of its own, which no other pass takes over.</summary>
    public static PassContext<TReal> Alone(PassSettings<TReal> settings) =>
        Alone(settings, new FallBackLog());

    /// <summary>The same way of running, in an arena of its own.</summary>
    public PassContext<TReal> Alone() => Alone(_settings, FallBacks);

    /// <summary>The same way of running, in memory of its own that many passes take turns in.</summary>
    public PassContext<TReal> AloneForManyPasses() =>
        new(_settings, BufferPool<TReal>.ForManyPasses(), isShared: false, readsCompute: false, FallBacks);

    /// <summary>For another pass beside those of this context: the shared memory, or another arena.</summary>
    public PassContext<TReal> ForPassBeside() => _isShared ? this : Alone();

    /// <summary>For computing a part of a pass again while others may be at work in shared memory.</summary>
    public PassContext<TReal> ForReading() => _isShared ? Alone() : this;

    /// <summary>Starts a backward pass; <see cref="End"/> must follow.</summary>
    public void BeginBackward()
    {
        if (_isShared)
        {
            _pool.BeginBackward(_generation);
        }
    }

    /// <summary>Ends the pass begun last. What an arena has to spare by then goes.</summary>
    public void End()
    {
        if (_isShared)
        {
            _pool.End();
        }
        else
        {
            _pool.LetGo();
        }
    }

    /// <summary>Refuses to read a pass whose memory a newer one has taken over.</summary>
    public void ThrowIfStale()
    {
        if (_isShared)
        {
            _pool.RequireCurrent(_generation);
        }
    }

    /// <summary>Does something that reads passes; refuses where a newer pass has taken the memory over before, or
    /// meanwhile on another thread.</summary>
    public void Read(Action read) => ReadFrom<Action, object?>(read, static action =>
    {
        action();
        return null;
    });

    /// <summary>The same, with what is read into, such as a span.</summary>
    public void Read<TTarget>(TTarget target, Action<TTarget> read)
        where TTarget : allows ref struct => ReadFrom<TTarget, object?>(target, into =>
        {
            read(into);
            return null;
        });

    /// <summary>The same, for what is read out.</summary>
    public T Read<T>(Func<T> read) => ReadFrom(read, static function => function());

    private TResult ReadFrom<TGiven, TResult>(TGiven given, Func<TGiven, TResult> read)
        where TGiven : allows ref struct
    {
        ThrowIfStale();
        if (_isShared && _readsCompute)
        {
            // Reading may compute a window again, into memory that must stay this pass's own.
            _pool.BeginRead(_generation);
            try
            {
                return read(given);
            }
            finally
            {
                _pool.EndRead();
            }
        }
        TResult result = read(given);
        Interlocked.MemoryBarrier(); // the reading is over before the second look
        ThrowIfStale();
        return result;
    }

    /// <summary>Storage for a column of each step; what it holds is undefined.</summary>
    /// <exception cref="ArgumentException">The columns exceed what one array can hold.</exception>
    public PackedColumns<TReal> Columns(int rows, BatchLayout layout) =>
        new(rows, layout, _pool.Rent(LengthOf(rows, layout)));

    /// <summary>Storage for a column of each step, in an array that belongs to nobody else.</summary>
    /// <exception cref="ArgumentException">The columns exceed what one array can hold.</exception>
    public static PackedColumns<TReal> FreshColumns(int rows, BatchLayout layout) =>
        new(rows, layout, AlignedMemory.Allocate<TReal>(LengthOf(rows, layout)));

    /// <summary>Storage for so many numbers; what it holds is undefined.</summary>
    /// <exception cref="ArgumentException">One array cannot hold as many.</exception>
    public ArraySegment<TReal> Storage(long length) => Storage(length, isKept: false);

    private ArraySegment<TReal> Storage(long length, bool isKept)
    {
        if (length > MaxLength)
        {
            throw new ArgumentException(
                $"The problem is too large: expected at most {MaxLength} numbers in one array, got {length}.");
        }
        return _pool.Rent((int)length, isKept);
    }

    /// <summary>Storage for the carries of a plan.</summary>
    /// <param name="rows">h.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="isKept">Whether they stay for the backward pass.</param>
    public PackedColumns<TReal> Carries(int rows, RecurrencePlan plan, bool isKept = false)
    {
        int columns = Math.Max(1, plan.CarryColumns);
        return new PackedColumns<TReal>(rows, new BatchLayout([columns]), Storage((long)rows * columns, isKept));
    }

    /// <summary>Storage for a matrix that is to be packed.</summary>
    public ArraySegment<TReal> PackedStorage(int rows, int columns, PackedFor uses) =>
        Storage(Kernels.PackedLength(rows, columns, uses));

    /// <summary>The most numbers that one array can hold.</summary>
    public static int MaxLength => Array.MaxLength - AlignedMemory.Slack<TReal>();

    /// <summary>What has been taken up to now, for <see cref="Release"/>.</summary>
    public int Mark() => _pool.Mark();

    /// <summary>Gives back what has been taken since the mark: what a pass needs only while it runs.</summary>
    public void Release(int mark) => _pool.Release(mark);

    /// <summary>A schedule: kept for the next window or pass of the same shape.</summary>
    public TPlan Plan<TPlan>(Func<TPlan, bool> fits, Func<TPlan> make)
        where TPlan : class => _pool.Plan(fits, make);

    /// <summary>Runs tasks, on as many threads as are allowed and worth it.</summary>
    /// <param name="graph">The tasks.</param>
    /// <param name="body">What they do.</param>
    /// <param name="work">Their floating-point operations, about.</param>
    public void Run(TaskGraph graph, ITaskBody body, double work) => HelperThreads.Run(
        graph, body, work < Tuning.WorthSharing ? 1 : HelperThreads.Count(MaxDegreeOfParallelism));

    /// <summary>Every part of a task, on as many threads as are allowed; null is nothing to do.</summary>
    public void Evaluate(IOutputTask? task)
    {
        if (task is not null)
        {
            Each(task.PartCount, task.Evaluate, WorkOfOutput * task.PartCount * task.PartColumns);
        }
    }

    /// <summary>Parts of some work that do not wait for each other, on as many threads as are allowed and worth
    /// it.</summary>
    /// <param name="count">How many parts.</param>
    /// <param name="body">Does one.</param>
    /// <param name="work">Their floating-point operations, about.</param>
    public void Each(int count, Action<int> body, double work)
    {
        TaskGraph graph = Plan<TaskGraph>(known => known.Count == count && known.HasNoEdges, () =>
        {
            var parts = new TaskGraph();
            for (int part = 0; part < count; part++)
            {
                parts.Add(isCritical: false);
            }
            parts.Close();
            return parts;
        });
        Run(graph, new Parts(body), work);
    }

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

    private static PassContext<TReal> Alone(PassSettings<TReal> settings, FallBackLog fallBacks) =>
        new(settings, BufferPool<TReal>.ForOnePass(), isShared: false, readsCompute: false, fallBacks);

    private static int LengthOf(int rows, BatchLayout layout)
    {
        long length = (long)rows * layout.ColumnCount;
        if (length > MaxLength)
        {
            throw new ArgumentException(
                $"The problem is too large: expected at most {MaxLength} numbers in one array, but {rows} rows for "
                + $"{layout.ColumnCount} steps need {length}.");
        }
        return (int)length;
    }

    private sealed class Parts(Action<int> body) : ITaskBody
    {
        public void Run(int part) => body(part);
    }
}
