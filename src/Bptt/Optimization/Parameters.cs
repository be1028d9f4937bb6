// What training moves: the three weight matrices and, where it is learned, h_0, as one vector. Knows no loss.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Optimization;

/// <summary>
/// θ: W_hx, W_hh and W_qh, and the initial states h_0 of B sequences where they are learned. Immutable; may be used
/// from many threads at once.
/// </summary>
/// <remarks>As a vector: W_hx, W_hh, W_qh column by column, then h_0 column by column.</remarks>
public sealed class Parameters
{
    private readonly double[] _values;

    /// <summary>Puts together what is to be learned. Cost O(h(h + d + q + B)).</summary>
    /// <param name="model">The weights.</param>
    /// <param name="initialStates">h×B: column b is h_0 of sequence b, copied; null where h_0 is not learned.</param>
    /// <exception cref="ArgumentNullException">The model is null.</exception>
    /// <exception cref="ArgumentException">The initial states have other than h rows or no column, hold NaN or
    /// infinities, or there are more parameters than an array can hold.</exception>
    public Parameters(LinearRnn model, Matrix<double>? initialStates = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        Model = model;
        if (initialStates is not null)
        {
            Guard.NotEmpty(initialStates, "h×B", nameof(initialStates));
            Guard.Shape(initialStates, model.HiddenSize, initialStates.ColumnCount, "h×B", nameof(initialStates));
            Guard.Finite(initialStates, nameof(initialStates));
            StateCount = initialStates.ColumnCount;
        }
        long count = WeightCount + (long)model.HiddenSize * StateCount;
        if (count > Array.MaxLength)
        {
            throw Guard.Error(
                nameof(initialStates), $"expected at most {Array.MaxLength} parameters in all, got {count}.");
        }
        _values = GC.AllocateUninitializedArray<double>((int)count);
        model.Weights.Values.CopyTo(_values);
        if (initialStates is not null)
        {
            initialStates.ColumnMajor().CopyTo(_values.AsSpan(WeightCount));
        }
    }

    private Parameters(LinearRnn model, int stateCount, double[] values)
    {
        Model = model;
        StateCount = stateCount;
        _values = values;
    }

    /// <summary>The weights.</summary>
    public LinearRnn Model { get; }

    /// <summary>h_0 of every sequence, h×B, where it is learned; null where not. Every call makes an independent copy,
    /// at cost O(hB).</summary>
    public Matrix<double>? InitialStates =>
        StateCount == 0 ? null : InitialStateValues.ToArray().ToColumns(Model.HiddenSize);

    /// <summary>The number of parameters, h(h + d + q) and hB more where h_0 is learned.</summary>
    public int Count => _values.Length;

    /// <summary>The parameters that are weights: they stand first.</summary>
    internal int WeightCount => Model.Weights.Values.Length;

    /// <summary>B where h_0 is learned, otherwise 0.</summary>
    internal int StateCount { get; }

    /// <summary>Every parameter, in the order of <see cref="ToVector"/>.</summary>
    internal ReadOnlySpan<double> Values => _values;

    /// <summary>The same, to be sent elsewhere: one memory for as long as the parameters live.</summary>
    internal ReadOnlyMemory<double> Memory => _values;

    /// <summary>h_0, column by column; empty where it is not learned.</summary>
    internal ReadOnlySpan<double> InitialStateValues => _values.AsSpan(WeightCount);

    /// <summary>The sizes as messages print them.</summary>
    internal string ShapeText =>
        StateCount == 0 ? Model.Weights.ShapeText : $"{Model.Weights.ShapeText}, h_0 of B = {StateCount}";

    /// <summary>Every parameter in one vector: W_hx, W_hh, W_qh column by column, then h_0 column by column.</summary>
    /// <returns>A fresh vector of length <see cref="Count"/>. Cost O(its length).</returns>
    public Vector<double> ToVector() => Vector<double>.Build.DenseOfArray(_values);

    /// <summary>Parameters of the same shapes with other values.</summary>
    /// <param name="values">In the order of <see cref="ToVector"/>, length <see cref="Count"/>. Copied.</param>
    /// <exception cref="ArgumentNullException">The values are null.</exception>
    /// <exception cref="ArgumentException">The length differs, or a value is NaN or infinite.</exception>
    public Parameters With(Vector<double> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        Guard.Length(values.Count, Count, "the number of parameters", nameof(values));
        Guard.Finite(values.Entries(), nameof(values));
        return With(values.ToArray());
    }

    /// <summary>The sizes, for a debugger.</summary>
    public override string ToString() => $"Parameters ({ShapeText})";

    /// <summary>The same from an array of the right length that nobody else writes to.</summary>
    /// <exception cref="ArithmeticException">A value is NaN or infinite: no weights are made of such.</exception>
    internal Parameters With(double[] values)
    {
        int bad = VectorMath.FirstNonFinite(values);
        if (bad >= 0)
        {
            throw new ArithmeticException(
                $"The weights overflow: expected finite parameters, got {NumberText.Exact(values[bad])} "
                + $"for {NameOf(bad)}.");
        }
        var weights = new ParameterArray(Model.InputSize, Model.HiddenSize, Model.OutputSize);
        values.AsSpan(0, WeightCount).CopyTo(weights.Values);
        return new Parameters(new LinearRnn(weights), StateCount, values);
    }

    /// <summary>Other weights with the same initial states.</summary>
    internal Parameters With(LinearRnn model)
    {
        double[] values = (double[])_values.Clone();
        model.Weights.Values.CopyTo(values);
        return new Parameters(model, StateCount, values);
    }

    /// <summary>The matrix that a place in the vector belongs to.</summary>
    internal string NameOf(int index)
    {
        int h = Model.HiddenSize;
        int whx = h * Model.InputSize;
        return index < whx ? "W_hx" : index < whx + h * h ? "W_hh" : index < WeightCount ? "W_qh" : "h_0";
    }
}
