// The settings of an identification. Data only.

namespace Bptt.Identification;

/// <summary>Settings of <see cref="SubspaceIdentification"/>. Immutable.</summary>
public sealed record SubspaceOptions
{
    /// <summary>The settings where none are given.</summary>
    public static SubspaceOptions Default { get; } = new();

    /// <summary>Where each sequence starts from; <see cref="SubspaceInitialStates.Estimated"/> by default.</summary>
    public SubspaceInitialStates InitialStates { get; init; } = SubspaceInitialStates.Estimated;

    /// <summary>The largest order that the data are searched for, at least 1; 20 by default. Higher orders take longer.</summary>
    public int MaxOrder { get; init; } = 20;
}
