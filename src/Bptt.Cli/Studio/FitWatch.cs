// A fit that is watched in a browser: what it reports goes to the page, what the page asks for goes to it. The fit
// waits for nothing here.

using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Remedies;
using Bptt.Training;

namespace Bptt.Cli.Studio;

internal sealed class FitWatch : IDisposable
{
    private readonly CancellationTokenSource _stop;
    private readonly WatchHub _hub;
    private readonly WatchPictures _pictures;
    private readonly StudioServer _server;
    private readonly EpochTrail _trail = new();
    private int _isCheckpointAsked;
    private int? _toldBest;
    private double? _threshold; // of the clipping by the global norm
    private bool _isClipping;

    private FitWatch(Dataset data, CancellationToken cancellation)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _hub = new WatchHub(data);
        _pictures = new WatchPictures(data, _hub);
        _server = StudioServer.StartAsync(
            (routes, ending) => WatchEndpoints.Map(routes, _hub, Stop, AskForCheckpoint, ending))
            .GetAwaiter().GetResult();
    }

    /// <summary>Ends when the page asks for it, or the command ends.</summary>
    public CancellationToken Cancellation => _stop.Token;

    /// <summary>Some epochs of the training, for its report.</summary>
    public IReadOnlyList<EpochMoment> Moments => _trail.Moments;

    /// <summary>Starts the server and prints its address.</summary>
    public static FitWatch Start(Terminal terminal, Dataset data, bool opensBrowser, CancellationToken cancellation)
    {
        var watch = new FitWatch(data, cancellation);
        terminal.Output.WriteLine($"watch: {watch._server.Address.AbsoluteUri}");
        terminal.Output.Flush();
        if (opensBrowser)
        {
            Browser.Open(watch._server.Address);
        }
        return watch;
    }

    /// <summary>A report that a page hears too, where there is one.</summary>
    public static Action<EpochProgress> Beside(Action<EpochProgress> report, FitWatch? watch) =>
        watch is null ? report : report + watch.Show;

    /// <inheritdoc cref="Beside(Action{EpochProgress}, FitWatch)"/>
    public static Action<double> Beside(Action<double> report, FitWatch? watch) =>
        watch is null ? report : report + watch.ShowWork;

    /// <summary>Tells what kind of work begins, in words, and whether it can be saved.</summary>
    public void Begin(string words, bool trains, bool canSave) => _hub.Begin(words, trains, canSave);

    /// <summary>Tells of a training.</summary>
    public void BeginTraining(string words, FitPlan plan, bool canSave)
    {
        _threshold = FitPlan.IsFirstOrder(plan.Method)
            ? (plan.Settings.Clipping as GlobalNormClipping)?.MaxNorm : null;
        Begin(words, trains: true, canSave);
    }

    /// <summary>Tells an epoch.</summary>
    public void Show(EpochProgress progress)
    {
        _hub.Add(progress);
        _trail.Add(progress);
        if (progress.Details is not { } details)
        {
            return;
        }
        if (details.BestEpoch < details.Epoch && details.BestEpoch != _toldBest)
        {
            _toldBest = details.BestEpoch; // as long as each epoch is better than all before there is nothing to tell
            _hub.Tell("best", details.BestEpoch, null);
        }
        bool isClipped = progress.GradientNorm > _threshold;
        if (isClipped != _isClipping)
        {
            _isClipping = isClipped;
            _hub.Tell(isClipped ? "clipped" : "unclipped", progress.Epoch, progress.GradientNorm);
        }
        _pictures.Show(progress.Epoch, details.Parameters);
    }

    /// <summary>Tells which part of other work is done.</summary>
    public void ShowWork(double part) => _hub.Work(part);

    /// <summary>Asked by the training, after each update.</summary>
    public bool TakeCheckpoint()
    {
        if (Interlocked.Exchange(ref _isCheckpointAsked, 0) == 0)
        {
            return false;
        }
        _hub.Tell("checkpoint", null, null);
        return true;
    }

    /// <summary>Shows what the fit gave.</summary>
    /// <param name="fit">The model that is kept.</param>
    /// <param name="outcome">How it ended, in a sentence.</param>
    /// <param name="heldOut">Its score.</param>
    public void Finish(FitResult fit, string outcome, string heldOut)
    {
        if (fit is TrainedFit { Training: { StopReason: StopReason.NonFinite } training })
        {
            _hub.Tell("refused", training.Epochs, null);
        }
        _pictures.ShowLast(fit);
        _hub.Finish(outcome, heldOut);
    }

    public void Dispose()
    {
        _hub.End();
        _pictures.Dispose();
        _server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _stop.Dispose();
    }

    private void Stop()
    {
        _hub.Tell("stop", null, null);
        _stop.Cancel();
    }

    private void AskForCheckpoint() => Interlocked.Exchange(ref _isCheckpointAsked, 1);
}
