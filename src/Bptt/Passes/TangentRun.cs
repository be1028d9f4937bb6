// The memory of a tangent pass, and its run over the windows of time; one window where every state is kept. Serves any
// number of directions, one after the other.

using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>ḣ_0 … ḣ_T and ȯ_1 … ȯ_T of the direction run last.</summary>
internal sealed class TangentRun
{
    private readonly ForwardPass _forward;
    private readonly PassContext _context;
    private PassDirection? _direction;
    private int _chunkLength;

    /// <param name="forward">The forward pass.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public TangentRun(ForwardPass forward, PassContext context)
    {
        _forward = forward;
        _context = context;
        States = new Trajectory(
            forward.Model.HiddenSize, forward.Layout, forward.States.Windows, TimeDirection.Forward, context.Storage)
        {
            Compute = (window, columns) =>
                ReadBase(window, states => RunWindow(window, states, columns, null, context.WithFreshMemory())),
        };
        Outputs = context.Columns(forward.Model.OutputSize, forward.Layout);
        _chunkLength = forward.ChunkLength;
    }

    /// <summary>Ḣ: ḣ_0 … ḣ_T, perhaps a window at a time.</summary>
    public Trajectory States { get; }

    /// <summary>ȯ, q×N.</summary>
    public PackedColumns Outputs { get; }

    /// <summary>Runs every window.</summary>
    /// <param name="direction">v.</param>
    public void Run(PassDirection direction)
    {
        _direction = direction;
        for (int window = 0; window < States.Windows.Count; window++)
        {
            PackedColumns columns = States.Begin(window);
            if (window == 0)
            {
                WriteInitialStates(columns);
                States.SaveCheckpoint(0);
            }
            ReadBase(window, states => RunWindow(window, states, columns, Outputs, _context));
        }
    }

    private void ReadBase(int window, Action<PackedColumns> read) => _forward.States.Read(window, states =>
    {
        read(states);
        return 0;
    });

    private void RunWindow(
        int window, PackedColumns states, PackedColumns derivatives, PackedColumns? outputs, PassContext context)
    {
        ParameterArray weights = _forward.Model.Weights;
        int first = States.Windows.FirstStep(window);
        BatchLayout steps = _forward.Layout.Window(first, States.Windows.LastStep(window));
        while (true)
        {
            int h = weights.HiddenSize;
            int chunkLength = _forward.Power is null ? 1 : _chunkLength;
            var schedule = ForwardSchedule.For(context, steps, h, chunkLength);
            int mark = context.Mark();
            try
            {
                var tasks = new TangentTasks(
                    context,
                    _forward,
                    _direction!,
                    schedule,
                    first,
                    states,
                    derivatives,
                    outputs,
                    chunkLength > 1 ? _forward.Power : null);
                context.Run(schedule.Graph, tasks, 4.0 * weights.Values.Length * derivatives.Layout.ColumnCount);
                if (tasks.Holds)
                {
                    return;
                }
            }
            finally
            {
                context.Release(mark);
            }
            _chunkLength = 1;
        }
    }

    private void WriteInitialStates(PackedColumns derivatives)
    {
        int h = derivatives.Rows;
        for (int b = 0; b < derivatives.Layout.SequenceCount; b++)
        {
            Span<double> target = derivatives.Column(b, 0);
            if (_direction!.InitialStates is double[] given)
            {
                given.AsSpan(b * h, h).CopyTo(target);
            }
            else
            {
                target.Clear();
            }
        }
    }
}
