// What is smaller than 1e-290 in magnitude becomes zero in the steps of a recurrence, and nowhere else.

using Bptt.Kernels;

namespace Bptt.Tests.Kernels;

public class FlushTests
{
    private const PackedFor Both = PackedFor.Columns | PackedFor.OneColumn;

    /// <summary>Numbers with what flushing makes of them.</summary>
    private static readonly (double Given, double Flushed)[] Numbers =
    [
        (1e-290, 1e-290),
        (Math.BitDecrement(1e-290), 0.0),
        (-1.0, -1.0),
        (-1e-290, -1e-290),
        (-Math.BitDecrement(1e-290), 0.0),
        (double.NaN, double.NaN),
        (1e-291, 0.0),
        (Math.BitIncrement(1e-290), Math.BitIncrement(1e-290)),
        (double.NegativeInfinity, double.NegativeInfinity),
        (-1e-308, 0.0),
        (double.Epsilon, 0.0),
        (double.PositiveInfinity, double.PositiveInfinity),
        (0.0, 0.0),
    ];

    /// <summary>A power of two below the threshold, twice which is above it.</summary>
    private static readonly double HalfEnough = Math.ScaleB(1.0, -964);

    [Fact]
    public void Flushing_clears_what_is_tiny_and_keeps_the_rest()
    {
        double[] values = Array.ConvertAll(Numbers, number => number.Given);
        KernelSet.FlushTiny(values);
        values.Should().Equal(Numbers.Select(number => number.Flushed));
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void A_step_flushes_every_place_of_every_tile(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        TileSize tile = KernelSets.TileOf(set);
        for (int rows = 1; rows <= 2 * tile.Rows + 1; rows++)
        {
            for (int columns = 1; columns <= 2 * tile.Columns + 1; columns++)
            {
                ProductProblem problem = AddendOnly(rows, columns, depth: 2);
                PackedMatrix a = problem.Pack(set, rows, PackedFor.Columns);
                GuardedMatrix d = problem.PlaceD(rows, columns);
                GuardedMatrix c = problem.PlaceC(rows, columns);

                set.Step(a, problem.PlaceB(columns).View, d.View, c.Span);
                AssertFlushed(c, problem.Where(set, "Step", rows, columns));

                set.Step(a, problem.PlaceB(columns).View, d.View, d.Span);
                AssertFlushed(d, problem.Where(set, "Step in place", rows, columns));
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void Advancing_flushes_every_place_of_every_tile_and_strip(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        TileSize tile = KernelSets.TileOf(set);
        for (int h = 1; h <= 2 * tile.OneColumnRows + 1; h++)
        {
            ProductProblem problem = AddendOnly(h, 2 * tile.Columns + 1, depth: h);
            PackedMatrix a = problem.Pack(set, h, Both);
            for (int count = 1; count <= (h <= 2 * tile.Rows + 1 ? 2 * tile.Columns + 1 : 1); count++)
            {
                // The last columns are the addends; those before, which are zero, are the first state.
                double[] states = new double[2 * count * h];
                for (int c = 0; c < count; c++)
                {
                    for (int i = 0; i < h; i++)
                    {
                        states[(count + c) * h + i] = Number(i, c).Given;
                    }
                }

                set.Advance(a, states, new StepRun(First: 0, count, Spacing: 1, StepDistance: count, Steps: 1));

                for (int place = 0; place < count * h; place++)
                {
                    double expected = Number(place % h, place / h).Flushed;
                    if (!states[count * h + place].Equals(expected))
                    {
                        string where = $"{set.Name}, {h} rows, {count} columns: row {place % h} of column {place / h}";
                        Assert.Fail($"{where} is {states[count * h + place]}, expected {expected}.");
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void Each_step_flushes_before_the_next_reads(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        foreach (int h in new[] { 1, 2, 3, 4, 7, 8, 9, 24, 25, 64, 65 })
        {
            // A = 2^40 I brings 2^-1010 to 2^-970, which is flushed, and 2^-1000 to 2^-960, which is not.
            PackedMatrix a = Diagonal(set, h, Math.ScaleB(1.0, 40));
            foreach (int count in new[] { 1, 3, 9 })
            {
                double[] states = new double[3 * count * h];
                for (int i = 0; i < count * h; i++)
                {
                    states[i] = Math.ScaleB(1.0, i % 2 == 0 ? -1010 : -1000);
                }

                set.Advance(a, states, new StepRun(First: 0, count, Spacing: 1, StepDistance: count, Steps: 2));

                for (int i = 0; i < count * h; i++)
                {
                    string where = $"{set.Name}, {h} rows, {count} columns, place {i}";
                    states[i].Should().Be(Math.ScaleB(1.0, i % 2 == 0 ? -1010 : -1000), where);
                    states[count * h + i].Should().Be(i % 2 == 0 ? 0.0 : Math.ScaleB(1.0, -960), where);
                    states[2 * count * h + i].Should().Be(i % 2 == 0 ? 0.0 : Math.ScaleB(1.0, -920), where);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void What_is_tiny_between_two_blocks_of_the_depth_is_kept(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        const int depth = 513;
        double[,] row = new double[1, depth];
        double[,] column = new double[depth, 1];
        row[0, 0] = row[0, depth - 1] = HalfEnough;
        column[0, 0] = column[depth - 1, 0] = 1.0;
        var problem = new ProductProblem(row, column, new double[1, 1], seed: 0);
        GuardedMatrix c = problem.PlaceC(1, 1);

        set.Step(problem.Pack(set, 1, PackedFor.Columns), problem.PlaceB(1).View, problem.PlaceD(1, 1).View, c.Span);

        c[0, 0].Should().Be(2.0 * HalfEnough);
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void A_step_flushes_its_own_sum_and_not_its_terms(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        var one = new ProductProblem(new[,] { { HalfEnough } }, new[,] { { 1.0 } }, new[,] { { 0.0 } }, seed: 0);
        var two = new ProductProblem(new[,] { { HalfEnough } }, new[,] { { 1.0 } }, new[,] { { HalfEnough } }, seed: 0);

        Step(one).Should().Be(0.0);
        Step(two).Should().Be(2.0 * HalfEnough);

        double Step(ProductProblem problem)
        {
            GuardedMatrix d = problem.PlaceD(1, 1);
            set.Step(problem.Pack(set, 1, PackedFor.Columns), problem.PlaceB(1).View, d.View, d.Span);
            return d[0, 0];
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void Products_flush_nothing(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        var problem = new ProductProblem(new[,] { { HalfEnough } }, new[,] { { 1.0 } }, new[,] { { 0.0 } }, seed: 0);

        GuardedMatrix c = problem.PlaceC(1, 1);
        set.Multiply(problem.PlaceA(1).View, problem.PlaceB(1).View, c.Span);
        c[0, 0].Should().Be(HalfEnough);

        c = problem.PlaceD(1, 1);
        set.MultiplyAdd(problem.PlaceA(1).View, problem.PlaceB(1).View, c.Span);
        c[0, 0].Should().Be(HalfEnough);

        c = problem.PlaceC(1, 1);
        set.Multiply(problem.Pack(set, 1, PackedFor.Columns), problem.PlaceB(1).View, c.Span);
        c[0, 0].Should().Be(HalfEnough);
    }

    /// <summary>Every number comes to every place of a tile, for some size.</summary>
    private static (double Given, double Flushed) Number(int i, int j) => Numbers[(i + 5 * j) % Numbers.Length];

    /// <summary>A = 0 and B = 0.</summary>
    private static ProductProblem AddendOnly(int rows, int columns, int depth)
    {
        double[,] d = new double[rows, columns];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                d[i, j] = Number(i, j).Given;
            }
        }
        return new ProductProblem(new double[rows, depth], new double[depth, columns], d, seed: 1200);
    }

    private static PackedMatrix Diagonal(KernelSet set, int h, double value)
    {
        double[,] a = new double[h, h];
        for (int i = 0; i < h; i++)
        {
            a[i, i] = value;
        }
        return new ProductProblem(a, new double[h, 0], new double[h, 0], seed: 1300).Pack(set, h, Both);
    }

    private static void AssertFlushed(GuardedMatrix c, string where)
    {
        for (int j = 0; j < c.Columns; j++)
        {
            for (int i = 0; i < c.Rows; i++)
            {
                double expected = Number(i, j).Flushed;
                if (!c[i, j].Equals(expected))
                {
                    Assert.Fail($"{where}: entry ({i}, {j}) is {c[i, j]}, expected {expected}.");
                }
            }
        }
        c.AssertUnchangedOutside(where);
    }
}
