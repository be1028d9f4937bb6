// Passes within a memory budget, whose states are computed again as they are read; truncated backward passes, whole and
// within a budget.

namespace Bptt.Benchmarks.Bits;

internal static class MemoryCases
{
    private static readonly string[] Shapes =
    [
        "9:500:1:3:2", "9:1..300:5:3:2", "33:255:3:5:7", "3:4000:1:1:1", "65:700:1:5:2",
    ];

    /// <summary>Budgets as multiples of the smallest: only just enough, enough for the carries of chunks, and in
    /// between.</summary>
    private static readonly double[] Factors = [1.0, 1.3, 2.5, 5.0];

    private static readonly (string Name, Truncation Truncation)[] Truncations =
    [
        ("lags1", Truncation.Lags(1)),
        ("lags5", Truncation.Lags(5)),
        ("lags13", Truncation.Lags(13)),
        ("lags300", Truncation.Lags(300)),
        ("windows1", Truncation.Windows(1)),
        ("windows7", Truncation.Windows(7)),
        ("windows64", Truncation.Windows(64)),
        ("random4", Truncation.Randomized(4, seed: 3)),
        ("random4.draw3", Truncation.Randomized(4, seed: 3).WithDraw(3)),
        ("random30", Truncation.Randomized(30, seed: 4)),
    ];

    public static IEnumerable<BitCase> All() => [.. Budgets(), .. Truncated()];

    private static List<BitCase> Budgets()
    {
        var cases = new List<BitCase>();
        for (int i = 0; i < Shapes.Length; i++)
        {
            var problem = new BitProblem(Shapes[i], seed: 100 + i);
            BitWay[] ways = [BitWay.Automatic, BitWay.SmallSequential, BitWay.SmallTimeParallel(4)];
            for (int w = 0; w < ways.Length; w++)
            {
                foreach (double factor in new[] { Factors[(i + w) % 4], Factors[(i + w + 1) % 4] })
                {
                    BitWay way = ways[w].Within(problem, factor);
                    cases.AddRange(BitCase.OnThreads($"budget/{problem.Name}", way, (hash, options) =>
                    {
                        ForwardPass forward = problem.Forward(options);
                        hash.Add(forward);
                        var backward = BackwardThroughTime.Run(
                            forward, Objective.SquaredError(problem.Targets), problem.FinalStateGradients);
                        hash.Add(backward.Loss);
                        hash.Add(backward);
                        hash.AddStepByStep(backward, ascending: true);
                        hash.AddStepByStep(backward, ascending: false);
                        hash.Add(BackwardThroughTime.Run(forward, problem.OutputGradients));
                    }));
                }
            }
        }
        return cases;
    }

    private static List<BitCase> Truncated()
    {
        string[] shapes = ["7:1..64:9:3:5", "16:400:1:2:3", "33:255:3:1:4"];
        BitWay[] ways = [BitWay.Automatic, BitWay.SmallSequential, BitWay.SmallTimeParallel(4)];
        var cases = new List<BitCase>();
        for (int i = 0; i < Truncations.Length; i++)
        {
            (string name, Truncation truncation) = Truncations[i];
            for (int s = 0; s < 2; s++)
            {
                var problem = new BitProblem(shapes[(i + s) % shapes.Length], seed: 120 + i);
                BitWay whole = ways[(i + 2 * s) % ways.Length];
                foreach (BitWay way in new[] { whole, whole.Within(problem, 1.5) })
                {
                    cases.AddRange(BitCase.OnThreads($"truncation/{problem.Name}/{name}", way, (hash, options) =>
                    {
                        var backward = BackwardThroughTime.Run(
                            problem.Forward(options),
                            Objective.SquaredError(problem.Targets),
                            problem.FinalStateGradients with { Truncation = truncation });
                        hash.Add(backward.Loss);
                        hash.Add(backward);
                        hash.AddStepByStep(backward, ascending: true);
                    }));
                }
            }
        }
        return cases;
    }
}
