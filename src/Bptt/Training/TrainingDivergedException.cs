// A training met NaN or infinity and was told to throw. Carries what had been reached.

namespace Bptt.Training;

/// <summary>A loss, a gradient or a weight was NaN or infinite under <see cref="NonFinitePolicy.Throw"/>.</summary>
public sealed class TrainingDivergedException : ArithmeticException
{
    internal TrainingDivergedException(TrainingResult result)
        : base(result.Summary)
    {
        Result = result;
    }

    /// <summary>What had been reached: the best weights are not lost.</summary>
    public TrainingResult Result { get; }
}
