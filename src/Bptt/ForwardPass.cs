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
/// <see cref="Workspace"/>: see there. States that overflow are recorded as they arise:
/// <see cref="FirstNonFiniteStep"/> names the first. States below 1e-290 in magnitude are set to zero.
/// Indices are those of the mathematics: h_t for t = 0 … T, x_t and o_t for t = 1 … T.
/// </remarks>
public sealed class ForwardPass
{
    private readonly PackedColumns _inputs;
    private readonly PackedColumns _states;
    private readonly PackedColumns _outputs;

    private ForwardPass(LinearRnn model, PackedColumns inputs, PackedColumns states, PackedColumns outputs, PassMemory memory)
    {
        Model = model;
        Memory = memory;
        _inputs = inputs;
        _states = states;
        _outputs = outputs;
    }

    /// <summary>The model that was run.</summary>
    public LinearRnn Model { get; }

    /// <summary>B, the number of sequences.</summary>
    public int SequenceCount => Layout.SequenceCount;

    /// <summary>T_b for each sequence, in the order given.</summary>
    public IReadOnlyList<int> Lengths => Layout.Lengths;

    /// <summary>h_T of every sequence, h×B, fresh. Cost O(hB).</summary>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Matrix<double> FinalStates => Memory.Read(() => _states.ToMatrix(Lengths));

    /// <summary>The first step at which a state or an output of any sequence is NaN or infinite; null where all are
    /// finite. Searched at each call, at cost O((h + q)·ΣT_b).</summary>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public int? FirstNonFiniteStep => Memory.Read(FindFirstNonFiniteStep);

    /// <summary>h_0 of every sequence, h×B, fresh. Cost O(hB).</summary>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Matrix<double> InitialStates => Memory.Read(() => _states.ToMatrix(new int[SequenceCount]));

    internal BatchLayout Layout => _inputs.Layout;

    internal PassMemory Memory { get; }

    /// <summary>X, d×N: x_1 … x_T.</summary>
    internal PackedColumns InputColumns => Live(_inputs);

    /// <summary>H, h×(B + N): h_0 … h_T.</summary>
    internal PackedColumns StateColumns => Live(_states);

    /// <summary>O, q×N: o_1 … o_T.</summary>
    internal PackedColumns OutputColumns => Live(_outputs);

    /// <summary>Runs one sequence.</summary>
    /// <param name="model">The model.</param>
    /// <param name="inputs">d×T: column t−1 is x_t. Copied, so that a later change cannot falsify the gradient.</param>
    /// <param name="initialState">h_0, length h; zero where null.</param>
    /// <param name="options">How to carry it out; the defaults where null.</param>
    /// <returns>The record of the pass. Cost 2·T·h(h + d + q) operations, 8·T·(d + h + q) bytes.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="model"/> or <paramref name="inputs"/> is null.</exception>
    /// <exception cref="ArgumentException">A shape does not fit, a number given is NaN or infinite, or the states exceed
    /// what one array can hold.</exception>
    /// <exception cref="InvalidOperationException">The workspace is in use by another pass.</exception>
    /// <exception cref="NotSupportedException">A memory budget was given.</exception>
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

        BatchLayout layout = PassMemory.Layout([inputs.ColumnCount], nameof(inputs));
        PassMemory memory = Begin(options);
        try
        {
            PackedColumns copy = memory.Columns(model.InputSize, layout);
            inputs.ColumnMajor().CopyTo(copy.All.Values);
            return Run(model, copy, initialState is null ? default : initialState.Entries(), memory);
        }
        finally
        {
            memory.End();
        }
    }

    /// <summary>Runs a batch of sequences, of any lengths.</summary>
    /// <param name="model">The model.</param>
    /// <param name="inputs">B sequences of d rows.</param>
    /// <param name="initialStates">h×B: column b is h_0 of sequence b; zero where null.</param>
    /// <param name="options">How to carry it out; the defaults where null.</param>
    /// <returns>The record of the pass. Cost 2·ΣT_b·h(h + d + q) operations, 8·ΣT_b·(h + q) bytes.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="model"/> or <paramref name="inputs"/> is null.</exception>
    /// <exception cref="ArgumentException">A shape does not fit, a number given is NaN or infinite, or the states exceed
    /// what one array can hold.</exception>
    /// <exception cref="InvalidOperationException">The workspace is in use by another pass.</exception>
    /// <exception cref="NotSupportedException">A memory budget was given.</exception>
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

        PassMemory memory = Begin(options);
        try
        {
            return Run(model, inputs.Columns, initialStates is null ? default : initialStates.ColumnMajor(), memory);
        }
        finally
        {
            memory.End();
        }
    }

    /// <summary>h_t, length h, fresh. Cost O(h).</summary>
    /// <param name="t">The step, from 0 to T.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such step or sequence.</exception>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Vector<double> HiddenState(int t, int sequence = 0)
    {
        CheckStep(t, 0, sequence);
        return Memory.Read(() => _states.Column(sequence, t).ToVector());
    }

    /// <summary>h_0 … h_T, h×(T+1), fresh: column t is h_t. Cost O(hT).</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Matrix<double> HiddenStates(int sequence = 0)
    {
        Guard.Sequence(sequence, SequenceCount, nameof(sequence));
        return Memory.Read(() => _states.ToMatrix(sequence));
    }

    /// <summary>o_t, length q, fresh. Cost O(q).</summary>
    /// <param name="t">The step, from 1 to T.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such step or sequence.</exception>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Vector<double> Output(int t, int sequence = 0)
    {
        CheckStep(t, 1, sequence);
        return Memory.Read(() => _outputs.Column(sequence, t).ToVector());
    }

    /// <summary>o_1 … o_T, q×T, fresh: column t−1 is o_t. Cost O(qT).</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Matrix<double> Outputs(int sequence = 0)
    {
        Guard.Sequence(sequence, SequenceCount, nameof(sequence));
        return Memory.Read(() => _outputs.ToMatrix(sequence));
    }

    /// <summary>o_1 … o_T of every sequence as a batch, fresh: the inputs of a layer above. Cost O(q·ΣT_b).</summary>
    /// <returns>B sequences of q rows. Where an output is not finite, a layer above refuses the batch as its input.</returns>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public SequenceBatch OutputBatch() => Memory.Read(() => SequenceBatch.CopyOf(_outputs));

    /// <summary>The same inputs under other weights and initial states (h×B, packed), in fresh memory.</summary>
    internal ForwardPass Rerun(LinearRnn model, ReadOnlySpan<double> initialStates) =>
        Run(model, InputColumns, initialStates, PassMemory.Fresh);

    internal void CheckStep(int t, int first, int sequence)
    {
        Guard.Sequence(sequence, SequenceCount, nameof(sequence));
        Guard.Step(t, first, Layout.Lengths[sequence], nameof(t));
    }

    private static PassMemory Begin(ExecutionOptions? options)
    {
        options ??= ExecutionOptions.Default;
        if (options.MemoryBudget is not null)
        {
            throw new NotSupportedException(
                $"MemoryBudget: expected null, which keeps every state, got {options.MemoryBudget} bytes; this version supports no other.");
        }
        return PassMemory.BeginForward(options.Workspace);
    }

    private static ForwardPass Run(
        LinearRnn model, PackedColumns inputs, ReadOnlySpan<double> initialStates, PassMemory memory)
    {
        KernelSet kernels = KernelChoice.Default;
        PackedColumns states = memory.Columns(model.HiddenSize, inputs.Layout.WithStepZero());
        PackedColumns outputs = memory.Columns(model.OutputSize, inputs.Layout);

        WriteInitialStates(initialStates, states);

        // h_t = W_hx x_t + W_hh h_{t−1}
        kernels.Multiply(model.Weights.Whx, inputs.All, states.Steps);
        SequentialRecurrence.Run(model.Weights.Whh, states, TimeDirection.Forward, kernels);

        // o_t = W_qh h_t
        kernels.Multiply(model.Weights.Wqh, states.Steps, outputs.All);

        return new ForwardPass(model, inputs, states, outputs, memory);
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
        for (int t = 1; t <= Layout.MaxLength; t++)
        {
            if (VectorMath.FirstNonFinite(_states.Block(t).Values) >= 0
                || VectorMath.FirstNonFinite(_outputs.Block(t).Values) >= 0)
            {
                return t;
            }
        }
        return null;
    }

    private PackedColumns Live(PackedColumns columns)
    {
        Memory.ThrowIfStale();
        return columns;
    }
}
