// What objectives on real-valued targets share: the targets, and the check that they fit the outputs.

using Bptt.Kernels;
using Bptt.LinearRecurrence;

namespace Bptt;

internal abstract class TargetObjective(SequenceBatch targets, Reduction reduction) : Objective(reduction)
{
    /// <summary>The targets of some steps.</summary>
    protected private SequenceBatch TargetPart(SequencePart[] parts) => targets.Part(parts);

    /// <summary>y_t, length q.</summary>
    protected ReadOnlySpan<double> Target(int sequence, int t) => targets.Columns.Column(sequence, t);

    /// <summary>y_t of columns in the layout that targets and outputs share.</summary>
    protected private MatrixSpan TargetColumns(int first, int count) => targets.Columns.Spaced(first, count, 1);

    /// <inheritdoc/>
    protected override void CheckFits(ForwardPass forward) => CheckTargets(targets, forward);
}
