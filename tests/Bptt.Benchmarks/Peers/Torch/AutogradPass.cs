// What the programs with autograd share: L is written forward, and torch differentiates it.

using TorchSharp;
using static TorchSharp.torch;

namespace Bptt.Benchmarks.Peers.Torch;

internal abstract class AutogradPass : IPass
{
    private readonly Tensor[] _weights;
    private Tensor[] _gradients = [];
    private double _loss;

    protected AutogradPass(TorchProblem problem)
    {
        Problem = problem;
        _weights = [problem.Whx, problem.Whh, problem.Wqh];
        foreach (Tensor weights in _weights)
        {
            weights.requires_grad = true;
        }
    }

    protected TorchProblem Problem { get; }

    public void Run()
    {
        DisposeGradients();
        using DisposeScope scope = NewDisposeScope();
        Tensor loss = Loss();
        _gradients = [.. autograd.grad([loss], _weights).Select(gradient => gradient.MoveToOuterDisposeScope())];
        _loss = loss.ToDouble();
    }

    public PassResult ReadResult() => TorchProblem.Result(_loss, _gradients[0], _gradients[1], _gradients[2]);

    public void Dispose()
    {
        DisposeGradients();
        Problem.Dispose();
    }

    /// <summary>L, as an expression that torch can differentiate.</summary>
    protected abstract Tensor Loss();

    /// <summary>The rows of the sequences that still run at the given step, counted from 0.</summary>
    protected Tensor Running(Tensor state, int i)
    {
        int width = Problem.Layout.Widths[i];
        return i == 0 || width == Problem.Layout.Widths[i - 1] ? state : state.narrow(0, 0, width);
    }

    private void DisposeGradients() => Array.ForEach(_gradients, gradient => gradient.Dispose());
}
