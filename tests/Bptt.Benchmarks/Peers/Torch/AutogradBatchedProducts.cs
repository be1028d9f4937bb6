// Autograd with everything taken out of the loop that can be: W_hx X and W_qh H are products over all steps, and the
// loss is one expression; only the recurrence goes step by step. The gradient of W_hh is then still summed step by
// step, since autograd sees one product with W_hh for each step.

using static TorchSharp.torch;

namespace Bptt.Benchmarks.Peers.Torch;

internal sealed class AutogradBatchedProducts : AutogradPass
{
    private readonly long[] _widths;

    public AutogradBatchedProducts(TorchProblem problem)
        : base(problem)
    {
        _widths = [.. problem.Layout.Widths.Select(width => (long)width)];
    }

    protected override Tensor Loss()
    {
        // One node of the tape for all steps: a view for each step would fill a gradient as large as X at every step.
        Tensor driven = Problem.Inputs.mm(Problem.Whx.t());
        Tensor[] drivenSteps = Problem.IsOneSequence ? driven.unbind(0) : driven.split(_widths, 0);

        var states = new Tensor[drivenSteps.Length];
        Tensor transposed = Problem.Whh.t();
        states[0] = drivenSteps[0]; // h_0 is zero
        for (int i = 1; i < states.Length; i++)
        {
            states[i] = Problem.IsOneSequence
                ? addmv(drivenSteps[i], Problem.Whh, states[i - 1], 1, 1)
                : addmm(drivenSteps[i], Running(states[i - 1], i), transposed, 1, 1);
        }

        Tensor allStates = Problem.IsOneSequence ? stack(states, 0) : cat(states, 0);
        Tensor residuals = allStates.mm(Problem.Wqh.t()) - Problem.Targets;
        return residuals.square().sum() * (0.5 / Problem.Layout.ColumnCount);
    }
}
