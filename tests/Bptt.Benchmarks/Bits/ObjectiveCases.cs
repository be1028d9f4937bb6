// Every objective with every reduction, weights and a normaliser: the loss, its gradients and its curvature.

namespace Bptt.Benchmarks.Bits;

internal static class ObjectiveCases
{
    private static readonly (string Name, Func<BitProblem, Reduction, Objective> Make)[] Objectives =
    [
        ("squared", (problem, reduction) => Objective.SquaredError(problem.Targets, reduction)),
        ("huber", (problem, reduction) => Objective.Huber(problem.Targets, 0.7, reduction)),
        ("entropy", (problem, reduction) => Objective.CrossEntropy(problem.Labels, reduction)),
        ("own", (problem, reduction) => new LogCosh(problem.Targets, reduction)),
    ];

    private static readonly (string Name, Func<BitProblem, Objective, Objective> Change)[] Changes =
    [
        ("plain", (_, objective) => objective),
        ("weights", (problem, objective) => objective.WithStepWeights(problem.StepWeights)),
        ("normalizer", (_, objective) => objective.WithNormalizer(17.5)),
        (
            "weights.normalizer",
            (problem, objective) => objective.WithStepWeights(problem.StepWeights).WithNormalizer(0.3)
        ),
    ];

    /// <summary>Each objective by itself, by name; for other families of cases.</summary>
    public static Objective Of(string name, BitProblem problem) =>
        Objectives.First(objective => objective.Name == name).Make(problem, Reduction.MeanPerStep);

    public static IEnumerable<BitCase> All()
    {
        BitWay[] ways = [BitWay.SmallSequential, BitWay.SmallTimeParallel(2), BitWay.Automatic];
        string[] shapes = ["5:1..700:6:2:4", "8:40:7:3:2", "16:600:1:1:9"];
        var cases = new List<BitCase>();
        int number = 0;
        foreach ((string kind, Func<BitProblem, Reduction, Objective> make) in Objectives)
        {
            foreach (Reduction reduction in Enum.GetValues<Reduction>())
            {
                foreach ((string change, Func<BitProblem, Objective, Objective> changed) in
                    new[] { Changes[0], Changes[1 + number % 3] })
                {
                    var problem = new BitProblem(shapes[number % shapes.Length], seed: 200 + number);
                    BitWay way = ways[(number + number / 3) % ways.Length];
                    cases.AddRange(BitCase.OnThreads(
                        $"objective/{kind}/{reduction}/{change}/{problem.Name}",
                        way,
                        (hash, options) => Add(hash, problem, changed(problem, make(problem, reduction)), options)));
                }
                number++;
            }
        }
        return cases;
    }

    private static void Add(BitHash hash, BitProblem problem, Objective objective, ExecutionOptions options)
    {
        ForwardPass forward = problem.Forward(options);
        hash.Add(objective.Loss(forward));
        var backward = BackwardThroughTime.Run(forward, objective);
        hash.Add(backward.Loss);
        hash.Add(backward);
        hash.Add(TangentPass.Run(forward, problem.Direction).LossDerivative(objective));
        var curvature = LossCurvature.Of(backward);
        hash.Add(curvature.HessianProduct(problem.Direction));
        hash.Add(curvature.GaussNewtonProduct(problem.Direction));
    }
}
