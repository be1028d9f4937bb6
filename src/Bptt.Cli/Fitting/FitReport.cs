// What a fit is told in: scores of the model and the baselines, gradient checks, and the numbers that say whether
// gradients vanish. Computes and prints; writes no file.

using Bptt.Cli.Data;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;
using Spectre.Console;

namespace Bptt.Cli.Fitting;

internal sealed class FitReport
{
    private readonly Dataset _data;
    private readonly AdamFitResult _fit;
    private readonly ArxBaseline _arx;

    public FitReport(Dataset data, AdamFitResult fit)
    {
        _data = data;
        _fit = fit;
        _arx = ArxBaseline.Fit(data);
        Predictions = ForwardPass.Run(fit.Model, data.Inputs, fit.InitialState).Outputs();
        SpectralRadius = fit.Model.Whh.Evd().EigenValues.Max(e => e.Magnitude);
    }

    /// <summary>ŷ over both parts in one run, the state carried across, q×N, scaled.</summary>
    public Matrix<double> Predictions { get; }

    public double SpectralRadius { get; }

    public double? HeldOutFit => FitScore.Of(_data.HeldOut(_data.Targets), _data.HeldOut(Predictions));

    /// <summary>Prints the scores, checks the gradients and prints the rest.</summary>
    /// <returns>Whether no gradient check failed. Near a perfect fit the gradient can be too small to tell, which is no
    /// failure.</returns>
    public bool Print(Terminal terminal)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumns(
            new TableColumn("fit, 100·(1 − ‖y−ŷ‖/‖y−ȳ‖) %"),
            new TableColumn("training").RightAligned(),
            new TableColumn("held out").RightAligned());
        AddScores(table, $"linear RNN, h = {_fit.Model.HiddenSize}", Predictions);
        AddScores(table, _arx.Name, _arx.RunFree(_data.Inputs));
        AddScores(table, "training mean", Matrix<double>.Build.Dense(_data.Targets.RowCount, _data.Count));
        terminal.Ansi.Write(table);

        TextWriter output = terminal.Output;
        var objective = Objective.SquaredError(_data.TrainingTargets);
        Verdict before = Check("before", ForwardPass.Run(_fit.InitialModel, _data.TrainingInputs));
        var forward = ForwardPass.Run(_fit.Model, _data.TrainingInputs, _fit.InitialState);
        Verdict after = Check("after", forward);

        int steps = _data.TrainingCount;
        var backward = BackwardThroughTime.Run(forward, objective);
        output.WriteLine($"spectral radius of W_hh: {SpectralRadius:F4}");
        output.WriteLine($"‖∂L/∂h_1‖: {backward.HiddenStateGradient(1).L2Norm():0.00E+0}");
        output.WriteLine($"‖∂L/∂h_T‖: {backward.HiddenStateGradient(steps).L2Norm():0.00E+0} (T = {steps})");
        output.WriteLine($"held-out fit: {FitScore.Text(HeldOutFit)}");
        return before != Verdict.Failed && after != Verdict.Failed;

        Verdict Check(string when, ForwardPass pass)
        {
            output.Write($"gradient check {when} training: ");
            output.Flush(); // a large model takes its time here
            GradientCheckReport report = GradientCheck.Run(pass, objective, new GradientCheckOptions
            {
                // Every entry costs dozens of passes: all of W_hh up to h = 8, a sample beyond.
                MaxEntriesPerParameter = Math.Max(8, 512 / pass.Model.HiddenSize),
            });
            output.WriteLine(CheckText.Summary(report));
            return report.Verdict;
        }
    }

    private void AddScores(Table table, string name, Matrix<double> predictions)
    {
        AddRow(table, name, _data.Targets, predictions);
        for (int i = 0; i < _data.Targets.RowCount && _data.Targets.RowCount > 1; i++)
        {
            AddRow(
                table,
                $"  {_data.OutputChannels[i].Name}",
                _data.Targets.SubMatrix(i, 1, 0, _data.Count),
                predictions.SubMatrix(i, 1, 0, _data.Count));
        }
    }

    private void AddRow(Table table, string name, Matrix<double> targets, Matrix<double> predictions) => table.AddRow(
        Markup.Escape(name),
        FitScore.Text(FitScore.Of(_data.Training(targets), _data.Training(predictions))),
        FitScore.Text(FitScore.Of(_data.HeldOut(targets), _data.HeldOut(predictions))));
}
