// How the passes of a layer are carried out, and how far its gradients go back. Data only.

namespace Bptt.TorchSharp;

/// <summary>How a linear RNN is run inside torch: truncation, recurrence, threads, memory. Immutable. Tensors of
/// float32 are computed in <see cref="Precision.Single"/>, those of float64 in
/// <see cref="Precision.Double"/>.</summary>
/// <example>
/// <code>
/// // Gradients that go back 50 steps, in at most 64 MB of states and state gradients.
/// var options = new LinearRnnOptions { Truncation = Truncation.Lags(50), MemoryBudget = 64 &lt;&lt; 20 };
/// using var layer = new LinearRnnLayer(inputSize: 3, hiddenSize: 32, outputSize: 2, options: options);
/// layer.call(randn(1000, 4, 3)).Outputs.sum().backward();
/// Console.WriteLine($"{options.Truncation}: ‖∂L/∂W_hh‖ = {layer.Whh.grad!.norm().item&lt;float&gt;():G3}");
/// </code>
/// </example>
public sealed record LinearRnnOptions
{
    /// <summary>How far gradients travel back in time; null, the default, for all the way, the exact
    /// gradient.</summary>
    public Truncation? Truncation { get; init; }

    /// <summary>How the recurrence is run through the steps; <see cref="Recurrence.Automatic"/> by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is none of the named ones.</exception>
    public Recurrence Recurrence
    {
        get => Execution.Recurrence;
        init => Execution = Execution with { Recurrence = value };
    }

    /// <summary>The most threads that a pass may use at once; −1, the default, stands for all processors. The threads
    /// of torch do not count, and wait meanwhile.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is 0 or below −1.</exception>
    public int MaxDegreeOfParallelism
    {
        get => Execution.MaxDegreeOfParallelism;
        init => Execution = Execution with { MaxDegreeOfParallelism = value };
    }

    /// <summary>Bytes for the states and state gradients held at once; null, the default, keeps every h_t: see
    /// <see cref="ExecutionOptions.MemoryBudget"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is zero or negative.</exception>
    public long? MemoryBudget
    {
        get => Execution.MemoryBudget;
        init => Execution = Execution with { MemoryBudget = value };
    }

    /// <summary>The same for the engine, without the precision and the memory of a pass.</summary>
    internal ExecutionOptions Execution { get; private init; } = new();
}
