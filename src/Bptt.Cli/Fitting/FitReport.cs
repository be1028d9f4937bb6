// What a fit is told in: scores of the model and the baselines, gradient checks, and the numbers that say whether
// gradients vanish. Computes and prints; writes no file.

using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Diagnostics;
using Bptt.Remedies;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Fitting;

internal sealed class FitReport
{
    private readonly Dataset _data;
    private readonly FitResult _fit;
    private readonly ArxBaseline _arx;
    private readonly Objective _objective;
    private readonly CancellationToken _cancellation;
    private readonly Lazy<GradientCheck?> _checkBefore;
    private readonly Lazy<GradientCheck?> _checkAfter;
    private readonly Lazy<ResidualAnalysis?> _residuals;

    /// <param name="data">What was fitted.</param>
    /// <param name="fit">What it gave.</param>
    /// <param name="isChecked">Whether the gradients are checked.</param>
    /// <param name="cancellation">Ends the checks.</param>
    public FitReport(
        Dataset data, FitResult fit, bool isChecked = true, CancellationToken cancellation = default)
    {
        _cancellation = cancellation;
        IsChecked = isChecked;
        _data = data;
        _fit = fit;
        _arx = ArxBaseline.Fit(data);
        _objective = fit.ObjectiveOf(data);
        Predictions = fit.RunFree(data);
        Baseline = _arx.RunFree(data.Inputs);
        SpectralRadius = Spectrum.Of(fit.Model).SpectralRadius;
        Backward = BackwardThroughTime.Run(fit.RunTraining(data), _objective);
        _checkBefore = new(() => Check(CheckedStart()));
        _checkAfter = new(() => Check(Backward.Forward));
        _residuals = new(() => FitVerdict.Analysis(data, Predictions));
    }

    /// <summary>ŷ over both parts, the state carried across, each run from h_0, q×N, joined, scaled.</summary>
    public Matrix<double> Predictions { get; }

    /// <summary>The baseline's, likewise.</summary>
    public Matrix<double> Baseline { get; }

    public double SpectralRadius { get; }

    /// <summary>What is left of the held-out targets, or where there are none of those that train; null where that is
    /// too little to tell.</summary>
    public ResidualAnalysis? Residuals => _residuals.Value;

    /// <summary>The pass of the trained model back through the training part.</summary>
    public BackwardThroughTime Backward { get; }

    public double? HeldOutFit => FitScore.OfHeldOut(_data, Predictions);

    /// <summary>The baseline's, as <see cref="HeldOutFit"/>.</summary>
    public double? BaselineHeldOutFit => FitScore.OfHeldOut(_data, Baseline);

    /// <summary>As it is told.</summary>
    public string HeldOutText => _data.HoldsOut ? FitScore.Text(HeldOutFit) : "none, all rows train";

    public string BaselineName => _arx.Name;

    /// <summary>Whether the gradients are checked.</summary>
    public bool IsChecked { get; }

    /// <summary>The gradients before training: at the start, or at random weights where the start is so near a minimum
    /// that a gradient is hardly there. Made when asked for first; null where it was left out or stopped.</summary>
    public GradientCheck? CheckBefore => _checkBefore.Value;

    /// <summary>The gradients of the trained model, likewise.</summary>
    public GradientCheck? CheckAfter => _checkAfter.Value;

    /// <summary>Whether no gradient check failed. Near a perfect fit the gradient can be too small to tell, which is no
    /// failure.</summary>
    public bool GradientsHold => CheckBefore?.Verdict != Verdict.Failed && CheckAfter?.Verdict != Verdict.Failed;

    /// <summary>What the gradients come to, name by name.</summary>
    public IReadOnlyList<(string Name, string Value)> GradientNumbers =>
    [
        ("spectral radius of W_hh", Words.Magnitude(SpectralRadius)),
        ("‖∂L/∂h_1‖", $"{Backward.HiddenStateGradient(1).L2Norm():0.00E+0}"),
        (
            "‖∂L/∂h_T‖",
            $"{Backward.HiddenStateGradient(LastStep).L2Norm():0.00E+0} (T = {LastStep}{(_data.Group is null
                ? "" : ", of the first run")})"),
    ];

    /// <summary>The fits on both parts, of the model and of what it is compared with, and the root-mean-square error of
    /// each output on the held-out part, in the output's own unit.</summary>
    public TextTable Scores()
    {
        var table = new TextTable("fit, 100·(1 − ‖y−ŷ‖/‖y−ȳ‖) %", "training", "held out", "held-out RMSE");
        AddScores(table, $"linear RNN, h = {_fit.Model.HiddenSize}", Predictions);
        AddScores(table, _arx.Name, Baseline);
        AddScores(table, "training mean", Matrix<double>.Build.Dense(_data.JoinedTargets.RowCount, _data.Count));
        return table;
    }

    /// <summary>Prints the scores, checks the gradients and prints the rest.</summary>
    public void Print(Terminal terminal)
    {
        Scores().WriteTo(terminal);
        TextWriter output = terminal.Output;
        if (IsChecked)
        {
            PrintCheck(CheckedBefore, _checkBefore);
            PrintCheck(CheckedAfter, _checkAfter);
        }
        foreach ((string name, string value) in GradientNumbers)
        {
            output.WriteLine($"{name}: {value}");
        }
        foreach (string sentence in FitVerdict.Residuals(_data, this))
        {
            output.WriteLine(sentence);
        }
        output.WriteLine($"verdict: {FitVerdict.Sentence(_data, _fit, this)}");
        output.WriteLine($"held-out fit: {HeldOutText}");

        void PrintCheck(string when, Lazy<GradientCheck?> check)
        {
            output.Write($"gradient check {when}: ");
            output.Flush(); // a large model takes its time here
            output.WriteLine(CheckText.Summary(check.Value));
        }
    }

    /// <summary>Where the gradients are checked before training, in words.</summary>
    public string CheckedBefore => IsStartRandom ? "before training" : "at random weights";

    /// <summary>Where the gradients are checked again, in words.</summary>
    public string CheckedAfter => _fit is TrainedFit ? "after training" : "of the model";

    private bool IsStartRandom => _fit is TrainedFit trained && trained.Start != FitStart.Subspace;

    private ForwardPass CheckedStart() => IsStartRandom && _fit is TrainedFit trained
        ? ForwardPass.Run(trained.InitialModel, _data.Training.Inputs, trained.InitialStates)
        : ForwardPass.Run(
            Initializer.Orthogonal(
                _fit.Model.InputSize,
                _fit.Model.HiddenSize,
                _fit.Model.OutputSize,
                (_fit as TrainedFit)?.Plan.Settings.Seed ?? 1,
                FitSettings.DefaultRadius),
            _data.Training.Inputs);

    /// <summary>T of the first sequence that trains.</summary>
    private int LastStep => _data.Training.Inputs.Lengths[0];

    private GradientCheck? Check(ForwardPass pass)
    {
        var options = new GradientCheckOptions
        {
            // Every entry costs dozens of passes: all of W_hh up to h = 8, a sample beyond.
            MaxEntriesPerParameter = Math.Max(8, 512 / pass.Model.HiddenSize),
        };
        try
        {
            return IsChecked ? GradientCheck.Run(pass, _objective, options, _cancellation) : null;
        }
        catch (OperationCanceledException)
        {
            return null; // the model is written, and all else is told
        }
    }

    private void AddScores(TextTable table, string name, Matrix<double> predictions)
    {
        bool isOne = _data.JoinedTargets.RowCount == 1;
        AddRow(table, name, _data.JoinedTargets, predictions, isOne ? Rmse(0, predictions) : "");
        for (int i = 0; i < _data.JoinedTargets.RowCount && !isOne; i++)
        {
            AddRow(
                table,
                $"  {_data.OutputChannels[i].Name}",
                _data.JoinedTargets.SubMatrix(i, 1, 0, _data.Count),
                predictions.SubMatrix(i, 1, 0, _data.Count),
                Rmse(i, predictions));
        }
    }

    private void AddRow(
        TextTable table, string name, Matrix<double> targets, Matrix<double> predictions, string rmse) => table.Add(
        name,
        FitScore.Text(FitScore.Of(_data.Trained(targets), _data.Trained(predictions))),
        _data.HoldsOut ? FitScore.Text(FitScore.Of(_data.HeldOut(targets), _data.HeldOut(predictions))) : "none",
        rmse);

    private string Rmse(int output, Matrix<double> predictions) => !_data.HoldsOut ? "none" : FitScore.RmseText(
        FitScore.Rmse(
        _data.HeldOut(_data.JoinedTargets).Row(output),
        _data.HeldOut(predictions).Row(output),
        _data.OutputChannels[output].Scale));
}
