// Tells a test where a training stands, on the training's own thread.

using Bptt.Training;

namespace Bptt.Tests.Training;

internal sealed class Told(Action<TrainingProgress> tell) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value) => tell(value);
}
