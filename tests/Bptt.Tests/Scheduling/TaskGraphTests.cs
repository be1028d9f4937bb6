// Tasks that wait for each other, on any number of threads.

using Bptt.Scheduling;

namespace Bptt.Tests.Scheduling;

public class TaskGraphTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void Every_task_is_done_once_and_after_those_it_waits_for(int threads)
    {
        const int seed = 5;
        var random = new Random(seed);
        var graph = new TaskGraph();
        var waits = new List<int[]>();
        for (int task = 0; task < 2000; task++)
        {
            int[] before = [.. Enumerable.Range(0, random.Next(4))
                .Where(_ => task > 0).Select(_ => random.Next(Math.Max(0, task - 40), task)).Distinct()];
            graph.Add(random.Next(3) == 0, [-1, .. before]).Should().Be(task);
            waits.Add(before);
        }
        graph.Add(isCritical: false, 1999, 3).Should().Be(2000);
        waits.Add([1999, 3]);
        graph.Close();

        for (int run = 0; run < 20; run++)
        {
            int[] done = new int[waits.Count];
            int early = 0;
            var body = new Body(task =>
            {
                Interlocked.Add(ref early, waits[task].Count(before => Volatile.Read(ref done[before]) == 0));
                Interlocked.Increment(ref done[task]);
            });
            RunOn(threads, graph, body);
            early.Should().Be(0, "seed {0}", seed);
            done.Should().OnlyContain(count => count == 1);
        }
    }

    [Fact]
    public void Alone_the_tasks_run_in_the_order_of_their_numbers_on_the_calling_thread()
    {
        TaskGraph graph = Independent(10);
        var order = new List<int>();
        HelperThreads.Run(graph, new Body(task =>
        {
            order.Add(task);
            Environment.CurrentManagedThreadId.Should().Be(_thread);
        }), threads: 1);
        order.Should().Equal(Enumerable.Range(0, 10));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_exception_of_a_task_reaches_the_caller_and_the_graph_can_run_again(int threads)
    {
        TaskGraph graph = Independent(50);
        for (int run = 0; run < 20; run++)
        {
            FluentActions.Invoking(() => HelperThreads.Run(
                graph,
                new Body(task =>
                {
                    if (task == 31)
                    {
                        throw new InvalidTimeZoneException("task 31");
                    }
                }),
                threads)).Should().Throw<InvalidTimeZoneException>().WithMessage("task 31");

            int done = 0;
            HelperThreads.Run(graph, new Body(_ => Interlocked.Increment(ref done)), threads);
            done.Should().Be(50);
        }
    }

    [Fact]
    public void Many_callers_at_once_each_get_their_own_work_done()
    {
        long[] sums = new long[8];
        Parallel.For(0, sums.Length, new ParallelOptions { MaxDegreeOfParallelism = sums.Length }, caller =>
        {
            TaskGraph graph = Independent(100);
            for (int run = 0; run < 200; run++)
            {
                HelperThreads.Run(graph, new Body(task => Interlocked.Add(ref sums[caller], task)), threads: 4);
            }
        });
        sums.Should().OnlyContain(sum => sum == 200 * 4950);
    }

    private readonly int _thread = Environment.CurrentManagedThreadId;

    private static TaskGraph Independent(int count)
    {
        var graph = new TaskGraph();
        for (int i = 0; i < count; i++)
        {
            graph.Add(isCritical: i % 5 == 0);
        }
        graph.Close();
        return graph;
    }

    /// <summary>On threads of the test's own, so that there may be more than processors.</summary>
    private static void RunOn(int threads, TaskGraph graph, ITaskBody body)
    {
        if (threads == 1)
        {
            graph.RunAlone(body);
            return;
        }
        graph.Open(body);
        Thread[] workers = [.. Enumerable.Range(0, threads).Select(_ => new Thread(graph.Work))];
        Array.ForEach(workers, worker => worker.Start());
        Array.ForEach(workers, worker => worker.Join());
        graph.EndRun();
    }

    private sealed class Body(Action<int> run) : ITaskBody
    {
        public void Run(int task) => run(task);
    }
}
