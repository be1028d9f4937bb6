// The states that a prediction begins from: the model file's, zero, the end of its data, or estimated from measured
// rows.

using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Files;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Commands;

/// <summary>Where predictions begin.</summary>
/// <param name="FromRest">At h_0 = 0.</param>
/// <param name="GoesOn">At the end of the data that the model was fitted on.</param>
/// <param name="WarmUp">Rows that states are estimated from; null for none.</param>
/// <param name="Horizon">Rows ahead of what was measured; null for a free run.</param>
internal sealed record PredictionStart(bool FromRest, bool GoesOn, int? WarmUp, int? Horizon)
{
    /// <summary>Predicts every step.</summary>
    /// <param name="file">The model.</param>
    /// <param name="table">Where they come from, for what is told.</param>
    /// <param name="inputs">A sequence for each run, scaled.</param>
    /// <param name="measured">Joined, scaled; null where nothing is.</param>
    /// <param name="runs">The runs.</param>
    /// <returns>Predictions, joined and scaled, NaN where there are none; and what was measured of the steps that are
    /// to be scored, NaN elsewhere.</returns>
    /// <exception cref="DataFaultException">There is no state to begin from.</exception>
    public (Matrix<double> Predictions, Matrix<double>? Scored) Predict(
        LinearRnnFile file, Table table, SequenceBatch inputs, Matrix<double>? measured, IReadOnlyList<Run> runs)
    {
        if (WarmUp is not int rows)
        {
            Vector<double>? state = FromRest ? null : GoesOn ? FinalState(file, table, runs) : file.InitialState;
            Matrix<double> free = Dataset.Joined(ForwardPass.Run(
                file.Model, inputs, Dataset.StatesOf(state, inputs.Count)).OutputBatch());
            return (free, measured);
        }
        if (file.StepsAhead > 0)
        {
            throw new DataFaultException(
                "--warm-up: expected a model of the same row, got one of the next row, whose inputs may hold outputs "
                + "already; `bptt forecast` forecasts further ahead.");
        }
        if (measured is null)
        {
            string names = string.Join(", ", file.Outputs.Select(c => $"'{c.Name}'"));
            throw table.Fault($"--warm-up: expected the output columns {names} in the table, to estimate states from.");
        }
        return WarmedUp(file, table, inputs, measured, rows);
    }

    private (Matrix<double>, Matrix<double>) WarmedUp(
        LinearRnnFile file, Table table, SequenceBatch inputs, Matrix<double> measured, int rows)
    {
        var plain = new LinearRnnFile(file.Model); // everything is scaled already
        Matrix<double> predictions = measured.Clone();
        Matrix<double> scored = measured.Clone();
        int first = 0;
        for (int b = 0; b < inputs.Count; b++)
        {
            int length = inputs.Lengths[b];
            int known = Math.Min(rows, length);
            Matrix<double> fed = inputs.Sequence(b);
            Matrix<double> outputs = measured.SubMatrix(0, measured.RowCount, first, length);
            Matrix<double> start = outputs.SubMatrix(0, outputs.RowCount, 0, known);
            if (!start.Exists(double.IsFinite))
            {
                throw table.Fault($"--warm-up: expected a measured output in the first {known} rows"
                    + $"{(inputs.Count == 1 ? "" : $" of run {b + 1}")}, got none.");
            }
            Matrix<double> predicted = Horizon is int ahead
                ? plain.PredictAhead(fed, outputs, ahead, rows)
                : plain.Predict(
                    fed, plain.EstimateInitialState(fed.SubMatrix(0, fed.RowCount, 0, known), start));
            predictions.SetSubMatrix(0, first, predicted);
            for (int t = 0; t < length; t++)
            {
                for (int i = 0; i < outputs.RowCount; i++)
                {
                    if (Horizon is null ? t < known : double.IsNaN(predicted[i, t]))
                    {
                        scored[i, first + t] = double.NaN;
                    }
                }
            }
            first += length;
        }
        return (predictions, scored);
    }

    private static Vector<double> FinalState(LinearRnnFile file, Table table, IReadOnlyList<Run> runs) =>
        runs.Count > 1
            ? throw table.Fault("--continue: expected one run, which goes on from the data of the fit, "
                + $"got {runs.Count}.")
            : file.FinalState ?? throw new DataFaultException(
                "--continue: the model file holds no state at the end of its data (finalState); fits of a single run "
                + "write one.");
}
