// What a watched fit has told so far, and who is to be told on. A page that comes late gets all of it first.

using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Threading.Channels;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Cli.Pictures;
using OxyPlot;

namespace Bptt.Cli.Studio;

/// <summary>One report of a training.</summary>
internal sealed record WatchPoint(int Epoch, double Loss, double? Norm, double Seconds);

/// <summary>The loss on what is held out, after an epoch.</summary>
internal sealed record WatchValidation(int Epoch, double Loss);

/// <summary>Something that happened.</summary>
/// <param name="Kind">best, clipped, unclipped, refused, checkpoint, stop.</param>
/// <param name="Epoch">When; null where it is between two.</param>
/// <param name="Value">The number that it is about; null where there is none.</param>
internal sealed record WatchEvent(string Kind, int? Epoch, double? Value);

/// <summary>What is measured of an output where it is held out, or where nothing is, trained on: pairs of row and
/// value, thinned so that the least and the largest stay.</summary>
internal sealed record WatchTarget(string Name, IReadOnlyList<double[]> Measured);

/// <summary>All that a page begins with.</summary>
internal sealed record WatchStart(
    string Data,
    string Parts,
    string Words,
    bool Trains,
    bool CanSave,
    bool IsHeldOut,
    int MaxEpochs,
    IReadOnlyList<WatchTarget> Targets,
    IReadOnlyList<WatchPoint> Points,
    IReadOnlyList<WatchValidation> Validations,
    IReadOnlyList<WatchEvent> Events,
    double? Work,
    string? Outcome,
    string? HeldOut);

internal sealed class WatchHub(Dataset data)
{
    private const int MostPoints = 2000;
    private const int MostEvents = 200;
    private const int MostWaiting = 256;

    private static readonly JsonSerializerOptions Json = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private readonly Lock _lock = new();
    private readonly List<Channel<SseItem<string>>> _pages = [];
    private readonly List<WatchPoint> _points = [];
    private readonly List<WatchValidation> _validations = [];
    private readonly List<WatchEvent> _events = [];
    private readonly Lazy<WatchTarget[]> _targets = new(() => TargetsOf(data));
    private string _words = "";
    private bool _trains;
    private bool _canSave;
    private int _maxEpochs;
    private double? _work;
    private string? _picture;
    private string? _outcome;
    private string? _heldOut;
    private bool _hasEnded;

    /// <summary>Whether somebody watches; pictures for nobody are not made.</summary>
    public bool IsWatched
    {
        get
        {
            lock (_lock)
            {
                return _pages.Count > 0;
            }
        }
    }

    /// <summary>The joined steps whose outputs are shown.</summary>
    public static int[] ShownSteps(Dataset data) =>
        [.. Enumerable.Range(0, data.Count).Where(t => !data.HoldsOut || !data.IsTrained(t))];

    /// <summary>Points of a curve as a page draws it.</summary>
    public static double[][] Thin(Dataset data, int[] steps, Func<int, double> value) =>
        [.. Curve.Thinned([.. steps.Select(t => new DataPoint(data.RowOf(t), value(t)))])
            .Select(p => new[] { p.X, p.Y })];

    public void Begin(string words, bool trains, bool canSave)
    {
        lock (_lock)
        {
            (_words, _trains, _canSave, _work) = (words, trains, canSave, null);
            Send("start", Start());
        }
    }

    public void Add(EpochProgress progress)
    {
        lock (_lock)
        {
            _maxEpochs = progress.Epochs;
            var point = new WatchPoint(
                progress.Epoch,
                progress.Loss,
                progress.GradientNorm,
                progress.Details?.Elapsed.TotalSeconds ?? 0);
            Keep(_points, point);
            Send("point", point);
        }
    }

    public void Tell(string kind, int? epoch, double? value)
    {
        lock (_lock)
        {
            var happened = new WatchEvent(kind, epoch ?? (_points.Count > 0 ? _points[^1].Epoch : null), value);
            if (_events.Count == MostEvents)
            {
                _events.RemoveAt(0);
            }
            _events.Add(happened);
            Send("event", happened);
        }
    }

    public void Work(double part)
    {
        lock (_lock)
        {
            if (_work is null || part - _work >= 0.01)
            {
                _work = part;
                Send("work", part);
            }
        }
    }

    /// <summary>Poles and outputs as they are now.</summary>
    public void Picture(WatchPicture picture)
    {
        string text = JsonSerializer.Serialize(picture, Json);
        lock (_lock)
        {
            if (picture.Validation is WatchValidation validation)
            {
                Keep(_validations, validation);
            }
            _picture = text;
            SendText("picture", text);
        }
    }

    public void Finish(string outcome, string heldOut)
    {
        lock (_lock)
        {
            (_outcome, _heldOut) = (outcome, heldOut);
            Send("done", new { Outcome = outcome, HeldOut = heldOut });
        }
    }

    /// <summary>Nothing more will come.</summary>
    public void End()
    {
        lock (_lock)
        {
            _hasEnded = true;
            SendText("end", "");
            foreach (Channel<SseItem<string>> page in _pages)
            {
                page.Writer.TryComplete();
            }
        }
    }

    /// <summary>What a page is told, from the start on.</summary>
    public async IAsyncEnumerable<SseItem<string>> Follow(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        // A page that does not keep up loses the oldest that waits for it.
        var page = Channel.CreateBounded<SseItem<string>>(
            new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropOldest });
        lock (_lock)
        {
            page.Writer.TryWrite(new SseItem<string>(JsonSerializer.Serialize(Start(), Json), "start"));
            if (_picture is not null)
            {
                page.Writer.TryWrite(new SseItem<string>(_picture, "picture"));
            }
            if (_hasEnded)
            {
                page.Writer.TryComplete();
            }
            _pages.Add(page);
        }
        try
        {
            await foreach (SseItem<string> item in page.Reader.ReadAllAsync(cancellation))
            {
                yield return item;
            }
        }
        finally
        {
            lock (_lock)
            {
                _pages.Remove(page);
            }
        }
    }

    private WatchStart Start() => new(
        data.Name,
        data.PartsText,
        _words,
        _trains,
        _canSave,
        data.HoldsOut,
        _maxEpochs,
        _targets.Value,
        _points,
        _validations,
        _events,
        _work,
        _outcome,
        _heldOut);

    /// <summary>Adds to a list that stays short: every other one goes where it is full, so that a long training stays
    /// whole.</summary>
    private static void Keep<T>(List<T> all, T next)
    {
        if (all.Count == MostPoints)
        {
            for (int i = MostPoints - 2; i > 0; i -= 2)
            {
                all.RemoveAt(i);
            }
        }
        all.Add(next);
    }

    private void Send(string kind, object value)
    {
        if (_pages.Count > 0)
        {
            SendText(kind, JsonSerializer.Serialize(value, Json));
        }
    }

    private void SendText(string kind, string text)
    {
        foreach (Channel<SseItem<string>> page in _pages)
        {
            page.Writer.TryWrite(new SseItem<string>(text, kind));
        }
    }

    private static WatchTarget[] TargetsOf(Dataset data)
    {
        int[] steps = ShownSteps(data);
        return [.. data.OutputChannels.Select((channel, i) => new WatchTarget(
            channel.Name, Thin(data, steps, t => channel.Denormalize(data.JoinedTargets[i, t]))))];
    }
}
