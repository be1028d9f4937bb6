// Forward and backward passes of every shape, in every way; reuse of one workspace over changing shapes.

namespace Bptt.Benchmarks.Bits;

internal static class PassCases
{
    private static readonly string[] Shapes =
    [
        "1:1:1:1:1", "1:255:1:1:1", "2:3:1:2:1", "2:4000:1:1:3", "3:17:4:2:1", "3:3000:2:1:1", "7:1..64:9:3:5",
        "8:1000:1:8:8", "16:64:5:1:17", "16:1..255:40:5:2", "31:255:1:17:3", "33:2..3:6:1:1", "33:1..1000:3:7:1",
        "64:255:8:3:9", "65:700:1:5:2", "65:1..37:24:3:3", "96:1000:1:1:1", "130:64:20:13:7", "130:1000:1:17:11",
    ];

    /// <summary>For one workspace.</summary>
    private static readonly string[] ShapesInTurn =
    [
        "7:1..64:9:3:5", "33:90:3:5:7", "2:3:1:2:1", "33:90:3:5:7", "16:300:1:1:17", "1:1:1:1:1", "9:1..40:5:3:2",
    ];

    private static readonly int[] ChunkLengths = [2, 4, 8];

    public static IEnumerable<BitCase> All() => [.. Passes(), .. OneWorkspace()];

    private static List<BitCase> Passes()
    {
        var cases = new List<BitCase>();
        for (int i = 0; i < Shapes.Length; i++)
        {
            var problem = new BitProblem(Shapes[i], seed: 10 + i);
            BitWay[] ways =
            [
                BitWay.Automatic, BitWay.SmallSequential, BitWay.TimeParallel,
                BitWay.SmallTimeParallel(ChunkLengths[i % ChunkLengths.Length]),
                BitWay.SmallLifted(ChunkLengths[i % ChunkLengths.Length]),
            ];
            for (int w = 0; w < ways.Length; w++)
            {
                bool given = (i + w) % 2 == 0; // h_0 and the gradients of the final states
                bool isSingle = w == 0 && problem.Lengths.Count == 1;
                string name = $"{problem.Name}/{(given ? "given" : "zero")}";
                cases.AddRange(BitCase.OnThreads($"forward/{name}", ways[w], (hash, options) =>
                {
                    ForwardPass forward = Forward(problem, given, isSingle, options);
                    hash.Add(forward);
                    hash.Add(Objective.SquaredError(problem.Targets).Loss(forward));
                }));
                cases.AddRange(BitCase.OnThreads($"backward/{name}", ways[w], (hash, options) =>
                {
                    var backward = BackwardThroughTime.Run(
                        Forward(problem, given, isSingle, options),
                        Objective.SquaredError(problem.Targets),
                        given ? problem.FinalStateGradients : null);
                    hash.Add(backward.Loss);
                    hash.Add(backward);
                }));
            }
        }
        return cases;
    }

    private static ForwardPass Forward(BitProblem problem, bool given, bool isSingle, ExecutionOptions options) =>
        isSingle
            ? ForwardPass.Run(
                problem.Model, problem.Inputs.Sequence(0), given ? problem.InitialStates.Column(0) : null, options)
            : problem.Forward(options, given);

    /// <summary>Larger and smaller problems one after the other, each twice, with two backward passes from one forward
    /// pass.</summary>
    private static List<BitCase> OneWorkspace()
    {
        var cases = new List<BitCase>();
        BitWay[] ways =
            [BitWay.Automatic, BitWay.SmallSequential, BitWay.SmallTimeParallel(4), BitWay.SmallLifted(4)];
        foreach (BitWay way in ways)
        {
            foreach (double? factor in new double?[] { null, 1.0, 2.0 })
            {
                string memory = factor is null ? "whole" : FormattableString.Invariant($"budget{factor}");
                cases.AddRange(BitCase.OnThreads($"workspace/seed50/{memory}", way, (hash, options) =>
                {
                    var workspace = new Workspace();
                    for (int i = 0; i < ShapesInTurn.Length; i++)
                    {
                        var problem = new BitProblem(ShapesInTurn[i], seed: 50 + i);
                        long? budget = factor is null ? null : way.Within(problem, factor.Value).Options.MemoryBudget;
                        ExecutionOptions own = options with { Workspace = workspace, MemoryBudget = budget };
                        AddTwice(hash, problem, own);
                    }
                }));
            }
        }
        return cases;
    }

    private static void AddTwice(BitHash hash, BitProblem problem, ExecutionOptions options)
    {
        for (int repetition = 0; repetition < 2; repetition++)
        {
            ForwardPass forward = problem.Forward(options);
            hash.Add(forward);
            var first = BackwardThroughTime.Run(forward, Objective.Huber(problem.Targets), problem.FinalStateGradients);
            hash.Add(BackwardThroughTime.Run(forward, problem.OutputGradients));
            hash.Add(first);
            hash.Add(TangentPass.Run(forward, problem.Direction));
            hash.Add(LossCurvature.Of(first).HessianProduct(problem.Direction));
        }
    }
}
