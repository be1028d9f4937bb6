// Forward-mode differentiation: how states, outputs and loss change when weights, inputs and h_0 move in one direction.
// Shares the recurrence with the forward pass and nothing with the backward pass.
//
//   d  inputs      h  hidden units      q  outputs      T  time steps      B  sequences
//   V_hx, V_hh, V_qh, ẋ_t, ḣ_0  the direction      ḣ_t, ȯ_t  derivatives of h_t, o_t in that direction

using Bptt.Kernels;
using Bptt.LinearRecurrence;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

/// <summary>
/// The Jacobian-vector product of a forward pass (forward-mode differentiation: Wengert 1964; Griewank &amp; Walther,
/// <i>Evaluating Derivatives</i>, chapter 3), by differentiating each line of the pass:
/// ḣ_t = W_hh ḣ_{t−1} + V_hx x_t + V_hh h_{t−1} + W_hx ẋ_t, ȯ_t = W_qh ḣ_t + V_qh h_t. It is a linear RNN again, with the
/// same W_hh and W_qh, whose inputs are x_t, h_{t−1} and ẋ_t side by side.
/// </summary>
/// <remarks>
/// A finished pass never changes and may be read from many threads. It takes fresh memory and can be read, also where the
/// forward pass was made from a <see cref="Workspace"/> that serves a newer one by now, unless a memory budget makes it read
/// states or inputs of that pass again: then it throws <see cref="InvalidOperationException"/>. Where a memory budget lets the forward pass hold one window of its states, the
/// tangent pass holds one window of ḣ_t too, and reading another one computes it again; beside it, the inputs of
/// one window, (2d + h) numbers for each step, are held. Where a state is not finite, the derivatives after it are not
/// either. Derivatives of states below 1e-290 in magnitude are set to zero.
/// </remarks>
public sealed class TangentPass
{
    private readonly Lock _gate = new();
    private readonly LinearRnn _driven; // [V_hx V_hh W_hx], W_hh, W_qh
    private readonly TangentDirection _direction;
    private readonly PackedColumns _outputs;      // ȯ, q×N
    private readonly ParameterArray? _outputDirection;
    private readonly WindowPlan _windows;         // those of the forward pass
    private readonly double[][] _borders;         // by window: ḣ of the step before it, by slot
    private int _window = -1;
    private ForwardPass? _piece;                  // the window that is held

    private TangentPass(ForwardPass forward, TangentDirection direction)
    {
        Forward = forward;
        _direction = Checked(forward, direction);
        LinearRnn model = forward.Model;
        List<Matrix<double>> blocks = [];
        if (_direction.Whx is not null || _direction is { Whh: null, Inputs: null })
        {
            blocks.Add(_direction.Whx ?? Matrix<double>.Build.Dense(model.HiddenSize, model.InputSize));
        }
        if (_direction.Whh is not null)
        {
            blocks.Add(_direction.Whh);
        }
        if (_direction.Inputs is not null)
        {
            blocks.Add(model.Whx);
        }
        _driven = new LinearRnn(
            blocks.Aggregate((left, right) => left.Append(right)), model.Whh, model.Wqh);
        _outputDirection = _direction.Wqh is null
            ? null
            : new ParameterArray(Matrix<double>.Build.Dense(model.HiddenSize, 1), model.Whh, _direction.Wqh);
        PassContext context = forward.Context.WithFreshMemory();
        _outputs = context.Columns(model.OutputSize, forward.Layout);
        _windows = forward.States.Windows;
        _borders = new double[_windows.Count][];
    }

    /// <summary>The forward pass that is differentiated.</summary>
    public ForwardPass Forward { get; }

    /// <summary>ḣ_T of every sequence, h×B, fresh. Cost O(hB), within a memory budget that of the windows.</summary>
    public Matrix<double> FinalStates
    {
        get
        {
            var final = Matrix<double>.Build.Dense(Forward.Model.HiddenSize, Forward.SequenceCount);
            foreach (int b in Enumerable.Range(0, Forward.SequenceCount).OrderBy(b => Forward.Lengths[b])) // in time order
            {
                final.SetColumn(b, HiddenState(Forward.Lengths[b], b));
            }
            return final;
        }
    }

    /// <summary>Differentiates a forward pass in one direction.</summary>
    /// <param name="forward">The forward pass.</param>
    /// <param name="direction">v.</param>
    /// <returns>The record of the pass. Cost 2·ΣT_b·h(h + q) operations, and 2·ΣT_b·h for each of d, h, d and q that the
    /// direction has a part for; 8·ΣT_b·(2d + 2h + q) bytes.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The direction is empty, a part has another shape than what it moves, or holds NaN or
    /// infinities.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the forward pass serves a newer one, or is in use.</exception>
    public static TangentPass Run(ForwardPass forward, TangentDirection direction)
    {
        ArgumentNullException.ThrowIfNull(forward);
        ArgumentNullException.ThrowIfNull(direction);
        return forward.Context.Read(() =>
        {
            var pass = new TangentPass(forward, direction);
            for (int window = 0; window < pass._windows.Count; window++)
            {
                pass.RunFirst(window);
            }
            return pass;
        });
    }

    /// <summary>ḣ_t, length h, fresh.</summary>
    /// <param name="t">The step, from 0 to T.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such step or sequence.</exception>
    public Vector<double> HiddenState(int t, int sequence = 0)
    {
        Forward.CheckStep(t, 0, sequence);

        // One window is held for good; another one is computed again from the states, which must stay the pass's own meanwhile.
        return _windows.Count == 1 ? ReadState(t, sequence) : Forward.Context.Read(() => ReadState(t, sequence));
    }

    /// <summary>ḣ_0 … ḣ_T, h×(T+1), fresh: column t is ḣ_t. Cost O(hT).</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    public Matrix<double> HiddenStates(int sequence = 0)
    {
        Guard.Sequence(sequence, Forward.SequenceCount, nameof(sequence));
        return Matrix<double>.Build.DenseOfColumnVectors(
            Enumerable.Range(0, Forward.Lengths[sequence] + 1).Select(t => HiddenState(t, sequence)));
    }

    /// <summary>ȯ_t, length q, fresh. Cost O(q).</summary>
    /// <param name="t">The step, from 1 to T.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such step or sequence.</exception>
    public Vector<double> Output(int t, int sequence = 0)
    {
        Forward.CheckStep(t, 1, sequence);
        return _outputs.Column(sequence, t).ToVector();
    }

    /// <summary>ȯ_1 … ȯ_T, q×T, fresh: column t−1 is ȯ_t. Cost O(qT).</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    public Matrix<double> Outputs(int sequence = 0)
    {
        Guard.Sequence(sequence, Forward.SequenceCount, nameof(sequence));
        return _outputs.ToMatrix(sequence);
    }

    /// <summary>ȯ_1 … ȯ_T of every sequence as a batch, fresh. Cost O(q·ΣT_b).</summary>
    public SequenceBatch OutputBatch() => SequenceBatch.CopyOf(_outputs);

    /// <summary>dL in the direction: Σ_t ⟨∂L/∂o_t, ȯ_t⟩. Cost that of the objective's gradient and O(q·ΣT_b).</summary>
    /// <param name="objective">L.</param>
    /// <exception cref="ArgumentNullException">The objective is null.</exception>
    /// <exception cref="ArgumentException">The objective does not fit the pass.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the forward pass serves a newer one.</exception>
    public double LossDerivative(Objective objective)
    {
        ArgumentNullException.ThrowIfNull(objective);
        PackedColumns gradients = Forward.Context.WithFreshMemory().Columns(_outputs.Rows, _outputs.Layout);
        Forward.Context.Read(() =>
            objective.Begin(Forward, gradients, length => new double[length]).EvaluateAll());
        return Inner(gradients);
    }

    /// <summary>Σ_t ⟨w_t, ȯ_t⟩ for any w of the outputs' shape.</summary>
    internal double Inner(PackedColumns w)
    {
        var sum = default(CompensatedSum);
        for (int t = 1; t <= w.Layout.LastStep; t++)
        {
            sum.Add(VectorMath.Dot(w.Block(t).Values, _outputs.Block(t).Values));
        }
        return sum.Value;
    }

    /// <summary>Σ_t ‖w_t‖‖ȯ_t‖ over the steps, what their inner product is small beside where its terms cancel.</summary>
    internal double SizeOfInner(PackedColumns w)
    {
        double sum = 0.0;
        for (int t = 1; t <= w.Layout.LastStep; t++)
        {
            sum += VectorMath.Norm(w.Block(t).Values) * VectorMath.Norm(_outputs.Block(t).Values);
        }
        return sum;
    }

    private Vector<double> ReadState(int t, int sequence)
    {
        lock (_gate)
        {
            int window = _windows.WindowOf(t);
            return Piece(window).HiddenState(t - _windows.StepBefore(window), Forward.Layout.SlotOf(sequence));
        }
    }

    /// <summary>The first run over a window, which follows the one before.</summary>
    private void RunFirst(int window)
    {
        int h = Forward.Model.HiddenSize;
        int active = Forward.Layout.ActiveAt(_windows.FirstStep(window));
        double[] border = new double[h * active];
        if (window > 0)
        {
            int last = _windows.LastStep(window - 1) - _windows.StepBefore(window - 1);
            _piece!.States.Read(0, states =>
            {
                states.Block(last).ColumnRange(0, active).Values.CopyTo(border);
                return 0;
            });
        }
        else if (_direction.InitialStates is Matrix<double> initial)
        {
            for (int b = 0; b < active; b++)
            {
                initial.Column(b).Entries().CopyTo(border.AsSpan(Forward.Layout.SlotOf(b) * h));
            }
        }
        _borders[window] = border;

        ForwardPass piece = Piece(window);
        int firstColumn = Forward.Layout.BlockOf(_windows.FirstStep(window)).FirstColumn;
        PackedColumns outputs = piece.OutputColumns;
        MatrixSpan target = _outputs.Spaced(firstColumn, outputs.Layout.ColumnCount, 1);
        outputs.All.Values.CopyTo(target.Values);
        if (_outputDirection is not null)
        {
            Forward.States.Read(window, states =>
            {
                int from = states.Layout.BlockOf(_windows.FirstStep(window)).FirstColumn;
                MatrixSpan into = _outputs.Spaced(firstColumn, outputs.Layout.ColumnCount, 1);
                Forward.Context.Kernels.MultiplyAdd(
                    _outputDirection.Wqh, states.Spaced(from, outputs.Layout.ColumnCount, 1), into);
                return 0;
            });
        }
    }

    /// <summary>A window as a pass of its own: its sequences stand in the order of the slots, its steps count from 1.</summary>
    private ForwardPass Piece(int window)
    {
        if (_window != window)
        {
            (int first, int last) = (_windows.FirstStep(window), _windows.LastStep(window));
            int[] lengths = [.. Enumerable.Range(0, Forward.Layout.ActiveAt(first)).Select(
                slot => Math.Min(Forward.Lengths[Forward.Layout.SequenceAt(slot)], last) - first + 1)];
            _piece = null;
            _window = -1;
            PassContext context = Forward.Context.WithFreshMemory();
            PackedColumns inputs = context.Columns(_driven.InputSize, new BatchLayout(lengths));
            WriteInputs(window, inputs);
            _piece = ForwardPass.RunWhole(_driven, inputs, _borders[window], context);
            _window = window;
        }
        return _piece!;
    }

    /// <summary>x_t, h_{t−1} and ẋ_t, as far as the direction has a part for them.</summary>
    private void WriteInputs(int window, PackedColumns inputs)
    {
        ForwardPass forward = Forward;
        int before = _windows.StepBefore(window);
        int d = forward.Model.InputSize;
        int h = forward.Model.HiddenSize;
        int row = 0;
        if (_direction.Whx is not null || _direction is { Whh: null, Inputs: null })
        {
            CopyBlocks(forward.InputColumns, before, inputs, row);
            row += d;
        }
        if (_direction.Whh is not null)
        {
            int at = row;
            forward.States.Read(window, states =>
            {
                CopyBlocks(states, before - 1, inputs, at);
                return 0;
            });
            row += h;
        }
        if (_direction.Inputs is not null)
        {
            CopyBlocks(_direction.Inputs.Columns, before, inputs, row);
        }
    }

    /// <summary>The columns of each step t + <paramref name="shift"/> into some rows of those of step t.</summary>
    private static void CopyBlocks(PackedColumns source, int shift, PackedColumns target, int row)
    {
        for (int t = 1; t <= target.Layout.LastStep;)
        {
            BatchLayout.Segment from = source.Layout.Segments[source.Layout.SegmentOf(t + shift)];
            BatchLayout.Segment to = target.Layout.Segments[target.Layout.SegmentOf(t)];
            int afterFrom = t + shift - from.FirstStep;
            int afterTo = t - to.FirstStep;

            // As long as nothing ends, the columns of successive steps stand side by side.
            int steps = from.Active == to.Active ? Math.Min(from.StepCount - afterFrom, to.StepCount - afterTo) : 1;
            MatrixSpan read = source.Spaced(from.FirstColumn + afterFrom * from.Active, steps * to.Active, 1);
            MatrixSpan written = target.Spaced(to.FirstColumn + afterTo * to.Active, steps * to.Active, 1);
            for (int column = 0; column < read.Columns; column++)
            {
                read.Column(column).CopyTo(written.Column(column)[row..]);
            }
            t += steps;
        }
    }

    /// <summary>A copy of the direction, whose shapes and numbers have been checked.</summary>
    private static TangentDirection Checked(ForwardPass forward, TangentDirection direction)
    {
        LinearRnn model = forward.Model;
        (int d, int h, int q) = (model.InputSize, model.HiddenSize, model.OutputSize);
        if (direction is { Whx: null, Whh: null, Wqh: null, Inputs: null, InitialStates: null })
        {
            throw Guard.Error(nameof(direction), "expected at least one part, got none.");
        }
        if (direction.Inputs is SequenceBatch inputs)
        {
            string name = $"{nameof(direction)}.{nameof(direction.Inputs)}";
            if (inputs.RowCount != d)
            {
                throw Guard.Error(name, $"expected sequences of {d} rows (d), got {inputs.RowCount}.");
            }
            Guard.SameLengths(forward.Lengths, inputs.Lengths, "the inputs", "the directions of the inputs", name);
            inputs.RequireFinite(name);
        }
        return direction with
        {
            Whx = Copy(direction.Whx, h, d, "h×d", nameof(direction.Whx)),
            Whh = Copy(direction.Whh, h, h, "h×h", nameof(direction.Whh)),
            Wqh = Copy(direction.Wqh, q, h, "q×h", nameof(direction.Wqh)),
            InitialStates = Copy(
                direction.InitialStates, h, forward.SequenceCount, "h×B", nameof(direction.InitialStates)),
        };

        static Matrix<double>? Copy(Matrix<double>? part, int rows, int columns, string shape, string member)
        {
            if (part is null)
            {
                return null;
            }
            string name = $"{nameof(direction)}.{member}";
            Guard.Shape(part, rows, columns, shape, name);
            Guard.Finite(part, name);
            return Matrix<double>.Build.DenseOfMatrix(part);
        }
    }
}
