// What a forward pass keeps of its states and what is computed again, as the user reads it.

using Bptt.Edge;
using Bptt.LinearRecurrence;

namespace Bptt;

/// <summary>
/// How a pass keeps within <see cref="ExecutionOptions.MemoryBudget"/>: time is cut into windows, of the states and of
/// the state gradients one window is held at a time, and at each border between windows the columns of one step are
/// kept. The backward pass, and whoever reads a state of another window, computes that window again from its border. A
/// pass that takes several steps at once keeps the states at the ends of its chunks, and computes a window when it is
/// read.
/// </summary>
/// <example>
/// <code>
/// // A long sequence in a budget of 64 kB for states and state gradients.
/// var options = new ExecutionOptions { MemoryBudget = 64 * 1024 };
/// MemoryPlan plan = ForwardPass.Run(model, longInputs, options: options).MemoryPlan;
/// Console.WriteLine($"{plan.WindowCount} windows, {plan.HeldBytes} bytes held");
/// </code>
/// </example>
public sealed class MemoryPlan
{
    /// <summary>The states of a window, and as many gradients, that stay in a third-level cache.</summary>
    private const long PreferredWindowBytes = 2 << 20;

    private readonly BatchLayout _steps;
    private readonly int _hiddenSize;
    private readonly Precision _precision;
    private readonly int _borders; // columns at the ends of the chunks of a lifted pass; 0 for another one

    /// <summary>The plan of a pass.</summary>
    /// <exception cref="ArgumentException">The budget is too small, or what is to be held exceeds an array.</exception>
    internal MemoryPlan(
        long? budget, int hiddenSize, int chunkLength, BatchLayout steps, Precision precision = Precision.Double)
    {
        _precision = precision;
        _steps = steps;
        _hiddenSize = hiddenSize;
        ChunkLength = chunkLength;
        Budget = budget;
        if (budget is null)
        {
            Windows = SingleWindow(hiddenSize, steps);
            return;
        }

        var limit = new WindowLimit(budget.Value / BytesOfColumn, PassContext.MaxLength / (long)hiddenSize);
        int preferredWidth = (int)Math.Min(PreferredWindowBytes / BytesOfColumn, int.MaxValue);
        // With the carries of the chunks a window is computed again for half the work.
        WindowPlan? withCarries = chunkLength == 1 ? null : WindowPlan.Within(
            steps, limit with { HeldColumns = limit.HeldColumns - AllCarries }, preferredWidth, chunkLength);
        KeepsCarries = withCarries?.Count > 1;
        Windows = withCarries ?? WindowPlan.Within(steps, limit, preferredWidth, chunkLength) ?? throw Guard.Error(
            nameof(ExecutionOptions.MemoryBudget),
            $"expected at least {SmallestBudget(hiddenSize, chunkLength, steps, precision)} bytes, the smallest budget "
                + $"for h = {hiddenSize} and {steps.ColumnCount} steps, got {budget}.");
    }

    private MemoryPlan(MemoryPlan other, WindowPlan windows, int borders)
    {
        _steps = other._steps;
        _hiddenSize = other._hiddenSize;
        _precision = other._precision;
        ChunkLength = other.ChunkLength;
        Budget = other.Budget;
        Windows = windows;
        _borders = borders;
    }

    /// <summary>The budget in bytes; null where none was given.</summary>
    public long? Budget { get; }

    /// <summary>Windows of time; 1 where every state is kept.</summary>
    public int WindowCount => Windows.Count;

    /// <summary>The most steps of a window.</summary>
    public int LongestWindow => Enumerable.Range(0, Windows.Count)
        .Max(window => Windows.LastStep(window) - Windows.StepBefore(window));

    /// <summary>Bytes for states and state gradients held at once, checkpoints and carries of chunks
    /// included.</summary>
    public long HeldBytes => BytesOfColumn * (Windows.HeldColumns + 2L * _borders + (KeepsCarries ? AllCarries : 0));

    /// <summary>Whether the backward pass computes states again: all of them but those of the last window, at
    /// 2h(h + d) operations for each step.</summary>
    public bool Recomputes => Windows.Count > 1 && _borders == 0;

    internal WindowPlan Windows { get; }

    /// <summary>S of the chunks in which the recurrence is to be run; 1 for step by step.</summary>
    internal int ChunkLength { get; }

    /// <summary>Whether the states at the ends of all chunks are kept.</summary>
    internal bool KeepsCarries { get; }

    private long BytesOfColumn => (long)SizeOf(_precision) * _hiddenSize;

    private long AllCarries => WindowPlan.CarryColumns(_steps.ColumnCount, ChunkLength);

    /// <summary>The smallest budget in bytes for a pass.</summary>
    internal static long SmallestBudget(
        int h, int chunkLength, BatchLayout steps, Precision precision = Precision.Double) =>
        (long)SizeOf(precision) * h * WindowPlan.Smallest(steps, chunkLength).HeldColumns;

    /// <summary>For a debugger.</summary>
    public override string ToString() => Windows.Count > 1
        ? $"{WindowCount} windows of at most {LongestWindow} steps, {HeldBytes} bytes"
        : $"every state is kept, {HeldBytes} bytes";

    /// <summary>The plan of a lifted pass: of the states those at the ends of its chunks are kept, and a window is
    /// computed when it is read.</summary>
    /// <param name="chunkLength">How many steps it takes at once.</param>
    /// <returns>Null where that does not fit into the budget.</returns>
    internal MemoryPlan? ForLifted(int chunkLength)
    {
        int borders = _steps.SequenceCount + _steps.ColumnCount / chunkLength;
        int width = (int)Math.Min(PreferredWindowBytes / BytesOfColumn, int.MaxValue);
        while (true)
        {
            var plan = new MemoryPlan(this, WindowPlan.AtMultiples(_steps, chunkLength, width), borders);
            if (plan.HeldBytes <= (Budget ?? long.MaxValue))
            {
                return plan;
            }
            if (width <= chunkLength)
            {
                return null;
            }
            width /= 2;
        }
    }

    /// <summary>Whether it is the plan for this.</summary>
    internal bool IsFor(long? budget, int hiddenSize, int chunkLength, BatchLayout steps, Precision precision) =>
        (Budget, _hiddenSize, ChunkLength, _precision) == (budget, hiddenSize, chunkLength, precision)
        && _steps.HasShapeOf(steps);

    private static int SizeOf(Precision precision) => precision == Precision.Single ? sizeof(float) : sizeof(double);

    /// <summary>The windows in which the states of a pass in single precision are read.</summary>
    internal WindowPlan ForReading() => Windows.Count > 1
        ? Windows
        : WindowPlan.AtMultiples(
            _steps, 1, (int)Math.Min(PreferredWindowBytes / (sizeof(double) * _hiddenSize), int.MaxValue));

    private static WindowPlan SingleWindow(int h, BatchLayout steps)
    {
        long columns = (long)steps.ColumnCount + steps.SequenceCount;
        if (columns * h > PassContext.MaxLength)
        {
            throw new ArgumentException(
                $"The problem is too large: expected at most {PassContext.MaxLength} numbers in one array, "
                + $"but h = {h} rows for {columns} states need {columns * h}. "
                + $"A {nameof(ExecutionOptions.MemoryBudget)} of {SmallestBudget(h, 1, steps)} bytes or "
                + "more would do.");
        }
        return WindowPlan.Single(steps);
    }
}
