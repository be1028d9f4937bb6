// The rows of a Gauss-Newton problem: the derivative of every output with respect to every parameter, in blocks. Solves
// nothing.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences      n  parameters
//
//   S_t = ∂h_t/∂θ, h×m: one column for each entry of W_hx and W_hh, and of the sequence's h_0 where it is learned
//   S_t = W_hh S_{t−1} + [e_i x_t,a for each (i, a), e_i h_{t−1},j for each (i, j), 0]
//   ∂o_t/∂(W_hx, W_hh, h_0) = W_qh S_t      ∂o_t/∂W_qh,ki = e_k h_t,i

using Bptt.Kernels;
using Bptt.LinearAlgebra;
using Bptt.Passes;

namespace Bptt.Optimization;

/// <summary>
/// Rows √(c_b w_bt) Fᵀ ∂o_t/∂θ and √(c_b w_bt) r, with F and r of <see cref="Objective.CurvatureFactor"/>: their
/// squares sum to the generalised Gauss–Newton matrix (Schraudolph 2002). The derivatives are carried forward in time,
/// all parameters at once, in one matrix recurrence: real-time recurrent learning (Williams &amp; Zipser 1989).
/// </summary>
/// <remarks>Cost 2h³(d + h + 1) operations for each step of each sequence, beside those of the triangle that takes the
/// rows.</remarks>
internal sealed class JacobianRows
{
    private readonly TrainingLoss _loss;
    private readonly TrainingPoint _at;
    private readonly ParameterArray _weights;
    private readonly KernelSet _kernels;
    private readonly TriangularFactor _target;
    private readonly double[] _block;
    private readonly int _rows;
    private int _filled;

    private JacobianRows(TrainingLoss loss, TrainingPoint at, TriangularFactor target)
    {
        _loss = loss;
        _at = at;
        _weights = at.Parameters.Model.Weights;
        _kernels = at.Forward.Context.Kernels;
        _target = target;
        int q = _weights.OutputSize;
        _rows = Math.Max(q, target.RowsOfBlock / q * q);
        _block = new double[_rows * (target.Unknowns + 1)];
    }

    /// <summary>Adds every row.</summary>
    /// <param name="loss">L.</param>
    /// <param name="at">Where the derivatives are taken.</param>
    /// <param name="target">Receives the rows.</param>
    /// <param name="cancellation">Asked before each sequence.</param>
    /// <returns>Whether Jᵀr is all of the gradient of the objective.</returns>
    public static bool AddTo(
        TrainingLoss loss, TrainingPoint at, TriangularFactor target, CancellationToken cancellation)
    {
        var rows = new JacobianRows(loss, at, target);
        double[] factors = loss.Objective.SequenceFactors(at.Forward.Layout);
        bool isWhole = true;
        for (int b = 0; b < at.Forward.SequenceCount; b++)
        {
            cancellation.ThrowIfCancellationRequested();
            isWhole &= rows.AddSequence(b, factors);
        }
        return isWhole;
    }

    private bool AddSequence(int sequence, double[] factors)
    {
        (int d, int h, int q) = (_weights.InputSize, _weights.HiddenSize, _weights.OutputSize);
        int driven = h * (d + h);
        int width = driven + (_at.Parameters.StateCount > 0 ? h : 0);
        double[] states = _at.Forward.HiddenStates(sequence).AsColumnMajorArray();
        double[] outputs = _at.Forward.Outputs(sequence).AsColumnMajorArray();
        double[] before = new double[h * width];
        double[] after = new double[h * width];
        double[] drive = new double[h * width];
        for (int i = 0; i < width - driven; i++)
        {
            before[(driven + i) * h + i] = 1.0;
        }
        PackedMatrix whh = _kernels.Pack(
            _weights.Whh, PackedFor.Columns, new double[_kernels.PackedLength(h, h, PackedFor.Columns)]);
        double[] factor = new double[q * q];
        double[] residual = new double[q];
        bool isWhole = true;
        for (int t = 1; t <= _at.Forward.Lengths[sequence]; t++)
        {
            WriteDrive(drive, _loss.Inputs.Columns.Column(sequence, t), states.AsSpan((t - 1) * h, h));
            _kernels.Step(whh, View(before, h), View(drive, h), View(after, h));
            (before, after) = (after, before);
            double weight = _loss.Objective.StepFactor(sequence, t, factors);
            if (weight != 0.0)
            {
                isWhole &= _loss.Objective.FactorCurvature(
                    outputs.AsSpan((t - 1) * q, q), sequence, t, factor, residual);
                VectorMath.Scale(Math.Sqrt(weight), factor);
                VectorMath.Scale(Math.Sqrt(weight), residual);
                AddStep(sequence, before, states.AsSpan(t * h, h), factor, residual);
            }
        }
        Flush();
        return isWhole;
    }

    /// <summary>e_i u_a in column (a, i), for the signals u = [x_t; h_{t−1}].</summary>
    private void WriteDrive(double[] drive, ReadOnlySpan<double> inputs, ReadOnlySpan<double> states)
    {
        int h = _weights.HiddenSize;
        for (int a = 0; a < inputs.Length + states.Length; a++)
        {
            double signal = a < inputs.Length ? inputs[a] : states[a - inputs.Length];
            for (int i = 0; i < h; i++)
            {
                drive[(a * h + i) * h + i] = signal;
            }
        }
    }

    /// <summary>The q rows of one step.</summary>
    private void AddStep(
        int sequence, double[] sensitivities, ReadOnlySpan<double> state, double[] factor, double[] residual)
    {
        (int h, int q) = (_weights.HiddenSize, _weights.OutputSize);
        int driven = h * (_weights.InputSize + h);
        if (_filled + q > _rows)
        {
            Flush();
        }
        double[] outputs = new double[q * h]; // Fᵀ W_qh
        var map = new MatrixSpan(outputs, q, h, q);
        _kernels.Multiply(new MatrixView(factor, q, q, q).T, _weights.Wqh, map);
        MatrixSpan all = View(sensitivities, h);
        _kernels.Multiply(map, all.ColumnRange(0, driven), Block(0, driven));
        for (int i = 0; i < h; i++)
        {
            for (int k = 0; k < q; k++)
            {
                for (int row = 0; row < q; row++)
                {
                    Entry(row, driven + i * q + k) = factor[row * q + k] * state[i];
                }
            }
        }
        if (all.Columns > driven)
        {
            _kernels.Multiply(
                map, all.ColumnRange(driven, h), Block(_at.Parameters.WeightCount + sequence * h, h));
        }
        for (int row = 0; row < q; row++)
        {
            Entry(row, _target.Unknowns) = residual[row];
        }
        _filled += q;
    }

    private ref double Entry(int row, int column) => ref _block[column * _rows + _filled + row];

    private MatrixSpan Block(int firstColumn, int columns) => new(
        _block.AsSpan(firstColumn * _rows + _filled), _weights.OutputSize, columns, _rows);

    /// <summary>Gives the rows that are there to the triangle.</summary>
    private void Flush()
    {
        if (_filled > 0)
        {
            _target.Add(_block, _rows); // rows that are not filled are zero
            Array.Clear(_block);
            _filled = 0;
        }
    }

    private static MatrixSpan View(double[] entries, int rows) => new(entries, rows, entries.Length / rows, rows);
}
