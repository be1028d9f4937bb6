// Measures the constants of the cost model by which the library chooses between running a recurrence step by step and
// in parallel over time. They are printed beside those in use; whoever changes them does it by hand.

using Bptt.Kernels;

namespace Bptt.Benchmarks;

internal static class Calibration
{
    private const PackedFor Any = PackedFor.Columns | PackedFor.OneColumn;

    /// <summary>Rows of matrices that fit the first-level cache, the second, and neither.</summary>
    private const int Small = 64;
    private const int Middle = 256;
    private const int Large = 1024;

    /// <summary>Measures and prints the table; one core, no other work.</summary>
    /// <param name="seconds">How long each figure is measured.</param>
    /// <param name="markdown">Whether it is printed for a README.</param>
    /// <param name="output">Receives it.</param>
    public static void Run(double seconds, bool markdown, TextWriter output)
    {
        KernelSet kernels = KernelChoice.Default;
        output.WriteLine($"Kernels {kernels.Name}, one core:");
        output.WriteLine();
        var table = new Table(leftAligned: 2, "constant", "unit", "in use", "measured");

        // The latency is what remains of a step of 16 rows when its arithmetic is taken off.
        double firstLevel = Work(Small, 1) / StepTime(kernels, Small, 1, seconds);
        double latency = StepTime(kernels, 16, 1, seconds) - Work(16, 1) / firstLevel;
        double product = Work(Middle, 64) / StepTime(kernels, Middle, 64, seconds);
        double overhead = StepTime(kernels, 16, 8, seconds) - Work(16, 8) / product;

        const string rate = "operations in a nanosecond";
        Add("product of matrices", rate, CostModel.ProductRate, product);
        Add("one column, first-level cache", rate, CostModel.FirstLevelRate, firstLevel);
        Add(
            "one column, second-level cache",
            rate,
            CostModel.SecondLevelRate,
            Work(Middle, 1) / StepTime(kernels, Middle, 1, seconds));
        Add(
            "one column, beyond",
            rate,
            CostModel.ThirdLevelRate,
            Work(Large, 1) / StepTime(kernels, Large, 1, seconds));
        Add("latency of a step of one column", "nanoseconds", CostModel.OneColumnLatency, latency);
        Add("to begin a product", "nanoseconds", CostModel.ProductOverhead, overhead);
        output.Write(table.ToText(markdown));

        void Add(string name, string unit, double inUse, double measured) =>
            table.Add(name, unit, Figure.Significant(inUse), Figure.Significant(measured));
    }

    /// <summary>Operations of a step.</summary>
    private static double Work(int h, int columns) => 2.0 * h * h * columns;

    /// <summary>Nanoseconds of one step in a row of them.</summary>
    private static double StepTime(KernelSet kernels, int h, int columns, double seconds)
    {
        const int steps = 32;
        ArraySegment<double> matrix = AlignedMemory.Allocate<double>(h * h);
        matrix.AsSpan().Fill(0.5 / h);
        PackedMatrix packed = kernels.Pack(
            new MatrixView(matrix, h, h, h), Any, AlignedMemory.Allocate<double>((int)kernels.PackedLength(h, h, Any)));
        ArraySegment<double> states = AlignedMemory.Allocate<double>(h * columns * (steps + 1));
        states.AsSpan().Fill(1.0);
        var run = new StepRun(First: 0, columns, Spacing: 1, StepDistance: columns, steps);
        void Advance() => kernels.Advance(packed, states, run);
        Advance();
        return 1e9 * Turns.Measure([new Runner(() => { }, Advance)], seconds)[0].Seconds / steps;
    }
}
