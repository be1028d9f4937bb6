// Mean and scale of a column by its training values, and which columns have none.

using Bptt.Files;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Data;

internal static class Scaling
{
    /// <summary>Below this, in the unit of the data, squares of deviations lose digits.</summary>
    private const double SmallestDeviation = 1e-140;

    /// <summary>Above this, in the unit of the data, squares could not be added.</summary>
    private const double LargestValue = 1e150;

    /// <summary>The channel of a column.</summary>
    /// <param name="table">Of which it is one.</param>
    /// <param name="name">Its name.</param>
    /// <param name="training">The values that train, without those that are missing.</param>
    public static Channel Of(Table table, string name, double[] training)
    {
        if (training.Length == 0)
        {
            throw table.Fault($"expected column '{name}' to hold a value in the training part, got none.");
        }
        if (training.Max(Math.Abs) is double largest and > LargestValue)
        {
            throw table.Fault(
                $"expected column '{name}' to hold numbers whose squares can be added, got values up to {largest}.");
        }
        if (!Varies(training))
        {
            throw table.Fault(
                $"expected column '{name}' to vary in the training part, got {training[0]} throughout: "
                + "it teaches nothing and cannot be scaled.");
        }
        Channel channel = Standardizer.Fit(Matrix<double>.Build.Dense(1, training.Length, training), name).Channels[0];
        return channel.Scale >= SmallestDeviation ? channel : throw table.Fault(
            $"expected column '{name}' to vary by numbers whose squares can be added, "
            + $"got a standard deviation of {channel.Scale}; another unit helps.");
    }

    /// <summary>Refuses an output whose held-out values, without those that are missing, are all the same.</summary>
    public static void DemandVariation(Table table, string name, double[] heldOut)
    {
        if (heldOut.Length == 0)
        {
            throw table.Fault($"expected column '{name}' to hold a value in the held-out part, got none.");
        }
        if (!Varies(heldOut))
        {
            throw table.Fault(
                $"expected column '{name}' to vary in the held-out part, "
                + $"got {heldOut[^1]} throughout: a fit to a constant is not defined.");
        }
    }

    /// <summary>Whether the values differ by more than their rounding.</summary>
    public static bool Varies(ReadOnlySpan<double> values)
    {
        double smallest = double.PositiveInfinity;
        double largest = double.NegativeInfinity;
        foreach (double value in values)
        {
            smallest = Math.Min(smallest, value);
            largest = Math.Max(largest, value);
        }
        return largest - smallest > 1e-12 * Math.Max(Math.Abs(largest), Math.Abs(smallest));
    }
}
