// The losses after an epoch: of the whole training set and of the validation set, at the weights as they are.
//
//   h  hidden units      B  sequences

using Bptt.Edge;
using Bptt.LinearAlgebra;
using Bptt.Optimization;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Training;

internal sealed class TrainingEvaluation
{
    private readonly TrainingData _data;
    private readonly TrainerOptions _options;
    private readonly Matrix<double>? _fixedStates; // h×B
    private readonly TrainingMemory _memory = new();

    public TrainingEvaluation(
        TrainingData data,
        TrainerOptions options,
        Matrix<double>? fixedStates,
        TrainingMemory memory,
        ShardedLoss? shards)
    {
        _data = data;
        _options = options;
        _fixedStates = fixedStates;
        var lossOptions = new TrainingLossOptions
        {
            InitialStates = fixedStates,
            Regularizers = options.Regularizers,
            Execution = options.Execution,
        };
        Training = data.LossOf(lossOptions, memory, shards);
    }

    /// <summary>The loss of the whole training set, with the full gradient.</summary>
    public TrainingLoss Training { get; }

    /// <summary>The training loss and the validation loss; the latter is NaN where the state it starts from is not
    /// finite, null without a validation set.</summary>
    public (double Loss, double? ValidationLoss) At(Parameters parameters)
    {
        ForwardPass forward = Training.Forward(parameters);
        return (Training.Judge(forward), ValidationLoss(parameters, () => forward.FinalStates));
    }

    /// <summary>The validation loss alone.</summary>
    /// <param name="parameters">θ.</param>
    /// <param name="finalStates">h_T of the training sequences at θ, h×B.</param>
    public double? ValidationLoss(Parameters parameters, Func<Matrix<double>> finalStates)
    {
        if (_data.Validation is not ValidationSet validation)
        {
            return null;
        }
        Matrix<double>? states = validation.InitialStates;
        if (_data.ValidationFollows is int[] follows)
        {
            Matrix<double> ends = _data.WholeInputs == _data.Inputs
                ? finalStates()
                : Forward(parameters, _data.WholeInputs, parameters.InitialStates ?? _fixedStates).FinalStates;
            states = ends.SelectColumns(follows);
            if (VectorMath.FirstNonFinite(states.ColumnMajor()) >= 0)
            {
                return double.NaN;
            }
        }
        return validation.Objective.Loss(Forward(parameters, validation.Inputs, states));
    }

    private ForwardPass Forward(Parameters parameters, SequenceBatch inputs, Matrix<double>? states) => ForwardPass.Run(
        parameters.Model, inputs, states, _options.Execution with { Workspace = _memory.ForLosses });
}
