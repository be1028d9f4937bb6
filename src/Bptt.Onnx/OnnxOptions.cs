// How a model is written as ONNX. It holds settings only.

using System.Diagnostics.CodeAnalysis;

namespace Bptt.Onnx;

/// <summary>How <see cref="OnnxModel"/> writes a model. Immutable.</summary>
public sealed record OnnxOptions
{
    private readonly Precision _precision;
    private readonly OnnxRecurrence _recurrence;
    private readonly TensorOrder _order;

    /// <summary>The numbers of inputs, outputs, states and weights.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value has no name.</exception>
    public Precision Precision
    {
        get => _precision;
        init => _precision = Defined(value, nameof(Precision));
    }

    /// <summary>The operator that runs over time.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value has no name.</exception>
    public OnnxRecurrence Recurrence
    {
        get => _recurrence;
        init => _recurrence = Defined(value, nameof(Recurrence));
    }

    /// <summary>The order of the dimensions of inputs and outputs: (time, batch, feature), which needs no copy, or
    /// (batch, time, feature).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value has no name.</exception>
    public TensorOrder Order
    {
        get => _order;
        init => _order = Defined(value, nameof(Order));
    }

    /// <summary>What <see cref="OnnxRecurrence.Automatic"/> comes to.</summary>
    internal OnnxRecurrence ChosenRecurrence => Recurrence == OnnxRecurrence.Automatic
        ? Precision == Precision.Double ? OnnxRecurrence.Scan : OnnxRecurrence.Rnn
        : Recurrence;

    private static TEnum Defined<TEnum>(TEnum value, string name)
        where TEnum : struct, Enum => Enum.IsDefined(value)
        ? value
        : throw new ArgumentOutOfRangeException(
            name, $"{name}: expected {string.Join(" or ", Enum.GetNames<TEnum>())}, got {value}.");
}

/// <summary>The operator of ONNX that runs h_t = W_hx x_t + W_hh h_{t−1} over time.</summary>
public enum OnnxRecurrence
{
    /// <summary><see cref="Scan"/> in double precision, <see cref="Rnn"/> in single.</summary>
    Automatic,

    /// <summary>The operator Scan, whose body is one step: of any precision, in every runtime that has control
    /// flow.</summary>
    Scan,

    /// <summary>The operator RNN with the activation Affine, 1·x + 0: one call over all steps, in single precision
    /// only, as runtimes have it.</summary>
    [SuppressMessage("Naming", "CA1720", Justification = "The operator is called so.")]
    Rnn,
}
