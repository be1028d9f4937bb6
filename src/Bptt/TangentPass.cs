// Forward-mode differentiation: how states, outputs and loss change when weights, inputs and h_0 move in one direction.
// Shares the recurrence with the forward pass and nothing with the backward pass.
//
//   d  inputs      h  hidden units      q  outputs      T  time steps      B  sequences
//   V_hx, V_hh, V_qh, ẋ_t, ḣ_0  the direction      ḣ_t, ȯ_t  derivatives of h_t, o_t in that direction

using Bptt.Edge;
using Bptt.Lifting;
using Bptt.LinearAlgebra;
using Bptt.Passes;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

/// <summary>
/// The Jacobian-vector product of a forward pass (forward-mode differentiation: Wengert 1964; Griewank &amp; Walther,
/// <i>Evaluating Derivatives</i>, chapter 3), by differentiating each line of the pass:
/// ḣ_t = W_hh ḣ_{t−1} + V_hx x_t + V_hh h_{t−1} + W_hx ẋ_t, ȯ_t = W_qh ḣ_t + V_qh h_t. What drives ḣ_t
/// takes matrix products over all steps at once; only the recurrence, which is that of the forward pass, has an order.
/// </summary>
/// <remarks>
/// A finished pass never changes and may be read from many threads. It takes fresh memory and can be read, also where
/// the forward pass was made from a <see cref="Workspace"/> that serves a newer one by now, unless a memory budget
/// makes it read states of that pass again: then it throws <see cref="InvalidOperationException"/>. Where a memory
/// budget lets the forward pass hold one window of its states, the tangent pass holds one window of ḣ_t too, and
/// reading another one computes it again. Where a state is not finite, the derivatives after it are not either.
/// Derivatives of states below 1e-290 in magnitude are set to zero.
/// </remarks>
public sealed class TangentPass
{
    private readonly TangentRecord _record;

    private TangentPass(ForwardPass forward, FlatDirection direction)
    {
        Forward = forward;
        PassContext context = forward.Context.Alone();
        _record = new TangentRecord(
            forward.Record, context, forward.Lifted is null ? null : new LiftedTangent(forward.Lifted, context));
        _record.Run(direction);
        context.End();
    }

    /// <summary>The forward pass that is differentiated.</summary>
    public ForwardPass Forward { get; }

    /// <summary>ḣ_T of every sequence, h×B, fresh. Cost O(hB), within a memory budget that of the windows.</summary>
    public Matrix<double> FinalStates =>
        Read(states => states.StepOfEach(b => Forward.Lengths[b]).ToColumns(Forward.Model.HiddenSize));

    /// <summary>Differentiates a forward pass in one direction.</summary>
    /// <param name="forward">The forward pass.</param>
    /// <param name="direction">v.</param>
    /// <returns>The record of the pass. Cost 2·ΣT_b·h(h + q) operations, and 2·ΣT_b·h for each of d, h, d and q that
    /// the direction has a part for; 8·ΣT_b·(h + q) bytes.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The direction is empty, a part has another shape than what it moves, or
    /// holds NaN or infinities.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the forward pass serves a newer one, or is in
    /// use.</exception>
    public static TangentPass Run(ForwardPass forward, TangentDirection direction)
    {
        ArgumentNullException.ThrowIfNull(forward);
        forward.RequireDouble(nameof(forward));
        ArgumentNullException.ThrowIfNull(direction);
        return forward.Context.Read(() => new TangentPass(forward, direction.Checked(forward, nameof(direction))));
    }

    /// <summary>ḣ_t, length h, fresh.</summary>
    /// <param name="t">The step, from 0 to T.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such step or sequence.</exception>
    public Vector<double> HiddenState(int t, int sequence = 0)
    {
        Forward.CheckStep(t, 0, sequence);
        return Read(states => Vector<double>.Build.Dense(states.Column(sequence, t)));
    }

    /// <summary>ḣ_0 … ḣ_T, h×(T+1), fresh: column t is ḣ_t. Cost O(hT).</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    public Matrix<double> HiddenStates(int sequence = 0)
    {
        Guard.Sequence(sequence, Forward.SequenceCount, nameof(sequence));
        return Read(states => states.Sequence(sequence).ToColumns(Forward.Model.HiddenSize));
    }

    /// <summary>ȯ_t, length q, fresh. Cost O(q).</summary>
    /// <param name="t">The step, from 1 to T.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such step or sequence.</exception>
    public Vector<double> Output(int t, int sequence = 0)
    {
        Forward.CheckStep(t, 1, sequence);
        return _record.Outputs.Column(sequence, t).ToVector();
    }

    /// <summary>ȯ_1 … ȯ_T, q×T, fresh: column t−1 is ȯ_t. Cost O(qT).</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    public Matrix<double> Outputs(int sequence = 0)
    {
        Guard.Sequence(sequence, Forward.SequenceCount, nameof(sequence));
        return _record.Outputs.ToMatrix(sequence);
    }

    /// <summary>ȯ_1 … ȯ_T of every sequence as a batch, fresh. Cost O(q·ΣT_b).</summary>
    public SequenceBatch OutputBatch() => SequenceBatch.CopyOf(_record.Outputs);

    /// <summary>dL in the direction: Σ_t ⟨∂L/∂o_t, ȯ_t⟩. Cost that of the objective's gradient and O(q·ΣT_b).</summary>
    /// <param name="objective">L.</param>
    /// <exception cref="ArgumentNullException">The objective is null.</exception>
    /// <exception cref="ArgumentException">The objective does not fit the pass.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the forward pass serves a newer one.</exception>
    public double LossDerivative(Objective objective)
    {
        ArgumentNullException.ThrowIfNull(objective);
        PackedColumns gradients = PassContext.FreshColumns(_record.Outputs.Rows, _record.Outputs.Layout);
        Forward.Context.Read(() => objective.Begin(Forward, gradients, length => new double[length]).EvaluatedLoss());
        return Inner(gradients);
    }

    /// <summary>Σ_t ⟨w_t, ȯ_t⟩ for any w of the outputs' shape.</summary>
    internal double Inner(PackedColumns w)
    {
        var sum = default(CompensatedSum);
        for (int t = 1; t <= w.Layout.LastStep; t++)
        {
            sum.Add(VectorMath.Dot(w.Block(t).Values, _record.Outputs.Block(t).Values));
        }
        return sum.Value;
    }

    /// <summary>Σ_t ‖w_t‖‖ȯ_t‖ over the steps, what their inner product is small beside where its terms
    /// cancel.</summary>
    internal double SizeOfInner(PackedColumns w)
    {
        double sum = 0.0;
        for (int t = 1; t <= w.Layout.LastStep; t++)
        {
            sum += VectorMath.Norm(w.Block(t).Values) * VectorMath.Norm(_record.Outputs.Block(t).Values);
        }
        return sum;
    }

    /// <summary>One window is held for good; another one is computed again from the states, which must stay the pass's
    /// own meanwhile.</summary>
    private T Read<T>(Func<Trajectory, T> read) => _record.States.IsKept
        ? read(_record.States)
        : Forward.Context.Read(() => read(_record.States));
}

/// <summary>v in the directional derivative J v of a <see cref="TangentPass"/>. Null stands for zero; at least one part
/// is needed. Immutable; what it holds is read when the pass runs.</summary>
public sealed record TangentDirection
{
    /// <summary>The direction of W_hx, h×d.</summary>
    public Matrix<double>? Whx { get; init; }

    /// <summary>The direction of W_hh, h×h.</summary>
    public Matrix<double>? Whh { get; init; }

    /// <summary>The direction of W_qh, q×h.</summary>
    public Matrix<double>? Wqh { get; init; }

    /// <summary>The direction of x_t, sequences of d rows and as long as the inputs.</summary>
    public SequenceBatch? Inputs { get; init; }

    /// <summary>The direction of h_0 of every sequence, h×B.</summary>
    public Matrix<double>? InitialStates { get; init; }

    /// <summary>A flat copy, whose shapes and numbers fit a pass.</summary>
    /// <exception cref="ArgumentException">The direction is empty, a part has another shape than what it moves, or
    /// holds NaN or infinities.</exception>
    internal FlatDirection Checked(ForwardPass forward, string name)
    {
        LinearRnn model = forward.Model;
        (int d, int h, int q) = (model.InputSize, model.HiddenSize, model.OutputSize);
        if (this is { Whx: null, Whh: null, Wqh: null, Inputs: null, InitialStates: null })
        {
            throw Guard.Error(name, "expected at least one part, got none.");
        }
        if (Inputs is not null)
        {
            string inputsName = $"{name}.{nameof(Inputs)}";
            if (Inputs.RowCount != d)
            {
                throw Guard.Error(inputsName, $"expected sequences of {d} rows (d), got {Inputs.RowCount}.");
            }
            Guard.SameLengths(
                forward.Lengths, Inputs.Lengths, "the inputs", "the directions of the inputs", inputsName);
            Inputs.RequireFinite(inputsName);
        }
        var weights = new ParameterArray(d, h, q);
        double[] initialStates = new double[h * forward.SequenceCount];
        bool movesInitialStates = Copy(
            InitialStates, h, forward.SequenceCount, "h×B", nameof(InitialStates), initialStates);
        return new FlatDirection
        {
            Weights = weights,
            HasWhx = Copy(Whx, h, d, "h×d", nameof(Whx), weights.Whx.Values),
            HasWhh = Copy(Whh, h, h, "h×h", nameof(Whh), weights.Whh.Values),
            HasWqh = Copy(Wqh, q, h, "q×h", nameof(Wqh), weights.Wqh.Values),
            Inputs = Inputs?.Columns,
            InitialStates = movesInitialStates ? initialStates : null,
        };

        bool Copy(Matrix<double>? part, int rows, int columns, string shape, string member, Span<double> target)
        {
            if (part is null)
            {
                return false;
            }
            Guard.Shape(part, rows, columns, shape, $"{name}.{member}");
            Guard.Finite(part, $"{name}.{member}");
            part.ColumnMajor().CopyTo(target);
            return true;
        }
    }
}
