// The product of a matrix of second derivatives with a direction. Data only.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences

using Bptt.Edge;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

/// <summary>H v for one direction v, in the shape of what it belongs to: the derivative of the gradient in that
/// direction, or its Gauss–Newton part. Independent of the passes.</summary>
/// <example>
/// <code>
/// // How the gradient changes where W_hh does: H v, by one pass more than the gradient itself.
/// var direction = new TangentDirection { Whh = Matrix&lt;double&gt;.Build.DenseIdentity(model.HiddenSize) };
/// CurvatureProduct product = LossCurvature.Of(backward).HessianProduct(direction);
/// Console.WriteLine($"‖H v‖ over all weights: {product.Weights.GlobalNorm():G4}");
/// </code>
/// </example>
public sealed class CurvatureProduct
{
    private readonly double[] _initialStates;

    internal CurvatureProduct(ParameterArray weights, double[] initialStates)
    {
        Weights = new Gradients(weights);
        _initialStates = initialStates;
    }

    /// <summary>The rows that belong to W_hx (h×d), W_hh (h×h) and W_qh (q×h).</summary>
    public Gradients Weights { get; }

    /// <summary>The rows that belong to h_0 of every sequence, h×B. Every call makes an independent copy, at cost
    /// O(hB).</summary>
    public Matrix<double> InitialStates =>
        ((double[])_initialStates.Clone()).ToColumns(Weights.Entries.HiddenSize);
}
