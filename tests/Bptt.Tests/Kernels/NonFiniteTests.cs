// NaN and infinities in operands reach every entry that they belong to, also through a product with zero, and no other.

using Bptt.Kernels;

namespace Bptt.Tests.Kernels;

public class NonFiniteTests
{
    private const PackedFor Both = PackedFor.Columns | PackedFor.OneColumn;

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void They_reach_the_entries_that_they_reach_in_plain_sums(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        TileSize tile = KernelSets.TileOf(set);
        foreach (int depth in new[] { 1, 2, 9, 257, 513 })
        {
            foreach (int rows in tile.RowsOfEachStrip)
            {
                foreach (int columns in new[] { 1, tile.Columns, 2 * tile.Columns - 1 })
                {
                    // Wherever the sums are long, few of their terms may be special, or all results would be NaN.
                    int seed = 1400 + depth + 1000 * rows + 100_000 * columns;
                    double share = 0.3 / depth;
                    var problem = ProductProblem.Random(rows, columns, depth, seed, random => Entry(random, share));
                    AssertAllOperations(set, problem, rows, columns);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void One_NaN_in_a_state_reaches_its_whole_column_through_a_matrix_of_zeros(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        TileSize tile = KernelSets.TileOf(set);
        foreach (int h in Enumerable.Range(1, 2 * tile.Rows + 1).Append(tile.OneColumnRows + 1))
        {
            var problem = new ProductProblem(new double[h, h], new double[h, 0], new double[h, 0], seed: 1500);
            PackedMatrix a = problem.Pack(set, h, Both);
            foreach (int count in new[] { 1, 2, tile.Columns + 1 })
            {
                for (int place = 0; place < h; place++)
                {
                    int column = place % count;
                    double[] states = new double[2 * count * h];
                    states[column * h + place] = double.NaN;

                    set.Advance(a, states, new StepRun(First: 0, count, Spacing: 1, StepDistance: count, Steps: 1));

                    for (int c = 0; c < count; c++)
                    {
                        double other = c == column ? double.NaN : 0.0;
                        if (states.AsSpan((count + c) * h, h).IndexOfAnyExcept(other) >= 0)
                        {
                            string where =
                                $"{set.Name}, {h} rows, {count} columns, NaN in row {place} of column {column}";
                            Assert.Fail($"{where}: column {c} is not {other}.");
                        }
                    }
                }
            }
        }
    }

    /// <summary>Zero, an ordinary number, or, in one of 1 / <paramref name="share"/> cases, NaN or an
    /// infinity.</summary>
    private static double Entry(Random random, double share)
    {
        if (random.NextDouble() < share)
        {
            return random.Next(3) switch
            {
                0 => double.NaN,
                1 => double.PositiveInfinity,
                _ => double.NegativeInfinity,
            };
        }
        return random.Next(3) == 0 ? 0.0 : ProductProblem.Uniform(random);
    }

    private static void AssertAllOperations(KernelSet set, ProductProblem problem, int rows, int columns)
    {
        foreach (bool transposeA in new[] { false, true })
        {
            GuardedMatrix a = problem.PlaceA(rows, transposeA);
            GuardedMatrix b = problem.PlaceB(columns);

            GuardedMatrix c = problem.PlaceC(rows, columns);
            set.Multiply(a.View, b.View, c.Span);
            problem.AssertProduct(c, problem.Where(set, "Multiply", rows, columns));

            c = problem.PlaceD(rows, columns);
            set.MultiplyAdd(a.View, b.View, c.Span);
            problem.AssertProductPlusD(c, problem.Where(set, "MultiplyAdd", rows, columns));

            PackedMatrix packed = problem.Pack(set, rows, PackedFor.Columns, transposeA);

            c = problem.PlaceC(rows, columns);
            set.Multiply(packed, b.View, c.Span);
            problem.AssertProduct(c, problem.Where(set, "Multiply, packed", rows, columns));

            c = problem.PlaceD(rows, columns);
            set.Step(packed, b.View, c.Span, c.Span);
            problem.AssertProductPlusD(c, problem.Where(set, "Step", rows, columns));
        }
    }
}
