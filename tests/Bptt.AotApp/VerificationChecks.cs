// The library's own checks: they pass right gradients, and find a wrong one.

using Bptt.Tests.Reference;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.AotApp;

internal static class VerificationChecks
{
    public static void Run()
    {
        ScalarProblem<double> problem = Problems.Random(2, 4, 2, [11, 6], seed: 5);
        ForwardPass forward = problem.RunForward();
        var objective = Objective.SquaredError(Problems.Targets(problem, seed: 6).ToBatch());
        var backward = BackwardThroughTime.Run(forward, objective);

        Expect.Equal("gradient check", GradientCheck.Run(forward, objective).Verdict, Verdict.Passed);
        Expect.Equal(
            "gauge and Euler identity", GradientCertificate.Run(backward).Verdict, Verdict.Passed);
        Expect.Equal("forward mode", AdjointTest.Run(backward).Verdict, Verdict.Passed);

        Gradients right = backward.Gradients;
        Matrix<double> whh = right.Whh;
        whh[1, 2] += 1e-3 * right.WhhNorm();
        var wrong = new Gradients(right.Whx, whh, right.Wqh);
        Expect.Equal(
            "gradient check of a wrong ∂L/∂W_hh", GradientCheck.Run(forward, objective, wrong).Verdict, Verdict.Failed);
    }
}
