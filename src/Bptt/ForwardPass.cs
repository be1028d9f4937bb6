// One pass forward in time: the record of h_0 … h_T and o_1 … o_T. Knows no loss and no gradient.
//
//   d  inputs      h  hidden units      q  outputs      T  time steps      B  sequences

using Bptt.Kernels;
using Bptt.LinearRecurrence;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

/// <summary>
/// The forward pass h_t = W_hx x_t + W_hh h_{t−1}, o_t = W_qh h_t, with everything that it computed. It holds its model
/// and its inputs, so a <see cref="BackwardThroughTime"/> made from it always belongs to it.
/// </summary>
/// <remarks>
/// A finished pass never changes and may be read from many threads, unless it was made from a
/// <see cref="Workspace"/>: see there. Under a memory budget one window of time is held (see <see cref="MemoryPlan"/>),
/// and reading a state of another one computes that window again; reading in the order of time costs each window
/// once. States that overflow are recorded as they arise:
/// <see cref="FirstNonFiniteStep"/> names the first. States below 1e-290 in magnitude are set to zero.
/// Indices are those of the mathematics: h_t for t = 0 … T, x_t and o_t for t = 1 … T.
/// </remarks>
public sealed class ForwardPass
{
    private readonly PackedColumns _inputs;
    private readonly Trajectory _states;
    private readonly PackedColumns _outputs;
    private readonly PackedColumns[] _carries; // by window, where they are kept

    private ForwardPass(
        LinearRnn model,
        PackedColumns inputs,
        Trajectory states,
        PackedColumns outputs,
        MemoryPlan memoryPlan,
        PassContext context)
    {
        Model = model;
        MemoryPlan = memoryPlan;
        Context = context;
        _inputs = inputs;
        _states = states;
        _outputs = outputs;
        _carries = new PackedColumns[memoryPlan.KeepsCarries ? memoryPlan.WindowCount : 0];
    }

    /// <summary>The model that was run.</summary>
    public LinearRnn Model { get; }

    /// <summary>B, the number of sequences.</summary>
    public int SequenceCount => Layout.SequenceCount;

    /// <summary>T_b for each sequence, in the order given.</summary>
    public IReadOnlyList<int> Lengths => Layout.Lengths;

    /// <summary>h_T of every sequence, h×B, fresh. Cost O(hB).</summary>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Matrix<double> FinalStates =>
        Context.Read(() => _states.StepOfEach(b => Lengths[b]).ToColumns(Model.HiddenSize));

    /// <summary>The first step at which a state or an output of any sequence is NaN or infinite; null where all are
    /// finite. Searched at each call, at cost O((h + q)·ΣT_b).</summary>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public int? FirstNonFiniteStep => Context.Read(FindFirstNonFiniteStep);

    /// <summary>h_0 of every sequence, h×B, fresh. Cost O(hB).</summary>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Matrix<double> InitialStates => Context.Read(() => _states.StepOfEach(_ => 0).ToColumns(Model.HiddenSize));

    /// <summary>What is kept of the states, and what is computed again; see
    /// <see cref="ExecutionOptions.MemoryBudget"/>.</summary>
    public MemoryPlan MemoryPlan { get; }

    internal BatchLayout Layout => _inputs.Layout;

    internal PassContext Context { get; }

    /// <summary>X, d×N: x_1 … x_T.</summary>
    internal PackedColumns InputColumns => Live(_inputs);

    /// <summary>O, q×N: o_1 … o_T.</summary>
    internal PackedColumns OutputColumns => Live(_outputs);

    /// <summary>H: h_0 … h_T, perhaps a window at a time.</summary>
    internal Trajectory States
    {
        get
        {
            Context.ThrowIfStale();
            return _states;
        }
    }

    /// <summary>S of the chunks in which the recurrence was run in parallel over time; 1 where it was run step by
    /// step.</summary>
    internal int ChunkLength { get; private set; }

    /// <summary>W_hh^S, where there are chunks.</summary>
    internal TransitionPower? Power { get; private set; }

    /// <summary>Runs one sequence.</summary>
    /// <param name="model">The model.</param>
    /// <param name="inputs">d×T: column t−1 is x_t. Copied, so that a later change cannot falsify the gradient.</param>
    /// <param name="initialState">h_0, length h; zero where null.</param>
    /// <param name="options">How to carry it out; the defaults where null.</param>
    /// <returns>The record of the pass. Cost 2·T·h(h + d + q) operations, 8·T·(d + h + q) bytes.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="model"/> or <paramref name="inputs"/> is
    /// null.</exception>
    /// <exception cref="ArgumentException">A shape does not fit, a number given is NaN or infinite, the states exceed
    /// what one array can hold, or the memory budget is too small.</exception>
    /// <exception cref="InvalidOperationException">The workspace is in use by another pass.</exception>
    public static ForwardPass Run(
        LinearRnn model, Matrix<double> inputs, Vector<double>? initialState = null, ExecutionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        Guard.NotEmpty(inputs, "d×T", nameof(inputs));
        Guard.Shape(inputs, model.InputSize, inputs.ColumnCount, "d×T", nameof(inputs));
        Guard.Finite(inputs, nameof(inputs));
        if (initialState is not null)
        {
            Guard.Length(initialState.Count, model.HiddenSize, "h", nameof(initialState));
            Guard.Finite(initialState.Entries(), nameof(initialState));
        }

        BatchLayout layout = PassContext.Layout([inputs.ColumnCount], nameof(inputs));
        var context = PassContext.BeginForward(options ?? ExecutionOptions.Default);
        try
        {
            MemoryPlan plan = Plan(model, layout, context);
            context.TakeOver();
            PackedColumns copy = context.Columns(model.InputSize, layout);
            inputs.ColumnMajor().CopyTo(copy.All.Values);
            return Run(model, copy, initialState is null ? default : initialState.Entries(), plan, context);
        }
        finally
        {
            context.End();
        }
    }

    /// <summary>Runs a batch of sequences, of any lengths.</summary>
    /// <param name="model">The model.</param>
    /// <param name="inputs">B sequences of d rows.</param>
    /// <param name="initialStates">h×B: column b is h_0 of sequence b; zero where null.</param>
    /// <param name="options">How to carry it out; the defaults where null.</param>
    /// <returns>The record of the pass. Cost 2·ΣT_b·h(h + d + q) operations, 8·ΣT_b·(h + q) bytes.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="model"/> or <paramref name="inputs"/> is
    /// null.</exception>
    /// <exception cref="ArgumentException">A shape does not fit, a number given is NaN or infinite, the states exceed
    /// what one array can hold, or the memory budget is too small.</exception>
    /// <exception cref="InvalidOperationException">The workspace is in use by another pass.</exception>
    public static ForwardPass Run(
        LinearRnn model, SequenceBatch inputs, Matrix<double>? initialStates = null, ExecutionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(inputs);
        if (inputs.RowCount != model.InputSize)
        {
            throw Guard.Error(
                nameof(inputs), $"expected sequences of {model.InputSize} rows (d), got {inputs.RowCount}.");
        }
        inputs.RequireFinite(nameof(inputs));
        if (initialStates is not null)
        {
            Guard.Shape(initialStates, model.HiddenSize, inputs.Count, "h×B", nameof(initialStates));
            Guard.Finite(initialStates, nameof(initialStates));
        }

        var context = PassContext.BeginForward(options ?? ExecutionOptions.Default);
        try
        {
            MemoryPlan plan = Plan(model, inputs.Columns.Layout, context);
            context.TakeOver();
            return Run(
                model, inputs.Columns, initialStates is null ? default : initialStates.ColumnMajor(), plan, context);
        }
        finally
        {
            context.End();
        }
    }

    /// <summary>h_t, length h, fresh. Cost O(h); within a memory budget that of its window where another one is
    /// held.</summary>
    /// <param name="t">The step, from 0 to T.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such step or sequence.</exception>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Vector<double> HiddenState(int t, int sequence = 0)
    {
        CheckStep(t, 0, sequence);
        return Context.Read(() => Vector<double>.Build.Dense(_states.Column(sequence, t)));
    }

    /// <summary>h_0 … h_T, h×(T+1), fresh: column t is h_t. Cost O(hT).</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Matrix<double> HiddenStates(int sequence = 0)
    {
        Guard.Sequence(sequence, SequenceCount, nameof(sequence));
        return Context.Read(() => _states.Sequence(sequence).ToColumns(Model.HiddenSize));
    }

    /// <summary>o_t, length q, fresh. Cost O(q).</summary>
    /// <param name="t">The step, from 1 to T.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such step or sequence.</exception>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Vector<double> Output(int t, int sequence = 0)
    {
        CheckStep(t, 1, sequence);
        return Context.Read(() => _outputs.Column(sequence, t).ToVector());
    }

    /// <summary>o_1 … o_T, q×T, fresh: column t−1 is o_t. Cost O(qT).</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Matrix<double> Outputs(int sequence = 0)
    {
        Guard.Sequence(sequence, SequenceCount, nameof(sequence));
        return Context.Read(() => _outputs.ToMatrix(sequence));
    }

    /// <summary>o_1 … o_T of every sequence as a batch, fresh: the inputs of a layer above. Cost O(q·ΣT_b).</summary>
    /// <returns>B sequences of q rows. Where an output is not finite, a layer above refuses the batch as its
    /// input.</returns>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public SequenceBatch OutputBatch() => Context.Read(() => SequenceBatch.CopyOf(_outputs));

    /// <summary>A pass of the same kind under other weights, initial states (h×B) and inputs, on the calling thread
    /// alone and in fresh memory. Inputs of other lengths are allowed; then every state is kept, whatever the
    /// budget.</summary>
    internal ForwardPass Rerun(LinearRnn model, ReadOnlySpan<double> initialStates, PackedColumns inputs)
    {
        bool sameSteps = inputs.Layout.Lengths.SequenceEqual(Layout.Lengths);
        ExecutionOptions options = Context.Options with { MaxDegreeOfParallelism = 1, Workspace = null };
        var context = PassContext.With(sameSteps ? options : options with { MemoryBudget = null });
        return Run(model, inputs, initialStates, sameSteps ? MemoryPlan : Plan(model, inputs.Layout, context), context);
    }

    /// <summary>This pass with other outputs in the place of its own, as an objective sees it.</summary>
    internal ForwardPass WithOutputs(PackedColumns outputs) =>
        new(Model, _inputs, _states, outputs, MemoryPlan, Context.WithFreshMemory())
        {
            ChunkLength = ChunkLength,
            Power = Power,
        };

    /// <summary>A batch that is kept whole, in fresh memory, from inputs that nobody else writes to.</summary>
    /// <param name="model">The model.</param>
    /// <param name="inputs">d×N.</param>
    /// <param name="initialStates">h×B.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    internal static ForwardPass RunWhole(
        LinearRnn model, PackedColumns inputs, ReadOnlySpan<double> initialStates, PassContext context)
    {
        int chunkLength = ChunkLengthFor(model, inputs.Layout, context);
        var plan = new MemoryPlan(null, model.HiddenSize, chunkLength, inputs.Layout);
        return Run(model, inputs, initialStates, plan, context);
    }

    internal void CheckStep(int t, int first, int sequence)
    {
        Guard.Sequence(sequence, SequenceCount, nameof(sequence));
        Guard.Step(t, first, Layout.Lengths[sequence], nameof(t));
    }

    private static MemoryPlan Plan(LinearRnn model, BatchLayout steps, PassContext context)
    {
        int h = model.HiddenSize;
        long? budget = context.Options.MemoryBudget;
        int chunkLength = ChunkLengthFor(model, steps, context);
        return context.Plan(
            plan => plan.IsFor(budget, h, chunkLength, steps), () => new MemoryPlan(budget, h, chunkLength, steps));
    }

    private static ForwardPass Run(
        LinearRnn model,
        PackedColumns inputs,
        ReadOnlySpan<double> initialStates,
        MemoryPlan memoryPlan,
        PassContext context)
    {
        int h = model.HiddenSize;
        BatchLayout steps = inputs.Layout;
        WindowPlan windows = memoryPlan.Windows;
        var states = new Trajectory(h, steps, windows, TimeDirection.Forward, context.Storage);
        PackedColumns outputs = context.Columns(model.OutputSize, steps);
        var pass = new ForwardPass(model, inputs, states, outputs, memoryPlan, context)
        {
            ChunkLength = memoryPlan.ChunkLength,
        };
        if (pass.ChunkLength > 1)
        {
            pass.Power = new TransitionPower(h, pass.ChunkLength, context.Storage);
        }
        for (int window = 0; window < windows.Count; window++)
        {
            PackedColumns columns = states.Begin(window);
            if (window == 0)
            {
                WriteInitialStates(initialStates, columns);
                states.SaveCheckpoint(0);
            }
            pass.RunWindow(window, columns, outputs, context);
        }
        states.Compute = (window, columns) => pass.RunWindow(window, columns, null, context.WithFreshMemory());
        return pass;
    }

    /// <summary>
    /// h_t = W_hx x_t + W_hh h_{t−1} and, where asked, o_t = W_qh h_t over a window of time. Where a run in parallel
    /// over time does not hold, it is run again step by step, and so is everything after it.
    /// </summary>
    internal void RunWindow(int window, PackedColumns states, PackedColumns? outputs, PassContext context)
    {
        int h = Model.HiddenSize;
        int first = _states.Windows.FirstStep(window);
        BatchLayout steps = _inputs.Layout.Window(first, _states.Windows.LastStep(window));
        while (true)
        {
            int chunkLength = ChunkLength;
            var schedule = ForwardSchedule.For(context, steps, h, chunkLength);
            bool isRepeated = outputs is null;
            bool keepsCarries = MemoryPlan.KeepsCarries && chunkLength > 1;
            if (keepsCarries && !isRepeated)
            {
                _carries[window] = context.Carries(h, schedule.Plan);
            }
            int mark = context.Mark();
            try
            {
                Carries carries = keepsCarries
                    ? new Carries(_carries[window], isRepeated)
                    : new Carries(context.Carries(h, schedule.Plan), false);
                var tasks = new ForwardTasks(
                    context, Model.Weights, schedule, first, _inputs, states, outputs, Power, carries);
                context.Run(schedule.Graph, tasks, 2.0 * Model.Weights.Values.Length * states.Layout.ColumnCount);
                if (tasks.Holds)
                {
                    return;
                }
            }
            finally
            {
                context.Release(mark);
            }
            ChunkLength = 1;
            Power = null;
        }
    }

    private static int ChunkLengthFor(LinearRnn model, BatchLayout steps, PassContext context)
    {
        Recurrence recurrence = context.Options.Recurrence;
        if (recurrence == Recurrence.Sequential)
        {
            return 1;
        }
        if (recurrence == Recurrence.TimeParallel && context.Tuning.ChunkLength is int given)
        {
            return given;
        }
        double h = model.HiddenSize;
        double otherWork = 2 * h * h + 4 * h * model.InputSize + 6 * h * model.OutputSize;
        return CostModel.ChunkLength(
            model.HiddenSize, steps.Segments, otherWork / 2, atLeast: recurrence == Recurrence.TimeParallel ? 2 : 1);
    }

    private static void WriteInitialStates(ReadOnlySpan<double> initialStates, PackedColumns states)
    {
        for (int b = 0; b < states.Layout.SequenceCount; b++)
        {
            Span<double> initialState = states.Column(b, 0);
            if (initialStates.IsEmpty)
            {
                initialState.Clear();
            }
            else
            {
                initialStates.Slice(b * states.Rows, states.Rows).CopyTo(initialState);
            }
        }
    }

    private int? FindFirstNonFiniteStep()
    {
        int? first = null;
        for (int t = 1; t <= Layout.LastStep && first is null; t++)
        {
            first = VectorMath.FirstNonFinite(_outputs.Block(t).Values) >= 0 ? t : null;
        }
        foreach (int window in _states.WindowsFromHeld())
        {
            int? here = _states.Read(window, FirstIn);
            first = here is null || here > first ? first : here;

            int? FirstIn(PackedColumns states)
            {
                for (int t = _states.Windows.FirstStep(window); t <= _states.Windows.LastStep(window); t++)
                {
                    if (VectorMath.FirstNonFinite(states.Block(t).Values) >= 0)
                    {
                        return t;
                    }
                }
                return null;
            }
        }
        return first;
    }

    private PackedColumns Live(PackedColumns columns)
    {
        Context.ThrowIfStale();
        return columns;
    }
}
