// Compares what the library gives with what it should give: a line for each comparison, an exception for a difference.

namespace Bptt.AotApp;

internal static class Expect
{
    /// <summary>‖actual − expected‖ ≤ tolerance · ‖expected‖ in the Frobenius norm.</summary>
    public static void Near(string what, double[,] actual, double[,] expected, double tolerance)
    {
        (int, int) shape = (actual.GetLength(0), actual.GetLength(1));
        if (shape != (expected.GetLength(0), expected.GetLength(1)))
        {
            throw new DifferenceException(
                $"{what}: {shape} rows and columns, expected {(expected.GetLength(0), expected.GetLength(1))}.");
        }
        double difference = 0.0;
        double norm = 0.0;
        for (int i = 0; i < expected.GetLength(0); i++)
        {
            for (int j = 0; j < expected.GetLength(1); j++)
            {
                difference += Math.Pow(actual[i, j] - expected[i, j], 2.0);
                norm += Math.Pow(expected[i, j], 2.0);
            }
        }
        double error = Math.Sqrt(difference / norm);
        if (!(error <= tolerance)) // true for NaN too
        {
            throw new DifferenceException(
                $"{what}: relative error {error:0.0E-0}, expected at most {tolerance:0.0E-0}.");
        }
        Console.WriteLine($"{what}: relative error {error:0.0E-0}");
    }

    public static void Near(string what, double actual, double expected, double tolerance) =>
        Near(what, new[,] { { actual } }, new[,] { { expected } }, tolerance);

    public static void Equal<T>(string what, T actual, T expected)
    {
        if (!EqualityComparer<T>.Default.Equals(actual, expected))
        {
            throw new DifferenceException($"{what}: {actual}, expected {expected}.");
        }
        Console.WriteLine($"{what}: {actual}");
    }

    /// <param name="statement">What holds, in words.</param>
    /// <param name="holds">Whether it does.</param>
    public static void True(string statement, bool holds)
    {
        if (!holds)
        {
            throw new DifferenceException($"{statement}: this does not hold.");
        }
        Console.WriteLine(statement);
    }
}

/// <summary>Something is not as expected.</summary>
internal sealed class DifferenceException(string message) : Exception(message);
