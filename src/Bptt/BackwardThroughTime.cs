// One pass backward in time: the record of ∂L/∂h_T … ∂L/∂h_0, and the gradients of the three weight matrices. Knows no
// loss beyond ∂L/∂o_t.
//
//   d  inputs      h  hidden units      q  outputs      T  time steps      B  sequences
//
// Where the formulas stand in code, each above the lines that give its terms:
//
//   (1)  ∂L/∂o_t = c_b w_bt ∂ℓ(o_t, y_t)/∂o_t               Objective.Evaluation.cs
//   (2)  ∂L/∂h_T = W_qhᵀ ∂L/∂o_T                            Passes/BackwardFormulas.cs
//   (3)  ∂L/∂h_t = W_hhᵀ ∂L/∂h_{t+1} + W_qhᵀ ∂L/∂o_t        Passes/BackwardFormulas.cs
//   (4)  ∂L/∂h_t = Σ_{i=t..T} (W_hhᵀ)^{T−i} W_qhᵀ ∂L/∂o_{T+t−i}   Verification/ClosedForm.cs
//   (5)  ∂L/∂W_qh = Σ ∂L/∂o_t h_tᵀ                          Passes/BackwardFormulas.cs
//   (5)  ∂L/∂W_hx = Σ ∂L/∂h_t x_tᵀ                          Passes/BackwardFormulas.cs
//   (5)  ∂L/∂W_hh = Σ ∂L/∂h_t h_{t−1}ᵀ                      Passes/BackwardFormulas.cs
//        ∂L/∂h_0 = W_hhᵀ ∂L/∂h_1                            Passes/BackwardFormulas.cs
//        ∂L/∂x_t = W_hxᵀ ∂L/∂h_t                            Passes/BackwardRecord.cs
//
// When a line is run, block by block of time and on which thread, is said in Passes/PassSchedule.cs.

using Bptt.Edge;
using Bptt.Passes;
using Bptt.SinglePrecision;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

/// <summary>
/// Back-propagation through time by the explicit recursion of <i>Dive into Deep Learning</i>, "Back-propagation through
/// time": (2) ∂L/∂h_T = W_qhᵀ ∂L/∂o_T, (3) ∂L/∂h_t = W_hhᵀ ∂L/∂h_{t+1} + W_qhᵀ ∂L/∂o_t, and (5)
/// ∂L/∂W_qh = Σ ∂L/∂o_t h_tᵀ, ∂L/∂W_hx = Σ ∂L/∂h_t x_tᵀ, ∂L/∂W_hh = Σ ∂L/∂h_t h_{t−1}ᵀ.
/// </summary>
/// <remarks>
/// All derivatives are total: ∂L/∂h_t counts every path from h_t to L. A finished pass never changes and may be read
/// from many threads, unless its forward pass was made from a <see cref="Workspace"/>: see there. Under a memory budget
/// reading works as with <see cref="ForwardPass"/>.
/// Gradients that overflow are recorded as they arise. Entries of ∂L/∂h_t below 1e-290 in magnitude are set to zero in
/// the recursion, which bounds linearity in ∂L/∂o_t for gradients that small.
/// </remarks>
public sealed class BackwardThroughTime
{
    private readonly Way _way;
    private readonly double? _loss;
    private readonly BackwardOptions _options; // a snapshot

    private BackwardThroughTime(
        ForwardPass forward,
        BackwardOptions options,
        Way way,
        Gradients gradients,
        double? loss,
        Objective? objective)
    {
        Forward = forward;
        Objective = objective;
        Gradients = gradients;
        _way = way;
        _options = options;
        _loss = loss;
    }

    /// <summary>The forward pass that was differentiated.</summary>
    public ForwardPass Forward { get; }

    /// <summary>What the pass was told beyond ∂L/∂o_t, as it was when the pass ran; its matrix is an independent copy.
    /// Cost O(hB).</summary>
    public BackwardOptions Options => _options with { FinalStateGradients = _options.FinalStateGradients?.Clone() };

    /// <summary>∂L/∂W_hx, ∂L/∂W_hh and ∂L/∂W_qh; independent of the pass and of any workspace.</summary>
    public Gradients Gradients { get; }

    /// <summary>L, as a function; null where the pass was run from output gradients.</summary>
    internal Objective? Objective { get; }

    /// <summary>The chunks of the pass, where it took several steps at once; null where not.</summary>
    internal LiftedBackward? Lifted => _way.Lifted;

    /// <summary>∂L/∂x_t of a pass in single precision; null for one in double.</summary>
    internal IInputGradients<float>? SingleInputs => _way.SingleInputs;

    /// <summary>What the pass has computed.</summary>
    internal BackwardRecord Record
    {
        get
        {
            Forward.Context.ThrowIfStale();
            return _way.Record;
        }
    }

    /// <summary>G, q×N: ∂L/∂o_1 … ∂L/∂o_T.</summary>
    internal PackedColumns OutputGradientColumns => Record.OutputGradients;

    /// <summary>∂L/∂h_0 … ∂L/∂h_T, perhaps a window at a time.</summary>
    internal Trajectory StateGradients => Record.StateGradients;

    /// <summary>L.</summary>
    /// <exception cref="InvalidOperationException">The pass was run from output gradients, without an
    /// objective.</exception>
    public double Loss => _loss ?? throw new InvalidOperationException(
        "Loss: expected a backward pass run from an objective, but this one was run from output gradients.");

    /// <summary>∂L/∂h_0 of every sequence, h×B, fresh. Cost O(hB).</summary>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Matrix<double> InitialStateGradients =>
        Forward.Context.Read(() => _way.Record.StateGradients.StepOfEach(_ => 0).ToColumns(Forward.Model.HiddenSize));

    /// <summary>Runs from an objective: L and ∂L/∂o_t are taken from it, formula (1).</summary>
    /// <param name="forward">The forward pass to differentiate.</param>
    /// <param name="objective">L as a function of the outputs.</param>
    /// <param name="options">What else is known; nothing where null.</param>
    /// <returns>The record of the pass. Cost 2·ΣT_b·h(2h + d + 2q) operations, 8·ΣT_b·(h + q) bytes.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="forward"/> or <paramref name="objective"/> is
    /// null.</exception>
    /// <exception cref="ArgumentException">Targets, weights or given gradients do not fit the pass, or hold NaN or
    /// infinities.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the forward pass serves a newer one, or is in
    /// use.</exception>
    public static BackwardThroughTime Run(ForwardPass forward, Objective objective, BackwardOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(forward);
        ArgumentNullException.ThrowIfNull(objective);
        using var pass = new BegunPass(forward, options);
        Objective.Evaluation evaluation = objective.Begin(forward, pass.OutputGradients, pass.Context.Storage);
        return pass.Run(evaluation, objective);
    }

    /// <summary>Runs one sequence from ∂L/∂o_t, where the loss lies in other code.</summary>
    /// <param name="forward">The forward pass of one sequence.</param>
    /// <param name="outputGradients">q×T: column t−1 is ∂L/∂o_t, any factor 1/T included. Copied.</param>
    /// <param name="options">What else is known; nothing where null.</param>
    /// <returns>The record of the pass, without a loss. Cost 2·T·h(2h + d + 2q) operations, 8·T·(h + q)
    /// bytes.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="forward"/> or <paramref name="outputGradients"/> is
    /// null.</exception>
    /// <exception cref="ArgumentException">The gradients given do not fit the pass, or hold NaN or
    /// infinities.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the forward pass serves a newer one, or is in
    /// use.</exception>
    public static BackwardThroughTime Run(
        ForwardPass forward, Matrix<double> outputGradients, BackwardOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(forward);
        ArgumentNullException.ThrowIfNull(outputGradients);
        if (forward.SequenceCount != 1)
        {
            throw Guard.Error(
                nameof(outputGradients),
                $"expected a batch, since the forward pass has {forward.SequenceCount} sequences, got 1 matrix.");
        }
        Guard.Shape(outputGradients, forward.Model.OutputSize, forward.Lengths[0], "q×T", nameof(outputGradients));
        Guard.Finite(outputGradients, nameof(outputGradients));

        using var pass = new BegunPass(forward, options);
        outputGradients.ColumnMajor().CopyTo(pass.OutputGradients.All.Values);
        return pass.Run();
    }

    /// <summary>Runs a batch from ∂L/∂o_t, where the loss lies in other code.</summary>
    /// <param name="forward">The forward pass.</param>
    /// <param name="outputGradients">B sequences of q rows, as long as the inputs: ∂L/∂o_t, any factor 1/T
    /// included.</param>
    /// <param name="options">What else is known; nothing where null.</param>
    /// <returns>The record of the pass, without a loss. Cost 2·ΣT_b·h(2h + d + 2q) operations, 8·ΣT_b·(h + q)
    /// bytes.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="forward"/> or <paramref name="outputGradients"/> is
    /// null.</exception>
    /// <exception cref="ArgumentException">The gradients given do not fit the pass, or hold NaN or
    /// infinities.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the forward pass serves a newer one, or is in
    /// use.</exception>
    public static BackwardThroughTime Run(
        ForwardPass forward, SequenceBatch outputGradients, BackwardOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(forward);
        ArgumentNullException.ThrowIfNull(outputGradients);
        outputGradients.RequireFitsOutputs(forward.Record, "the output gradients", nameof(outputGradients));

        return Run(
            forward, outputGradients.Columns, (from, to) => from.All.Values.CopyTo(to.All.Values), options);
    }

    /// <summary>Runs a batch whose ∂L/∂o_t are written where the pass reads them.</summary>
    internal static BackwardThroughTime Run<TFrom>(
        ForwardPass forward, TFrom from, Action<TFrom, PackedColumns> write, BackwardOptions? options)
        where TFrom : allows ref struct
    {
        using var pass = new BegunPass(forward, options);
        write(from, pass.OutputGradients);
        return pass.Run();
    }

    /// <summary>∂L/∂h_t, length h, fresh. Cost O(h); within a memory budget that of its window where another one is
    /// held.</summary>
    /// <param name="t">The step, from 0 to T.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such step or sequence.</exception>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Vector<double> HiddenStateGradient(int t, int sequence = 0)
    {
        Forward.CheckStep(t, 0, sequence);
        return Forward.Context.Read(() => Vector<double>.Build.Dense(_way.Record.StateGradients.Column(sequence, t)));
    }

    /// <summary>∂L/∂h_0 … ∂L/∂h_T, h×(T+1), fresh: column t is ∂L/∂h_t. Cost O(hT).</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Matrix<double> HiddenStateGradients(int sequence = 0)
    {
        Guard.Sequence(sequence, Forward.SequenceCount, nameof(sequence));
        return Forward.Context.Read(
            () => _way.Record.StateGradients.Sequence(sequence).ToColumns(Forward.Model.HiddenSize));
    }

    /// <summary>∂L/∂o_t, length q, fresh. Cost O(q).</summary>
    /// <param name="t">The step, from 1 to T.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such step or sequence.</exception>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public Vector<double> OutputGradient(int t, int sequence = 0)
    {
        Forward.CheckStep(t, 1, sequence);
        return Forward.Context.Read(() => _way.Record.OutputGradients.Column(sequence, t).ToVector());
    }

    /// <summary>∂L/∂o_1 … ∂L/∂o_T, q×T, fresh: column t−1 is ∂L/∂o_t. Cost O(qT).</summary>
    /// <inheritdoc cref="HiddenStateGradients"/>
    public Matrix<double> OutputGradients(int sequence = 0)
    {
        Guard.Sequence(sequence, Forward.SequenceCount, nameof(sequence));
        return Forward.Context.Read(() => _way.Record.OutputGradients.ToMatrix(sequence));
    }

    /// <summary>∂L/∂x_t = W_hxᵀ ∂L/∂h_t, length d. Computed at each call, at cost O(hd).</summary>
    /// <inheritdoc cref="OutputGradient"/>
    public Vector<double> InputGradient(int t, int sequence = 0)
    {
        Forward.CheckStep(t, 1, sequence);
        double[] gradient = new double[Forward.Model.InputSize];
        _way.Record.MultiplyByWhxTransposed(
            new MatrixView(
                HiddenStateGradient(t, sequence).Entries(), Forward.Model.HiddenSize, 1, Forward.Model.HiddenSize),
            new MatrixSpan(gradient, gradient.Length, 1, gradient.Length));
        return Vector<double>.Build.Dense(gradient);
    }

    /// <summary>∂L/∂x_1 … ∂L/∂x_T, d×T: column t−1 is ∂L/∂x_t. Computed at each call, at cost O(hdT).</summary>
    /// <inheritdoc cref="HiddenStateGradients"/>
    public Matrix<double> InputGradients(int sequence = 0)
    {
        Guard.Sequence(sequence, Forward.SequenceCount, nameof(sequence));
        int d = Forward.Model.InputSize;
        int length = Forward.Lengths[sequence];
        double[] entries = new double[d * length];
        Forward.Context.Read(() => _way.Inputs.WriteInputGradients(sequence, entries));
        return Matrix<double>.Build.Dense(d, length, entries);
    }

    /// <summary>∂L/∂x_1 … ∂L/∂x_T of every sequence as a batch: ∂L/∂o_t of a layer below whose outputs these inputs
    /// are. Computed at each call, at cost O(hd·ΣT_b).</summary>
    /// <returns>B sequences of d rows, fresh. Where a gradient is not finite, a layer below refuses the
    /// batch.</returns>
    /// <exception cref="InvalidOperationException">The workspace of this pass serves a newer one.</exception>
    public SequenceBatch InputGradientBatch()
    {
        PackedColumns gradients = PassContext.FreshColumns(Forward.Model.InputSize, Forward.Layout);
        Forward.Context.Read(() => _way.Inputs.WriteInputGradients(gradients));
        return SequenceBatch.Take(gradients);
    }

    /// <summary>A pass whose ∂L/∂o_t is about to be filled in. From here to the end the workspace is its own.</summary>
    private readonly ref struct BegunPass
    {
        private readonly ForwardPass _forward;
        private readonly BackwardOptions _options;

        /// <exception cref="ArgumentException">The options do not fit the pass.</exception>
        /// <exception cref="InvalidOperationException">The workspace serves a newer pass, or is in use.</exception>
        public BegunPass(ForwardPass forward, BackwardOptions? options)
        {
            _forward = forward;
            _options = (options ?? new BackwardOptions()).CopyFor(forward);
            Context = forward.Context.ForPassBeside();
            Context.BeginBackward();
            try
            {
                OutputGradients = Context.Columns(forward.Model.OutputSize, forward.Layout);
            }
            catch
            {
                Context.End();
                throw;
            }
        }

        public PassContext Context { get; }

        /// <summary>G, q×N.</summary>
        public PackedColumns OutputGradients { get; }

        public BackwardThroughTime Run(Objective.Evaluation? evaluation = null, Objective? objective = null)
        {
            ForwardRecord forward = _forward.Record;
            var gradients = ParameterArray.ShapedLike(forward.Weights);
            ParameterArray? wanted = _options.IsOfStatesAlone ? null : gradients;
            BackwardPaths paths = _options.Truncation?.Paths ?? BackwardPaths.All;
            ReadOnlyMemory<double> final = _options.FinalStateGradients?.AsColumnMajorArray();
            Way way = _forward.Single is SingleForward single
                ? Way.Of(SingleBackward.Run(
                    single, forward, OutputGradients, evaluation, final, paths, gradients, Context))
                : Lifted(evaluation, final, paths, wanted) is LiftedBackward lifted
                ? Way.Of(lifted, BackwardRecord.Of(forward, OutputGradients, final, lifted, Context))
                : Way.Of(BackwardRecord.Run(
                    forward, OutputGradients, evaluation, final, paths, wanted, Context));
            return new BackwardThroughTime(
                _forward, _options, way, new Gradients(gradients), evaluation?.Loss, objective);
        }

        /// <summary>Several steps at once, where the forward pass was run so; null where not, or where a gradient is
        /// not finite.</summary>
        private LiftedBackward? Lifted(
            IOutputTask? evaluation, ReadOnlyMemory<double> final, BackwardPaths paths, ParameterArray? gradients)
        {
            if (_forward.Lifted is not LiftedForward chunks || !paths.AreAll)
            {
                return null;
            }
            Context.Evaluate(evaluation);
            return LiftedBackward.Run(chunks, OutputGradients, final, gradients, Context, Context);
        }

        public void Dispose() => Context.End();
    }

    /// <summary>What a pass has left, in whatever way it was run.</summary>
    private readonly record struct Way(
        BackwardRecord Record,
        IInputGradients<double> Inputs,
        LiftedBackward? Lifted,
        IInputGradients<float>? SingleInputs = null)
    {
        public static Way Of(BackwardRecord record) => new(record, record, null);

        public static Way Of(LiftedBackward lifted, BackwardRecord record) => new(record, lifted, lifted);

        public static Way Of(SingleBackward single) => new(single.Record, single.Inputs, null, single.Singles);
    }
}
