// A run of steps that the passes treat together, as data.

namespace Bptt.LinearRecurrence;

/// <summary>
/// Steps <see cref="FirstStep"/> … <see cref="LastStep"/>: small enough that their columns stay in the second-level
/// cache from one operation to the next.
/// </summary>
/// <param name="FirstStep">The first step.</param>
/// <param name="StepCount">How many steps.</param>
/// <param name="FirstColumn">The first column, in the layout of the steps that are planned.</param>
/// <param name="ColumnCount">The columns of all its steps.</param>
/// <param name="ChunkLength">S, where the block is run in chunks of S steps in parallel: all its steps have the same
/// number of sequences then. 1 where it is run step by step.</param>
/// <param name="FirstCarry">Where its carries lie: chunks + 1 times as many columns as there are sequences.</param>
internal readonly record struct TimeBlock(
    int FirstStep, int StepCount, int FirstColumn, int ColumnCount, int ChunkLength, int FirstCarry)
{
    public int LastStep => FirstStep + StepCount - 1;

    public bool IsChunked => ChunkLength > 1;

    public int ChunkCount => StepCount / ChunkLength;

    /// <summary>This block and the one before it as one.</summary>
    public TimeBlock After(TimeBlock before) => new(
        before.FirstStep, before.StepCount + StepCount, before.FirstColumn, before.ColumnCount + ColumnCount, 1, 0);

    /// <summary>The same block further on.</summary>
    public TimeBlock Moved(int steps, int columns) =>
        this with { FirstStep = FirstStep + steps, FirstColumn = FirstColumn + columns };
}
