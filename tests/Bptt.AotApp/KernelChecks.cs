// Which kernels the compiled program has, and a pass in single precision beside the same in double.

using Bptt.Kernels;
using Bptt.Tests.Reference;

namespace Bptt.AotApp;

internal static class KernelChecks
{
    /// <param name="expected">The name of the kernels that the program should have; where it is null, any but the
    /// plain ones, unless they are asked for.</param>
    public static void Run(string? expected)
    {
        string kernels = KernelChoice.Default.Name;
        expected ??= Environment.GetEnvironmentVariable(KernelChoice.Variable);
        if (string.IsNullOrEmpty(expected))
        {
            Expect.True("the kernels are more than plain loops", kernels != "Plain");
            expected = kernels;
        }
        Expect.Equal("kernels", kernels, expected);

        ScalarProblem<double> problem = Problems.Random(3, 45, 2, [130, 61], seed: 8);
        var objective = Objective.SquaredError(Problems.Targets(problem, seed: 9).ToBatch());
        foreach (Recurrence recurrence in new[] { Recurrence.Sequential, Recurrence.Lifted })
        {
            var options = new ExecutionOptions { Recurrence = recurrence };
            Compare(
                $"single precision, {recurrence}",
                BackwardThroughTime.Run(
                    problem.RunForward(options with { Precision = Precision.Single }), objective),
                BackwardThroughTime.Run(problem.RunForward(options), objective));
        }
    }

    private static void Compare(string name, BackwardThroughTime single, BackwardThroughTime exact)
    {
        Expect.Equal($"{name}: precision", single.Forward.Precision, Precision.Single);
        Expect.Near($"{name}, L", single.Loss, exact.Loss, 1e-5);
        Expect.Near($"{name}, outputs", single.Forward.Outputs(0).ToArray(), exact.Forward.Outputs(0).ToArray(), 1e-5);
        Expect.Near($"{name}, ∂L/∂W_hx", single.Gradients.Whx.ToArray(), exact.Gradients.Whx.ToArray(), 1e-5);
        Expect.Near($"{name}, ∂L/∂W_hh", single.Gradients.Whh.ToArray(), exact.Gradients.Whh.ToArray(), 1e-5);
        Expect.Near($"{name}, ∂L/∂W_qh", single.Gradients.Wqh.ToArray(), exact.Gradients.Wqh.ToArray(), 1e-5);
    }
}
