// Says where in a training the first NaN or infinity is, for messages. Decides nothing.

using Bptt.Diagnostics;
using Bptt.Edge;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Optimization;

namespace Bptt.Training;

internal static class NonFiniteText
{
    /// <summary>Which number of a point is not finite, and where the first one arose.</summary>
    /// <param name="point">A point that is not finite, whose passes can be read.</param>
    /// <param name="parts">The steps that its sequences are of the training's; null where these are the same.</param>
    public static string Of(TrainingPoint point, SequencePart[]? parts)
    {
        int bad = VectorMath.FirstNonFinite(point.Gradient);
        string what = bad >= 0
            ? $"the gradient of {point.Parameters.NameOf(bad)} is {NumberText.Exact(point.Gradient[bad])}"
            : $"the loss is {NumberText.Exact(point.Loss)}";
        if (point.Shards is not null)
        {
            return what; // the passes are elsewhere
        }
        NonFiniteOrigin? origin =
            NonFiniteSearch.First(PassNorms.Of(point.Forward, point.Backward), point.Backward.Gradients);
        if (origin is null)
        {
            return double.IsFinite(point.DataLoss)
                ? $"{what}: a penalty is not finite"
                : $"{what}, though all outputs and gradients of the objective are finite: the sum of its terms is not";
        }
        string place = origin is { Sequence: int b, Step: int t } && parts is not null
            ? $" (sequence {parts[b].Sequence}, step {parts[b].FirstStep + t - 1} of the training data)"
            : "";
        return $"{what}. First: {origin.Summary}{place}";
    }
}
