// The meter and the activity source of trainings, and what each instrument is. Knows no training.

using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Bptt.Telemetry;

/// <summary>What became of an update.</summary>
internal enum UpdateOutcome
{
    /// <summary>The weights moved.</summary>
    Moved,

    /// <summary>They moved, by a gradient that was clipped.</summary>
    Clipped,

    /// <summary>A number was not finite, and they stayed.</summary>
    Refused,
}

internal static class TrainingInstruments
{
    private static readonly string? Version = typeof(BpttTelemetry).Assembly.GetName().Version?.ToString();
    private static readonly Meter Meter = new(BpttTelemetry.MeterName, Version);
    private static readonly ActivitySource Source = new(BpttTelemetry.ActivitySourceName, Version);

    private static readonly Counter<long> Epochs =
        Meter.CreateCounter<long>("bptt.training.epochs", "{epoch}", "Epochs done.");

    private static readonly Counter<long> Updates =
        Meter.CreateCounter<long>("bptt.training.updates", "{update}", "Updates done, by their outcome.");

    private static readonly Histogram<double> UpdateDuration =
        Meter.CreateHistogram<double>("bptt.training.update.duration", "s", "The time of an update.");

    private static readonly Histogram<double> GradientNorm = Meter.CreateHistogram<double>(
        "bptt.training.gradient.norm", unit: null, "The gradient's norm in an epoch, before clipping.");

    private static readonly Gauge<double> Loss =
        Meter.CreateGauge<double>("bptt.training.loss", unit: null, "The training loss after the last epoch.");

    private static readonly Gauge<double> ValidationLoss = Meter.CreateGauge<double>(
        "bptt.training.validation.loss", unit: null, "The validation loss after the last epoch.");

    /// <summary>Begins the trace of a training; null where nobody listens.</summary>
    public static Activity? BeginTraining() => Source.StartActivity("bptt.train");

    /// <summary>Begins the trace of an epoch; null where nobody listens.</summary>
    public static Activity? BeginEpoch(int epoch) => Source.StartActivity("bptt.epoch")?.SetTag("bptt.epoch", epoch);

    /// <summary>The time now, for <see cref="CountUpdate"/>.</summary>
    public static long Now() => UpdateDuration.Enabled ? Stopwatch.GetTimestamp() : 0;

    /// <summary>Counts an update.</summary>
    /// <param name="outcome">What became of it.</param>
    /// <param name="begun">When it began, by <see cref="Now"/>.</param>
    public static void CountUpdate(UpdateOutcome outcome, long begun)
    {
        if (Updates.Enabled)
        {
            Updates.Add(1, new KeyValuePair<string, object?>("bptt.update.outcome", NameOf(outcome)));
        }
        if (begun != 0)
        {
            UpdateDuration.Record(Stopwatch.GetElapsedTime(begun).TotalSeconds);
        }
    }

    /// <summary>Tells how things stand after an epoch, or before the first, which is no epoch done.</summary>
    /// <param name="isDone">Whether an epoch is done.</param>
    /// <param name="loss">In training.</param>
    /// <param name="validationLoss">Null where there is none.</param>
    /// <param name="gradientNorm">Null where it is not known.</param>
    public static void EndEpoch(bool isDone, double loss, double? validationLoss, double? gradientNorm)
    {
        if (isDone)
        {
            Epochs.Add(1);
        }
        Loss.Record(loss);
        if (validationLoss is double validation)
        {
            ValidationLoss.Record(validation);
        }
        if (gradientNorm is double norm)
        {
            GradientNorm.Record(norm);
        }
    }

    private static string NameOf(UpdateOutcome outcome) => outcome switch
    {
        UpdateOutcome.Moved => "moved",
        UpdateOutcome.Clipped => "clipped",
        UpdateOutcome.Refused => "refused",
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "no outcome"),
    };
}
