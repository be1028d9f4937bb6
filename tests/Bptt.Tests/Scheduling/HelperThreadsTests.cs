// Whether helpers take part. They belong to the process, so no other test may run meanwhile.

using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using Bptt.Scheduling;
using MathNet.Numerics.LinearAlgebra;

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
    public void What_loaded_the_library_can_unload_it_a_while_after_a_pass_of_several_threads()
    {
        WeakReference context = RunInContextOfItsOwn();

        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (context.IsAlive && waited.Elapsed < TimeSpan.FromSeconds(60))
        {
            Thread.Sleep(100);
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        context.IsAlive.Should().BeFalse("its helpers have ended");
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

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference RunInContextOfItsOwn()
    {
        var context = new AssemblyLoadContext("for a while", isCollectible: true);
        Assembly library = context.LoadFromAssemblyPath(typeof(LinearRnn).Assembly.Location);
        object model = Activator.CreateInstance(
            library.GetType("Bptt.LinearRnn")!,
            Matrix<double>.Build.Dense(64, 64, 0.01),
            Matrix<double>.Build.Dense(64, 64, 0.01),
            Matrix<double>.Build.Dense(64, 64, 0.01))!;
        library.GetType("Bptt.ForwardPass")!.GetMethods()
            .Single(m => m.Name == "Run" && m.GetParameters()[1].ParameterType == typeof(Matrix<double>))
            .Invoke(null, [model, Matrix<double>.Build.Dense(64, 4096, 0.1), null, null]);
        object helpers = library.GetType("Bptt.Scheduling.HelperThreads")!
            .GetField("Helpers", BindingFlags.NonPublic | BindingFlags.Static)!.GetValue(null)!;
        helpers.GetType().GetProperty("IsValueCreated")!.GetValue(helpers).Should().Be(
            Environment.ProcessorCount > 1, "otherwise one thread did it all");
        context.Unload();
        return new WeakReference(context);
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
