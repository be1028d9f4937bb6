// The derivatives of a forward pass in one direction, on packed columns: the inside of TangentPass. Serves any number
// of directions, one after the other. Checks nothing.

using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>A tangent pass that is run in another way than by steps.</summary>
internal interface ITangentRun
{
    /// <summary>Runs a direction.</summary>
    /// <param name="direction">V, ẋ_t and ḣ_0.</param>
    /// <param name="outputs">Receives ȯ_1 … ȯ_T, q×N.</param>
    /// <returns>The ḣ_t that are known afterwards; null where a number is not finite: then only steps tell where that
    /// begins.</returns>
    IKnownStates? Run(FlatDirection direction, PackedColumns outputs);
}

/// <summary>ḣ_0 … ḣ_T and ȯ_1 … ȯ_T of the direction run last.</summary>
internal sealed class TangentRecord
{
    private readonly ForwardRecord _forward;
    private readonly PassContext _context;
    private readonly PassContext _reading;
    private readonly ITangentRun? _otherWay;
    private Trajectory? _bySteps;
    private PassRun? _run;
    private FlatDirection? _direction;

    /// <param name="forward">The forward pass.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    /// <param name="otherWay">Runs the directions, where it can; null for steps.</param>
    public TangentRecord(ForwardRecord forward, PassContext context, ITangentRun? otherWay = null)
    {
        _forward = forward;
        _context = context;
        _reading = context.ForReading();
        _otherWay = otherWay;
        Outputs = context.Columns(forward.Weights.OutputSize, forward.Layout);
        if (otherWay is null)
        {
            _bySteps = forward.Beside(TimeDirection.Forward, context);
        }
    }

    /// <summary>ḣ_0 … ḣ_T, perhaps a window at a time.</summary>
    public Trajectory States { get; private set; } = null!;

    /// <summary>Whether the direction was run in the other way.</summary>
    public bool IsOtherWay { get; private set; }

    /// <summary>ȯ_1 … ȯ_T, q×N.</summary>
    public PackedColumns Outputs { get; }

    /// <summary>Runs a direction.</summary>
    /// <param name="direction">V, ẋ_t and ḣ_0.</param>
    public void Run(FlatDirection direction)
    {
        _direction = direction;
        IKnownStates? known = _otherWay?.Run(direction, Outputs);
        IsOtherWay = known is not null;
        if (known is not null)
        {
            Take(_forward.Beside(TimeDirection.Forward, known));
            return;
        }
        if (_otherWay is not null)
        {
            _context.FallBacks.Add("several steps at once, a tangent: step by step");
        }
        _bySteps ??= _forward.Beside(TimeDirection.Forward, _context.Alone());
        if (States != _bySteps)
        {
            Take(_bySteps);
        }
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

    private void Take(Trajectory states)
    {
        States = states;
        States.Compute = (window, derivatives) => RunWindow(window, derivatives, null, _reading);
        _run = new PassRun(
            PassSizes.Of(_forward.Weights),
            _forward.Layout,
            states,
            _forward.Chunking.ForAnother(),
            productsOfWeights: 2);
    }

    private void RunWindow(int number, PackedColumns derivatives, PackedColumns? outputs, PassContext context) =>
        _forward.States.Read(number, states => _run!.Window(
            number,
            derivatives,
            context,
            (window, _, columns) => new PassFormulas(new TangentFormulas(
                window, _forward.Weights, _direction!, _forward.Inputs, states, columns, outputs))));
}
