// Directions in which problems are moved, in the shape of problems: random ones, as duals beside the values, and as the
// library takes them.

namespace Bptt.Tests.Reference;

internal static class Directions
{
    /// <summary>Every part.</summary>
    public const int All = 30;

    /// <summary>A random direction with zero for the parts that are not chosen.</summary>
    /// <param name="problem">What it moves.</param>
    /// <param name="seed">Of the numbers.</param>
    /// <param name="parts">Any number of at least 0: every set of parts but the empty one has one below 31.</param>
    public static ScalarProblem<double> Random(ScalarProblem<double> problem, int seed, int parts)
    {
        var numbers = new RandomNumbers(~seed);
        double[,] Part(int part, double[,] like)
        {
            double[,] random = numbers.Normal(like.GetLength(0), like.GetLength(1));
            return Has(parts, part) ? random : random.Map(_ => 0.0);
        }
        return new(
            Part(0, problem.Whx),
            Part(1, problem.Whh),
            Part(2, problem.Wqh),
            Part(3, problem.InitialStates),
            Array.ConvertAll(problem.Inputs, inputs => Part(4, inputs)));
    }

    /// <summary>As the library takes it, with null for the parts that are not chosen.</summary>
    public static TangentDirection ToDirection(this ScalarProblem<double> direction, int parts) => new()
    {
        Whx = Has(parts, 0) ? direction.Whx.ToMatrix() : null,
        Whh = Has(parts, 1) ? direction.Whh.ToMatrix() : null,
        Wqh = Has(parts, 2) ? direction.Wqh.ToMatrix() : null,
        InitialStates = Has(parts, 3) ? direction.InitialStates.ToMatrix() : null,
        Inputs = Has(parts, 4) ? direction.Inputs.ToBatch() : null,
    };

    /// <summary>Values that move in a direction, as dual numbers.</summary>
    public static ScalarProblem<Dual<double>> Moving(
        this ScalarProblem<double> values, ScalarProblem<double> derivatives) => new(
            values.Whx.Moving(derivatives.Whx),
            values.Whh.Moving(derivatives.Whh),
            values.Wqh.Moving(derivatives.Wqh),
            values.InitialStates.Moving(derivatives.InitialStates),
            [.. values.Inputs.Zip(derivatives.Inputs, Moving)]);

    /// <summary>The same for one array.</summary>
    public static Dual<double>[,] Moving(this double[,] values, double[,] derivatives)
    {
        var pairs = new Dual<double>[values.GetLength(0), values.GetLength(1)];
        for (int i = 0; i < pairs.GetLength(0); i++)
        {
            for (int j = 0; j < pairs.GetLength(1); j++)
            {
                pairs[i, j] = new(values[i, j], derivatives[i, j]);
            }
        }
        return pairs;
    }

    private static bool Has(int parts, int part) => ((1 + (parts % 31)) >> part & 1) == 1;
}
