// What the machine asks of a pass: a recurrence, and sums over all steps. The pages of formulas answer; PassTasks asks.

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearRecurrence;

namespace Bptt.Passes;

/// <summary>A pass as a recurrence s_t = A s_{t−1} + u_t forward in time, or s_t = A s_{t+1} + u_t backward.</summary>
internal interface IRecurrenceFormulas<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <summary>The order of the steps.</summary>
    TimeDirection Direction { get; }

    /// <summary>s: u_t is written to its columns, and s_t takes their place.</summary>
    PackedColumns<TReal> States { get; }

    /// <summary>A, h×h.</summary>
    MatrixView<TReal> Transition { get; }

    /// <summary>A^S, where the recurrence is run in chunks.</summary>
    /// <param name="power">W_hh^S, which all passes over one model share.</param>
    MatrixView<TReal> TransitionPower(TransitionPower<TReal> power);

    /// <summary>Whether no state is carried into a step; null where every state is carried.</summary>
    Func<int, bool>? IsCut => null;

    /// <summary>Whether something is read from the states: see <see cref="Read"/>.</summary>
    bool HasOutputs => false;

    /// <summary>Packs the matrices that are the left sides of products.</summary>
    void Pack();

    /// <summary>u_t of a block.</summary>
    void Drive(TimeBlock t);

    /// <summary>What is read from the states of a block, once they are there.</summary>
    void Read(TimeBlock t)
    {
    }

    /// <summary>s_0 backward in time, where nothing drives it.</summary>
    /// <param name="recurrence">The recurrence, which has come to s_1.</param>
    void StepZero(BlockRecurrence<TReal> recurrence)
    {
    }
}

/// <summary>Sums of products over all steps, in the shape of the weights: formula (5) and its derivative.</summary>
internal interface IGradientFormulas<TReal>
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <summary>Adds what the steps of a block bring to some rows of ∂L/∂W_qh.</summary>
    void AddWqh(TimeBlock t, ref GradientRows<TReal> rows);

    /// <summary>Adds what the steps of a block bring to some rows of ∂L/∂W_hx.</summary>
    void AddWhx(TimeBlock t, ref GradientRows<TReal> rows);

    /// <summary>Adds what the steps of a block bring to some rows of ∂L/∂W_hh.</summary>
    void AddWhh(TimeBlock t, ref GradientRows<TReal> rows);

    /// <summary>Adds what the steps of a block bring to some rows of the gradient of a direct term, where there is
    /// one.</summary>
    void AddDirect(TimeBlock t, ref GradientRows<TReal> rows)
    {
    }
}

/// <summary>Something that is computed for each output on its own, in parts of some columns each, in any order and at
/// once.</summary>
internal interface IOutputTask
{
    /// <summary>Columns of each part but the last.</summary>
    int PartColumns { get; }

    /// <summary>How many parts there are.</summary>
    int PartCount { get; }

    /// <summary>Computes one part.</summary>
    void Evaluate(int part);

    /// <summary>Every part, one after the other.</summary>
    void EvaluateAll()
    {
        for (int part = 0; part < PartCount; part++)
        {
            Evaluate(part);
        }
    }
}

/// <summary>Rows of C = Σ A_i B_i, whose terms come one after the other. The first term is written, so that nothing
/// need be cleared.</summary>
/// <param name="kernels">The arithmetic.</param>
/// <param name="first">The first row.</param>
/// <param name="count">How many rows.</param>
/// <param name="isEmpty">Whether no term has come yet.</param>
internal ref struct GradientRows<TReal>(KernelSet<TReal> kernels, int first, int count, bool isEmpty)
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    private bool _isEmpty = isEmpty;

    /// <summary>The rows as the last product has left them, as many columns as it had.</summary>
    public MatrixSpan<TReal> Written { get; private set; }

    /// <summary>The row after the last one.</summary>
    public readonly int End => first + count;

    /// <summary>C += A B, in these rows.</summary>
    public void Add(MatrixSpan<TReal> a, MatrixView<TReal> b, MatrixSpan<TReal> c)
    {
        Written = c.RowRange(first, count);
        if (_isEmpty)
        {
            kernels.Multiply(a.RowRange(first, count), b, Written);
        }
        else
        {
            kernels.MultiplyAdd(a.RowRange(first, count), b, Written);
        }
        _isEmpty = false;
    }
}
