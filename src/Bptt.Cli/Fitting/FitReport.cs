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
    private readonly Matrix<double> _arxPredictions;
    private readonly GradientCheckReport _checkBefore;
    private readonly GradientCheckReport _checkAfter;
    private readonly BackwardThroughTime _backward;

    public FitReport(Dataset data, AdamFitResult fit)
    {
        _data = data;
        _fit = fit;
        Predictions = ForwardPass.Run(fit.Model, data.Inputs, fit.InitialState).Outputs();
        _arx = ArxBaseline.Fit(data);
        _arxPredictions = _arx.RunFree(data.Inputs);

        var objective = Objective.SquaredError(data.TrainingTargets);
        _checkBefore = GradientCheck.Run(ForwardPass.Run(fit.InitialModel, data.TrainingInputs), objective);
        var forward = ForwardPass.Run(fit.Model, data.TrainingInputs, fit.InitialState);
        _checkAfter = GradientCheck.Run(forward, objective);
        _backward = BackwardThroughTime.Run(forward, objective);
        SpectralRadius = fit.Model.Whh.Evd().EigenValues.Max(e => e.Magnitude);
    }

    /// <summary>ŷ over both parts in one run, the state carried across, q×N, scaled.</summary>
    public Matrix<double> Predictions { get; }

    public double SpectralRadius { get; }

    public double HeldOutFit => FitScore.Of(_data.HeldOut(_data.Targets), _data.HeldOut(Predictions));

    /// <summary>Whether a gradient check failed, before or after training. Near a perfect fit the gradient can be too small
    /// to tell, which is no failure.</summary>
    public bool GradientsFailed =>
        _checkBefore.Verdict == GradientCheckVerdict.Failed || _checkAfter.Verdict == GradientCheckVerdict.Failed;

    public void Print(Terminal terminal)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumns(
            new TableColumn("fit, 100·(1 − ‖y−ŷ‖/‖y−ȳ‖) %"),
            new TableColumn("training").RightAligned(),
            new TableColumn("held out").RightAligned());
        AddScores(table, $"linear RNN, h = {_fit.Model.HiddenSize}", Predictions);
        AddScores(table, _arx.Name, _arxPredictions);
        AddScores(table, "training mean", Matrix<double>.Build.Dense(_data.Targets.RowCount, _data.Count));
        terminal.Ansi.Write(table);

        TextWriter output = terminal.Output;
        int steps = _data.TrainingCount;
        output.WriteLine($"gradient check before training: {CheckText.Summary(_checkBefore)}");
        output.WriteLine($"gradient check after training: {CheckText.Summary(_checkAfter)}");
        output.WriteLine($"spectral radius of W_hh: {SpectralRadius:F4}");
        output.WriteLine($"‖∂L/∂h_1‖: {_backward.HiddenStateGradient(1).L2Norm():0.00E+0}");
        output.WriteLine($"‖∂L/∂h_T‖: {_backward.HiddenStateGradient(steps).L2Norm():0.00E+0} (T = {steps})");
        output.WriteLine($"held-out fit: {FitScore.Text(HeldOutFit)}");
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
