// States and gradients that overflow, so that the engine gives up running in parallel over time, or decay to nothing,
// so that they are set to zero.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Benchmarks.Bits;

internal static class ExtremeCases
{
    public static IEnumerable<BitCase> All()
    {
        var cases = new List<BitCase>();
        BitWay[] ways = [BitWay.SmallSequential, BitWay.TimeParallel, BitWay.SmallTimeParallel(4)];
        foreach ((string shape, double growth) in new[]
        {
            ("8:900:1:2:2", 3.0), ("4:150..400:2:1:1", 30.0), ("5:40..900:3:2:2", 3.0), ("33:300:2:3:1", 1e8),
            ("16:700:1:2:1", 1.05), ("8:1200:1:2:3", 0.3), ("16:50..1500:3:1:2", 0.5),
        })
        {
            var problem = new BitProblem(shape, seed: 300, growth);
            foreach (BitWay whole in ways)
            {
                foreach (BitWay way in new[] { whole, whole.Within(problem, 1.4) })
                {
                    cases.AddRange(BitCase.OnThreads(
                        $"extreme/{problem.Name}", way, (hash, options) => Add(hash, problem, options)));
                }
            }
        }
        cases.AddRange(Quiet(ways));
        return cases;
    }

    private static void Add(BitHash hash, BitProblem problem, ExecutionOptions options)
    {
        ForwardPass forward = problem.Forward(options);
        hash.Add(forward);
        var backward = BackwardThroughTime.Run(
            forward, Objective.SquaredError(problem.Targets), problem.FinalStateGradients);
        hash.Add(backward.Loss);
        hash.Add(backward);
        hash.Add(TangentPass.Run(forward, problem.Direction));
        hash.Add(LossCurvature.Of(backward).HessianProduct(problem.Direction));
    }

    /// <summary>No inputs, and a loss at the last step only: what moves decays alone, or only the gradients overflow,
    /// which the forward pass does not see coming.</summary>
    private static List<BitCase> Quiet(BitWay[] ways)
    {
        var cases = new List<BitCase>();
        foreach (double growth in new[] { 0.4, 0.9, 4.0, 1e7 })
        {
            foreach (BitWay way in ways)
            {
                var problem = new BitProblem("8:1500:1:1:1", seed: 310, growth);
                cases.AddRange(BitCase.OnThreads($"quiet/{problem.Name}", way, (hash, options) =>
                {
                    Matrix<double> silence = Matrix<double>.Build.Dense(1, 1500);
                    Matrix<double> last = Matrix<double>.Build.Dense(1, 1500, (_, t) => t == 1499 ? 1.0 : 0.0);
                    Vector<double>? initial = growth < 1.0 ? problem.InitialStates.Column(0) : null;
                    var forward = ForwardPass.Run(problem.Model, silence, initial, options);
                    hash.Add(forward);
                    hash.Add(BackwardThroughTime.Run(forward, last));
                    hash.Add(TangentPass.Run(forward, problem.Direction with { Inputs = null }));
                }));
            }
        }
        return cases;
    }
}
