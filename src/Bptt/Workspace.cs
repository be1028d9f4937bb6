// A user's handle on the buffers that successive passes of a training loop reuse.

using Bptt.Passes;

namespace Bptt;

/// <summary>
/// Memory that successive passes reuse, so that a training loop allocates nothing that grows with the number of steps.
/// Give it to a forward pass in <see cref="ExecutionOptions.Workspace"/>; the backward passes made from that forward
/// pass use it too.
/// </summary>
/// <remarks>
/// A pass made from a workspace can be read until the next forward pass from the same workspace begins, and throws
/// <see cref="InvalidOperationException"/> after that. <see cref="Gradients"/> are independent of it. One workspace
/// serves one pass at a time: a second one that begins meanwhile, on another thread or inside an objective, throws
/// <see cref="InvalidOperationException"/>; so use one workspace for each thread, and for each layer of a stack.
/// While a pass within a memory budget is being read, no forward pass can begin.
/// It keeps the most memory that one forward pass and the backward passes made from it have needed, until it is itself
/// let go.
/// </remarks>
public sealed class Workspace
{
    internal BufferPool Pool { get; } = BufferPool.ForManyPasses();

    /// <summary>For passes in single precision.</summary>
    internal BufferPool<float> SinglePool { get; } = BufferPool<float>.ForManyPasses();
}
