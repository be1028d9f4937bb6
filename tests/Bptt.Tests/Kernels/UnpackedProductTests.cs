// C = A B and C += A B on matrices as they lie in memory, for every kernel set of the machine.

using Bptt.Kernels;

namespace Bptt.Tests.Kernels;

public class UnpackedProductTests
{
    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void Products_are_right_at_every_remainder_of_a_tile(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        TileSize tile = KernelSets.TileOf(set);
        foreach (int depth in KernelSets.SmallDepths)
        {
            var problem = ProductProblem.Random(2 * tile.Rows + 1, 2 * tile.Columns + 1, depth, seed: 100 + depth);
            for (int rows = 0; rows <= 2 * tile.Rows + 1; rows++)
            {
                for (int columns = 0; columns <= 2 * tile.Columns + 1; columns++)
                {
                    AssertProducts(set, problem, rows, columns);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void Products_are_right_around_the_blocks_of_the_depth(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        TileSize tile = KernelSets.TileOf(set);
        foreach (int depth in KernelSets.DepthsAroundBlocks)
        {
            var problem = ProductProblem.Random(tile.Rows + 1, tile.Columns + 1, depth, seed: 200 + depth);
            foreach (int rows in new[] { 1, tile.Rows, tile.Rows + 1 })
            {
                foreach (int columns in new[] { 1, tile.Columns, tile.Columns + 1 })
                {
                    AssertProducts(set, problem, rows, columns);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void Products_are_right_where_large_operands_are_packed_on_the_way(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        TileSize tile = KernelSets.TileOf(set);
        foreach (int depth in new[] { 1, 3, 257 })
        {
            var problem = ProductProblem.Random(2 * tile.Rows + tile.Width, 257, depth, seed: 300 + depth);
            foreach (int rows in depth == 257 ? [tile.Rows + 1] : tile.RowsOfEachStrip)
            {
                foreach (int leadingDimension in new[] { 255, 256, 257 })
                {
                    foreach (int columns in new[] { 255, 256, 257 })
                    {
                        GuardedMatrix a = problem.PlaceA(rows, leadingDimension: leadingDimension);
                        AssertProducts(set, problem, a, problem.PlaceB(columns), "neither transposed");
                    }
                }
                GuardedMatrix transposedA = problem.PlaceA(rows, isTransposed: true, leadingDimension: 300);
                AssertProducts(set, problem, transposedA, problem.PlaceB(256, isTransposed: true), "both transposed");
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void Products_are_right_over_several_copied_blocks(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        TileSize tile = KernelSets.TileOf(set);
        var problem = ProductProblem.Random(3 * 128 + tile.Width + 1, 3 * 128 + 3, 259, seed: 400);
        foreach (int rows in new[] { tile.Rows + 1, 129, 3 * 128 + tile.Width + 1 })
        {
            foreach (int columns in new[] { 64, 129, 3 * 128 + 3 })
            {
                GuardedMatrix b = problem.PlaceB(columns, isTransposed: true);
                AssertProducts(set, problem, problem.PlaceA(rows, leadingDimension: 512), b, "B transposed");
                AssertProducts(set, problem, problem.PlaceA(rows, isTransposed: true), b, "both transposed");
            }
        }
    }

    /// <summary>With A and B each as it is and transposed.</summary>
    private static void AssertProducts(KernelSet set, ProductProblem problem, int rows, int columns)
    {
        GuardedMatrix a = problem.PlaceA(rows);
        GuardedMatrix b = problem.PlaceB(columns);
        GuardedMatrix transposedA = problem.PlaceA(rows, isTransposed: true);
        GuardedMatrix transposedB = problem.PlaceB(columns, isTransposed: true);
        AssertProducts(set, problem, a, b, "neither transposed");
        AssertProducts(set, problem, transposedA, b, "A transposed");
        AssertProducts(set, problem, a, transposedB, "B transposed");
        AssertProducts(set, problem, transposedA, transposedB, "both transposed");

        string where = problem.Where(set, "unpacked products", rows, columns);
        a.AssertUnchanged(where);
        b.AssertUnchanged(where);
        transposedA.AssertUnchanged(where);
        transposedB.AssertUnchanged(where);
    }

    private static void AssertProducts(
        KernelSet set, ProductProblem problem, GuardedMatrix a, GuardedMatrix b, string form)
    {
        string where = problem.Where(
            set, $"{form}, leading dimension of A {a.LeadingDimension}", a.Rows, b.Columns);

        GuardedMatrix c = problem.PlaceC(a.Rows, b.Columns);
        set.Multiply(a.View, b.View, c.Span);
        problem.AssertProduct(c, $"Multiply, {where}");

        c = problem.PlaceD(a.Rows, b.Columns);
        set.MultiplyAdd(a.View, b.View, c.Span);
        problem.AssertProductPlusD(c, $"MultiplyAdd, {where}");
    }
}
