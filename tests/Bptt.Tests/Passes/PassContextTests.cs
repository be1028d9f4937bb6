// Memory of a pass: what an arena of its own has to spare goes when the pass ends, what a workspace has stays.

using Bptt.Kernels;
using Bptt.LinearRecurrence;

namespace Bptt.Tests.Passes;

public class PassContextTests
{
    private static readonly PassSettings Settings = new(KernelChoice.Default, 1, PlanTuning.Default);

    [Fact]
    public void What_an_arena_has_to_spare_goes_at_the_end_of_a_pass()
    {
        var context = PassContext.Alone(Settings);
        ArraySegment<double> kept = context.Storage(10);
        int mark = context.Mark();
        ArraySegment<double> spare = context.Storage(1000);
        context.Release(mark);
        context.Storage(1000).Array.Should().BeSameAs(spare.Array, "while the pass runs it is taken again");
        context.Release(mark);
        context.End();
        context.Storage(1000).Array.Should().NotBeSameAs(spare.Array);
        context.Storage(10).Array.Should().NotBeSameAs(kept.Array, "the pass can still be read");
    }

    [Fact]
    public void A_schedule_of_an_arena_goes_at_the_end_of_a_pass_and_one_of_a_workspace_serves_the_next()
    {
        var alone = PassContext.Alone(Settings);
        object first = alone.Plan(_ => true, () => new object());
        alone.Plan(_ => true, () => new object()).Should().BeSameAs(first);
        alone.End();
        alone.Plan(_ => true, () => new object()).Should().NotBeSameAs(first);

        using var workspace = new Disposing();
        object shared = workspace.Begin().Plan(_ => true, () => new object());
        workspace.Begin().Plan(_ => true, () => new object()).Should().BeSameAs(shared);
    }

    /// <summary>Passes from one pool, each ended before the next begins.</summary>
    private sealed class Disposing : IDisposable
    {
        private readonly BufferPool _pool = BufferPool.ForManyPasses();
        private PassContext? _last;

        public PassContext Begin()
        {
            _last?.End();
            _last = PassContext.BeginForward(Settings, _pool, readsCompute: false);
            _last.TakeOver();
            return _last;
        }

        public void Dispose() => _last?.End();
    }
}
