// One pass forward in time: the record of h_0 … h_T and o_1 … o_T. Knows no loss and no gradient.
//
//   d  inputs      h  hidden units      q  outputs      T  time steps      B  sequences
//
// Where the formulas stand in code, each above the lines that give its terms:
//
//        h_t = W_hx x_t + W_hh h_{t−1}                      Passes/ForwardFormulas.cs
//        o_t = W_qh h_t                                     Passes/ForwardFormulas.cs
//        s_t = A s_{t−1} + u_t                              LinearRecurrence/BlockRecurrence.cs
//        L = Σ_b c_b Σ_t w_bt ℓ(o_t, y_t)                   Objective.Evaluation.cs
//
// When a line is run, block by block of time and on which thread, is said in Passes/PassSchedule.cs.

using Bptt.Edge;
using Bptt.Lifting;
using Bptt.LinearRecurrence;
using Bptt.SinglePrecision;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

/// <summary>
/// The forward pass h_t = W_hx x_t + W_hh h_{t−1}, o_t = W_qh h_t, with everything that it computed. It holds its model
/// and its inputs, so a <see cref="BackwardThroughTime"/> made from it always belongs to it.
/// </summary>
/// <remarks>
/// A finished pass never changes and may be read from many threads, unless it was made from a
/// <see cref="Workspace"/>: see there. Under a memory budget, and where the pass took several
/// steps at once (see <see cref="Method"/>), one window of time is held (see <see cref="MemoryPlan"/>), and reading a
/// state of another one computes that window again; reading in the order of time costs each window once. States that
/// overflow are recorded as they arise: <see cref="FirstNonFiniteStep"/> names the first. States below 1e-290 in
/// magnitude are set to zero.
/// Indices are those of the mathematics: h_t for t = 0 … T, x_t and o_t for t = 1 … T.
/// </remarks>
public sealed partial class ForwardPass
{
    private readonly string? _whyNotLifted;

    private ForwardPass(LinearRnn model, RecordOfRun run, ExecutionOptions options)
    {
        Model = model;
        Record = run.Record;
        MemoryPlan = run.Plan;
        Lifted = run.Lifted;
        Single = run.Single;
        _whyNotLifted = run.WhyNotLifted;
        Options = options;
    }

    /// <summary>The model that was run.</summary>
    public LinearRnn Model { get; }

    /// <summary>B, the number of sequences.</summary>
    public int SequenceCount => Layout.SequenceCount;

    /// <summary>T_b for each sequence, in the order given.</summary>
    public IReadOnlyList<int> Lengths => Layout.Lengths;

    /// <summary>h_T of every sequence, h×B, fresh. Cost O(hB).</summary>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Matrix<double> FinalStates => Context.Read(
        () => Record.States.StepOfEach(b => Lengths[b]).ToColumns(Model.HiddenSize));

    /// <summary>The first step at which a state or an output of any sequence is NaN or infinite; null where all are
    /// finite. Searched at each call, at cost O((h + q)·ΣT_b).</summary>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public int? FirstNonFiniteStep => Context.Read(Record.FirstNonFiniteStep);

    /// <summary>h_0 of every sequence, h×B, fresh. Cost O(hB).</summary>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Matrix<double> InitialStates => Context.Read(
        () => Record.States.StepOfEach(_ => 0).ToColumns(Model.HiddenSize));

    /// <summary>What is kept of the states, and what is computed again; see
    /// <see cref="ExecutionOptions.MemoryBudget"/>.</summary>
    public MemoryPlan MemoryPlan { get; }

    /// <summary>How the recurrence was run.</summary>
    public RecurrenceMethod Method => (Lifted?.Weights ?? Single?.Lifted?.Weights) is LiftedWeights weights
        ? new RecurrenceMethod(Recurrence.Lifted, weights.ChunkLength, null)
        : new RecurrenceMethod(
            StepsOfChunk > 1 ? Recurrence.TimeParallel : Recurrence.Sequential, StepsOfChunk, _whyNotLifted);

    /// <summary>The fast ways that this pass, and the passes made from it up to now, have begun and given up because
    /// they would not have been accurate, each with what was done in its place. Empty for ordinary models: a way given
    /// up costs time, never accuracy.</summary>
    public IReadOnlyList<string> FallBacks =>
        [.. Context.FallBacks.All, .. Single?.Record.Context.FallBacks.All ?? []];

    /// <summary>The numbers that the pass was computed with.</summary>
    public Precision Precision => Options.Precision;

    /// <summary>The chunks of the pass, where it took several steps at once; null where not.</summary>
    internal LiftedForward? Lifted { get; }

    /// <summary>The pass in single precision, which the record reads; null for one in double.</summary>
    internal SingleForward? Single { get; }

    private int StepsOfChunk => Single?.Record.Chunking.Length ?? Record.Chunking.Length;

    /// <summary>What the pass has computed; of a workspace perhaps not its own any more.</summary>
    internal ForwardRecord Record { get; }

    /// <summary>How it was carried out.</summary>
    internal ExecutionOptions Options { get; }

    internal PassContext Context => Record.Context;

    internal BatchLayout Layout => Record.Layout;

    /// <summary>X, d×N: x_1 … x_T.</summary>
    internal PackedColumns InputColumns => Live.Inputs;

    /// <summary>O, q×N: o_1 … o_T.</summary>
    internal PackedColumns OutputColumns => Live.Outputs;

    /// <summary>H: h_0 … h_T, perhaps a window at a time.</summary>
    internal Trajectory States => Live.States;

    private ForwardRecord Live
    {
        get
        {
            Context.ThrowIfStale();
            return Record;
        }
    }

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
        Guard.NotSteps(inputs, model.InputSize, "d×T", nameof(inputs));
        Guard.Shape(inputs, model.InputSize, inputs.ColumnCount, "d×T", nameof(inputs));
        Guard.Finite(inputs, nameof(inputs));
        if (initialState is not null)
        {
            Guard.Length(initialState.Count, model.HiddenSize, "h", nameof(initialState));
            Guard.Finite(initialState.Entries(), nameof(initialState));
        }

        BatchLayout layout = PassContext.Layout([inputs.ColumnCount], nameof(inputs));
        return Run(
            model,
            new PassInputs(layout, InputsOf),
            initialState is null ? default : initialState.Entries(),
            options);

        PackedColumns InputsOf(PassContext context)
        {
            PackedColumns copy = context.Columns(model.InputSize, layout);
            inputs.ColumnMajor().CopyTo(copy.All.Values);
            return copy;
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
            string hint = inputs.Lengths.All(length => length == model.InputSize)
                ? Guard.ColumnsAreSteps
                : "";
            throw Guard.Error(
                nameof(inputs), $"expected sequences of {model.InputSize} rows (d), got {inputs.RowCount}{hint}.");
        }
        inputs.RequireFinite(nameof(inputs));
        if (initialStates is not null)
        {
            Guard.Shape(initialStates, model.HiddenSize, inputs.Count, "h×B", nameof(initialStates));
            Guard.Finite(initialStates, nameof(initialStates));
        }

        return Run(
            model,
            new PassInputs(inputs.Layout, _ => inputs.Columns, inputs.Singles),
            initialStates is null ? default : initialStates.ColumnMajor(),
            options);
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
        return Context.Read(() => Vector<double>.Build.Dense(Record.States.Column(sequence, t)));
    }

    /// <summary>h_0 … h_T, h×(T+1), fresh: column t is h_t. Cost O(hT).</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Matrix<double> HiddenStates(int sequence = 0)
    {
        Guard.Sequence(sequence, SequenceCount, nameof(sequence));
        return Context.Read(() => Record.States.Sequence(sequence).ToColumns(Model.HiddenSize));
    }

    /// <summary>o_t, length q, fresh. Cost O(q).</summary>
    /// <param name="t">The step, from 1 to T.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such step or sequence.</exception>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Vector<double> Output(int t, int sequence = 0)
    {
        CheckStep(t, 1, sequence);
        return Context.Read(() => Record.Outputs.Column(sequence, t).ToVector());
    }

    /// <summary>o_1 … o_T, q×T, fresh: column t−1 is o_t. Cost O(qT).</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Matrix<double> Outputs(int sequence = 0)
    {
        Guard.Sequence(sequence, SequenceCount, nameof(sequence));
        return Context.Read(() => Record.Outputs.ToMatrix(sequence));
    }

    /// <summary>o_1 … o_T of every sequence as a batch, fresh: the inputs of a layer above. Cost O(q·ΣT_b).</summary>
    /// <returns>B sequences of q rows. Where an output is not finite, a layer above refuses the batch as its
    /// input.</returns>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public SequenceBatch OutputBatch() => Context.Read(() => SequenceBatch.CopyOf(Record.Outputs));

    /// <summary>A pass of the same kind under other weights, initial states (h×B) and inputs, on the calling thread
    /// alone and in fresh memory. Inputs of other lengths are allowed; then every state is kept, whatever the
    /// budget.</summary>
    internal ForwardPass Rerun(LinearRnn model, ReadOnlySpan<double> initialStates, PackedColumns inputs)
    {
        bool sameSteps = inputs.Layout.Lengths.SequenceEqual(Layout.Lengths);
        ExecutionOptions options = Options with
        {
            MaxDegreeOfParallelism = 1,
            Precision = Precision.Double,
            Workspace = null,
            MemoryBudget = sameSteps ? Options.MemoryBudget : null,
        };
        var context = PassContext.Alone(options.Settings);
        MemoryPlan plan = sameSteps && Lifted is null ? MemoryPlan : Plan(model, inputs.Layout, options, context);
        return new ForwardPass(model, RunSteps(model, inputs, initialStates, plan, null, context), options);
    }

    /// <summary>This pass with other outputs in the place of its own, as an objective sees it.</summary>
    internal ForwardPass WithOutputs(PackedColumns outputs) =>
        new(Model, new RecordOfRun(Record.WithOutputs(outputs), MemoryPlan, Lifted, _whyNotLifted, Single), Options);

    internal void CheckStep(int t, int first, int sequence)
    {
        Guard.Sequence(sequence, SequenceCount, nameof(sequence));
        Guard.Step(t, first, Layout.Lengths[sequence], nameof(t));
    }
}
