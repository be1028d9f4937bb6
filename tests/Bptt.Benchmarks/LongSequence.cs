// One long sequence of few inputs and outputs, as the measurements of memory and of scaling run it.

using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Random;

namespace Bptt.Benchmarks;

/// <summary>h = 128, d = q = 4, squared error; one forward and one backward pass for each run.</summary>
internal sealed class LongSequence
{
    public const int HiddenSize = 128;
    public const int Channels = 4;

    private readonly LinearRnn _model = Initializer.Orthogonal(
        Channels, HiddenSize, Channels, seed: 1, spectralRadius: 0.99);
    private readonly SequenceBatch _inputs;
    private readonly Objective _objective;
    private readonly ExecutionOptions _options;

    /// <summary>Makes the data.</summary>
    /// <param name="stepCount">T.</param>
    /// <param name="memoryBudget">Bytes for states and state gradients; null keeps every state.</param>
    /// <param name="threads">How many threads Bptt may use.</param>
    public LongSequence(int stepCount, long? memoryBudget, int threads)
    {
        var random = new MersenneTwister(1, threadSafe: false);
        _inputs = Random(stepCount, random);
        _objective = Objective.SquaredError(Random(stepCount, random));
        _options = new ExecutionOptions
        {
            MaxDegreeOfParallelism = threads,
            MemoryBudget = memoryBudget,
            Workspace = new Workspace(),
        };
    }

    /// <summary>One pass; ∂L/∂W and L, as the caller may need them.</summary>
    /// <exception cref="NotSupportedException">This version of Bptt knows no memory budget.</exception>
    public BackwardThroughTime Run() =>
        BackwardThroughTime.Run(ForwardPass.Run(_model, _inputs, null, _options), _objective);

    /// <summary>A budget in words.</summary>
    public static string Describe(long? memoryBudget) =>
        memoryBudget is long bytes ? $"{Figure.Mebibytes(bytes)} for states" : "none, every state kept";

    private static SequenceBatch Random(int stepCount, MersenneTwister random) => SequenceBatch.Pack(
        [Matrix<double>.Build.Dense(Channels, stepCount, (_, _) => 2.0 * random.NextDouble() - 1.0)]);
}
