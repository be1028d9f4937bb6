// Poles and predictions of a model that is being trained, made beside the training, never on its thread, and so seldom
// that it does not notice.

using System.Diagnostics;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Diagnostics;
using Bptt.Optimization;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Studio;

/// <summary>A look at a model.</summary>
/// <param name="Poles">The eigenvalues of W_hh; empty where they cannot be told.</param>
/// <param name="Outputs">For each output pairs of row and predicted value.</param>
/// <param name="HeldOut">The fit where it is held out, or null.</param>
/// <param name="Validation">The loss there; null where nothing is held out, or the training is over.</param>
internal sealed record WatchPicture(
    IReadOnlyList<ModeNumbers> Poles,
    IReadOnlyList<IReadOnlyList<double[]>> Outputs,
    double? HeldOut,
    WatchValidation? Validation);

internal sealed class WatchPictures : IDisposable
{
    /// <summary>The part of one processor that pictures may take.</summary>
    private const double Share = 0.01;

    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(100);

    private readonly Dataset _data;
    private readonly WatchHub _hub;
    private readonly int[] _steps;
    private readonly CancellationTokenSource _end = new();
    private readonly SemaphoreSlim _isNew = new(0, 1);
    private readonly Task _work;
    private Moment? _latest;

    public WatchPictures(Dataset data, WatchHub hub)
    {
        _data = data;
        _hub = hub;
        _steps = WatchHub.ShownSteps(data);
        _work = Task.Run(WorkAsync);
    }

    /// <summary>The weights after an epoch.</summary>
    private sealed record Moment(int Epoch, Parameters Parameters);

    /// <summary>Looks at the weights after an epoch when there is time, unless newer ones come before. Returns at
    /// once.</summary>
    public void Show(int epoch, Parameters parameters)
    {
        Volatile.Write(ref _latest, new Moment(epoch, parameters));
        if (_isNew.CurrentCount == 0)
        {
            try
            {
                _isNew.Release();
            }
            catch (SemaphoreFullException)
            {
                // Another report has just said so.
            }
        }
    }

    /// <summary>Looks at the model that is kept.</summary>
    public void ShowLast(FitResult fit) => _hub.Picture(Look(fit.Model, fit.RunFree(_data), null));

    public void Dispose()
    {
        _end.Cancel();
        _work.GetAwaiter().GetResult();
        _end.Dispose();
        _isNew.Dispose();
    }

    private async Task WorkAsync()
    {
        try
        {
            while (true)
            {
                await _isNew.WaitAsync(_end.Token);
                TimeSpan pause = Least;
                if (_hub.IsWatched && Volatile.Read(ref _latest) is Moment moment)
                {
                    var clock = Stopwatch.StartNew();
                    _hub.Picture(Look(moment));
                    TimeSpan rest = clock.Elapsed / Share;
                    pause = rest > Least ? rest : Least;
                }
                await Task.Delay(pause, _end.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The fit is over.
        }
    }

    private WatchPicture Look(Moment moment)
    {
        Parameters parameters = moment.Parameters;
        Matrix<double>? states = parameters.InitialStates;
        var pass = ForwardPass.Run(
            parameters.Model,
            _data.Inputs,
            states?.ColumnCount == _data.Inputs.Count ? states : null,
            new ExecutionOptions { MaxDegreeOfParallelism = 1 });
        return Look(parameters.Model, Dataset.Joined(pass.OutputBatch()), moment.Epoch);
    }

    private WatchPicture Look(LinearRnn model, Matrix<double> predictions, int? epoch) => new(
        Poles(model),
        [.. _data.OutputChannels.Select((channel, i) =>
            WatchHub.Thin(_data, _steps, t => channel.Denormalize(predictions[i, t])))],
        FitScore.OfHeldOut(_data, predictions) is double fit && double.IsFinite(fit) ? fit : null,
        epoch is int n && FitScore.LossOfHeldOut(_data, predictions) is double loss
            ? new WatchValidation(n, loss) : null);

    private static ModeNumbers[] Poles(LinearRnn model)
    {
        try
        {
            return [.. Spectrum.Of(model).Modes.Select(SceneNumbers.Mode)];
        }
        catch (ArithmeticException)
        {
            return [];
        }
    }
}
