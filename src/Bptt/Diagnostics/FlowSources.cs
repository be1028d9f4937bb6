// The gradients that enter at the outputs, W_qhᵀ ∂L/∂o_s of every step s, replaced by a few columns whose norm stays
// the same at every lag. Follows none of them.
//
//   h  hidden units      q  outputs      B  sequences      N = ΣT_b

using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Diagnostics;

/// <summary>The sources u_s = W_qhᵀ ∂L/∂o_s, to which at the last step of sequence b a given final-state gradient e_b
/// is added.</summary>
/// <remarks>
/// Σ_s ‖M u_s‖² = ‖M F‖² in the Frobenius norm for every matrix M, wherever F Fᵀ = Σ_s u_s u_sᵀ. Such an F of at most h
/// columns comes from orthogonal transformations of the u_s side by side (the L of an LQ factorisation), which loses no
/// digits where sources differ much in size, as forming F Fᵀ would.
/// </remarks>
internal sealed class FlowSources
{
    private FlowSources(ScaledMatrix all, int allCount, ScaledMatrix last, int lastCount)
    {
        All = all;
        AllCount = allCount;
        Last = last;
        LastCount = lastCount;
    }

    /// <summary>F of all sources that are finite, h×(at most h).</summary>
    public ScaledMatrix All { get; }

    /// <summary>How many sources are finite, those of zero included.</summary>
    public int AllCount { get; }

    /// <summary>F of the last step of each sequence, where it is finite, h×(at most h).</summary>
    public ScaledMatrix Last { get; }

    /// <summary>How many of them are finite.</summary>
    public int LastCount { get; }

    /// <summary>Cost O(min(q, h)² N + h² B), and O(qhN) where q &gt; h.</summary>
    /// <param name="kernels">Those of the pass.</param>
    /// <param name="weights">The model.</param>
    /// <param name="outputGradients">G, q×N.</param>
    /// <param name="finalStateGradients">e_b of every sequence, h×B; null for zero.</param>
    public static FlowSources Of(
        KernelSet kernels,
        ParameterArray weights,
        PackedColumns outputGradients,
        Matrix<double>? finalStateGradients)
    {
        BatchLayout layout = outputGradients.Layout;
        int h = weights.HiddenSize;
        var wqhTransposed = ScaledMatrix.Of(weights.Wqh.T);
        int exponent = LargestExponent(outputGradients);

        bool compressesOutputs = weights.OutputSize <= h;
        var others = new TriangularFactor(compressesOutputs ? weights.OutputSize : h, rightSides: 0);
        double[] product = new double[h];
        var last = ScaledMatrix.Take([], h);
        int count = 0;
        int lastCount = 0;
        double[] scaled = new double[weights.OutputSize];
        foreach (BatchLayout.Place place in layout.Places(0, layout.ColumnCount))
        {
            ReadOnlySpan<double> gradient = outputGradients.All.Column(place.Column);
            if (VectorMath.FirstNonFinite(gradient) >= 0)
            {
                continue;
            }
            count++;
            gradient.CopyTo(scaled);
            VectorMath.ScaleByPowerOfTwo(-exponent, scaled);
            if (place.Step == layout.Lengths[place.Sequence])
            {
                ScaledMatrix source =
                    wqhTransposed.Times(ScaledMatrix.Take([.. scaled], scaled.Length, exponent), kernels);
                if (finalStateGradients is not null)
                {
                    source = source.Plus(ScaledMatrix.Take(finalStateGradients.Column(place.Sequence).ToArray(), h));
                }
                last = last.Beside(source);
                last = last.Columns < 3 * h ? last : last.Compressed();
                lastCount++;
            }
            else if (compressesOutputs)
            {
                others.Add(scaled);
            }
            else
            {
                var column = new MatrixView(scaled, scaled.Length, 1, scaled.Length);
                kernels.Multiply(wqhTransposed.View, column, new MatrixSpan(product, h, 1, h));
                others.Add(product);
            }
        }

        ScaledMatrix otherSources = compressesOutputs
            ? wqhTransposed.Times(ScaledMatrix.Take(others.OuterFactor(), weights.OutputSize, exponent), kernels)
            : ScaledMatrix.Take(others.OuterFactor(), h, exponent + wqhTransposed.Exponent);
        return new FlowSources(otherSources.Beside(last).Compressed(), count, last.Compressed(), lastCount);
    }

    /// <summary>Of the largest finite magnitude.</summary>
    private static int LargestExponent(PackedColumns columns)
    {
        double largest = 0.0;
        foreach (double value in columns.All.Values)
        {
            double magnitude = Math.Abs(value);
            if (magnitude > largest && double.IsFinite(magnitude))
            {
                largest = magnitude;
            }
        }
        return VectorMath.Exponent(largest);
    }
}
