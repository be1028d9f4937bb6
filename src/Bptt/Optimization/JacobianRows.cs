// The rows of a Gauss-Newton problem: the derivative of every output in every coordinate, in blocks. Solves nothing.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences      m  coordinates

using Bptt.Lifting;
using Bptt.LinearAlgebra;

namespace Bptt.Optimization;

/// <summary>
/// Rows √(c_b w_bt) Fᵀ ∂o_t/∂z and √(c_b w_bt) r, with F and r of <see cref="Objective.CurvatureFactor"/>: their
/// squares sum to the generalised Gauss–Newton matrix (Schraudolph 2002). The derivatives are carried forward in time,
/// all coordinates at once, and several steps at once where the forward pass did so: see
/// <see cref="OutputSensitivities"/>.
/// </summary>
internal sealed class JacobianRows
{
    private readonly TrainingLoss _loss;
    private readonly ForwardPass _forward;
    private readonly LocalCoordinates _coordinates;
    private readonly KernelSet _kernels;
    private readonly PassContext _context;
    private readonly TriangularFactor _target;
    private readonly PackedColumns _outputs;
    private readonly double[] _factors;
    private readonly double[] _factor;
    private readonly double[] _residual;
    private readonly double[] _block;
    private readonly int _rows;
    private OutputSensitivities? _bySteps;
    private OutputSensitivities? _inChunks;
    private int _filled;
    private bool _isWhole = true;

    private JacobianRows(
        TrainingLoss loss, ForwardPass forward, LocalCoordinates coordinates, TriangularFactor target)
    {
        _loss = loss;
        _forward = forward;
        _coordinates = coordinates;
        _kernels = forward.Context.Kernels;
        _context = forward.Context.AloneForManyPasses();
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
    /// <returns>Whether Jᵀr is all of the gradient of the objective.</returns>
    public static bool AddTo(
        TrainingLoss loss,
        TrainingPoint at,
        LocalCoordinates coordinates,
        TriangularFactor target,
        CancellationToken cancellation)
    {
        var rows = new JacobianRows(loss, at.Forward, coordinates, target);
        for (int b = 0; b < at.Forward.SequenceCount; b++)
        {
            cancellation.ThrowIfCancellationRequested();
            rows.AddSequence(b);
        }
        rows.Flush();
        return rows._isWhole;
    }

    private void AddSequence(int sequence)
    {
        double[] states = _coordinates.InitialStates(sequence);
        int length = _forward.Lengths[sequence];
        int inChunks = 0;
        if (_forward.Lifted is LiftedForward lifted && lifted.Batch.ChunksOf(sequence) > 0)
        {
            int chunks = lifted.Batch.ChunksOf(sequence);
            int place = lifted.Batch.InChunks(sequence);
            _inChunks ??= Sensitivities(lifted.Weights);
            inChunks = chunks * lifted.Batch.ChunkLength;
            _inChunks.Run(
                chunks,
                (chunk, column) => WriteSignals(
                    lifted.Inputs.Column(place, chunk + 1), lifted.States.Column(place, chunk), column),
                states,
                (step, derivatives) => AddStep(sequence, step + 1, derivatives));
        }
        if (inChunks == length)
        {
            return;
        }
        _bySteps ??= Sensitivities(BySteps());
        double[] before = StatesBefore(sequence, inChunks);
        int h = _forward.Model.HiddenSize;
        _bySteps.Run(
            length - inChunks,
            (step, column) => WriteSignals(
                _loss.Inputs.Columns.Column(sequence, inChunks + step + 1), before.AsSpan(step * h, h), column),
            states,
            (step, derivatives) => AddStep(sequence, inChunks + step + 1, derivatives));
    }

    private OutputSensitivities Sensitivities(LiftedWeights weights) =>
        new(weights, _coordinates.Count, _coordinates.Direction, _context);

    /// <summary>The model as one that takes a step at once.</summary>
    private LiftedWeights BySteps()
    {
        ParameterArray model = _forward.Model.Weights;
        return new LiftedWeights(
            _context, model, new LiftedPowers(_context, model.Whh, levels: 0, areExact: false));
    }

    /// <summary>The states from a step on, side by side.</summary>
    private double[] StatesBefore(int sequence, int first)
    {
        if (first == 0)
        {
            return _forward.HiddenStates(sequence).AsColumnMajorArray();
        }
        var states = new List<double>();
        for (int t = first; t <= _forward.Lengths[sequence]; t++)
        {
            states.AddRange(_forward.States.Column(sequence, t));
        }
        return [.. states];
    }

    private static void WriteSignals(ReadOnlySpan<double> inputs, ReadOnlySpan<double> state, Span<double> column)
    {
        inputs.CopyTo(column);
        state.CopyTo(column[inputs.Length..]);
    }

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
