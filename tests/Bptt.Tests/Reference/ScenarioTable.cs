// The scenarios that exactness tests run: a table of sizes, every option, and random ones from numbered seeds.

namespace Bptt.Tests.Reference;

internal static class ScenarioTable
{
    /// <summary>d, h, q, T.</summary>
    private static readonly (int, int, int, int)[] Sizes =
    [
        (1, 1, 1, 1), (1, 1, 1, 7), (2, 3, 1, 5), (3, 5, 2, 9), (4, 7, 3, 12), (5, 1, 2, 6), (1, 8, 1, 1), (2, 2, 5, 4),
        (1, 3, 4, 17),
    ];

    private static readonly double[] SpectralRadii = [0.2, 1.0, 1.4];

    /// <summary>d, h, q, T and the spectral radius of W_hh.</summary>
    public static TheoryData<int, int, int, int, double> SizesAndRadii()
    {
        var data = new TheoryData<int, int, int, int, double>();
        foreach ((int d, int h, int q, int length) in Sizes)
        {
            foreach (double radius in SpectralRadii)
            {
                data.Add(d, h, q, length, radius);
            }
        }
        return data;
    }

    /// <summary>Every objective on one sequence and on a ragged batch in no order, with sequences of one step; the
    /// other options are drawn.</summary>
    public static IEnumerable<RandomScenario> Of(int d, int h, int q, int length, double radius)
    {
        int[][] layouts = [[length], [(length + 1) / 2, 1, length, 1, Math.Max(1, length - 1)]];
        foreach (ObjectiveKind objective in Enum.GetValues<ObjectiveKind>())
        {
            foreach (int[] lengths in layouts)
            {
                int seed = (((((d * 31) + h) * 31) + q) * 31) + length + (1000 * (int)objective) + lengths.Length
                    + (int)(1e6 * radius);
                yield return RandomScenario.Create(
                    new ScenarioSettings(d, h, q, lengths, radius, objective, seed).WithRandomOptions());
            }
        }
    }

    /// <summary>Every combination of objective, reduction and options on one ragged batch.</summary>
    public static IEnumerable<RandomScenario> EveryOption()
    {
        int seed = 0;
        foreach (ObjectiveKind objective in Enum.GetValues<ObjectiveKind>())
        {
            foreach (Reduction reduction in Enum.GetValues<Reduction>())
            {
                for (int options = 0; options < 16; options++)
                {
                    yield return RandomScenario.Create(new(2, 3, 2, [3, 4, 1, 5], 1.0, objective, seed++)
                    {
                        Reduction = reduction,
                        HasInitialStates = (options & 1) != 0,
                        HasStepWeights = (options & 2) != 0,
                        HasNormalizer = (options & 4) != 0,
                        HasFinalStateGradients = (options & 8) != 0,
                    });
                }
            }
        }
    }

    /// <summary>A scenario of which everything is drawn from the seed.</summary>
    public static RandomScenario Random(int seed)
    {
        var random = new Random(seed);
        int[] lengths = new int[random.Next(1, 7)];
        for (int b = 0; b < lengths.Length; b++)
        {
            lengths[b] = random.Next(4) == 0 ? 1 : random.Next(1, 25);
        }
        var settings = new ScenarioSettings(
            random.Next(1, 10),
            random.Next(1, 14),
            random.Next(1, 8),
            lengths,
            0.2 + (1.2 * random.NextDouble()),
            (ObjectiveKind)random.Next(4),
            seed);
        return RandomScenario.Create(settings.WithRandomOptions());
    }
}
