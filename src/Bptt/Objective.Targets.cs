// What objectives on real-valued targets share: the targets, and the check that they fit the outputs.

using Bptt.Edge;
using Bptt.LinearRecurrence;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

public abstract partial class Objective
{
    /// <summary>Refuses targets that do not fit the outputs of a pass, or that are not finite at a step that is not
    /// masked: for subclasses to call from <see cref="CheckFits"/>.</summary>
    /// <param name="targets">Expected: sequences as long as the inputs, of q rows.</param>
    /// <param name="forward">The pass about to be judged.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The targets do not fit; the message says where.</exception>
    protected void CheckTargets(SequenceBatch targets, ForwardPass forward)
    {
        ArgumentNullException.ThrowIfNull(targets);
        ArgumentNullException.ThrowIfNull(forward);
        targets.RequireFitsOutputs(
            forward.Record, "the targets", nameof(targets), except: (b, t) => StepWeight(b, t) == 0.0);
    }

    private static SequenceBatch Single(Matrix<double> targets)
    {
        Guard.NotEmpty(targets, "q×T", nameof(targets));
        return SequenceBatch.Pack([targets]);
    }

    private abstract class TargetObjective(SequenceBatch targets, Reduction reduction) : Objective(reduction)
    {
        /// <summary>B, q and ΣT_b.</summary>
        private protected string TargetText =>
            $"B = {targets.Count}, q = {targets.RowCount}, {targets.TotalLength} steps";

        /// <summary>The targets of some steps.</summary>
        protected private SequenceBatch TargetPart(SequencePart[] parts) => targets.Part(parts);

        /// <summary>y_t, length q.</summary>
        protected ReadOnlySpan<double> Target(int sequence, int t) => targets.Columns.Column(sequence, t);

        /// <summary>y_t of columns in the layout that targets and outputs share.</summary>
        protected private MatrixSpan TargetColumns(int first, int count) => targets.Columns.Spaced(first, count, 1);

        /// <inheritdoc/>
        protected override void CheckFits(ForwardPass forward) => CheckTargets(targets, forward);
    }
}
