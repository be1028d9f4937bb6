// Inputs and targets as sequences: each cut into a part that trains and a part that is held out, and scaled. How a
// table becomes one is in DatasetBuilder.
//
//   d  inputs      q  outputs      B  runs      T_b  steps of run b      N = ΣT_b

using Bptt.Files;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Data;

/// <summary>One run of a dataset.</summary>
/// <param name="Id">What names it in the table; null where the table is one run.</param>
/// <param name="Rows">The row of the table (from 0) that each target stands in.</param>
/// <param name="TrainingLength">The first steps, which train; all or none where whole runs are held out.</param>
internal sealed record DataRun(string? Id, int[] Rows, int TrainingLength);

/// <summary>
/// B sequences of pairs (x_t, y_t) in time order. With <see cref="StepsAhead"/> = 1, y_t stands one row below x_t. What
/// is "joined" has a column for each step, one run after the other.
/// </summary>
internal sealed class Dataset
{
    private readonly Lazy<Matrix<double>> _joinedTargets;
    private readonly int[] _trained; // joined steps
    private readonly int[] _heldOut;
    private readonly (DataRun Run, int Step)[] _steps;

    public Dataset(
        Table table,
        DataSettings settings,
        Channel[] inputChannels,
        Channel[] outputChannels,
        IReadOnlyList<DataRun> runs,
        SequenceBatch inputs,
        SequenceBatch targets,
        int stepsAhead)
    {
        Name = table.Name;
        Group = settings.Group;
        Time = settings.Time is string time ? TimeColumn.Of(table, time) : null;
        InputChannels = inputChannels;
        OutputChannels = outputChannels;
        Runs = runs;
        Inputs = inputs;
        Targets = targets;
        StepsAhead = stepsAhead;
        _steps = [.. runs.SelectMany(run => run.Rows.Select((_, step) => (run, step)))];
        _trained = [.. Enumerable.Range(0, Count).Where(IsTrained)];
        _heldOut = [.. Enumerable.Range(0, Count).Where(t => !IsTrained(t))];
        _joinedTargets = new(() => Joined(Targets));
        Training = new TrainingSequences(inputs, targets).First([.. runs.Select(r => r.TrainingLength)]);
    }

    public string Name { get; }

    /// <summary>The column that names the runs; null where the table is one.</summary>
    public string? Group { get; }

    /// <summary>The time of each row of the table; null where no column is named.</summary>
    public TimeColumn? Time { get; }

    /// <summary>Names, and mean and standard deviation of the training part.</summary>
    public Channel[] InputChannels { get; }

    /// <inheritdoc cref="InputChannels"/>
    public Channel[] OutputChannels { get; }

    /// <summary>The B runs, in the order of the sequences.</summary>
    public IReadOnlyList<DataRun> Runs { get; }

    /// <summary>B sequences of d rows, scaled.</summary>
    public SequenceBatch Inputs { get; }

    /// <summary>B sequences of q rows, scaled; NaN where a value is missing.</summary>
    public SequenceBatch Targets { get; }

    public int StepsAhead { get; }

    /// <summary>N.</summary>
    public int Count => Inputs.TotalLength;

    /// <summary>The steps that train.</summary>
    public int TrainingCount => _trained.Length;

    /// <summary>The first steps of the runs of which some train, in the order of the runs.</summary>
    public TrainingSequences Training { get; }

    /// <summary>q×N, joined.</summary>
    public Matrix<double> JoinedTargets => _joinedTargets.Value;

    /// <summary>A column for each step, one sequence after the other.</summary>
    public static Matrix<double> Joined(SequenceBatch batch)
    {
        if (batch.Count == 1)
        {
            return batch.Sequence(0);
        }
        var joined = Matrix<double>.Build.Dense(batch.RowCount, batch.TotalLength);
        int first = 0;
        for (int b = 0; b < batch.Count; b++)
        {
            joined.SetSubMatrix(0, first, batch.Sequence(b));
            first += batch.Lengths[b];
        }
        return joined;
    }

    /// <summary>The same h_0 for each of several sequences, h×B; null where it is zero.</summary>
    public static Matrix<double>? StatesOf(Vector<double>? initialState, int count) => initialState is null
        ? null : Matrix<double>.Build.DenseOfColumnVectors(Enumerable.Repeat(initialState, count));

    /// <summary>The outputs of a model over all runs, each from h_0 = 0, joined.</summary>
    public Matrix<double> RunFromRest(LinearRnn model) => Joined(ForwardPass.Run(model, Inputs).OutputBatch());

    /// <summary>Of joined columns those that train.</summary>
    public Matrix<double> Trained(Matrix<double> columns) => Part(columns, _trained);

    /// <summary>Whether some steps do not train.</summary>
    public bool HoldsOut => _heldOut.Length > 0;

    /// <summary>Of joined columns the others, of which there are some.</summary>
    public Matrix<double> HeldOut(Matrix<double> columns) => Part(columns, _heldOut);

    /// <summary>The row of the table (from 1) that joined target t (from 0) stands in.</summary>
    public int RowOf(int t) => _steps[t].Run.Rows[_steps[t].Step] + 1;

    /// <summary>The run of joined step t.</summary>
    public DataRun RunOf(int t) => _steps[t].Run;

    /// <summary>Whether joined step t trains.</summary>
    public bool IsTrained(int t) => _steps[t].Step < _steps[t].Run.TrainingLength;

    /// <summary>How much trains and how much is held out, in words.</summary>
    public string PartsText => Group is null
        ? $"{TrainingCount} rows to train, {Count - TrainingCount} held out"
        : Runs.All(r => r.TrainingLength is 0 || r.TrainingLength == r.Rows.Length)
            ? $"{Words(Runs.Count(r => r.TrainingLength > 0))} ({TrainingCount} rows) to train, "
                + $"{Words(Runs.Count(r => r.TrainingLength == 0))} ({Count - TrainingCount} rows) held out"
            : $"{Words(Runs.Count)}, {TrainingCount} rows to train, {Count - TrainingCount} held out";

    private static string Words(int runs) => runs == 1 ? "1 run" : $"{runs} runs";

    private static Matrix<double> Part(Matrix<double> columns, int[] steps)
    {
        var part = Matrix<double>.Build.Dense(columns.RowCount, steps.Length);
        for (int k = 0; k < steps.Length; k++)
        {
            part.SetColumn(k, columns.Column(steps[k]));
        }
        return part;
    }
}
