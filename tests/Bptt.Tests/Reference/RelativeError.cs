// How far numbers are from their reference, relative to it, and which numbers are worst.

namespace Bptt.Tests.Reference;

/// <summary>The largest of the errors shown to it, and where it was.</summary>
internal sealed class WorstError
{
    public double Value { get; private set; }

    public string Where { get; private set; } = "nowhere";

    /// <summary>NaN counts as the worst of all.</summary>
    public void Add(double error, string where)
    {
        if (!(error <= Value))
        {
            Value = double.IsNaN(error) ? double.PositiveInfinity : error;
            Where = where;
        }
    }

    /// <summary>The worst error of one way, as it would be in doubles.</summary>
    public void Add(WorstError own, Way way) => Add(own.Value / way.Rounding, $"{own.Where}; {way}");

    /// <summary>‖actual − expected‖ / ‖expected‖ in the Frobenius norm.</summary>
    public void Add(double[,] actual, double[,] expected, string where) =>
        Add(RelativeError.Frobenius(actual, expected), where);

    /// <summary>Each of the weight matrices, ∂L/∂h_t for each t on its own, and all ∂L/∂x_t of a sequence.</summary>
    public void Add(ScalarGradients<double> actual, ScalarGradients<double> expected, string where)
    {
        Add(actual.Whx, expected.Whx, where + ", ∂L/∂W_hx");
        Add(actual.Whh, expected.Whh, where + ", ∂L/∂W_hh");
        Add(actual.Wqh, expected.Wqh, where + ", ∂L/∂W_qh");
        for (int b = 0; b < expected.HiddenStates.Length; b++)
        {
            AddColumns(actual.HiddenStates[b], expected.HiddenStates[b], $"{where}, ∂L/∂h of sequence {b}");
            Add(actual.Inputs[b], expected.Inputs[b], $"{where}, ∂L/∂x of sequence {b}");
        }
    }

    /// <summary>Each column on its own.</summary>
    public void AddColumns(double[,] actual, double[,] expected, string where)
    {
        for (int t = 0; t < expected.GetLength(1); t++)
        {
            Add(RelativeError.Column(actual, expected, t), $"{where}, column {t}");
        }
    }

    public override string ToString() => $"{Value:0.0e-0} ({Where})";
}

internal static class RelativeError
{
    public static double Frobenius(double[,] actual, double[,] expected)
    {
        RequireSameShape(actual, expected);
        double difference = 0.0;
        double norm = 0.0;
        for (int i = 0; i < expected.GetLength(0); i++)
        {
            for (int j = 0; j < expected.GetLength(1); j++)
            {
                difference += Square(actual[i, j] - expected[i, j]);
                norm += Square(expected[i, j]);
            }
        }
        return Ratio(difference, norm);
    }

    public static double Column(double[,] actual, double[,] expected, int column)
    {
        RequireSameShape(actual, expected);
        double difference = 0.0;
        double norm = 0.0;
        for (int i = 0; i < expected.GetLength(0); i++)
        {
            difference += Square(actual[i, column] - expected[i, column]);
            norm += Square(expected[i, column]);
        }
        return Ratio(difference, norm);
    }

    public static double Scalar(double actual, double expected) =>
        Ratio(Square(actual - expected), Square(expected));

    /// <summary>Nothing is 0 where both are 0.</summary>
    private static double Ratio(double squaredDifference, double squaredNorm) =>
        squaredDifference == 0.0 ? 0.0 : Math.Sqrt(squaredDifference / squaredNorm);

    private static double Square(double value) => value * value;

    private static void RequireSameShape(double[,] actual, double[,] expected)
    {
        (actual.GetLength(0), actual.GetLength(1)).Should().Be((expected.GetLength(0), expected.GetLength(1)));
    }
}
