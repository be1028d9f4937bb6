// How far rounding can move a gradient: the same sums with every number replaced by its magnitude. Whatever the order
// of the sums, |computed − exact| ≤ γ·(sum of magnitudes) with γ = nu/(1 − nu), u = 2^-53, for n roundings in a row
// (Higham, Accuracy and Stability of Numerical Algorithms, chapter 3). So a test with this bound never fails by bad
// luck in what it draws.

namespace Bptt.Tests.Reference;

internal static class RoundingBound
{
    /// <summary>γ for n = 1000, more than the roundings in a row of any problem that is drawn, twice: both numbers that
    /// are compared are rounded.</summary>
    private const double TwoGamma = 2.3e-13;

    /// <summary>Bound for each entry of each gradient, of problems with given output gradients.</summary>
    public static ScalarGradients<double> OfBackward(
        ScalarProblem<double> problem, double[][,] outputGradients, double[,]? finalStateGradients = null)
    {
        ScalarProblem<double> magnitudes = problem.Convert(Math.Abs);
        return ScalarLoops<double>.Backward(
            magnitudes,
            ScalarLoops<double>.Forward(magnitudes),
            outputGradients.Map(Math.Abs),
            finalStateGradients?.Map(Math.Abs)).Convert(value => TwoGamma * value);
    }

    /// <summary>The same under the squared error with <see cref="Reduction.Sum"/>, where ∂L/∂o_t = o_t − y_t is itself
    /// rounded.</summary>
    public static ScalarGradients<double> OfSquaredError(ScalarProblem<double> problem, double[][,] targets)
    {
        double[][,] outputs = ScalarLoops<double>.Forward(problem.Convert(Math.Abs)).Outputs;
        double[][,] outputGradients = [.. outputs.Zip(targets, Combine)];
        return OfBackward(problem, outputGradients);

        static double[,] Combine(double[,] output, double[,] target) =>
            output.ToMatrix().Add(target.ToMatrix().PointwiseAbs()).ToArray();
    }

    public static void AssertWithin(
        ScalarGradients<double> actual, ScalarGradients<double> expected, ScalarGradients<double> bound)
    {
        AssertWithin(actual.Whx, expected.Whx, bound.Whx, "∂L/∂W_hx");
        AssertWithin(actual.Whh, expected.Whh, bound.Whh, "∂L/∂W_hh");
        AssertWithin(actual.Wqh, expected.Wqh, bound.Wqh, "∂L/∂W_qh");
        for (int b = 0; b < expected.HiddenStates.Length; b++)
        {
            AssertWithin(actual.HiddenStates[b], expected.HiddenStates[b], bound.HiddenStates[b], $"∂L/∂h of {b}");
            AssertWithin(actual.Inputs[b], expected.Inputs[b], bound.Inputs[b], $"∂L/∂x of {b}");
        }
    }

    private static void AssertWithin(double[,] actual, double[,] expected, double[,] bound, string where)
    {
        for (int i = 0; i < expected.GetLength(0); i++)
        {
            for (int j = 0; j < expected.GetLength(1); j++)
            {
                Math.Abs(actual[i, j] - expected[i, j]).Should().BeLessThanOrEqualTo(
                    bound[i, j], "{0}[{1}, {2}] is {3}, expected {4}", where, i, j, actual[i, j], expected[i, j]);
            }
        }
    }
}
