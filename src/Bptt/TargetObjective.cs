// What objectives on real-valued targets share: the targets, and the check that they fit the outputs.

namespace Bptt;

internal abstract class TargetObjective(SequenceBatch targets, Reduction reduction) : Objective(reduction)
{
    /// <summary>y_t, length q.</summary>
    protected ReadOnlySpan<double> Target(int sequence, int t) => targets.Columns.Column(sequence, t);

    /// <inheritdoc/>
    protected override void CheckFits(ForwardPass forward) => CheckTargets(targets, forward);
}
