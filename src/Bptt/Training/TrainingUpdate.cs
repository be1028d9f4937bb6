// One update of a training: gradient of a piece → clipping → optimiser → constraints. Decides nothing about the run.
//
//   h  hidden units      B  sequences

using Bptt.Edge;
using Bptt.LinearAlgebra;
using Bptt.Optimization;
using Bptt.Remedies;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Training;

internal sealed class TrainingUpdate
{
    private readonly TrainingData _data;
    private readonly TrainerOptions _options;
    private readonly Matrix<double>? _fixedStates; // h×B
    private readonly TrainingMemory _memory;
    private readonly TrainingState _state;
    private readonly ShardedLoss? _shards;
    private readonly TrainingLoss _whole;
    private readonly double? _learningRate; // before the schedule

    public TrainingUpdate(
        TrainingData data,
        TrainerOptions options,
        Matrix<double>? fixedStates,
        TrainingMemory memory,
        TrainingState state,
        ShardedLoss? shards)
    {
        _shards = shards;
        _data = data;
        _options = options;
        _fixedStates = fixedStates;
        _memory = memory;
        _state = state;
        _whole = WholeLoss();
        _learningRate = (options.Optimizer as GradientOptimizer)?.LearningRate;
    }

    /// <summary>The learning rate of the next update; null for methods that have none.</summary>
    public double? NextLearningRate => _learningRate * _options.Schedule.Factor(_state.Updates + 1);

    /// <summary>Whether the last update moved the weights by a gradient that had been clipped.</summary>
    public bool IsClipped { get; private set; }

    /// <summary>The loss and gradient of the whole training set at the current weights, for the next update.</summary>
    public TrainingPoint Evaluate() => WholeLoss().Evaluate(_state.Current);

    /// <summary>Runs one update and counts it.</summary>
    /// <param name="piece">What it sees.</param>
    /// <param name="previous">The piece before in this epoch, whose states go on; null for the first.</param>
    /// <param name="point">The point at the current weights where the piece is all the data, before and after; perhaps
    /// null.</param>
    /// <param name="cancellation">Handed on to methods that evaluate the loss themselves.</param>
    /// <returns>Why the update was left out: a number that is not finite; null where it was not. Unless steps are to be
    /// skipped, such an update changes nothing.</returns>
    public string? Run(
        TrainingPiece piece, TrainingPiece? previous, ref TrainingPoint? point, CancellationToken cancellation)
    {
        if (piece.IsWhole)
        {
            point ??= Evaluate();
            string? fault = Step(point, piece, cancellation, out TrainingPoint? next);
            point = fault is null ? next : point;
            return fault;
        }

        bool isLearned = piece.IsFirstWindow && _state.Current.StateCount > 0;
        Matrix<double>? states = piece.IsFirstWindow
            ? (isLearned ? null : _fixedStates?.SelectColumns(Sequences(piece)))
            : CarriedStates(piece, previous!);
        if (states is not null && VectorMath.FirstNonFinite(states.ColumnMajor()) >= 0)
        {
            _state.Carry = piece.IsLastWindow ? null : states;
            return Skip("the state carried on from the window before is not finite");
        }
        SequenceBatch inputs = _data.Inputs.Part(piece.Parts);
        Objective objective = _data.Objective.Part(piece.Parts);
        Parameters local = new(
            _state.Current.Model,
            isLearned ? _state.Current.InitialStates!.SelectColumns(Sequences(piece)) : null);
        TrainingLoss loss = LossOf(inputs, objective, states);
        if (objective.IsMasked(inputs))
        {
            _state.Carry = piece.IsLastWindow ? null : loss.Forward(local).FinalStates;
            return null;
        }
        TrainingPoint at = loss.Evaluate(local);
        Matrix<double>? carry = piece.IsLastWindow ? null : at.Forward.FinalStates;
        string? wrong = Step(at, piece, cancellation, out _);
        if (wrong is null || _options.NonFinite == NonFinitePolicy.SkipUpdate)
        {
            _state.Carry = carry;
        }
        return wrong;
    }

    private TrainingLoss WholeLoss() => _data.LossOf(OptionsOf(_fixedStates), _memory, _shards);

    private TrainingLoss LossOf(SequenceBatch inputs, Objective objective, Matrix<double>? states) =>
        new(inputs, objective, OptionsOf(states), _memory);

    private TrainingLossOptions OptionsOf(Matrix<double>? states) => new()
    {
        InitialStates = states,
        Regularizers = _options.Regularizers,
        Truncation = _options.Truncation?.WithDraw(
            unchecked(_options.Truncation.Draw + _state.Updates) & int.MaxValue),
        Execution = _options.Execution,
    };

    private string? Step(
        TrainingPoint at, TrainingPiece piece, CancellationToken cancellation, out TrainingPoint? evaluated)
    {
        evaluated = null;
        IsClipped = false;
        if (!at.IsFinite)
        {
            return Skip(NonFiniteText.Of(at, piece.IsWhole ? null : piece.Parts));
        }
        try
        {
            OptimizerStep step = _state.Optimizer is GradientOptimizer first
                ? FirstOrderStep(first, at, piece, cancellation)
                : _state.Optimizer.Step(_whole, at, cancellation);
            Parameters next = Constrained(step.Next);
            evaluated = ReferenceEquals(next, step.Next) ? step.Evaluated : null;
            _state.Current = next;
            _state.Converged = step.IsConverged ? step.Note : null;
        }
        catch (ArithmeticException e)
        {
            return Skip(e.Message.TrimEnd('.'));
        }
        _state.Updates++;
        _state.HasMoved = true;
        return null;
    }

    private OptimizerStep FirstOrderStep(
        GradientOptimizer optimizer, TrainingPoint at, TrainingPiece piece, CancellationToken cancellation)
    {
        double norm = VectorMath.Norm(at.Gradient);
        TrainingPoint clipped = at;
        if (_options.Clipping is GradientClipping clipping)
        {
            ClippedGradients result = clipping.Apply(at.Gradients, at.InitialStateGradients);
            clipped = at.WithGradient(result.Gradients, result.InitialStateGradients);
            IsClipped = result.Factor != 1.0;
        }
        optimizer.SetRate(NextLearningRate!.Value);
        OptimizerStep step = optimizer.Step(_whole, Global(clipped, piece), cancellation);
        _state.LargestNorm = norm <= _state.LargestNorm ? _state.LargestNorm : norm;
        return step;
    }

    /// <summary>A point of some sequences as one of all: the gradients of the other h_0 are zero.</summary>
    private TrainingPoint Global(TrainingPoint local, TrainingPiece piece)
    {
        Parameters all = _state.Current;
        if (local.Parameters.Count == all.Count && piece.IsWhole)
        {
            return local;
        }
        double[] gradient = new double[all.Count];
        local.Gradient[..all.WeightCount].CopyTo(gradient);
        int h = all.Model.HiddenSize;
        for (int i = 0; i < local.Parameters.StateCount; i++)
        {
            local.Gradient.Slice(all.WeightCount + i * h, h)
                .CopyTo(gradient.AsSpan(all.WeightCount + piece.Parts[i].Sequence * h));
        }
        return new TrainingPoint(all, local.Loss, local.DataLoss, gradient, local.Backward);
    }

    private Parameters Constrained(Parameters parameters)
    {
        LinearRnn model = parameters.Model;
        foreach (WeightConstraint constraint in _options.Constraints)
        {
            model = constraint.Apply(model);
        }
        return ReferenceEquals(model, parameters.Model) ? parameters : parameters.With(model);
    }

    /// <summary>Counts an update that is left out, where such are.</summary>
    private string Skip(string fault)
    {
        if (_options.NonFinite == NonFinitePolicy.SkipUpdate)
        {
            _state.Updates++;
            _state.Skipped++;
        }
        return fault;
    }

    /// <summary>The states in which the window before ended, of the sequences that go on: they stand in the same
    /// order.</summary>
    private Matrix<double> CarriedStates(TrainingPiece piece, TrainingPiece previous)
    {
        int[] columns = new int[piece.Parts.Length];
        for (int i = 0, before = 0; i < columns.Length; before++)
        {
            if (previous.Parts[before].Sequence == piece.Parts[i].Sequence)
            {
                columns[i++] = before;
            }
        }
        return _state.Carry!.SelectColumns(columns);
    }

    private static int[] Sequences(TrainingPiece piece) => Array.ConvertAll(piece.Parts, p => p.Sequence);
}
