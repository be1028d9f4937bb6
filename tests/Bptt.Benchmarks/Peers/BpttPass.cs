// Bptt itself, through its public API and as a training loop uses it: data packed once, one workspace for all passes.

namespace Bptt.Benchmarks.Peers;

internal sealed class BpttPass(Problem problem, Precision precision, int threads) : IPass
{
    private readonly SequenceBatch _inputs = problem.InputsIn(precision);
    private readonly Objective _objective = Objective.SquaredError(problem.Targets);
    private readonly ExecutionOptions _options =
        new() { MaxDegreeOfParallelism = threads, Precision = precision, Workspace = new Workspace() };
    private BackwardThroughTime? _backward;

    public static IReadOnlyList<Contender> Contenders { get; } =
        [Of("Bptt, double", Precision.Double), Of("Bptt, float", Precision.Single)];

    public void Run()
    {
        var forward = ForwardPass.Run(problem.Model, _inputs, null, _options);
        _backward = BackwardThroughTime.Run(forward, _objective);
    }

    public PassResult ReadResult() => new(_backward!.Loss, _backward.Gradients);

    public void Dispose()
    {
    }

    private static Contender Of(string name, Precision precision) => new(
        name,
        IsSinglePrecision: precision == Precision.Single,
        UseThreads: _ => { },
        (problem, threads) => new BpttPass(problem, precision, threads))
    {
        IsBptt = true,
    };
}
