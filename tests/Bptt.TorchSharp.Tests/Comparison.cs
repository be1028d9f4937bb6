// One comparison of outputs, final states and every gradient with torch's own.

namespace Bptt.TorchSharp.Tests;

internal static class Comparison
{
    /// <summary>Compares what a program computes from a problem with what torch computes from a copy of it.</summary>
    /// <param name="ours">The problem; its gradients are filled in.</param>
    /// <param name="run">From the problem to (T, B, q) and (B, h).</param>
    /// <param name="tolerance">Relative, for each tensor.</param>
    /// <param name="lengths">T_b; null for T.</param>
    public static void WithTorch(
        Problem ours,
        Func<Problem, (Tensor Outputs, Tensor FinalStates)> run,
        double tolerance = 1e-12,
        int[]? lengths = null)
    {
        Problem theirs = ours.Copy(ScalarType.Float64);
        (Tensor outputs, Tensor finalStates) = run(ours);
        Problem.Loss(outputs, finalStates).backward();
        (Tensor expected, Tensor expectedStates) = TorchReference.Run(
            theirs.Inputs, theirs.Whx, theirs.Whh, theirs.Wqh, theirs.InitialStates, lengths);
        Problem.Loss(expected, expectedStates).backward();

        Problem.Error(outputs, expected).Should().BeLessThan(tolerance, "of the outputs");
        Problem.Error(finalStates, expectedStates).Should().BeLessThan(tolerance, "of the final states");
        SameGradients(ours.Tensors, theirs.Tensors, tolerance);
    }

    /// <summary>Compares the gradients of tensors in the order of <see cref="Problem.Names"/>.</summary>
    public static void SameGradients(Tensor[] ours, Tensor[] theirs, double tolerance)
    {
        for (int i = 0; i < ours.Length; i++)
        {
            Problem.Error(ours[i].grad!, theirs[i].grad!)
                .Should().BeLessThan(tolerance, "of ∂L/∂{0}", Problem.Names[i]);
        }
    }
}
