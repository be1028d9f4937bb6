// The derivatives of a forward pass in one direction, on packed columns: the inside of TangentPass. Serves any number
// of directions, one after the other. Checks nothing.

using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>ḣ_0 … ḣ_T and ȯ_1 … ȯ_T of the direction run last.</summary>
internal sealed class TangentRecord
{
    private readonly ForwardRecord _forward;
    private readonly PassContext _context;
    private readonly PassRun _run;
    private FlatDirection? _direction;

    /// <param name="forward">The forward pass.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public TangentRecord(ForwardRecord forward, PassContext context)
    {
        _forward = forward;
        _context = context;
        PassContext reading = context.ForReading();
        States = forward.Beside(TimeDirection.Forward, context);
        States.Compute = (window, derivatives) => RunWindow(window, derivatives, null, reading);
        Outputs = context.Columns(forward.Weights.OutputSize, forward.Layout);
        _run = new PassRun(
            PassSizes.Of(forward.Weights), forward.Layout, States, forward.Chunking.ForAnother(), productsOfWeights: 2);
    }

    /// <summary>ḣ_0 … ḣ_T, perhaps a window at a time.</summary>
    public Trajectory States { get; }

    /// <summary>ȯ_1 … ȯ_T, q×N.</summary>
    public PackedColumns Outputs { get; }

    /// <summary>Runs every window.</summary>
    /// <param name="direction">V, ẋ_t and ḣ_0.</param>
    public void Run(FlatDirection direction)
    {
        _direction = direction;
        foreach (int window in States.WindowsInOrder())
        {
            PackedColumns derivatives = States.Begin(window);
            if (window == 0)
            {
                States.WriteStepZero(direction.InitialStates);
            }
            RunWindow(window, derivatives, Outputs, _context);
        }
    }

    private void RunWindow(int number, PackedColumns derivatives, PackedColumns? outputs, PassContext context) =>
        _forward.States.Read(number, states => _run.Window(
            number,
            derivatives,
            context,
            (window, _, columns) => new PassFormulas(new TangentFormulas(
                window, _forward.Weights, _direction!, _forward.Inputs, states, columns, outputs))));
}
