// What objectives on real-valued targets share: the targets, and the check that they fit the outputs.

using Bptt.Kernels;

namespace Bptt;

internal abstract class TargetObjective(SequenceBatch targets, Reduction reduction) : Objective(reduction)
{
    /// <summary>y_t, length q.</summary>
    protected ReadOnlySpan<double> Target(int sequence, int t) => targets.Columns.Column(sequence, t);

    /// <inheritdoc/>
    protected override void CheckFits(ForwardPass forward)
    {
        const string name = nameof(targets);
        if (targets.RowCount != forward.Model.OutputSize)
        {
            throw Guard.Error(
                name, $"expected {forward.Model.OutputSize} rows (q), as the outputs have, got {targets.RowCount}.");
        }
        Guard.SameLengths(forward.Lengths, targets.Lengths, "the inputs", "the targets", name);
        if (!targets.IsFinite)
        {
            RequireFiniteTargets(name);
        }
    }

    private void RequireFiniteTargets(string name)
    {
        for (int b = 0; b < targets.Count; b++)
        {
            for (int t = 1; t <= targets.Lengths[b]; t++)
            {
                ReadOnlySpan<double> target = Target(b, t);
                int row = StepWeight(b, t) == 0.0 ? -1 : VectorMath.FirstNonFinite(target);
                if (row >= 0)
                {
                    throw Guard.NotFinite(
                        name, target[row], $"sequence {b}, step {t}, row {row} (from 0), whose weight is not 0");
                }
            }
        }
    }
}
