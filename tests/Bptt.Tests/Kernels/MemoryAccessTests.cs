// No vector load or store of the fast kernels touches anything but the entries that it is for, not even the places
// beside them whose values would not matter.

using Bptt.Kernels;

namespace Bptt.Tests.Kernels;

public class MemoryAccessTests
{
    private const int TileRows = 12;
    private const int OneColumnRows = 32;
    private const int TileColumns = 8;

    private static readonly KernelSet Set = new SimdKernels<double, CheckedSimd, Lanes>("Checked");

    [Fact]
    public void Products_touch_their_operands_only()
    {
        ForEachShape((rows, columns, depth) =>
        {
            var memory = new CheckedMemory(
                seed: rows + 100 * columns, $"Multiply, A {rows}×{depth}, B {depth}×{columns}");
            MatrixSpan a = memory.Place(rows, depth, Access.Read);
            MatrixSpan b = memory.Place(depth, columns, Access.Read);
            Set.Multiply(a, b, memory.Place(rows, columns, Access.Write));
            Set.MultiplyAdd(a, b, memory.Place(rows, columns, Access.Read | Access.Write));
        });
    }

    [Fact]
    public void Packed_products_and_steps_touch_their_operands_only()
    {
        ForEachShape((rows, columns, depth) =>
        {
            var memory = new CheckedMemory(
                seed: rows + 100 * columns, $"packed, A {rows}×{depth}, B {depth}×{columns}");
            PackedMatrix a = Pack(memory, rows, depth, PackedFor.Columns);
            MatrixSpan b = memory.Place(depth, columns, Access.Read);
            MatrixSpan inPlace = memory.Place(rows, columns, Access.Read | Access.Write);
            Set.Multiply(a, b, memory.Place(rows, columns, Access.Write));
            Set.Step(a, b, memory.Place(rows, columns, Access.Read), memory.Place(rows, columns, Access.Write));
            Set.Step(a, b, inPlace, inPlace);
        });
    }

    [Fact]
    public void Runs_of_steps_touch_their_columns_only()
    {
        for (int h = 1; h <= 2 * OneColumnRows + 1; h++)
        {
            foreach (int count in h <= 2 * TileRows + 1 ? [1, 2, TileColumns + 1] : new[] { 1 })
            {
                var memory = new CheckedMemory(seed: h, $"Advance, {h} rows, {count} columns");
                PackedMatrix a = Pack(memory, h, h, count == 1 ? PackedFor.OneColumn : PackedFor.Columns);
                double[] states = memory.Flat(2 * count * h);
                memory.Allow(states.AsSpan(count * h), h, count, h, Access.Read | Access.Write);

                Set.Advance(a, states, new StepRun(First: 0, count, Spacing: 1, StepDistance: count, Steps: 1));
            }
        }
    }

    private static void ForEachShape(Action<int, int, int> check)
    {
        for (int rows = 1; rows <= 2 * TileRows + 1; rows++)
        {
            for (int columns = 1; columns <= 2 * TileColumns + 1; columns++)
            {
                check(rows, columns, 2);
            }
        }
    }

    private static PackedMatrix Pack(CheckedMemory memory, int rows, int columns, PackedFor uses)
    {
        double[] source = memory.Flat(rows * columns);
        memory.Allow(source, rows, columns, rows, Access.Read);
        double[] storage = memory.Flat((int)Set.PackedLength(rows, columns, uses));
        memory.Allow(storage, storage.Length, 1, storage.Length, Access.Read | Access.Write);
        return Set.Pack(new MatrixView(source, rows, columns, rows), uses, storage);
    }
}
