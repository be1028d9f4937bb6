// Squared error as a user might write it, which counts its evaluations and can fail at one.

namespace Bptt.Tests.Training;

internal sealed class CountingObjective(SequenceBatch targets) : Objective
{
    public int Evaluations { get; private set; }

    /// <summary>The evaluation that throws; none where 0.</summary>
    public int FailsAt { get; init; }

    /// <summary>What is done at a certain evaluation.</summary>
    public (int Evaluation, Action Do) At { get; init; } = (0, () => { });

    protected override void CheckFits(ForwardPass forward)
    {
        CheckTargets(targets, forward);
        Evaluations++;
        if (Evaluations == FailsAt)
        {
            throw new InvalidOperationException("on purpose");
        }
        if (Evaluations == At.Evaluation)
        {
            At.Do();
        }
    }

    protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
    {
        double sum = 0.0;
        for (int i = 0; i < output.Length; i++)
        {
            double residual = output[i] - targets.Columns.Column(sequence, t)[i];
            sum += 0.5 * residual * residual;
        }
        return sum;
    }

    protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
    {
        for (int i = 0; i < output.Length; i++)
        {
            gradient[i] = output[i] - targets.Columns.Column(sequence, t)[i];
        }
    }
}
