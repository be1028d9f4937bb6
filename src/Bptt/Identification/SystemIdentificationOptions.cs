// What an estimation takes for known and what it may try. Data only.

using Bptt.Edge;

namespace Bptt.Identification;

/// <summary>The kinds of models that an estimation may try.</summary>
[Flags]
public enum IdentificationMethods
{
    /// <summary>None, which is refused.</summary>
    None = 0,

    /// <summary>The least error of the free run, from many starts (an OE model).</summary>
    OutputError = 1,

    /// <summary>The least error of the prediction one step ahead, in innovations form (a PEM model).</summary>
    PredictionError = 2,

    /// <summary>Least squares on past inputs and outputs (an ARX model).</summary>
    Regression = 4,

    /// <summary>All of them.</summary>
    All = OutputError | PredictionError | Regression,
}

/// <summary>Options of <see cref="SystemIdentification"/>. Immutable. What is null is decided by the
/// folds.</summary>
public sealed record SystemIdentificationOptions
{
    private readonly int? _order;
    private readonly int _maxOrder = 20;
    private readonly int _folds = 4;
    private readonly IdentificationMethods _methods = IdentificationMethods.All;

    /// <summary>The order, at least 1; null where the folds choose it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int? Order
    {
        get => _order;
        init
        {
            Guard.AtLeastOne(value ?? 1, nameof(Order));
            _order = value;
        }
    }

    /// <summary>The largest order that is tried, at least 1; 20 by default. The search ends earlier where three orders
    /// in a row bring nothing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int MaxOrder
    {
        get => _maxOrder;
        init
        {
            Guard.AtLeastOne(value, nameof(MaxOrder));
            _maxOrder = value;
        }
    }

    /// <summary>For each sequence T_b weights of at least 0; steps of weight 0 are masked, and their targets may be
    /// anything. Null for 1.</summary>
    public IReadOnlyList<double[]>? StepWeights { get; init; }

    /// <summary>Into how many parts the steps are divided: each is left out once, in turn, and judges what the others
    /// gave; at least 2, 4 by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 2.</exception>
    public int Folds
    {
        get => _folds;
        init => _folds = value >= 2 ? value : throw Guard.Range(nameof(Folds), $"expected at least 2, got {value}.");
    }

    /// <summary>The kinds of models that are tried.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is none, or holds others than the named
    /// ones.</exception>
    public IdentificationMethods Methods
    {
        get => _methods;
        init => _methods = value != IdentificationMethods.None && (value & ~IdentificationMethods.All) == 0
            ? value
            : throw Guard.Range(nameof(Methods), $"expected some of the named kinds, got {value}.");
    }

    /// <summary>Whether each sequence has an h_0 of its own that is estimated; false for rest.</summary>
    public bool? EstimateInitialStates { get; init; }

    /// <summary>Whether outputs have a constant offset that is estimated; false for none.</summary>
    public bool? EstimateOffset { get; init; }

    /// <summary>Whether outputs see inputs of the same step by weights of their own, D. It costs q units of the model
    /// that do not count for the order.</summary>
    public bool? EstimateDirectTerm { get; init; }

    /// <summary>Whether the response is held to be smooth and to decay: see
    /// <see cref="ImpulseResponsePrior"/>.</summary>
    public bool? UsePrior { get; init; }

    /// <summary>How passes are carried out, and how many folds at once.</summary>
    public ExecutionOptions Execution { get; init; } = ExecutionOptions.Default;
}
