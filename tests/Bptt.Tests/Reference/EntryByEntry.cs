// Derivatives from L alone, one entry at a time: complex steps, dual numbers and exact central differences through the
// scalar loops. Nothing here goes backward in time or knows ∂L/∂h_t. Differences of the library are in
// CentralDifferences.cs.

using System.Numerics;

namespace Bptt.Tests.Reference;

internal static class EntryByEntry
{
    /// <summary>Im L(w + i·1e-30) / 1e-30 for every entry w of one quantity.</summary>
    public static double[,] ComplexStep(
        Func<ScalarProblem<Complex>, Complex> loss, ScalarProblem<double> problem, Quantity quantity, int sequence)
    {
        const double Step = ComplexObjective.Step;
        ScalarProblem<Complex> complex = problem.Convert(value => (Complex)value);
        return Differentiate(complex, quantity, sequence, (row, column, value) =>
            loss(complex.With(quantity, sequence, row, column, value + new Complex(0.0, Step))).Imaginary / Step);
    }

    /// <summary>∂L/∂w in dual rational numbers for every entry w of one quantity.</summary>
    public static Rational[,] DualNumbers(
        Func<ScalarProblem<Dual<Rational>>, Dual<Rational>> loss,
        ScalarProblem<Rational> problem,
        Quantity quantity,
        int sequence)
    {
        ScalarProblem<Dual<Rational>> dual = problem.Convert(Dual<Rational>.Constant);
        return Differentiate(dual, quantity, sequence, (row, column, value) =>
            loss(dual.With(quantity, sequence, row, column, Dual<Rational>.Variable(value.Value))).Derivative);
    }

    /// <summary>(L(w + s) − L(w − s)) / 2s in rational numbers for every entry w of one quantity: exactly ∂L/∂w where L
    /// is quadratic in w.</summary>
    public static Rational[,] CentralDifferences(
        Func<ScalarProblem<Rational>, Rational> loss,
        ScalarProblem<Rational> problem,
        Quantity quantity,
        int sequence,
        Rational step) =>
        Differentiate(problem, quantity, sequence, (row, column, value) =>
            (loss(problem.With(quantity, sequence, row, column, value + step))
                - loss(problem.With(quantity, sequence, row, column, value - step))) / (2 * step));

    /// <summary>Calls the given function for every entry of one quantity.</summary>
    public static TResult[,] Differentiate<TScalar, TResult>(
        ScalarProblem<TScalar> problem, Quantity quantity, int sequence, Func<int, int, TScalar, TResult> derivative)
    {
        TScalar[,] values = problem.Values(quantity, sequence);
        var result = new TResult[values.GetLength(0), values.GetLength(1)];
        for (int i = 0; i < values.GetLength(0); i++)
        {
            for (int j = 0; j < values.GetLength(1); j++)
            {
                result[i, j] = derivative(i, j, values[i, j]);
            }
        }
        return result;
    }
}
