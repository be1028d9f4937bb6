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
