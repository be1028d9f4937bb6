// A small system to recover from its own outputs, for tests of training.

namespace Bptt.Tests.Training;

/// <summary>Inputs, the outputs of a true model as targets, and another model to start from.</summary>
internal sealed record TrainingProblem(
    LinearRnn Truth, LinearRnn Start, SequenceBatch Inputs, SequenceBatch Targets)
{
    public Objective Objective => Objective.SquaredError(Targets);

    public static TrainingProblem Create(int seed, params int[] lengths)
    {
        var examples = new Examples(seed);
        LinearRnn truth = examples.Model(2, 3, 1, spectralRadius: 0.8);
        SequenceBatch inputs = examples.Batch(2, lengths);
        SequenceBatch targets = ForwardPass.Run(truth, inputs).OutputBatch();
        return new TrainingProblem(truth, examples.Model(2, 3, 1, spectralRadius: 0.6), inputs, targets);
    }
}
