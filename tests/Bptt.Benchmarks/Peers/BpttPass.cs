// Bptt itself, through its public API and as a training loop uses it: data packed once, one workspace for all passes.

namespace Bptt.Benchmarks.Peers;

internal sealed class BpttPass(Problem problem, int threads) : IPass
{
    private readonly Objective _objective = Objective.SquaredError(problem.Targets);
    private readonly ExecutionOptions _options =
        new() { MaxDegreeOfParallelism = threads, Workspace = new Workspace() };
    private BackwardThroughTime? _backward;

    public static Contender Contender { get; } = new(
        "Bptt", IsSinglePrecision: false, UseThreads: _ => { }, (problem, threads) => new BpttPass(problem, threads));

    public void Run()
    {
        var forward = ForwardPass.Run(problem.Model, problem.Inputs, null, _options);
        _backward = BackwardThroughTime.Run(forward, _objective);
    }

    public PassResult ReadResult() => new(_backward!.Loss, _backward.Gradients);

    public void Dispose()
    {
    }
}
