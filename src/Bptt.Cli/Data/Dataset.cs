// Inputs and targets of one table: cut into a training and a held-out part, and scaled by the training part only.
//
//   d  inputs      q  outputs      N  pairs of input and target

using Bptt.Cli.Console;
using Bptt.Files;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Data;

/// <summary>
/// N pairs (x_t, y_t) in time order. With <see cref="StepsAhead"/> = 1, y_t stands one row below x_t.
/// </summary>
internal sealed class Dataset
{
    /// <summary>Below this, in the unit of the data, squares of deviations lose digits.</summary>
    private const double SmallestDeviation = 1e-140;

    /// <summary>Above this, in the unit of the data, squares could not be added.</summary>
    private const double LargestValue = 1e150;

    private Dataset(
        string name, Channel[] inputChannels, Channel[] outputChannels, Matrix<double> inputs, Matrix<double> targets,
        int stepsAhead, int trainingCount)
    {
        Name = name;
        InputChannels = inputChannels;
        OutputChannels = outputChannels;
        Inputs = inputs;
        Targets = targets;
        StepsAhead = stepsAhead;
        TrainingCount = trainingCount;
    }

    public string Name { get; }

    /// <summary>Names, and mean and standard deviation of the training part.</summary>
    public Channel[] InputChannels { get; }

    /// <inheritdoc cref="InputChannels"/>
    public Channel[] OutputChannels { get; }

    /// <summary>d×N, scaled.</summary>
    public Matrix<double> Inputs { get; }

    /// <summary>q×N, scaled.</summary>
    public Matrix<double> Targets { get; }

    public int StepsAhead { get; }

    /// <summary>N.</summary>
    public int Count => Inputs.ColumnCount;

    /// <summary>The first pairs, which train.</summary>
    public int TrainingCount { get; }

    public Matrix<double> TrainingInputs => Training(Inputs);

    public Matrix<double> TrainingTargets => Training(Targets);

    /// <summary>The first columns.</summary>
    public Matrix<double> Training(Matrix<double> columns) => columns.SubMatrix(0, columns.RowCount, 0, TrainingCount);

    /// <summary>The other columns.</summary>
    public Matrix<double> HeldOut(Matrix<double> columns) =>
        columns.SubMatrix(0, columns.RowCount, TrainingCount, columns.ColumnCount - TrainingCount);

    /// <summary>The row of the table (from 1) that target t (from 0) stands in.</summary>
    public int RowOf(int t) => t + 1 + StepsAhead;

    /// <summary>Takes the named columns of a table.</summary>
    public static Dataset From(
        CsvTable table,
        IReadOnlyList<string> inputs,
        IReadOnlyList<string> outputs,
        bool predictNext,
        double trainingFraction)
    {
        int stepsAhead = predictNext ? 1 : 0;
        (int count, int trainingCount) = Counts(table, stepsAhead, trainingFraction);
        double[][] inputColumns = inputs.Select(name => table.Numbers(name)[..count]).ToArray();
        double[][] targetColumns = outputs.Select(name => table.Numbers(name)[stepsAhead..]).ToArray();
        Channel[] inputChannels = inputs.Select((name, i) => Scaling(table, name, inputColumns[i], trainingCount))
            .ToArray();
        Channel[] outputChannels = outputs.Select((name, i) => Scaling(table, name, targetColumns[i], trainingCount))
            .ToArray();
        for (int i = 0; i < outputs.Count; i++)
        {
            if (!Varies(targetColumns[i].AsSpan(trainingCount)))
            {
                throw new DataFaultException(
                    $"{table.Name}: expected column '{outputs[i]}' to vary in the held-out part, "
                    + $"got {targetColumns[i][^1]} throughout: a fit to a constant is not defined.");
            }
        }

        return new Dataset(
            table.Name,
            inputChannels,
            outputChannels,
            Scaled(inputChannels, inputColumns),
            Scaled(outputChannels, targetColumns),
            stepsAhead,
            trainingCount);
    }

    /// <summary>Takes the columns of a model file, by the scaling in it.</summary>
    public static Dataset From(CsvTable table, LinearRnnFile file, double trainingFraction)
    {
        (int count, int trainingCount) = Counts(table, file.StepsAhead, trainingFraction);
        return new Dataset(
            table.Name,
            [.. file.Inputs],
            [.. file.Outputs],
            Finite(file.Inputs, column => column[..count]),
            Finite(file.Outputs, column => column[file.StepsAhead..]),
            file.StepsAhead,
            trainingCount);

        Matrix<double> Finite(IReadOnlyList<Channel> channels, Func<double[], double[]> part)
        {
            Matrix<double> scaled = Scaled(channels, channels.Select(c => part(table.Numbers(c.Name))).ToArray());
            int row = Enumerable.Range(0, scaled.RowCount).FirstOrDefault(
                i => !scaled.Row(i).ForAll(double.IsFinite), -1);
            return row < 0 ? scaled : throw new DataFaultException(
                $"{table.Name}: expected column '{channels[row].Name}' to stay finite when scaled as the model tells "
                + $"(mean {channels[row].Mean}, scale {channels[row].Scale}).");
        }
    }

    /// <summary>Columns of measured values as the model sees them, a row each.</summary>
    public static Matrix<double> Scaled(IReadOnlyList<Channel> channels, double[][] columns) =>
        new Standardizer(channels).Apply(Matrix<double>.Build.DenseOfRowArrays(columns));

    /// <summary>Whether the values differ by more than their rounding.</summary>
    public static bool Varies(ReadOnlySpan<double> values)
    {
        double smallest = double.PositiveInfinity;
        double largest = double.NegativeInfinity;
        foreach (double value in values)
        {
            smallest = Math.Min(smallest, value);
            largest = Math.Max(largest, value);
        }
        return largest - smallest > 1e-12 * Math.Max(Math.Abs(largest), Math.Abs(smallest));
    }

    /// <summary>How many pairs there are, and how many of them train.</summary>
    private static (int All, int Training) Counts(CsvTable table, int stepsAhead, double trainingFraction)
    {
        int count = Math.Max(0, table.RowCount - stepsAhead);
        int trainingCount = (int)Math.Floor(trainingFraction * count + 1e-9); // 0.57 of 100 rows are 57
        return trainingCount >= 2 && count - trainingCount >= 2 ? (count, trainingCount) : throw new DataFaultException(
            $"{table.Name}: expected at least 2 rows to train on and 2 to hold out, got {table.RowCount} rows, "
            + $"of which {trainingCount} would train.");
    }

    private static Channel Scaling(CsvTable table, string name, double[] column, int trainingCount)
    {
        double[] training = column[..trainingCount];
        if (training.Max(Math.Abs) is double largest and > LargestValue)
        {
            throw new DataFaultException(
                $"{table.Name}: expected column '{name}' to hold numbers whose squares can be added, "
                + $"got values up to {largest}.");
        }
        if (!Varies(training))
        {
            throw new DataFaultException(
                $"{table.Name}: expected column '{name}' to vary in the training part, got {training[0]} throughout: "
                + "it teaches nothing and cannot be scaled.");
        }
        Channel channel = Standardizer.Fit(Matrix<double>.Build.Dense(1, training.Length, training), name).Channels[0];
        return channel.Scale >= SmallestDeviation ? channel : throw new DataFaultException(
            $"{table.Name}: expected column '{name}' to vary by numbers whose squares can be added, "
            + $"got a standard deviation of {channel.Scale}; another unit helps.");
    }
}
