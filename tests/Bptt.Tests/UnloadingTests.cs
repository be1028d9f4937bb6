// Programs with plug-ins load libraries into contexts of their own, and want them back. Helper threads belong to the
// process, so no other test may run meanwhile.

using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

[Collection(nameof(AllocationTests))]
public class UnloadingTests
{
    [Fact]
    public void What_loaded_the_library_can_unload_it_after_a_pass_of_several_threads() => ShouldUnload(library =>
    {
        library.GetType("Bptt.ForwardPass")!.GetMethods()
            .Single(m => m.Name == "Run" && m.GetParameters()[1].ParameterType == typeof(Matrix<double>))
            .Invoke(null, [Model(library), Matrix<double>.Build.Dense(64, 4096, 0.1), null, null]);
        object helpers = library.GetType("Bptt.Scheduling.HelperThreads")!
            .GetField("Helpers", BindingFlags.NonPublic | BindingFlags.Static)!.GetValue(null)!;
        helpers.GetType().GetProperty("IsValueCreated")!.GetValue(helpers).Should().Be(
            Environment.ProcessorCount > 1, "otherwise one thread did it all");
    });

    [Fact]
    public void What_loaded_the_library_can_unload_it_after_a_training() => ShouldUnload(library =>
    {
        var inputs = Matrix<double>.Build.Dense(64, 20, 0.1);
        object objective = library.GetType("Bptt.Objective")!
            .GetMethod(nameof(Objective.SquaredError), [typeof(Matrix<double>)])!.Invoke(null, [inputs])!;
        Type options = library.GetType("Bptt.Training.TrainerOptions")!;
        object few = Activator.CreateInstance(options)!;
        options.GetProperty(nameof(TrainerOptions.MaxEpochs))!.SetValue(few, 2);
        object result = library.GetType("Bptt.Training.Trainer")!.GetMethods()
            .Single(m => m.Name == "Run" && m.GetParameters()[1].ParameterType == typeof(Matrix<double>))
            .Invoke(null, [Model(library), inputs, objective, few, null, CancellationToken.None])!;
        result.Should().NotBeNull();
    });

    private static void ShouldUnload(Action<Assembly> use)
    {
        WeakReference context = RunInContextOfItsOwn(use);

        var waited = Stopwatch.StartNew();
        while (context.IsAlive && waited.Elapsed < TimeSpan.FromSeconds(60))
        {
            Thread.Sleep(100);
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        context.IsAlive.Should().BeFalse("nothing of the library is left");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference RunInContextOfItsOwn(Action<Assembly> use)
    {
        var context = new AssemblyLoadContext("for a while", isCollectible: true);
        use(context.LoadFromAssemblyPath(typeof(LinearRnn).Assembly.Location));
        context.Unload();
        return new WeakReference(context);
    }

    private static object Model(Assembly library) => Activator.CreateInstance(
        library.GetType("Bptt.LinearRnn")!,
        Matrix<double>.Build.Dense(64, 64, 0.01),
        Matrix<double>.Build.Dense(64, 64, 0.01),
        Matrix<double>.Build.Dense(64, 64, 0.01))!;
}
