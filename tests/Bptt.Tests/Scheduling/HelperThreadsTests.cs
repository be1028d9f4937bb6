// Whether helpers take part. They belong to the process, so no other test may run meanwhile.

using Bptt.Scheduling;

namespace Bptt.Tests.Scheduling;

[Collection(nameof(AllocationTests))]
public class HelperThreadsTests
{
    [Fact]
    public void Helpers_take_part_and_never_more_than_asked_for()
    {
        // Every task waits until two threads are inside tasks, or a second has passed; a third one would show.
        int processors = Environment.ProcessorCount;
        var graph = new TaskGraph();
        for (int i = 0; i < 6; i++)
        {
            graph.Add(isCritical: false);
        }
        graph.Close();
        int inside = 0;
        int most = 0;
        HelperThreads.Run(graph, new Body(_ =>
        {
            int now = Interlocked.Increment(ref inside);
            InterlockedMax(ref most, now);
            SpinWait.SpinUntil(() => Volatile.Read(ref inside) > 1 || processors == 1, TimeSpan.FromSeconds(1));
            Thread.Sleep(20);
            Interlocked.Decrement(ref inside);
        }), threads: 2);
        most.Should().Be(Math.Min(2, processors));
    }

    [Fact]
    public void Helpers_that_have_ended_are_started_again()
    {
        for (int round = 0; round < 2; round++)
        {
            Helpers_take_part_and_never_more_than_asked_for();
            Thread.Sleep(TimeSpan.FromSeconds(1.5));
        }
    }

    private static void InterlockedMax(ref int target, int value)
    {
        int seen = Volatile.Read(ref target);
        while (seen < value)
        {
            seen = Interlocked.CompareExchange(ref target, value, seen);
        }
    }

    private sealed class Body(Action<int> run) : ITaskBody
    {
        public void Run(int task) => run(task);
    }
}
