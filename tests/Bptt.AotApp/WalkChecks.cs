// The walk: states, outputs, loss and gradients against closed forms, scalar loops and complex steps.
//
//   d inputs   h hidden units   q outputs   T_b steps of sequence b

using System.Numerics;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.AotApp;

internal static class WalkChecks
{
    public static void Run()
    {
        OneUnit();

        ScalarProblem<double> small = Problems.Random(2, 3, 2, [9, 1, 6], seed: 1);
        double[][,] targets = Problems.Targets(small, seed: 2);
        ScalarGradients<double> computed = AgainstGeneralTerm("small", small, targets, new ExecutionOptions());
        AgainstComplexSteps(small, targets, computed);

        // Odd sizes beyond the width of every vector, several threads, both ways to run the recurrence.
        ScalarProblem<double> large = Problems.Random(5, 33, 3, [150, 77], seed: 3);
        foreach (Recurrence recurrence in new[] { Recurrence.Sequential, Recurrence.TimeParallel })
        {
            var options = new ExecutionOptions { Recurrence = recurrence };
            AgainstGeneralTerm($"large, {recurrence}", large, Problems.Targets(large, seed: 4), options);
        }
    }

    /// <summary>One unit that an impulse meets at step 1, targets 0: o_t = c a^{t−1} b, so that with r = a² the loss is
    /// c²b²/2T · S, S = Σ_{k&lt;T} r^k = (1 − r^T)/(1 − r).</summary>
    private static void OneUnit()
    {
        const int T = 12;
        const double A = 0.8;
        const double B = 0.5;
        const double C = 3.0;
        const double R = A * A;
        double sum = (1.0 - Math.Pow(R, T)) / (1.0 - R);
        double slope = (1.0 - Math.Pow(R, T) - (T * Math.Pow(R, T - 1) * (1.0 - R))) / ((1.0 - R) * (1.0 - R));
        double loss = C * C * B * B / (2.0 * T) * sum;

        var model = new LinearRnn(Number(B), Number(A), Number(C));
        var forward = ForwardPass.Run(model, Matrix<double>.Build.Dense(1, T, (_, t) => t == 0 ? 1.0 : 0.0));
        var backward = BackwardThroughTime.Run(forward, Objective.SquaredError(Matrix<double>.Build.Dense(1, T)));

        Expect.Near("one unit, o_T", forward.Output(T)[0], C * Math.Pow(A, T - 1) * B, 1e-13);
        Expect.Near("one unit, L", backward.Loss, loss, 1e-13);
        Expect.Near("one unit, ∂L/∂W_hx", backward.Gradients.Whx[0, 0], 2.0 * loss / B, 1e-13);
        Expect.Near("one unit, ∂L/∂W_qh", backward.Gradients.Wqh[0, 0], 2.0 * loss / C, 1e-13);
        Expect.Near(
            "one unit, ∂L/∂W_hh", backward.Gradients.Whh[0, 0], C * C * B * B / (2.0 * T) * 2.0 * A * slope, 1e-13);
        Expect.Near("one unit, ∂L/∂h_0", backward.HiddenStateGradient(0)[0], C * C * B * A * sum / T, 1e-13);
    }

    /// <summary>The library against scalar loops forward and the general term, without a recursion, backward.</summary>
    private static ScalarGradients<double> AgainstGeneralTerm(
        string name, ScalarProblem<double> problem, double[][,] targets, ExecutionOptions options)
    {
        ForwardPass forward = problem.RunForward(options);
        var backward = BackwardThroughTime.Run(forward, Objective.SquaredError(targets.ToBatch()));

        ScalarPass<double> pass = ScalarLoops<double>.Forward(problem);
        ScalarGradients<double> expected = GeneralTerm<double>.Backward(
            problem, pass, ScalarLoops<double>.SquaredErrorGradients(pass.Outputs, targets));
        var actual = new ScalarGradients<double>(
            backward.Gradients.Whx.ToArray(),
            backward.Gradients.Whh.ToArray(),
            backward.Gradients.Wqh.ToArray(),
            ForEach(problem, backward.HiddenStateGradients),
            ForEach(problem, backward.InputGradients));

        Expect.Near($"{name}, L", backward.Loss, ScalarLoops<double>.SquaredError(pass.Outputs, targets), 1e-12);
        for (int b = 0; b < problem.SequenceCount; b++)
        {
            Expect.Near($"{name}, states of sequence {b}", forward.HiddenStates(b).ToArray(), pass.States[b], 1e-12);
            Expect.Near($"{name}, outputs of sequence {b}", forward.Outputs(b).ToArray(), pass.Outputs[b], 1e-12);
            Expect.Near(
                $"{name}, ∂L/∂h_t of sequence {b}", actual.HiddenStates[b], expected.HiddenStates[b], 1e-12);
        }
        foreach ((Quantity quantity, int b) in problem.Quantities())
        {
            Expect.Near(
                $"{name}, gradient of {quantity} {b}", actual.Values(quantity, b), expected.Values(quantity, b), 1e-12);
        }
        return actual;
    }

    /// <summary>The same gradients from L alone: Im L(w + i·1e-30) / 1e-30 by scalar loops in complex
    /// numbers.</summary>
    private static void AgainstComplexSteps(
        ScalarProblem<double> problem, double[][,] targets, ScalarGradients<double> computed)
    {
        Complex[][,] complexTargets = targets.Map(y => (Complex)y);
        Complex Loss(ScalarProblem<Complex> changed) => ScalarLoops<Complex>.SquaredError(
            ScalarLoops<Complex>.Forward(changed).Outputs, complexTargets);
        foreach ((Quantity quantity, int b) in problem.Quantities())
        {
            Expect.Near(
                $"complex steps, gradient of {quantity} {b}",
                computed.Values(quantity, b),
                EntryByEntry.ComplexStep(Loss, problem, quantity, b),
                1e-12);
        }
    }

    private static double[][,] ForEach(ScalarProblem<double> problem, Func<int, Matrix<double>> matrix) =>
        [.. Enumerable.Range(0, problem.SequenceCount).Select(b => matrix(b).ToArray())];

    private static Matrix<double> Number(double value) => Matrix<double>.Build.Dense(1, 1, value);
}
