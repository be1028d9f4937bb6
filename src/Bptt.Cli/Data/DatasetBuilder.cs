// How the columns of a table become inputs and targets: cut into runs and into what trains and what is held out, scaled
// by what trains only, missing values treated.

using Bptt.Files;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Data;

internal static class DatasetBuilder
{
    /// <summary>Takes columns of a table. Inputs that never vary are left out.</summary>
    public static Dataset From(
        Table table, IReadOnlyList<string> inputs, IReadOnlyList<string> outputs, DataSettings settings)
    {
        Suspicions.TellShape(table);
        Suspicions.Tell(table, settings, [.. inputs, .. outputs]);
        int stepsAhead = settings.PredictNext ? 1 : 0;
        IReadOnlyList<Run> runs = Run.Of(table, settings.Group);
        DataRun[] parts = Cut(table, runs, stepsAhead, settings);
        var inputColumns = inputs.Select(name => (Name: name, Values: Inputs(table, name, runs, settings.Missing)))
            .ToList();
        double[][] targetColumns = [.. outputs.Select(name => Targets(table, name, settings.Missing))];
        DropConstants(table, inputColumns);

        Channel[] inputChannels =
        [
            .. inputColumns.Select(c => Scaling.Of(table, c.Name, InputsOf(c.Values, trains: true))),
        ];
        Channel[] outputChannels =
        [
            .. outputs.Select((name, i) => Scaling.Of(table, name, TargetsOf(targetColumns[i], trains: true))),
        ];
        for (int i = 0; i < outputs.Count && settings.HoldsOut; i++)
        {
            Scaling.DemandVariation(table, outputs[i], TargetsOf(targetColumns[i], trains: false));
        }
        var data = new Dataset(
            table,
            settings,
            inputChannels,
            outputChannels,
            parts,
            Scaled(inputChannels, inputColumns.Select(c => c.Values), InputRows(runs, stepsAhead)),
            Scaled(outputChannels, targetColumns, TargetRows(parts)),
            stepsAhead);
        TellMissing(table, data);
        return data;

        double[] InputsOf(double[] column, bool trains) => [.. parts.SelectMany((part, b) => Steps(part, trains)
            .Select(step => column[runs[b].Rows[step]]))];

        double[] TargetsOf(double[] column, bool trains) => [.. parts.SelectMany(part => Steps(part, trains)
            .Select(step => column[part.Rows[step]])).Where(y => !double.IsNaN(y))];
    }

    /// <summary>Takes the columns of a model file, by the scaling in it.</summary>
    public static Dataset From(Table table, LinearRnnFile file, DataSettings settings)
    {
        Suspicions.Tell(table, settings, [.. file.Inputs.Concat(file.Outputs).Select(c => c.Name)]);
        IReadOnlyList<Run> runs = Run.Of(table, settings.Group);
        DataRun[] parts = Cut(table, runs, file.StepsAhead, settings);
        SequenceBatch inputs = InputsOf(table, file, runs, settings, file.StepsAhead);
        SequenceBatch targets = Scaled(
            file.Outputs,
            file.Outputs.Select(c => Finite(table, c, Targets(table, c.Name, settings.Missing))),
            TargetRows(parts));
        var data = new Dataset(
            table, settings, [.. file.Inputs], [.. file.Outputs], parts, inputs, targets, file.StepsAhead);
        TellMissing(table, data);
        return data;
    }

    /// <summary>The inputs of a model file, a sequence for each run.</summary>
    /// <param name="table">The table.</param>
    /// <param name="file">The columns and their scaling.</param>
    /// <param name="runs">The runs of the table.</param>
    /// <param name="settings">What is done where a value is missing.</param>
    /// <param name="leftOut">How many of the last rows of each run have no target and are left out.</param>
    public static SequenceBatch InputsOf(
        Table table, LinearRnnFile file, IReadOnlyList<Run> runs, DataSettings settings, int leftOut) => Scaled(
        file.Inputs,
        file.Inputs.Select(c => Finite(table, c, Inputs(table, c.Name, runs, settings.Missing))),
        InputRows(runs, leftOut));

    /// <summary>A column of outputs, NaN where a value is missing and may be.</summary>
    public static double[] Targets(Table table, string name, Missing missing) =>
        missing == Missing.Refuse ? table.Numbers(name) : table.NumbersWhereMeasured(name);

    /// <summary>A sequence for each run, scaled.</summary>
    private static SequenceBatch Scaled(
        IReadOnlyList<Channel> channels, IEnumerable<double[]> columns, IEnumerable<int[]> rows)
    {
        double[][] values = [.. columns];
        var scaling = new Standardizer(channels);
        return SequenceBatch.Pack([.. rows.Select(run => scaling.Apply(Matrix<double>.Build.Dense(
            values.Length, run.Length, (i, t) => values[i][run[t]])))]);
    }

    private static IEnumerable<int[]> InputRows(IReadOnlyList<Run> runs, int leftOut) =>
        runs.Select(r => r.Rows[..^leftOut]);

    private static IEnumerable<int[]> TargetRows(IReadOnlyList<DataRun> parts) => parts.Select(p => p.Rows);

    private static IEnumerable<int> Steps(DataRun part, bool trains) => trains
        ? Enumerable.Range(0, part.TrainingLength)
        : Enumerable.Range(part.TrainingLength, part.Rows.Length - part.TrainingLength);

    /// <summary>Decides which steps train.</summary>
    private static DataRun[] Cut(
        Table table, IReadOnlyList<Run> runs, int stepsAhead, DataSettings settings)
    {
        bool isByRuns = settings.Group is not null && settings.HoldOut == HoldOut.Runs && settings.HoldsOut;
        if (isByRuns && runs.Count < 2)
        {
            throw table.Fault($"expected several runs in column '{settings.Group}', the last to hold out, got one; "
                + "--hold-out time holds out the end of each run.");
        }
        if (settings.Group is not null && runs.FirstOrDefault(r => r.Rows.Length <= stepsAhead) is Run brief)
        {
            throw table.Fault($"expected at least {stepsAhead + 1} rows in each run of '{settings.Group}', "
                + $"got {brief.Rows.Length} in run {Table.Shown(brief.Id!)}.");
        }
        double trainingRuns = Math.Round(settings.TrainingFraction * runs.Count, MidpointRounding.AwayFromZero);
        trainingRuns = Math.Clamp(trainingRuns, 1, Math.Max(1, runs.Count - 1));
        DataRun[] parts =
        [
            .. runs.Select((run, b) =>
            {
                int[] rows = run.Rows[Math.Min(stepsAhead, run.Rows.Length)..];
                int trained = isByRuns
                    ? b < trainingRuns ? rows.Length : 0
                    : Part(settings.TrainingFraction, rows.Length);
                return new DataRun(run.Id, rows, trained);
            }),
        ];
        int count = parts.Sum(p => p.Rows.Length);
        int trainingCount = parts.Sum(p => p.TrainingLength);
        int fewestHeldOut = settings.HoldsOut ? 2 : 0;
        return trainingCount >= 2 && count - trainingCount >= fewestHeldOut ? parts : throw table.Fault(
            $"expected at least 2 rows to train on and {fewestHeldOut} to hold out, got {table.RowCount} rows, "
            + $"of which {trainingCount} would train.{table.HintOfShape}");

        static int Part(double fraction, int count) => (int)Math.Floor(fraction * count + 1e-9); // 0.57 of 100 are 57
    }

    /// <summary>A column of inputs: finite, or refused.</summary>
    private static double[] Inputs(Table table, string name, IReadOnlyList<Run> runs, Missing missing)
    {
        int column = table.IndexOf(name);
        double[] values = table.NumbersWhereMeasured(name);
        int first = Array.FindIndex(values, double.IsNaN);
        if (first < 0)
        {
            return values;
        }
        if (missing != Missing.Interpolate)
        {
            throw table.FaultAt(
                column,
                first,
                "a finite number",
                missing == Missing.Refuse ? "" : "; --missing interpolate fills missing inputs on straight lines");
        }
        table.Remark($"{values.Count(double.IsNaN)} of {values.Length} values of the input '{name}' are missing and "
            + "interpolated.");
        foreach (Run run in runs)
        {
            double[] filled = Gaps.Filled(run.Of(values)) ?? throw table.Fault(
                $"expected column '{name}' to hold a value{(run.Id is null ? "" : $" in run {Table.Shown(run.Id)}")}, "
                + "to interpolate from, got none.");
            for (int i = 0; i < filled.Length; i++)
            {
                values[run.Rows[i]] = filled[i];
            }
        }
        return values;
    }

    private static void DropConstants(Table table, List<(string Name, double[] Values)> columns)
    {
        string[] constants = [.. columns.Where(c => !Scaling.Varies(c.Values)).Select(c => c.Name)];
        if (constants.Length == columns.Count)
        {
            return; // the scaling refuses them
        }
        foreach (string name in constants)
        {
            double value = columns.First(c => c.Name == name).Values[0];
            table.Remark($"the input '{name}' is {value} throughout, teaches nothing and is left out.");
        }
        columns.RemoveAll(c => constants.Contains(c.Name));
    }

    /// <summary>Refuses numbers that the scaling of a model makes infinite.</summary>
    private static double[] Finite(Table table, Channel channel, double[] column) =>
        column.All(value => !double.IsInfinity(channel.Normalize(value))) ? column : throw table.Fault(
            $"expected column '{channel.Name}' to stay finite when scaled as the model tells "
            + $"(mean {channel.Mean}, scale {channel.Scale}).");

    /// <summary>Tells what is masked, and refuses a training part in which nothing counts.</summary>
    private static void TellMissing(Table table, Dataset data)
    {
        Matrix<double> targets = data.JoinedTargets;
        for (int i = 0; i < targets.RowCount; i++)
        {
            int missing = targets.Row(i).Count(double.IsNaN);
            if (missing > 0)
            {
                table.Remark($"{missing} of {targets.ColumnCount} values of the output '{data.OutputChannels[i].Name}' "
                    + "are missing; those steps do not count.");
            }
        }
        if (data.Training.Weights is IReadOnlyList<double[]> weights)
        {
            double counted = weights.Sum(w => w.Sum());
            if (counted < 2)
            {
                throw table.Fault("expected at least 2 training rows in which every output is measured, "
                    + $"got {counted}; outputs that are never measured together are fitted one by one.");
            }
            if (targets.RowCount > 1)
            {
                table.Remark($"training counts the {counted} of {data.TrainingCount} steps in which every output is "
                    + "measured.");
            }
        }
    }
}
