// A window of time as the formulas see it: which columns of an array belong to a block of steps. Computes nothing.

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>Steps <paramref name="firstStep"/> … <paramref name="lastStep"/> of all steps of a pass; all of them where
/// every state is kept.</summary>
/// <param name="context">Kernels and memory.</param>
/// <param name="all">The layout of all steps, 1 … T.</param>
/// <param name="firstStep">The first step of the window.</param>
/// <param name="lastStep">The last one.</param>
internal sealed class PassWindow<TReal>(PassContext<TReal> context, BatchLayout all, int firstStep, int lastStep)
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    public PassContext<TReal> Context { get; } = context;

    public KernelSet<TReal> Kernels => Context.Kernels;

    /// <summary>All steps, 1 … T.</summary>
    public BatchLayout All { get; } = all;

    /// <summary>The steps of the window, counted from 1, so that windows of one shape have one schedule.</summary>
    public BatchLayout Steps { get; } = all.Window(firstStep, lastStep);

    public int FirstStep { get; } = firstStep;

    public int LastStep { get; } = lastStep;

    /// <summary>Columns of the steps before the window.</summary>
    public int ColumnsBefore { get; } = all.BlockOf(firstStep).FirstColumn;

    /// <summary>The columns of an array by the blocks of all steps: of an array of all steps, or of one of this window
    /// alone. Where there is no array, there are no columns to be asked for.</summary>
    public WindowColumns<TReal> Of(PackedColumns<TReal>? columns) => columns is null
        ? default
        : new(columns, columns.Layout.BlockOf(FirstStep).FirstColumn - ColumnsBefore, All);

    /// <summary>Memory for a matrix that is to be the left side of products.</summary>
    public PackedFactor<TReal> Factor(int rows, int columns) => new(Context, rows, columns);

    /// <summary>The same where there is such a matrix.</summary>
    public PackedFactor<TReal>? FactorIf(bool isThere, int rows, int columns) => isThere ? Factor(rows, columns) : null;
}

/// <summary>An array of columns, addressed by blocks of all steps.</summary>
/// <param name="Columns">The array.</param>
/// <param name="Offset">From the columns of all steps to those of the array.</param>
/// <param name="All">The layout of all steps.</param>
internal readonly record struct WindowColumns<TReal>(PackedColumns<TReal> Columns, int Offset, BatchLayout All)
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <summary>The columns of a block, side by side.</summary>
    public MatrixSpan<TReal> this[TimeBlock t] => Columns.Spaced(t.FirstColumn + Offset, t.ColumnCount, 1);

    /// <summary>The columns of a stretch.</summary>
    public MatrixSpan<TReal> this[Stretch t] => Columns.Spaced(t.Column + Offset, t.Count, 1);

    /// <summary>The columns of this array that are the neighbours of a stretch.</summary>
    public MatrixSpan<TReal> Beside(Stretch t) => Columns.Spaced(t.Neighbour, t.Count, 1);

    /// <summary>The stretches of a block whose columns have those of the step before beside them in this
    /// array.</summary>
    public StepNeighbours Before(TimeBlock t) => StepNeighbours.Before(All, Columns.Layout, t.FirstStep, t.LastStep);

    /// <summary>The stretches of a block whose columns have those of the step after beside them in this
    /// array.</summary>
    public StepNeighbours After(TimeBlock t) => StepNeighbours.After(All, Columns.Layout, t.FirstStep, t.LastStep);
}

/// <summary>A matrix A, as the kernels read it fastest.</summary>
/// <param name="context">Kernels and memory, which is taken at once.</param>
/// <param name="rows">Rows of A.</param>
/// <param name="columns">Columns of A.</param>
internal sealed class PackedFactor<TReal>(PassContext<TReal> context, int rows, int columns)
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private readonly KernelSet<TReal> _kernels = context.Kernels;
    private readonly ArraySegment<TReal> _storage = context.PackedStorage(rows, columns, PackedFor.Columns);
    private PackedMatrix<TReal> _packed;

    /// <summary>Gives it its entries.</summary>
    public void Pack(MatrixView<TReal> a) => _packed = _kernels.Pack(a, PackedFor.Columns, _storage);

    /// <summary>C = A B.</summary>
    public void Multiply(MatrixView<TReal> b, MatrixSpan<TReal> c) => _kernels.Multiply(_packed, b, c);

    /// <summary>C += A B; tiny entries become zero.</summary>
    public void MultiplyAdd(MatrixView<TReal> b, MatrixSpan<TReal> c) => _kernels.Step(_packed, b, c, c);
}
