// What an identification takes for known. Data only.

using Bptt.Edge;

namespace Bptt.Identification;

/// <summary>Options of a <see cref="SubspaceIdentification"/>. Immutable.</summary>
/// <example>
/// <code>
/// // A network that always starts at rest, of an order that the data suggest.
/// var options = new SubspaceIdentificationOptions { EstimateInitialStates = false, MaxOrder = 8 };
/// var found = SubspaceIdentification.Estimate(inputs, targets, options);
/// (LinearRnn start, _) = found.Start(hiddenSize: found.SuggestedOrder);
/// Console.WriteLine($"{start.HiddenSize} hidden units");
/// </code>
/// </example>
public sealed record SubspaceIdentificationOptions
{
    private readonly int _maxOrder = 20;

    /// <summary>Whether each sequence has an h_0 of its own, estimated with W_hx, as is right for long sequences that
    /// do not start at rest; the default. Otherwise h_0 is zero, and W_hx the best for a network that always starts at
    /// rest.</summary>
    public bool EstimateInitialStates { get; init; } = true;

    /// <summary>The largest order that the data are searched for, at least 1; 20 by default. Higher orders take
    /// longer.</summary>
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
}
