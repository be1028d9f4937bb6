// A computation cut into tasks that wait for each other, as data, and the order in which threads take them. Knows
// nothing of what the tasks do.

using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Bptt.Scheduling;

/// <summary>Does the task with a number.</summary>
internal interface ITaskBody
{
    void Run(int task);
}

/// <summary>
/// Tasks numbered in an order in which one thread could do them, each with the earlier tasks that it waits for. Any
/// number of threads can work on it together: each takes the first task that is ready, critical ones before others.
/// What a task computes, and in which order it adds to anything, must be settled by the graph alone; then the result
/// does not depend on the number of threads.
/// </summary>
/// <remarks>A list schedule (Graham 1966). It can be run again and again, by one run at a time.</remarks>
internal sealed class TaskGraph
{
    private const int Taken = -1;

    /// <summary>How far beyond the first task that is not taken a thread looks for one that is ready.</summary>
    private const int Lookahead = 96;

    private readonly List<int> _waitsFor = [];                 // by task: how many tasks it waits for
    private readonly List<(int Before, int After)> _edges = [];
    private readonly List<int> _critical = [];
    private readonly List<int> _ordinary = [];

    private int[] _next = [];        // the tasks that wait for task i: _next[_firstNext[i].._firstNext[i + 1]]
    private int[] _firstNext = [];
    private int[] _state = [];       // by task: how many tasks it still waits for, or Taken
    private int[] _criticalQueue = [];
    private int[] _ordinaryQueue = [];
    private int _firstCritical;
    private int _firstOrdinary;
    private int _unfinished;
    private ITaskBody? _body;
    private ExceptionDispatchInfo? _failure;

    /// <summary>How many tasks there are.</summary>
    public int Count => _waitsFor.Count;

    /// <summary>Whether no task waits for another.</summary>
    public bool HasNoEdges => _next.Length == 0;

    /// <summary>Whether every task is done, or one has failed.</summary>
    public bool IsOver => Volatile.Read(ref _unfinished) == 0 || Volatile.Read(ref _failure) is not null;

    /// <summary>Adds a task that waits for others added before; negative numbers among them stand for none.</summary>
    /// <param name="isCritical">Whether other work soon waits for it, so that it comes first.</param>
    /// <param name="after">The tasks that it waits for.</param>
    /// <returns>Its number.</returns>
    public int Add(bool isCritical, params ReadOnlySpan<int> after)
    {
        int task = _waitsFor.Count;
        int count = 0;
        foreach (int before in after)
        {
            if (before >= 0)
            {
                _edges.Add((before, task));
                count++;
            }
        }
        _waitsFor.Add(count);
        (isCritical ? _critical : _ordinary).Add(task);
        return task;
    }

    /// <summary>Makes the graph ready to run: no task is added after this.</summary>
    public void Close()
    {
        _firstNext = new int[Count + 1];
        foreach ((int before, _) in _edges)
        {
            _firstNext[before + 1]++;
        }
        for (int i = 0; i < Count; i++)
        {
            _firstNext[i + 1] += _firstNext[i];
        }
        _next = new int[_edges.Count];
        int[] filled = _firstNext.AsSpan(0, Count).ToArray();
        foreach ((int before, int after) in _edges)
        {
            _next[filled[before]++] = after;
        }
        _edges.Clear();
        _state = new int[Count];
        _criticalQueue = [.. _critical];
        _ordinaryQueue = [.. _ordinary];
    }

    /// <summary>Does every task on the calling thread, in the order of their numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void RunAlone(ITaskBody body)
    {
        for (int task = 0; task < Count; task++)
        {
            body.Run(task);
        }
    }

    /// <summary>Opens a run in which several threads <see cref="Work"/>.</summary>
    public void Open(ITaskBody body)
    {
        _waitsFor.CopyTo(_state);
        _firstCritical = 0;
        _firstOrdinary = 0;
        _failure = null;
        _body = body;
        Volatile.Write(ref _unfinished, Count);
    }

    /// <summary>Takes and does tasks until the run is over. A thread that finds none ready spins, and lets others run
    /// where that takes long.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Work()
    {
        int idle = 0;
        while (!IsOver)
        {
            int task = Take(_criticalQueue, ref _firstCritical);
            if (task < 0)
            {
                task = Take(_ordinaryQueue, ref _firstOrdinary);
            }
            if (task < 0)
            {
                Pause(ref idle);
                continue;
            }
            idle = 0;
            try
            {
                _body!.Run(task);
            }
            catch (Exception exception)
            {
                Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(exception), null);
                return;
            }
            Finish(task);
        }
    }

    /// <summary>Ends a run that is over, when no other thread works on it any more.</summary>
    /// <exception cref="Exception">The first exception that a task threw.</exception>
    public void EndRun()
    {
        _body = null;
        _failure?.Throw();
    }

    /// <summary>Waits a little; longer where it was called many times.</summary>
    public static void Pause(ref int idle)
    {
        const int spins = 500;
        if (++idle < spins)
        {
            Thread.SpinWait(1);
        }
        else
        {
            Thread.Yield(); // on a loaded machine another thread may hold what this one waits for
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Take(int[] queue, ref int first)
    {
        int start = Volatile.Read(ref first);
        int end = Math.Min(queue.Length, start + Lookahead);
        bool allTaken = true;
        for (int i = start; i < end; i++)
        {
            ref int state = ref _state[queue[i]];
            int seen = Volatile.Read(ref state);
            if (seen == 0 && Interlocked.CompareExchange(ref state, Taken, 0) == 0)
            {
                return queue[i];
            }
            allTaken &= seen == Taken;
            if (allTaken && i == start)
            {
                // another thread may write an older value: that costs a look, no more
                Volatile.Write(ref first, ++start);
            }
        }
        return -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Finish(int task)
    {
        for (int i = _firstNext[task]; i < _firstNext[task + 1]; i++)
        {
            Interlocked.Decrement(ref _state[_next[i]]);
        }
        Interlocked.Decrement(ref _unfinished);
    }
}
