// The loop as one writes it first with TorchSharp: every product at every step, and autograd for the rest.

using static TorchSharp.torch;

namespace Bptt.Benchmarks.Peers.Torch;

internal sealed class AutogradStepByStep : AutogradPass
{
    public AutogradStepByStep(TorchProblem problem)
        : base(problem)
    {
    }

    protected override Tensor Loss()
    {
        Tensor state = Problem.InitialState();
        Tensor sum = zeros([], Problem.Type);
        for (int i = 0; i < Problem.Layout.StepCount; i++)
        {
            Tensor output;
            if (Problem.IsOneSequence)
            {
                state = Problem.Whx.mv(Problem.InputSteps[i]) + Problem.Whh.mv(state);
                output = Problem.Wqh.mv(state);
            }
            else
            {
                Tensor running = Running(state, i);
                state = Problem.InputSteps[i].mm(Problem.Whx.t()) + running.mm(Problem.Whh.t());
                output = state.mm(Problem.Wqh.t());
            }
            sum += (output - Problem.TargetSteps[i]).square().sum();
        }
        return sum * (0.5 / Problem.Layout.ColumnCount);
    }
}
