// Central differences of L as the library computes it, one entry at a time, each with the noise that rounding leaves in
// it. It sees L alone, through a function of the problem.
//
// Noise: each computed L carries an error of a few roundings, |δL| ≤ c·ε·|L| with ε = 2^-52. A quotient Σ_k a_k L_k / s
// passes on at most c·ε·Σ_k |a_k L_k| / s, whatever the truncation error is.

namespace Bptt.Tests.Reference;

/// <summary>∂L/∂w by differences, and how much of it rounding may be, entry by entry.</summary>
internal sealed record Differences(double[,] Values, double[,] Noise);

internal static class CentralDifferences
{
    /// <summary>c above: L has a few roundings of its own, and the outputs it comes from bring theirs.</summary>
    private const double RoundingsOfLoss = 8.0;

    private static readonly double Epsilon = Math.ScaleB(1.0, -52);

    /// <summary>(L(w + s) − L(w − s)) / 2s. No truncation error at any step where L is quadratic in w.</summary>
    public static Differences TwoPoint(
        Func<ScalarProblem<double>, double> loss,
        ScalarProblem<double> problem,
        Quantity quantity,
        int sequence,
        double step) =>
        Quotients(loss, problem, quantity, sequence, (_, _) => step, [(1, 0.5), (-1, -0.5)]);

    /// <summary>(L(w − 2s) − 8L(w − s) + 8L(w + s) − L(w + 2s)) / 12s, with truncation error s⁴/30·L⁽⁵⁾(w) and a step
    /// s for each row and column.</summary>
    public static Differences FivePoint(
        Func<ScalarProblem<double>, double> loss,
        ScalarProblem<double> problem,
        Quantity quantity,
        int sequence,
        Func<int, int, double> step) =>
        Quotients(
            loss,
            problem,
            quantity,
            sequence,
            step,
            [(1, 8.0 / 12.0), (-1, -8.0 / 12.0), (2, -1.0 / 12.0), (-2, 1.0 / 12.0)]);

    private static Differences Quotients(
        Func<ScalarProblem<double>, double> loss,
        ScalarProblem<double> problem,
        Quantity quantity,
        int sequence,
        Func<int, int, double> step,
        (int Steps, double Factor)[] stencil)
    {
        (double Value, double Noise)[,] quotients =
            EntryByEntry.Differentiate(problem, quantity, sequence, (row, column, value) =>
            {
                double s = step(row, column);
                double sum = 0.0;
                double magnitude = 0.0;
                foreach ((int steps, double factor) in stencil)
                {
                    double term = factor * loss(problem.With(quantity, sequence, row, column, value + (steps * s)));
                    sum += term;
                    magnitude += Math.Abs(term);
                }
                return (sum / s, RoundingsOfLoss * Epsilon * magnitude / s);
            });
        return new(quotients.Map(quotient => quotient.Value), quotients.Map(quotient => quotient.Noise));
    }
}
