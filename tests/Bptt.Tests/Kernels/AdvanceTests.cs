// Runs of recurrence steps s_j ← A s_{j−1} + s_j in place, of one column and of several, for every kernel set of the
// machine. Every step is checked on its own, against A times the column that the step before has left.

using Bptt.Kernels;

namespace Bptt.Tests.Kernels;

public class AdvanceTests
{
    private const PackedFor Both = PackedFor.Columns | PackedFor.OneColumn;

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void One_column_is_carried_rightly_at_every_remainder_of_a_strip(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        TileSize tile = KernelSets.TileOf(set);
        foreach (int h in Enumerable.Range(1, 2 * tile.OneColumnRows + 1).Append(513))
        {
            var recurrence = new Recurrence(h, seed: 700 + h);
            PackedMatrix a = recurrence.Pack(set, h % 2 == 0 ? Both : PackedFor.OneColumn);
            recurrence.AssertRun(set, a, new StepRun(First: 0, Count: 1, Spacing: 1, StepDistance: 1, Steps: 3));
            recurrence.AssertRun(set, a, new StepRun(First: 4, Count: 1, Spacing: 7, StepDistance: -2, Steps: 2));
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void Several_columns_are_carried_rightly_at_every_remainder_of_a_tile(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        TileSize tile = KernelSets.TileOf(set);
        for (int h = 1; h <= 2 * tile.Rows + 1; h++)
        {
            var recurrence = new Recurrence(h, seed: 800 + h);
            PackedMatrix a = recurrence.Pack(set, h % 2 == 0 ? Both : PackedFor.Columns);
            for (int count = 2; count <= 2 * tile.Columns + 1; count++)
            {
                // Each number of columns meets each of the four at some h.
                recurrence.AssertRun(set, a, Runs(count, steps: 2)[(h + count) % 4]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void Several_columns_are_carried_rightly_around_a_block_of_the_depth(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        TileSize tile = KernelSets.TileOf(set);
        foreach (int h in new[] { 257, 511, 512, 513 })
        {
            var recurrence = new Recurrence(h, seed: 900 + h);
            PackedMatrix a = recurrence.Pack(set, PackedFor.Columns);
            recurrence.AssertRun(set, a, Runs(count: 2, steps: 2)[h % 4]);
            recurrence.AssertRun(set, a, Runs(tile.Columns + 1, steps: 1)[(h + 1) % 4]);
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void A_long_run_carries_each_step_to_the_next(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        foreach (int h in new[] { 1, 5, 16 })
        {
            var recurrence = new Recurrence(h, seed: 1000 + h);
            PackedMatrix a = recurrence.Pack(set, Both);
            foreach (StepRun run in Runs(count: 3, steps: 40))
            {
                recurrence.AssertRun(set, a, run);
                recurrence.AssertRun(set, a, run with { Count = 1 });
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void A_run_of_no_steps_changes_nothing(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        var recurrence = new Recurrence(h: 5, seed: 1100);
        PackedMatrix a = recurrence.Pack(set, Both);
        recurrence.AssertRun(set, a, new StepRun(First: 2, Count: 1, Spacing: 1, StepDistance: 1, Steps: 0));
        recurrence.AssertRun(set, a, new StepRun(First: 2, Count: 3, Spacing: 1, StepDistance: -3, Steps: 0));
    }

    /// <summary>Columns side by side as in a batch, and far apart as in chunks of time, forward and backward.</summary>
    private static StepRun[] Runs(int count, int steps) =>
    [
        new(First: 0, count, Spacing: 1, StepDistance: count, steps),
        new(First: steps * count, count, Spacing: 1, StepDistance: -count, steps),
        new(First: 1, count, Spacing: steps + 2, StepDistance: 1, steps),
        new(First: steps + 1, count, Spacing: steps + 3, StepDistance: -1, steps),
    ];

    /// <summary>A random square matrix, neither growing nor shrinking much, for runs over random columns.</summary>
    private sealed class Recurrence(int h, int seed)
    {
        private readonly Random _random = new(seed);
        private readonly GuardedMemory _memory = new(seed);
        private readonly double[,] _a =
            ProductProblem.Matrix(
                h, h, new Random(seed), random => ProductProblem.Uniform(random) * 1.7 / Math.Sqrt(h));

        public PackedMatrix Pack(KernelSet set, PackedFor uses) =>
            _memory.Pack(set, _memory.Place(h, h, _a), uses, $"{set.Name}, Pack {uses}, {h}×{h}, seed {seed}");

        public void AssertRun(KernelSet set, PackedMatrix a, StepRun run)
        {
            string where = $"{set.Name}, Advance {run}, {h} rows, seed {seed}";
            int last = Math.Max(run.First, run.First + run.Steps * run.StepDistance) + (run.Count - 1) * run.Spacing;
            double[,] before = ProductProblem.Matrix(h, last + 2, _random, ProductProblem.Uniform);
            GuardedMatrix states = WithGuardsBesideTheRun(before, run);

            set.Advance(a, states.Span.Values, run);

            states.AssertUnchangedOutside(where);
            AssertOtherColumnsUnchanged(states, before, run, where);
            for (int step = 1; step <= run.Steps; step++)
            {
                double[,] from = new double[h, run.Count];
                double[,] addend = new double[h, run.Count];
                double[,] to = new double[h, run.Count];
                for (int c = 0; c < run.Count; c++)
                {
                    int column = Column(run, c, step);
                    for (int i = 0; i < h; i++)
                    {
                        from[i, c] = states[i, column - run.StepDistance];
                        addend[i, c] = before[i, column];
                        to[i, c] = states[i, column];
                    }
                }
                new ProductProblem(_a, from, addend, seed).AssertProductPlusD(
                    _memory.Place(h, run.Count, to), $"{where}, step {step}");
            }
        }

        private static int Column(StepRun run, int c, int step) =>
            run.First + c * run.Spacing + step * run.StepDistance;

        /// <summary>The columns without gaps; those that the run does not name hold guards.</summary>
        private GuardedMatrix WithGuardsBesideTheRun(double[,] columns, StepRun run)
        {
            HashSet<int> named = [.. Columns(run, firstStep: 0)];
            for (int j = 0; j < columns.GetLength(1); j++)
            {
                for (int i = 0; i < h && !named.Contains(j); i++)
                {
                    columns[i, j] = GuardedMatrix.Guard;
                }
            }
            return _memory.Place(h, columns.GetLength(1), columns, leadingDimension: h);
        }

        private void AssertOtherColumnsUnchanged(GuardedMatrix states, double[,] before, StepRun run, string where)
        {
            HashSet<int> written = [.. Columns(run, firstStep: 1)];
            for (int j = 0; j < states.Columns; j++)
            {
                for (int i = 0; i < h && !written.Contains(j); i++)
                {
                    if (BitConverter.DoubleToInt64Bits(states[i, j]) != BitConverter.DoubleToInt64Bits(before[i, j]))
                    {
                        Assert.Fail($"{where}: column {j} was changed, which is no result of a step.");
                    }
                }
            }
        }

        private static IEnumerable<int> Columns(StepRun run, int firstStep) =>
            from step in Enumerable.Range(firstStep, run.Steps + 1 - firstStep)
            from c in Enumerable.Range(0, run.Count)
            select Column(run, c, step);
    }
}
