// What is timed of a build of the library, through its public root types alone: this code is loaded once for each
// build, and other namespaces may differ between them.

using Bptt.Benchmarks.Bits;

namespace Bptt.Benchmarks.Builds;

/// <summary>The works that can be timed.</summary>
internal enum BuildWorkKind
{
    /// <summary>One forward and one backward pass with its loss, from one workspace.</summary>
    Pass,

    /// <summary>The same within a memory budget of half of the states and their gradients.</summary>
    Budget,

    /// <summary>One tangent pass in a direction of the weights.</summary>
    Tangent,

    /// <summary>One product with the Hessian.</summary>
    Hessian,

    /// <summary>One product with the Gauss–Newton matrix.</summary>
    GaussNewton,
}

/// <summary>A work on given data; the same seed in every build.</summary>
internal sealed class BuildWork
{
    private readonly Func<object> _run;
    private object? _last;

    /// <summary>Prepares a work. The arguments are types that all builds share.</summary>
    /// <param name="name">That of a <see cref="BuildWorkKind"/>.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="threads">How many threads the library may use.</param>
    public BuildWork(string name, string shape, int threads)
    {
        BuildWorkKind kind = Enum.Parse<BuildWorkKind>(name);
        var problem = new BitProblem(shape, seed: 1, growth: 0.9);
        LinearRnn model = problem.Model;
        SequenceBatch inputs = problem.Inputs;
        var objective = Objective.SquaredError(problem.Targets);
        var options = new ExecutionOptions { MaxDegreeOfParallelism = threads };
        if (kind is BuildWorkKind.Pass or BuildWorkKind.Budget)
        {
            long states = sizeof(double) * (long)model.HiddenSize * inputs.TotalLength;
            ExecutionOptions inLoop = options with
            {
                Workspace = new Workspace(),
                MemoryBudget = kind == BuildWorkKind.Budget ? states : null,
            };
            _run = () => BackwardThroughTime.Run(ForwardPass.Run(model, inputs, null, inLoop), objective);
            return;
        }
        var forward = ForwardPass.Run(model, inputs, null, options);
        TangentDirection direction = problem.Direction with { Inputs = null, InitialStates = null };
        if (kind == BuildWorkKind.Tangent)
        {
            _run = () => TangentPass.Run(forward, direction);
            return;
        }
        var curvature = LossCurvature.Of(BackwardThroughTime.Run(forward, objective));
        _run = kind == BuildWorkKind.Hessian
            ? () => curvature.HessianProduct(direction)
            : () => curvature.GaussNewtonProduct(direction);
    }

    public void Run() => _last = _run();

    /// <summary>A hash of what the last run computed.</summary>
    public string Result()
    {
        using var hash = new BitHash();
        switch (_last)
        {
            case BackwardThroughTime backward:
                hash.Add(backward.Loss);
                hash.Add(backward.Gradients);
                break;

            case TangentPass tangent:
                hash.Add(tangent.FinalStates);
                hash.Add(tangent.Outputs());
                break;

            case CurvatureProduct product:
                hash.Add(product);
                break;
        }
        return hash.Finish();
    }
}
