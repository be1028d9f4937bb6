// Tangent passes and products with second derivatives, in directions with every choice of parts.

namespace Bptt.Benchmarks.Bits;

internal static class DerivativeCases
{
    private static readonly string[] PartNames = ["Whx", "Whh", "Wqh", "x", "h0"];

    private static readonly BitWay[] Ways =
    [
        BitWay.SmallSequential, BitWay.SmallTimeParallel(4), BitWay.Automatic, BitWay.TimeParallel,
        BitWay.SmallTimeParallel(2), BitWay.SmallLifted(4),
    ];

    private static readonly string[] Shapes = ["6:1..40:4:3:2", "33:200:2:5:3", "8:700:1:1:1"];

    /// <summary>The parts by bits, in the order of their names: all, each alone, the weights, all but one.</summary>
    private static readonly int[] Choices = [31, 1, 2, 4, 8, 16, 7, 23, 15, 29];

    public static IEnumerable<BitCase> All() =>
        [.. Tangents(), .. BudgetedTangents(), .. Products(), .. ProductsInARow()];

    private static List<BitCase> Tangents()
    {
        var cases = new List<BitCase>();
        for (int parts = 1; parts < 1 << PartNames.Length; parts++)
        {
            int chosen = parts;
            var problem = new BitProblem(Shapes[parts % Shapes.Length], seed: 400 + parts);
            BitWay way = Ways[parts % Ways.Length];
            cases.AddRange(BitCase.OnThreads($"tangent/{Name(parts)}/{problem.Name}", way, (hash, options) =>
            {
                ForwardPass forward = problem.Forward(options);
                var tangent = TangentPass.Run(forward, Parts(problem, chosen));
                hash.Add(tangent);
                hash.Add(tangent.LossDerivative(Objective.SquaredError(problem.Targets)));
            }));
        }
        return cases;
    }

    private static List<BitCase> BudgetedTangents()
    {
        var cases = new List<BitCase>();
        for (int i = 0; i < Choices.Length; i++)
        {
            int chosen = Choices[i];
            var problem = new BitProblem(Shapes[i % Shapes.Length], seed: 440 + i);
            BitWay way = Ways[i % Ways.Length].Within(problem, i % 2 == 0 ? 1.0 : 2.0);
            cases.AddRange(BitCase.OnThreads($"tangent/{Name(chosen)}/{problem.Name}", way, (hash, options) =>
            {
                var tangent = TangentPass.Run(problem.Forward(options), Parts(problem, chosen));
                hash.Add(tangent);
                for (int t = problem.Lengths.Max(); t >= 0; t -= 3)
                {
                    for (int b = 0; b < problem.Lengths.Count; b++)
                    {
                        hash.Add(tangent.HiddenState(Math.Min(t, problem.Lengths[b]), b));
                    }
                }
            }));
        }
        return cases;
    }

    private static List<BitCase> Products()
    {
        string[] objectives = ["squared", "huber", "entropy", "own"];
        var cases = new List<BitCase>();
        for (int i = 0; i < Choices.Length; i++)
        {
            int chosen = Choices[i];
            string kind = objectives[i % objectives.Length];
            var problem = new BitProblem(Shapes[(i + 1) % Shapes.Length], seed: 460 + i);
            BitWay whole = Ways[i % Ways.Length];
            foreach (BitWay way in new[] { whole, whole.Within(problem, i % 2 == 0 ? 1.0 : 2.5) })
            {
                foreach (bool isHessian in new[] { true, false })
                {
                    string name = $"{(isHessian ? "hessian" : "gaussnewton")}/{Name(chosen)}/{kind}/{problem.Name}";
                    cases.AddRange(BitCase.OnThreads(name, way, (hash, options) =>
                    {
                        LossCurvature curvature = CurvatureOf(problem, kind, options);
                        TangentDirection direction = Parts(problem, chosen);
                        hash.Add(isHessian
                            ? curvature.HessianProduct(direction)
                            : curvature.GaussNewtonProduct(direction));
                    }));
                }
            }
        }
        return cases;
    }

    /// <summary>One after the other from the same memory: what one leaves there must not reach the next.</summary>
    private static List<BitCase> ProductsInARow()
    {
        var cases = new List<BitCase>();
        for (int i = 0; i < Ways.Length; i++)
        {
            var problem = new BitProblem(Shapes[i % Shapes.Length], seed: 480 + i);
            foreach (BitWay way in new[] { Ways[i], Ways[i].Within(problem, 1.5) })
            {
                cases.AddRange(BitCase.OnThreads($"products/{problem.Name}", way, (hash, options) =>
                {
                    LossCurvature curvature = CurvatureOf(problem, "huber", options);
                    foreach (int chosen in Choices)
                    {
                        hash.Add(curvature.HessianProduct(Parts(problem, chosen)));
                        hash.Add(curvature.GaussNewtonProduct(Parts(problem, chosen)));
                    }
                }));
            }
        }
        return cases;
    }

    private static LossCurvature CurvatureOf(BitProblem problem, string objective, ExecutionOptions options) =>
        LossCurvature.Of(BackwardThroughTime.Run(
            problem.Forward(options), ObjectiveCases.Of(objective, problem), problem.FinalStateGradients));

    private static TangentDirection Parts(BitProblem problem, int parts)
    {
        TangentDirection all = problem.Direction;
        return new TangentDirection
        {
            Whx = Has(0) ? all.Whx : null,
            Whh = Has(1) ? all.Whh : null,
            Wqh = Has(2) ? all.Wqh : null,
            Inputs = Has(3) ? all.Inputs : null,
            InitialStates = Has(4) ? all.InitialStates : null,
        };

        bool Has(int part) => (parts >> part & 1) == 1;
    }

    private static string Name(int parts) =>
        string.Concat(PartNames.Where((_, i) => (parts >> i & 1) == 1));
}
