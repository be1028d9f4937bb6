// All that can be read of a pass, added to a hash.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Benchmarks.Bits;

internal static class Readings
{
    public static void Add(this BitHash hash, Matrix<double>? matrix)
    {
        hash.Add(matrix is not null);
        if (matrix is not null)
        {
            hash.Add(matrix.RowCount);
            hash.Add(matrix.AsColumnMajorArray() ?? matrix.ToColumnMajorArray());
        }
    }

    public static void Add(this BitHash hash, Vector<double> vector) => hash.Add(vector.AsArray() ?? vector.ToArray());

    public static void Add(this BitHash hash, SequenceBatch batch)
    {
        for (int b = 0; b < batch.Count; b++)
        {
            hash.Add(batch.Sequence(b));
        }
    }

    public static void Add(this BitHash hash, LinearRnn model)
    {
        hash.Add(model.Whx);
        hash.Add(model.Whh);
        hash.Add(model.Wqh);
    }

    public static void Add(this BitHash hash, Gradients gradients)
    {
        hash.Add(gradients.Whx);
        hash.Add(gradients.Whh);
        hash.Add(gradients.Wqh);
    }

    public static void Add(this BitHash hash, CurvatureProduct product)
    {
        hash.Add(product.Weights);
        hash.Add(product.InitialStates);
    }

    public static void Add(this BitHash hash, ForwardPass forward)
    {
        MemoryPlan plan = forward.MemoryPlan;
        hash.Add(plan.HeldBytes);
        hash.Add(plan.WindowCount);
        hash.Add(plan.LongestWindow);
        for (int b = 0; b < forward.SequenceCount; b++)
        {
            hash.Add(forward.HiddenStates(b));
            hash.Add(forward.Outputs(b));
        }
        hash.Add(forward.OutputBatch());
        hash.Add(forward.InitialStates);
        hash.Add(forward.FinalStates);
        hash.Add(forward.FirstNonFiniteStep);
    }

    public static void Add(this BitHash hash, BackwardThroughTime backward)
    {
        hash.Add(backward.Gradients);
        hash.Add(backward.InitialStateGradients);
        for (int b = 0; b < backward.Forward.SequenceCount; b++)
        {
            hash.Add(backward.HiddenStateGradients(b));
            hash.Add(backward.InputGradients(b));
            hash.Add(backward.OutputGradients(b));
            hash.Add(backward.InputGradient(1 + backward.Forward.Lengths[b] / 2, b));
        }
        hash.Add(backward.InputGradientBatch());
    }

    public static void Add(this BitHash hash, TangentPass tangent)
    {
        for (int b = 0; b < tangent.Forward.SequenceCount; b++)
        {
            hash.Add(tangent.HiddenStates(b));
            hash.Add(tangent.Outputs(b));
        }
        hash.Add(tangent.OutputBatch());
        hash.Add(tangent.FinalStates);
    }

    /// <summary>Every state and state gradient, one after the other, in either order of time.</summary>
    public static void AddStepByStep(this BitHash hash, BackwardThroughTime backward, bool ascending)
    {
        ForwardPass forward = backward.Forward;
        int last = forward.Lengths.Max();
        for (int i = 0; i <= last; i++)
        {
            int t = ascending ? i : last - i;
            for (int b = 0; b < forward.SequenceCount; b++)
            {
                if (t <= forward.Lengths[b])
                {
                    hash.Add(forward.HiddenState(t, b));
                    hash.Add(backward.HiddenStateGradient(t, b));
                }
            }
        }
    }
}
