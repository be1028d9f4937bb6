// The rows of a Gauss-Newton problem: the derivative of every output in every coordinate, in blocks. Solves nothing.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences      m  coordinates

using Bptt.LinearAlgebra;

namespace Bptt.Optimization;

/// <summary>
/// Rows √(c_b w_bt) Fᵀ ∂o_t/∂z and √(c_b w_bt) r, with F and r of <see cref="Objective.CurvatureFactor"/>: their
/// squares sum to the generalised Gauss–Newton matrix (Schraudolph 2002). The derivatives are carried forward in time,
/// all coordinates at once, and several steps at once where the forward pass did so: see
/// <see cref="OutputDerivatives"/>.
/// </summary>
internal sealed class JacobianRows
{
    private readonly TrainingLoss _loss;
    private readonly LocalCoordinates _coordinates;
    private readonly OutputDerivatives _derivatives;
    private readonly KernelSet _kernels;
    private readonly TriangularFactor _target;
    private readonly PackedColumns _outputs;
    private readonly double[] _factors;
    private readonly double[] _factor;
    private readonly double[] _residual;
    private readonly double[] _block;
    private readonly int _rows;
    private readonly int _firstSequence;
    private int _filled;
    private bool _isWhole = true;

    private JacobianRows(
        TrainingLoss loss,
        ForwardPass forward,
        LocalCoordinates coordinates,
        TriangularFactor target,
        int firstSequence)
    {
        _loss = loss;
        _firstSequence = firstSequence;
        _coordinates = coordinates;
        _derivatives = new OutputDerivatives(forward, loss.Inputs, coordinates.Count, coordinates.Direction);
        _kernels = forward.Context.Kernels;
        _target = target;
        _outputs = forward.OutputColumns;
        _factors = loss.Objective.SequenceFactors(forward.Layout);
        int q = forward.Model.OutputSize;
        _factor = new double[q * q];
        _residual = new double[q];
        _rows = Math.Max(q, target.RowsOfBlock / q * q);
        _block = new double[_rows * (target.Unknowns + 1)];
    }

    /// <summary>Adds every row.</summary>
    /// <param name="loss">L.</param>
    /// <param name="at">Where the derivatives are taken.</param>
    /// <param name="coordinates">In what.</param>
    /// <param name="target">Receives the rows.</param>
    /// <param name="cancellation">Asked before each sequence.</param>
    /// <param name="firstSequence">The number of the first sequence in the coordinates.</param>
    /// <returns>Whether Jᵀr is all of the gradient of the objective.</returns>
    public static bool AddTo(
        TrainingLoss loss,
        TrainingPoint at,
        LocalCoordinates coordinates,
        TriangularFactor target,
        CancellationToken cancellation,
        int firstSequence = 0)
    {
        var rows = new JacobianRows(loss, at.Forward, coordinates, target, firstSequence);
        for (int b = 0; b < at.Forward.SequenceCount; b++)
        {
            cancellation.ThrowIfCancellationRequested();
            rows.AddSequence(b);
        }
        rows.Flush();
        return rows._isWhole;
    }

    private void AddSequence(int sequence) => _derivatives.Run(
        sequence,
        _coordinates.InitialStates(_firstSequence + sequence),
        (step, derivatives) => AddStep(sequence, step, derivatives));

    /// <summary>The q rows of one step.</summary>
    private void AddStep(int sequence, int t, MatrixSpan derivatives)
    {
        double weight = _loss.Objective.StepFactor(sequence, t, _factors);
        if (weight == 0.0)
        {
            return;
        }
        int q = derivatives.Rows;
        _isWhole &= _loss.Objective.FactorCurvature(_outputs.Column(sequence, t), sequence, t, _factor, _residual);
        VectorMath.Scale(Math.Sqrt(weight), _factor);
        VectorMath.Scale(Math.Sqrt(weight), _residual);
        if (_filled + q > _rows)
        {
            Flush();
        }
        _kernels.Multiply(
            new MatrixView(_factor, q, q, q).T,
            derivatives,
            new MatrixSpan(_block.AsSpan(_filled), q, derivatives.Columns, _rows));
        for (int row = 0; row < q; row++)
        {
            _block[_target.Unknowns * _rows + _filled + row] = _residual[row];
        }
        _filled += q;
    }

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
}
