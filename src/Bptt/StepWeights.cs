// The weights of the steps in an objective. What they make of L is said in Objective.

using Bptt.Edge;
using Bptt.LinearRecurrence;

namespace Bptt;

/// <summary>One weight for each step of each sequence: 0 masks a step.</summary>
internal sealed class StepWeights
{
    private readonly double[][] _weights;

    /// <summary>Copies and checks the weights.</summary>
    public StepWeights(IReadOnlyList<double[]> weights, string name)
    {
        ArgumentNullException.ThrowIfNull(weights, name);
        _weights = new double[weights.Count][];
        for (int b = 0; b < _weights.Length; b++)
        {
            double[] given = weights[b] ?? throw Guard.Error(
                name, $"expected weights for each sequence, got null for sequence {b}.");
            for (int t = 1; t <= given.Length; t++)
            {
                if (!(given[t - 1] >= 0.0) || !double.IsFinite(given[t - 1]))
                {
                    throw Guard.Error(
                        name,
                        $"expected finite weights of at least 0, got {NumberText.Exact(given[t - 1])} for sequence {b}, step {t}.");
                }
            }
            _weights[b] = (double[])given.Clone();
        }
    }

    private StepWeights(double[][] weights)
    {
        _weights = weights;
    }

    public double this[int sequence, int step] => _weights[sequence][step - 1];

    /// <summary>Σ_t w_t of one sequence.</summary>
    public double Sum(int sequence) => _weights[sequence].Sum();

    /// <summary>The weights of some steps, numbered anew.</summary>
    public StepWeights Part(SequencePart[] parts) => new(
        Array.ConvertAll(parts, p => _weights[p.Sequence].AsSpan(p.FirstStep - 1, p.Length).ToArray()));

    /// <summary>Refuses weights that were made for other lengths.</summary>
    public void RequireLengths(BatchLayout layout, string name) => Guard.SameLengths(
        layout.Lengths, Array.ConvertAll(_weights, w => w.Length), "the inputs", "the step weights", name);
}
