// Measured values as a model likes them, and back: each channel minus its mean, over its scale. Runs no model.
//
//   T  time steps      T_b  steps of sequence b

using System.Collections.ObjectModel;
using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Files;

/// <summary>
/// The scaling of several channels, a row each: (value − mean) / scale, with the mean and the standard deviation of
/// given data, such as the training part. Immutable.
/// </summary>
/// <remarks>A linear model without bias passes through zero, and its loss weighs outputs by their size, so measured
/// values are to be scaled first. Keep the channels with the model, in a <see cref="LinearRnnFile"/>.</remarks>
/// <example>
/// <code>
/// // Measured values of a heater: power in W, temperature in °C.
/// var inputs = Standardizer.Fit(power, "power");
/// var outputs = Standardizer.Fit(temperature, "temperature");
/// TrainingResult result = Trainer.Run(
///     model, inputs.Apply(power), Objective.SquaredError(outputs.Apply(temperature)));
/// var file = new LinearRnnFile(result.Model, null, inputs.Channels, outputs.Channels);
/// Matrix&lt;double&gt; predicted = file.Predict(power);
/// Console.WriteLine($"{outputs.Channels[0].Name}: {predicted[0, 99]:F1} °C, measured {temperature[0, 99]:F1} °C");
/// </code>
/// </example>
public sealed class Standardizer
{
    /// <summary>Differences smaller than this, relative to the largest value, are rounding.</summary>
    private const double SmallestVariation = 1e-12;

    private readonly ReadOnlyCollection<Channel> _channels;

    /// <summary>The scaling of given channels, such as those of a <see cref="LinearRnnFile"/>.</summary>
    /// <param name="channels">At least one, in the order of the rows. Copied.</param>
    /// <exception cref="ArgumentNullException">The list is null.</exception>
    /// <exception cref="ArgumentException">The list is empty or holds null.</exception>
    public Standardizer(IReadOnlyList<Channel> channels)
    {
        ArgumentNullException.ThrowIfNull(channels);
        if (channels.Count == 0 || channels.Any(channel => channel is null))
        {
            throw Guard.Error(nameof(channels), "expected at least one channel and no null among them.");
        }
        _channels = Array.AsReadOnly(channels.ToArray());
    }

    /// <summary>The channels, in the order of the rows.</summary>
    public IReadOnlyList<Channel> Channels => _channels;

    /// <summary>Takes means and standard deviations (of the whole population, divided by the number of values) from
    /// data. A channel that does not vary beyond rounding gets the scale 1.</summary>
    /// <param name="data">A row for each channel: column t−1 is step t. Finite.</param>
    /// <param name="names">A name for each row; "channel 1", "channel 2", … where none are given.</param>
    /// <returns>The scaling. Cost O(rows·T).</returns>
    /// <exception cref="ArgumentNullException">The data are null.</exception>
    /// <exception cref="ArgumentException">The data are empty or not finite, or so large that their differences are
    /// not; or there are not as many names as rows, or one is empty.</exception>
    public static Standardizer Fit(Matrix<double> data, params string[] names)
    {
        Guard.NotEmpty(data, "rows×T", nameof(data));
        return Fit(SequenceBatch.Pack([data]), names);
    }

    /// <summary>Takes means and standard deviations (of the whole population, divided by the number of values) from the
    /// steps of all sequences together. A channel that does not vary beyond rounding gets the scale 1.</summary>
    /// <param name="data">Sequences with a row for each channel. Finite.</param>
    /// <param name="names">A name for each row; "channel 1", "channel 2", … where none are given.</param>
    /// <returns>The scaling. Cost O(rows·ΣT_b).</returns>
    /// <inheritdoc cref="Fit(Matrix{double}, string[])" path="/exception"/>
    public static Standardizer Fit(SequenceBatch data, params string[] names)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(names);
        data.RequireFinite(nameof(data));
        if (names.Length == 0)
        {
            names = [.. Enumerable.Range(1, data.RowCount).Select(i => $"channel {i}")];
        }
        Guard.Length(names.Length, data.RowCount, "a name for each row of data", nameof(names));
        if (names.Any(string.IsNullOrEmpty))
        {
            throw Guard.Error(nameof(names), "expected names that are not empty.");
        }
        Matrix<double>[] sequences = [.. Enumerable.Range(0, data.Count).Select(data.Sequence)];
        return new Standardizer(
            [.. names.Select((name, i) => ChannelOf(name, [.. sequences.SelectMany(s => s.Row(i))], nameof(data)))]);
    }

    /// <summary>From measured values to the model's. NaN stays NaN, as the targets of masked steps may be.</summary>
    /// <param name="measured">A row for each channel.</param>
    /// <returns>A fresh matrix of the same shape. Cost O(rows·T).</returns>
    /// <exception cref="ArgumentNullException">The values are null.</exception>
    /// <exception cref="ArgumentException">There is not one row for each channel.</exception>
    public Matrix<double> Apply(Matrix<double> measured)
    {
        ArgumentNullException.ThrowIfNull(measured);
        RequireRows(measured.RowCount, measured.ColumnCount == _channels.Count, nameof(measured));
        return Matrix<double>.Build.Dense(
            measured.RowCount, measured.ColumnCount, (i, t) => _channels[i].Normalize(measured[i, t]));
    }

    /// <inheritdoc cref="Apply(Matrix{double})"/>
    /// <returns>A batch of the same sequences. Cost O(rows·ΣT_b).</returns>
    public SequenceBatch Apply(SequenceBatch measured)
    {
        ArgumentNullException.ThrowIfNull(measured);
        RequireRows(measured.RowCount, isTransposed: false, nameof(measured));
        return Map(measured, (i, value) => _channels[i].Normalize(value));
    }

    /// <summary>From the model's values to measured ones: undoes <see cref="Apply(Matrix{double})"/>, to
    /// rounding.</summary>
    /// <param name="scaled">A row for each channel.</param>
    /// <returns>A fresh matrix of the same shape. Cost O(rows·T).</returns>
    /// <exception cref="ArgumentNullException">The values are null.</exception>
    /// <exception cref="ArgumentException">There is not one row for each channel.</exception>
    public Matrix<double> Invert(Matrix<double> scaled)
    {
        ArgumentNullException.ThrowIfNull(scaled);
        RequireRows(scaled.RowCount, scaled.ColumnCount == _channels.Count, nameof(scaled));
        return Matrix<double>.Build.Dense(
            scaled.RowCount, scaled.ColumnCount, (i, t) => _channels[i].Denormalize(scaled[i, t]));
    }

    /// <inheritdoc cref="Invert(Matrix{double})"/>
    /// <returns>A batch of the same sequences. Cost O(rows·ΣT_b).</returns>
    public SequenceBatch Invert(SequenceBatch scaled)
    {
        ArgumentNullException.ThrowIfNull(scaled);
        RequireRows(scaled.RowCount, isTransposed: false, nameof(scaled));
        return Map(scaled, (i, value) => _channels[i].Denormalize(value));
    }

    /// <summary>The channels with mean and scale, to six digits.</summary>
    public override string ToString() => $"Standardizer ({string.Join("; ", _channels.Select(
        c => $"{c.Name}: {NumberText.Significant(c.Mean, 6)} ± {NumberText.Significant(c.Scale, 6)}"))})";

    private static Channel ChannelOf(string name, double[] values, string parameter)
    {
        double smallest = values.Min();
        double largest = values.Max();
        double size = Math.Max(Math.Abs(smallest), Math.Abs(largest));
        if (!double.IsFinite(2.0 * size))
        {
            throw Guard.Error(
                parameter,
                $"expected values of '{name}' whose differences are finite, got values up to "
                + $"{NumberText.Exact(size)}.");
        }

        // Powers of two, by which it is exact to scale, so that no sum overflows and no square vanishes.
        int exponent = VectorMath.Exponent(size);
        VectorMath.ScaleByPowerOfTwo(-exponent, values);
        double mean = values.Average();
        double center = smallest == largest ? smallest : Math.ScaleB(mean, exponent);
        if (largest - smallest <= SmallestVariation * size)
        {
            return new Channel(name, center);
        }
        int spread = VectorMath.Exponent(largest - smallest) - exponent;
        double variance = values.Average(value =>
        {
            double deviation = Math.ScaleB(value - mean, -spread);
            return deviation * deviation;
        });
        double scale = Math.ScaleB(Math.Sqrt(variance), spread + exponent);
        return new Channel(name, center, Math.Max(scale, double.Epsilon)); // half of the least double rounds to zero
    }

    /// <summary>Every number of a batch, by its row.</summary>
    private static SequenceBatch Map(SequenceBatch batch, Func<int, double, double> map)
    {
        PackedColumns columns = PassContext.FreshColumns(batch.RowCount, batch.Columns.Layout);
        ReadOnlySpan<double> from = batch.Columns.All.Values;
        Span<double> to = columns.All.Values;
        for (int i = 0; i < from.Length; i++)
        {
            to[i] = map(i % batch.RowCount, from[i]);
        }
        return SequenceBatch.Take(columns);
    }

    private void RequireRows(int rows, bool isTransposed, string name)
    {
        if (rows != _channels.Count)
        {
            throw Guard.Error(
                name,
                $"expected {_channels.Count} rows, one for each channel "
                + $"({string.Join(", ", _channels.Select(c => c.Name))}), "
                + $"got {rows}{(isTransposed ? Guard.ColumnsAreSteps : "")}.");
        }
    }
}
