// One question to every shard: a quantity at given parameters. Data only; computes nothing.
//
//   d  inputs      h  hidden units      q  outputs      n  parameters
//   B  sequences of all shards, or segments of sequences that are cut in time

namespace Bptt.Sharding;

/// <summary>
/// What is computed over all shards at once. Immutable; flat memory alone, so that it can be sent anywhere. Tasks in a
/// row often share the memory of their parameters: it then needs to be sent only once.
/// </summary>
public sealed class ShardTask
{
    /// <summary>Puts a task together from memory that nobody writes to.</summary>
    /// <param name="quantity">What is asked for.</param>
    /// <param name="inputSize">d.</param>
    /// <param name="hiddenSize">h.</param>
    /// <param name="outputSize">q.</param>
    /// <param name="parameters">θ: W_hx, W_hh, W_qh column by column, then h_0 of all B sequences where it is
    /// learned.</param>
    /// <param name="direction">See <see cref="Direction"/>.</param>
    /// <param name="metric">See <see cref="Metric"/>.</param>
    /// <param name="penalty">See <see cref="Penalty"/>.</param>
    /// <param name="initialStates">See <see cref="InitialStates"/>.</param>
    /// <param name="finalStateGradients">See <see cref="FinalStateGradients"/>.</param>
    /// <exception cref="ArgumentException">There are fewer parameters than weights, or they do not end with whole
    /// columns h_0, or other states are no whole columns or are given beside learned ones.</exception>
    public ShardTask(
        ShardQuantity quantity,
        int inputSize,
        int hiddenSize,
        int outputSize,
        ReadOnlyMemory<double> parameters,
        ReadOnlyMemory<double> direction = default,
        ReadOnlyMemory<double> metric = default,
        double penalty = 0.0,
        ReadOnlyMemory<double> initialStates = default,
        ReadOnlyMemory<double> finalStateGradients = default)
    {
        long weights = (long)hiddenSize * ((long)inputSize + hiddenSize + outputSize);
        if (hiddenSize < 1 || parameters.Length < weights || (parameters.Length - weights) % hiddenSize != 0)
        {
            throw Edge.Guard.Error(
                nameof(parameters),
                $"expected {weights} weights and whole columns h_0 of {hiddenSize} numbers, "
                    + $"got {parameters.Length} numbers.");
        }
        if (initialStates.Length % hiddenSize != 0 || finalStateGradients.Length % hiddenSize != 0)
        {
            throw Edge.Guard.Error(
                nameof(initialStates),
                $"expected whole columns of {hiddenSize} numbers, got {initialStates.Length} numbers, and "
                    + $"{finalStateGradients.Length} final-state gradients.");
        }
        if (!initialStates.IsEmpty && parameters.Length > weights)
        {
            throw Edge.Guard.Error(
                nameof(initialStates), "expected none where h_0 is learned and so among the parameters, got states.");
        }
        Quantity = quantity;
        InputSize = inputSize;
        HiddenSize = hiddenSize;
        OutputSize = outputSize;
        Parameters = parameters;
        Direction = direction;
        Metric = metric;
        Penalty = penalty;
        InitialStates = initialStates;
        FinalStateGradients = finalStateGradients;
    }

    /// <summary>What is asked for.</summary>
    public ShardQuantity Quantity { get; }

    /// <summary>d.</summary>
    public int InputSize { get; }

    /// <summary>h.</summary>
    public int HiddenSize { get; }

    /// <summary>q.</summary>
    public int OutputSize { get; }

    /// <summary>θ, n numbers.</summary>
    public ReadOnlyMemory<double> Parameters { get; }

    /// <summary>Of a product: the vector, n numbers. Of a factor: orthonormal coordinates, n×m column by column, or
    /// nothing where the parameters are the coordinates.</summary>
    public ReadOnlyMemory<double> Direction { get; }

    /// <summary>Of a factor: the roots of the diagonal of the metric, n numbers, by which coordinates are
    /// divided.</summary>
    public ReadOnlyMemory<double> Metric { get; }

    /// <summary>Of a factor: λ of the penalties ½λ‖W‖², whose rows the first shard adds.</summary>
    public double Penalty { get; }

    /// <summary>h_0 of all B sequences, h×B column by column, where it is neither zero nor learned: such as the carries
    /// between segments; empty where not. Not for a product or a factor.</summary>
    public ReadOnlyMemory<double> InitialStates { get; }

    /// <summary>Of a gradient: ∂L/∂h_T of all B sequences that comes from beyond them, as
    /// <see cref="BackwardOptions.FinalStateGradients"/>, h×B column by column; empty for zero.</summary>
    public ReadOnlyMemory<double> FinalStateGradients { get; }

    /// <summary>The sequences whose h_0 is learned: all or none.</summary>
    internal int StateCount => (Parameters.Length - WeightCount) / HiddenSize;

    /// <summary>The parameters that are weights.</summary>
    internal int WeightCount => HiddenSize * (InputSize + HiddenSize + OutputSize);

    /// <summary>What is asked for and the sizes, for a debugger.</summary>
    public override string ToString() =>
        $"{Quantity} (d = {InputSize}, h = {HiddenSize}, q = {OutputSize}, {Parameters.Length} parameters)";
}
