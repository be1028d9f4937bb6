// What each step adds to ∂L/∂W_hh, as a share of the whole.
//
//   h  hidden units      N = ΣT_b

using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;

namespace Bptt.Diagnostics;

internal static class StepShares
{
    /// <summary>⟨∂L/∂h_t h_{t−1}ᵀ, G⟩/‖G‖² = ⟨∂L/∂h_t, G h_{t−1}⟩/‖G‖² with G = ∂L/∂W_hh, by sequence, entry t − 1;
    /// zeros where G is zero or not finite. Cost 2h²N.</summary>
    public static double[][] Of(BackwardThroughTime backward)
    {
        ForwardPass forward = backward.Forward;
        double[][] shares = [.. forward.Lengths.Select(length => new double[length])];
        MatrixView whh = backward.Gradients.Entries.Whh;
        if (VectorMath.FirstNonFinite(whh.Values) >= 0 || VectorMath.MaxAbs(whh.Values) == 0.0)
        {
            return shares;
        }

        // G = M·2ᵉ: ⟨∂L/∂h_t, M h_{t−1}⟩/(‖M‖² 2ᵉ). A step can be larger than G, which steps may cancel in, and a sum
        // over h entries larger than each. So M is made so small that neither M h_{t−1} nor a product with numbers
        // below 2 overflows, and the largest entry of ∂L/∂h_t is brought there.
        var scaled = ScaledMatrix.Of(whh);
        double norm = VectorMath.Norm(scaled.Values);
        int h = scaled.Rows;
        int room = 2 * (Math.ILogB(h) + 2);
        double[] smaller = scaled.Values.ToArray();
        VectorMath.ScaleByPowerOfTwo(-room, smaller);
        Trajectory states = forward.States;
        foreach (int window in states.WindowsFromHeld())
        {
            int first = states.Windows.FirstStep(window);
            int last = states.Windows.LastStep(window);
            double[] products = states.Read(window, columns =>
            {
                MatrixSpan all = columns.All;
                double[] result = new double[all.Values.Length];
                forward.Context.Kernels.Multiply(
                    new MatrixView(smaller, h, h, h), all, new MatrixSpan(result, h, all.Columns, h));
                return result;
            });
            BatchLayout layout = forward.Layout.Slice(states.Windows.StepBefore(window), last);
            backward.StateGradients.Read(window, gradients =>
            {
                for (int t = first; t <= last; t++)
                {
                    MatrixSpan block = gradients.Block(t);
                    for (int slot = 0; slot < block.Columns; slot++)
                    {
                        int sequence = gradients.Layout.SequenceAt(slot);
                        ReadOnlySpan<double> product = products.AsSpan(layout.Column(sequence, t - 1) * h, h);
                        ReadOnlySpan<double> gradient = block.Column(slot);
                        int exponent = VectorMath.Exponent(VectorMath.MaxAbs(gradient));
                        shares[sequence][t - 1] = Math.ScaleB(
                            Dot(gradient, exponent, product) / norm / norm, exponent + room - (int)scaled.Exponent);
                    }
                }
                return 0;
            });
        }
        return shares;
    }

    /// <summary>⟨x, y⟩/2ᵉ.</summary>
    private static double Dot(ReadOnlySpan<double> x, int exponent, ReadOnlySpan<double> y)
    {
        var sum = default(CompensatedSum);
        for (int i = 0; i < x.Length; i++)
        {
            sum.Add(Math.ScaleB(x[i], -exponent) * y[i]);
        }
        return sum.Value;
    }
}
