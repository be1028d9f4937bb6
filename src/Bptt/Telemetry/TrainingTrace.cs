// The trace of one training: what it is, and how it ended. Knows no training.

using System.Diagnostics;

namespace Bptt.Telemetry;

/// <summary>An activity from the start of a training to its end; nothing where nobody listens.</summary>
internal sealed class TrainingTrace : IDisposable
{
    private readonly Activity? _activity = TrainingInstruments.BeginTraining();

    /// <summary>Whether somebody listens, so that it is worth describing.</summary>
    public bool IsListenedTo => _activity is not null;

    /// <summary>Says what is trained.</summary>
    /// <param name="optimizer">The method, in words.</param>
    /// <param name="sizes">d, h and q.</param>
    /// <param name="sequences">Of the training set.</param>
    /// <param name="steps">Of all of them.</param>
    public void Describe(string optimizer, (int Input, int Hidden, int Output) sizes, int sequences, int steps) =>
        _activity?.SetTag("bptt.optimizer", optimizer)
            .SetTag("bptt.input.size", sizes.Input)
            .SetTag("bptt.hidden.size", sizes.Hidden)
            .SetTag("bptt.output.size", sizes.Output)
            .SetTag("bptt.sequences", sequences)
            .SetTag("bptt.steps", steps);

    /// <summary>Says how it ended.</summary>
    public void DescribeEnd(string reason, int epochs, int updates, double bestLoss) =>
        _activity?.SetTag("bptt.stop.reason", reason)
            .SetTag("bptt.epochs", epochs)
            .SetTag("bptt.updates", updates)
            .SetTag("bptt.best.loss", bestLoss);

    /// <summary>Says that it failed, and why.</summary>
    public void Fail(string text) => _activity?.SetStatus(ActivityStatusCode.Error, text);

    public void Dispose() => _activity?.Dispose();
}
