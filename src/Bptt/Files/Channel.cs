// A named input or output of a model, and how its measured values are scaled for the model.

using Bptt.Edge;

namespace Bptt.Files;

/// <summary>
/// One input or output of a model in a file: the model works on (value − <see cref="Mean"/>) / <see cref="Scale"/>.
/// </summary>
public sealed record Channel
{
    /// <summary>Creates a channel.</summary>
    /// <param name="name">Its name, such as the column of a table.</param>
    /// <param name="mean">What is subtracted from a value, in the value's unit; finite.</param>
    /// <param name="scale">What the difference is divided by, in the value's unit; finite and above 0.</param>
    /// <exception cref="ArgumentNullException">The name is null.</exception>
    /// <exception cref="ArgumentException">The name is empty, or the mean is not finite.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The scale is not a finite number above 0.</exception>
    public Channel(string name, double mean = 0.0, double scale = 1.0)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Guard.Finite([mean], nameof(mean));
        Guard.Positive(scale, nameof(scale));
        Name = name;
        Mean = mean;
        Scale = scale;
    }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>What is subtracted from a value.</summary>
    public double Mean { get; }

    /// <summary>What the difference is divided by.</summary>
    public double Scale { get; }

    /// <summary>From a measured value to the model's.</summary>
    public double Normalize(double value) => (value - Mean) / Scale;

    /// <summary>From the model's value to a measured one.</summary>
    public double Denormalize(double value) => value * Scale + Mean;
}
