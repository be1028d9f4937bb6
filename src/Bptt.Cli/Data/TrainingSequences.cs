// What a training sees: sequences of inputs and targets, and which steps count. Holds data, computes no pass.
//
//   d  inputs      q  outputs      B  sequences      T_b  steps of sequence b

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Data;

/// <summary>B sequences of pairs of input and target, scaled. Targets are NaN where a value is missing.</summary>
internal sealed class TrainingSequences
{
    public TrainingSequences(SequenceBatch inputs, SequenceBatch targets)
    {
        Inputs = inputs;
        Targets = targets;
        Weights = WeightsOf(targets);
        FilledTargets = Weights is null ? targets : Filled(targets);
    }

    /// <summary>B sequences of d rows.</summary>
    public SequenceBatch Inputs { get; }

    /// <summary>B sequences of q rows, as long as the inputs.</summary>
    public SequenceBatch Targets { get; }

    /// <summary>T_b weights for each sequence: 0 where an output is missing, 1 elsewhere. Null where nothing is
    /// missing.</summary>
    public IReadOnlyList<double[]>? Weights { get; }

    /// <summary>The targets with what is missing interpolated, for methods that know no weights.</summary>
    public SequenceBatch FilledTargets { get; }

    /// <summary>Steps that count.</summary>
    public int Count => Weights is null ? Targets.TotalLength : (int)Weights.Sum(w => w.Sum());

    /// <summary>½‖o_t − y_t‖², the mean over the steps that count.</summary>
    public Objective Objective
    {
        get
        {
            var objective = Objective.SquaredError(Targets);
            return Weights is null ? objective : objective.WithStepWeights(Weights);
        }
    }

    /// <summary>The first steps of each sequence; those of which none are taken are left out.</summary>
    /// <param name="lengths">How many of each; at least one is above 0.</param>
    public TrainingSequences First(IReadOnlyList<int> lengths) =>
        new(First(Inputs, lengths), First(Targets, lengths));

    /// <summary>The same with an offset taken from the targets.</summary>
    /// <param name="offset">Length q; null for none.</param>
    public TrainingSequences Without(Vector<double>? offset) => offset is null ? this : new(
        Inputs,
        SequenceBatch.Pack(
        [
            .. Enumerable.Range(0, Targets.Count).Select(
                b => Targets.Sequence(b).MapIndexed((i, _, y) => y - offset[i])),
        ]));

    private static SequenceBatch First(SequenceBatch batch, IReadOnlyList<int> lengths) => SequenceBatch.Pack(
    [
        .. Enumerable.Range(0, batch.Count).Where(b => lengths[b] > 0).Select(
            b => batch.Sequence(b).SubMatrix(0, batch.RowCount, 0, lengths[b])),
    ]);

    private static double[][]? WeightsOf(SequenceBatch targets)
    {
        double[][] weights =
        [
            .. Enumerable.Range(0, targets.Count).Select(b => targets.Sequence(b).EnumerateColumns()
                .Select(y => y.ForAll(double.IsFinite) ? 1.0 : 0.0).ToArray()),
        ];
        return weights.All(w => w.All(weight => weight == 1.0)) ? null : weights;
    }

    /// <summary>An output that a sequence never measures stands at its training mean there.</summary>
    private static SequenceBatch Filled(SequenceBatch targets) => SequenceBatch.Pack(
    [
        .. Enumerable.Range(0, targets.Count).Select(b => Matrix<double>.Build.DenseOfRowArrays(
            targets.Sequence(b).ToRowArrays().Select(row => Gaps.Filled(row) ?? new double[row.Length]))),
    ]);
}
