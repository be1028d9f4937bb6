// What an optimiser of first order is given for one update. Views of memory that the base class owns; computes nothing.

using Bptt.Edge;

namespace Bptt.Optimization;

/// <summary>One update to be made by <see cref="GradientOptimizer.Move"/>: parameters and memory to write to, and the
/// gradient. All spans have one entry for each parameter, in the same order.</summary>
/// <remarks>What is written counts only where all of it is finite; otherwise the update is refused, and parameters and
/// memory stay as they were.</remarks>
public readonly ref struct GradientStep
{
    private readonly string[] _names;
    private readonly double[][] _memory;

    internal GradientStep(
        Span<double> parameters, ReadOnlySpan<double> gradient, int weightCount, string[] names, double[][] memory)
    {
        Parameters = parameters;
        Gradient = gradient;
        WeightCount = weightCount;
        _names = names;
        _memory = memory;
    }

    /// <summary>The parameters, to be moved in place: the entries of W_hx, W_hh and W_qh, each column after column, and
    /// then of learned h_0; or those of a vector that was given.</summary>
    public Span<double> Parameters { get; }

    /// <summary>The derivative of the loss by each parameter; finite.</summary>
    public ReadOnlySpan<double> Gradient { get; }

    /// <summary>So many parameters, the first ones, are weights; the others are learned h_0, which no weight decay
    /// should shrink. All of a vector that was given.</summary>
    public int WeightCount { get; }

    /// <summary>What the optimiser remembers under a name: as the last step left it, zero at the first; to be written
    /// in place.</summary>
    /// <param name="name">One of the names that the optimiser was made with.</param>
    /// <exception cref="ArgumentException">There is no memory of that name.</exception>
    public Span<double> Memory(string name)
    {
        int i = Array.IndexOf(_names, name);
        return i >= 0 ? _memory[i] : throw Guard.Error(
            nameof(name),
            $"expected {(_names.Length == 0 ? "no memory to be asked for" : string.Join(" or ", _names))}, "
            + $"as the optimiser was made with, got {name}.");
    }
}
