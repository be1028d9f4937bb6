// The threads that help a caller with a task graph. There is one set of them for the process; a pass borrows those that
// are idle and never waits for one.

using System.Diagnostics;

namespace Bptt.Scheduling;

/// <summary>
/// Background threads, at most one fewer than there are processors, started when needed. After its work a helper spins
/// briefly for more and then sleeps, so that an idle process uses no processor; after a second of sleep it ends, so
/// that what loaded the library can unload it.
/// </summary>
internal static class HelperThreads
{
    /// <summary>How long a helper spins before it sleeps: longer than the gap between two passes of a training
    /// loop, shorter than anyone would notice.</summary>
    private static readonly TimeSpan SpinTime = TimeSpan.FromMicroseconds(200);

    /// <summary>How long a helper sleeps before it ends: to start one takes a ten-thousandth of it.</summary>
    private static readonly TimeSpan SleepTime = TimeSpan.FromSeconds(1);

    private static readonly Lazy<Helper[]> Helpers = new(() =>
        [.. Enumerable.Range(0, Math.Max(0, Environment.ProcessorCount - 1)).Select(_ => new Helper())]);

    /// <summary>Runs a graph on the calling thread and on up to <paramref name="threads"/> − 1 helpers.</summary>
    /// <exception cref="Exception">What a task threw.</exception>
    public static void Run(TaskGraph graph, ITaskBody body, int threads)
    {
        if (threads <= 1)
        {
            graph.RunAlone(body);
            return;
        }

        graph.Open(body);
        Helper[] helpers = Helpers.Value;
        int wanted = threads - 1;
        for (int i = 0; i < helpers.Length && wanted > 0; i++)
        {
            if (helpers[i].TryStart(graph))
            {
                wanted--;
            }
        }
        graph.Work();
        foreach (Helper helper in helpers)
        {
            helper.Leave(graph);
        }
        graph.EndRun();
    }

    /// <summary>The threads that a pass may use.</summary>
    /// <param name="maxDegreeOfParallelism">At most so many; −1 for all processors.</param>
    public static int Count(int maxDegreeOfParallelism) => maxDegreeOfParallelism < 0
        ? Environment.ProcessorCount
        : Math.Min(maxDegreeOfParallelism, Environment.ProcessorCount);

    private sealed class Helper
    {
        private const int Spinning = 0;
        private const int Sleeping = 1;
        private const int Reserved = 2; // a caller is handing it a graph
        private const int Called = 3;   // it has a graph and has not begun
        private const int Working = 4;

        private readonly object _wake = new();
        private Thread? _thread;
        private int _state = Sleeping;
        private TaskGraph? _graph;

        /// <summary>Gives it a graph, where it is idle.</summary>
        public bool TryStart(TaskGraph graph)
        {
            bool wasSleeping = false;
            if (Interlocked.CompareExchange(ref _state, Reserved, Spinning) != Spinning)
            {
                if (Interlocked.CompareExchange(ref _state, Reserved, Sleeping) != Sleeping)
                {
                    return false;
                }
                wasSleeping = true;
            }
            if (!HasThread())
            {
                Volatile.Write(ref _state, Sleeping);
                return false;
            }
            Volatile.Write(ref _graph, graph);
            Volatile.Write(ref _state, Called);
            if (wasSleeping)
            {
                lock (_wake)
                {
                    Monitor.Pulse(_wake);
                }
            }
            return true;
        }

        /// <summary>Returns when it no longer works on the graph. If it has not begun, it never will.</summary>
        public void Leave(TaskGraph graph)
        {
            int idle = 0;
            while (Volatile.Read(ref _graph) == graph)
            {
                if (Interlocked.CompareExchange(ref _state, Reserved, Called) == Called)
                {
                    if (_graph != graph)
                    {
                        Volatile.Write(ref _state, Called); // it is another caller's by now
                        return;
                    }
                    Volatile.Write(ref _graph, null);
                    Volatile.Write(ref _state, Spinning); // awake or about to be
                    return;
                }
                TaskGraph.Pause(ref idle);
            }
        }

        /// <summary>Starts the thread where there is none; false where the system has none to give.</summary>
        private bool HasThread()
        {
            if (_thread is null)
            {
                var thread = new Thread(Loop) { IsBackground = true, Name = "Bptt helper" };
                try
                {
                    thread.UnsafeStart(); // without the caller's execution context
                }
                catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
                {
                    return false;
                }
                _thread = thread;
            }
            return true;
        }

        /// <summary>Sleeps until it is called; false where nobody did for long, and the thread is to end.</summary>
        private bool Sleep()
        {
            lock (_wake)
            {
                while (Volatile.Read(ref _state) == Sleeping)
                {
                    if (!Monitor.Wait(_wake, SleepTime)
                        && Interlocked.CompareExchange(ref _state, Reserved, Sleeping) == Sleeping)
                    {
                        _thread = null;
                        Volatile.Write(ref _state, Sleeping); // the next caller starts another
                        return false;
                    }
                }
            }
            return true;
        }

        private void Loop()
        {
            long idleSince = Stopwatch.GetTimestamp();
            while (true)
            {
                if (Interlocked.CompareExchange(ref _state, Working, Called) == Called)
                {
                    _graph!.Work();
                    Volatile.Write(ref _graph, null);
                    Volatile.Write(ref _state, Spinning);
                    idleSince = Stopwatch.GetTimestamp();
                }
                else if (Stopwatch.GetElapsedTime(idleSince) < SpinTime)
                {
                    Thread.SpinWait(1);
                }
                else if (Interlocked.CompareExchange(ref _state, Sleeping, Spinning) == Spinning)
                {
                    if (!Sleep())
                    {
                        return;
                    }
                    idleSince = Stopwatch.GetTimestamp();
                }
            }
        }
    }
}
