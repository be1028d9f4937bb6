// C = A B and the step C = A B + D with a packed A, for every kernel set of the machine, and the packing itself:
// wherever these tests pack, GuardedMemory checks what the packing writes.

using Bptt.Kernels;

namespace Bptt.Tests.Kernels;

public class PackedProductTests
{
    private const PackedFor Both = PackedFor.Columns | PackedFor.OneColumn;

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void Products_and_steps_are_right_at_every_remainder_of_a_tile(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        TileSize tile = KernelSets.TileOf(set);
        foreach (int depth in KernelSets.SmallDepths)
        {
            var problem = ProductProblem.Random(2 * tile.Rows + 1, 2 * tile.Columns + 1, depth, seed: 400 + depth);
            for (int rows = 0; rows <= 2 * tile.Rows + 1; rows++)
            {
                PackedMatrix packed = problem.Pack(set, rows, PackedFor.Columns);
                PackedMatrix fromTransposed = problem.Pack(set, rows, Both, isTransposed: true);
                for (int columns = 0; columns <= 2 * tile.Columns + 1; columns++)
                {
                    AssertProducts(set, problem, packed, columns, transposeB: false);
                    AssertProducts(set, problem, fromTransposed, columns, transposeB: true);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void Products_and_steps_are_right_around_the_blocks_of_the_depth(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        TileSize tile = KernelSets.TileOf(set);
        foreach (int depth in KernelSets.DepthsAroundBlocks)
        {
            var problem = ProductProblem.Random(2 * tile.Rows + tile.Width, tile.Columns + 1, depth, seed: 500 + depth);
            foreach (int rows in new[] { 1, tile.Rows, tile.Rows + 1, 2 * tile.Rows + tile.Width - 1 })
            {
                PackedMatrix packed = problem.Pack(set, rows, Both, isTransposed: rows == tile.Rows + 1);
                foreach (int columns in new[] { 1, tile.Columns, tile.Columns + 1 })
                {
                    AssertProducts(set, problem, packed, columns, transposeB: false);
                    AssertProducts(set, problem, packed, columns, transposeB: true);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void Packing_for_each_use_writes_what_it_asks_for_and_nothing_else(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        TileSize tile = KernelSets.TileOf(set);
        var problem = ProductProblem.Random(2 * tile.OneColumnRows + 1, 1, 17, seed: 600);
        for (int rows = 0; rows <= 2 * tile.OneColumnRows + 1; rows++)
        {
            foreach (PackedFor uses in new[] { PackedFor.Columns, PackedFor.OneColumn, Both })
            {
                foreach (bool isTransposed in new[] { false, true })
                {
                    PackedMatrix packed = problem.Pack(set, rows, uses, isTransposed);
                    (packed.Rows, packed.Columns, packed.Uses).Should().Be((rows, 17, uses));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.Supported), MemberType = typeof(KernelSets))]
    public void A_matrix_too_large_to_pack_is_refused(string name)
    {
        KernelSet set = KernelChoice.Named(name);
        long length = set.PackedLength(50_000, 50_000, PackedFor.Columns);
        length.Should().BeGreaterThanOrEqualTo(2_500_000_000L, "it is counted beyond 32 bits");
        FluentActions.Invoking(() => PassContext.Alone(ExecutionOptions.Default.Settings).Storage(length))
            .Should().Throw<ArgumentException>().WithMessage("*too large*2*in one array*");
    }

    private static void AssertProducts(
        KernelSet set, ProductProblem problem, PackedMatrix packed, int columns, bool transposeB)
    {
        string where = problem.Where(set, $"packed for {packed.Uses}, B transposed {transposeB}", packed.Rows, columns);
        double[] values = [.. packed.Values];
        GuardedMatrix b = problem.PlaceB(columns, transposeB);

        GuardedMatrix c = problem.PlaceC(packed.Rows, columns);
        set.Multiply(packed, b.View, c.Span);
        problem.AssertProduct(c, $"Multiply, {where}");

        GuardedMatrix d = problem.PlaceD(packed.Rows, columns);
        c = problem.PlaceC(packed.Rows, columns);
        set.Step(packed, b.View, d.View, c.Span);
        problem.AssertProductPlusD(c, $"Step, {where}");
        d.AssertUnchanged(where);

        set.Step(packed, b.View, d.View, d.Span);
        problem.AssertProductPlusD(d, $"Step in place, {where}");

        b.AssertUnchanged(where);
        if (!packed.Values.AsSpan().SequenceEqual(values))
        {
            Assert.Fail($"{where}: the packed matrix was changed.");
        }
    }
}
