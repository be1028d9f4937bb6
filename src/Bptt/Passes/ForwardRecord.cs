// What a forward pass has computed, on packed columns: the inside of ForwardPass. Checks nothing.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences      N = ΣT_b

using System.Numerics;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>h_0 … h_T and o_1 … o_T of a batch, with the weights and inputs that they come from.</summary>
internal sealed class ForwardRecord<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly Lazy<PackedColumns<TReal>> _inputs;
    private readonly PassRun<TReal> _run;
    private readonly PassContext<TReal> _readingContext;
    private readonly PackedColumns<TReal>?[] _carries; // by window, where they are kept

    private ForwardRecord(
        ParameterArray<TReal> weights,
        Lazy<PackedColumns<TReal>> inputs,
        ForwardPlan plan,
        PackedColumns<TReal> outputs,
        IKnownStates<TReal>? known,
        PassContext<TReal> context)
    {
        Weights = weights;
        _inputs = inputs;
        Outputs = outputs;
        Context = context;
        States = known is null
            ? new Trajectory<TReal>(
                weights.HiddenSize, outputs.Layout, plan.Windows, TimeDirection.Forward, context.Storage)
            : new Trajectory<TReal>(weights.HiddenSize, outputs.Layout, plan.Windows, TimeDirection.Forward, known);
        Chunking = Chunking<TReal>.Of(context.Kernels, weights.HiddenSize, plan.ChunkLength, context.Storage);
        _run = new PassRun<TReal>(PassSizes.Of(weights), outputs.Layout, States, Chunking, productsOfWeights: 1);
        _readingContext = context.ForReading();
        _carries = new PackedColumns<TReal>?[plan.KeepsCarries ? plan.Windows.Count : 0];
    }

    private ForwardRecord(ForwardRecord<TReal> other)
    {
        Weights = other.Weights;
        _inputs = other._inputs;
        Outputs = other.Outputs;
        Context = other.Context.Alone();
        States = other.States;
        Chunking = other.Chunking;
        _run = other._run;
        _readingContext = other._readingContext;
        _carries = other._carries;
    }

    public ParameterArray<TReal> Weights { get; }

    /// <summary>X, d×N.</summary>
    public PackedColumns<TReal> Inputs => _inputs.Value;

    /// <summary>h_0 … h_T, perhaps a window at a time.</summary>
    public Trajectory<TReal> States { get; }

    /// <summary>O, q×N.</summary>
    public PackedColumns<TReal> Outputs { get; private init; }

    public PassContext<TReal> Context { get; }

    /// <summary>The chunks in which the recurrence has been run.</summary>
    public Chunking<TReal> Chunking { get; }

    public BatchLayout Layout => Outputs.Layout;

    /// <summary>Runs the pass.</summary>
    /// <param name="weights">The model.</param>
    /// <param name="inputs">X, d×N, which nobody else writes to.</param>
    /// <param name="initialStates">h_0, h×B in the order of the sequences; empty for zero.</param>
    /// <param name="plan">What is kept of the states.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public static ForwardRecord<TReal> Run(
        ParameterArray<TReal> weights,
        PackedColumns<TReal> inputs,
        ReadOnlySpan<TReal> initialStates,
        ForwardPlan plan,
        PassContext<TReal> context)
    {
        PackedColumns<TReal> outputs = context.Columns(weights.OutputSize, inputs.Layout);
        var record = new ForwardRecord<TReal>(
            weights, new Lazy<PackedColumns<TReal>>(inputs), plan, outputs, known: null, context);
        foreach (int window in record.States.WindowsInOrder())
        {
            PackedColumns<TReal> states = record.States.Begin(window);
            if (window == 0)
            {
                record.States.WriteStepZero(initialStates);
            }
            record.RunWindow(window, states, outputs, context);
        }
        record.States.Compute = record.RunWindowAgain;
        return record;
    }

    /// <summary>A pass that was run in another way: its states are computed when they are read, from those that are
    /// known.</summary>
    /// <param name="weights">The model.</param>
    /// <param name="inputs">X, d×N; made when it is first asked for.</param>
    /// <param name="outputs">O, q×N, complete.</param>
    /// <param name="plan">The windows of which one is held at a time.</param>
    /// <param name="known">The states that are known.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public static ForwardRecord<TReal> Of(
        ParameterArray<TReal> weights,
        Lazy<PackedColumns<TReal>> inputs,
        PackedColumns<TReal> outputs,
        ForwardPlan plan,
        IKnownStates<TReal> known,
        PassContext<TReal> context)
    {
        var record = new ForwardRecord<TReal>(weights, inputs, plan, outputs, known, context);
        record.States.Compute = record.RunWindowAgain;
        return record;
    }

    /// <summary>Memory for a column beside each of the states, in the same windows.</summary>
    /// <param name="direction">The order in which they are computed.</param>
    /// <param name="context">Memory.</param>
    public Trajectory<TReal> Beside(TimeDirection direction, PassContext<TReal> context) =>
        new(Weights.HiddenSize, Layout, States.Windows, direction, context.Storage);

    /// <summary>Columns beside the states, in the same windows, that are computed when they are read.</summary>
    /// <param name="direction">The order in which they are computed.</param>
    /// <param name="known">Those that are known.</param>
    public Trajectory<TReal> Beside(TimeDirection direction, IKnownStates<TReal> known) =>
        new(Weights.HiddenSize, Layout, States.Windows, direction, known);

    /// <summary>The same states with other outputs.</summary>
    public ForwardRecord<TReal> WithOutputs(PackedColumns<TReal> outputs) => new(this) { Outputs = outputs };

    /// <summary>The first step at which a state or an output of any sequence is NaN or infinite; null where all are
    /// finite.</summary>
    public int? FirstNonFiniteStep()
    {
        int? first = null;
        for (int t = 1; t <= Layout.LastStep && first is null; t++)
        {
            first = VectorMath.FirstNonFinite(Outputs.Block(t).Values) >= 0 ? t : null;
        }
        foreach (int window in States.WindowsFromHeld())
        {
            int? here = States.Read(window, FirstIn);
            first = here is null || here > first ? first : here;

            int? FirstIn(PackedColumns<TReal> states)
            {
                for (int t = States.Windows.FirstStep(window); t <= States.Windows.LastStep(window); t++)
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

    /// <summary>The states of a window, in place of others that are held. The caller sees to it that no other thread
    /// asks for another window meanwhile.</summary>
    /// <param name="window">The window.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public PackedColumns<TReal> StatesOf(int window, PassContext<TReal> context) =>
        States.Window(window, (number, states) => RunWindow(number, states, null, context));

    private void RunWindowAgain(int window, PackedColumns<TReal> states) =>
        RunWindow(window, states, null, _readingContext);

    private void RunWindow(
        int number, PackedColumns<TReal> states, PackedColumns<TReal>? outputs, PassContext<TReal> context) =>
        _run.Window(
            number,
            states,
            context,
            (window, _, columns) =>
                new PassFormulas<TReal>(new ForwardFormulas<TReal>(window, Weights, Inputs, columns, outputs)),
            KeptCarries(number, context));

    /// <summary>The states at the ends of the chunks of a window: with them it is computed again for half the
    /// work.</summary>
    private Carries<TReal>? KeptCarries(int number, PassContext<TReal> context)
    {
        if (_carries.Length == 0 || !_run.IsInChunks(number))
        {
            return null;
        }
        if (_carries[number] is PackedColumns<TReal> known)
        {
            return new Carries<TReal>(known, AreKnown: true);
        }
        BatchLayout steps = Layout.Window(States.Windows.FirstStep(number), States.Windows.LastStep(number));
        PackedColumns<TReal> carries = context.Carries(
            Weights.HiddenSize,
            RecurrencePlan.For(steps, Weights.HiddenSize, Chunking.Length, context.Tuning),
            isKept: true);
        _carries[number] = carries;
        return new Carries<TReal>(carries, AreKnown: false);
    }
}

/// <summary>What a forward pass keeps of its states, and how it runs the recurrence.</summary>
/// <param name="Windows">The windows of time.</param>
/// <param name="ChunkLength">S; 1 for step by step.</param>
/// <param name="KeepsCarries">Whether the states at the ends of all chunks are kept.</param>
internal readonly record struct ForwardPlan(WindowPlan Windows, int ChunkLength, bool KeepsCarries);
