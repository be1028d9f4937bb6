// The names under which trainings are measured and traced. Names only; what is measured is in TrainingInstruments.

namespace Bptt.Telemetry;

/// <summary>
/// The names to listen to: a training tells a meter and an activity source of .NET where it stands, for OpenTelemetry
/// and, without a change to the program, for <c>dotnet-counters</c> and <c>dotnet-trace</c>.
/// </summary>
/// <remarks>
/// The meter has, for every training of the process, in units of UCUM:
/// <list type="table">
/// <item><term>bptt.training.epochs, {epoch}</term><description>counter: epochs done</description></item>
/// <item><term>bptt.training.updates, {update}</term><description>counter: updates done, with the tag
/// <c>bptt.update.outcome</c>, which is <c>moved</c>, <c>clipped</c> or <c>refused</c> (a number was not
/// finite)</description></item>
/// <item><term>bptt.training.update.duration, s</term><description>histogram: the time of an
/// update</description></item>
/// <item><term>bptt.training.gradient.norm</term><description>histogram: ‖∂L/∂θ‖ of each epoch before clipping, as
/// <c>EpochRecord.GradientNorm</c></description></item>
/// <item><term>bptt.training.loss, bptt.training.validation.loss</term><description>gauges: after the last epoch
/// of the training that was the last to end one</description></item>
/// </list>
/// The activity source has <c>bptt.train</c> for each training, with the tags <c>bptt.optimizer</c>,
/// <c>bptt.input.size</c>, <c>bptt.hidden.size</c>, <c>bptt.output.size</c>, <c>bptt.sequences</c>, <c>bptt.steps</c>
/// and at its end <c>bptt.stop.reason</c>, <c>bptt.epochs</c>, <c>bptt.updates</c> and <c>bptt.best.loss</c> (status:
/// an error where a number was not finite or the training threw), and in it <c>bptt.epoch</c> for each epoch. Where
/// nobody listens neither costs anything that can be measured. With OpenTelemetry:
/// <c>AddMeter(BpttTelemetry.MeterName)</c> and <c>AddSource(BpttTelemetry.ActivitySourceName)</c>.
/// </remarks>
/// <example>
/// <code>
/// using var listener = new System.Diagnostics.Metrics.MeterListener
/// {
///     InstrumentPublished = (instrument, self) =>
///     {
///         if (instrument.Meter.Name == BpttTelemetry.MeterName)
///         {
///             self.EnableMeasurementEvents(instrument);
///         }
///     },
/// };
/// listener.SetMeasurementEventCallback&lt;double&gt;((instrument, value, _, _) =>
///     Console.WriteLine($"{instrument.Name} {value:G3}"));
/// listener.Start();
/// Trainer.Run(model, inputs, objective);
/// </code>
/// </example>
public static class BpttTelemetry
{
    /// <summary>The name of the <see cref="System.Diagnostics.Metrics.Meter"/>.</summary>
    public const string MeterName = "Bptt";

    /// <summary>The name of the <see cref="System.Diagnostics.ActivitySource"/>.</summary>
    public const string ActivitySourceName = "Bptt";
}
