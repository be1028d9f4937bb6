// Refuses gradients from other code that do not fit a pass: other shapes, NaN, infinity. Judges no number.

using Bptt.Edge;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Verification;

internal static class GivenGradients
{
    /// <summary>Refuses gradients that have another shape than what they belong to, or are not finite.</summary>
    /// <param name="forward">The pass.</param>
    /// <param name="gradients">Of the weights.</param>
    /// <param name="initialStateGradients">∂L/∂h_0, h×B, or null.</param>
    /// <param name="inputGradients">∂L/∂x_t, or null.</param>
    public static void Check(
        ForwardPass forward, Gradients gradients, Matrix<double>? initialStateGradients, SequenceBatch? inputGradients)
    {
        gradients.RequireShapeOf(forward.Model, nameof(gradients));
        gradients.RequireFinite(nameof(gradients));
        if (initialStateGradients is not null)
        {
            Guard.Shape(
                initialStateGradients,
                forward.Model.HiddenSize,
                forward.SequenceCount,
                "h×B",
                nameof(initialStateGradients));
            Guard.Finite(initialStateGradients, nameof(initialStateGradients));
        }
        if (inputGradients is not null)
        {
            if (inputGradients.RowCount != forward.Model.InputSize)
            {
                throw Guard.Error(
                    nameof(inputGradients),
                    $"expected sequences of {forward.Model.InputSize} rows (d), got {inputGradients.RowCount}.");
            }
            Guard.SameLengths(
                forward.Lengths, inputGradients.Lengths, "the inputs", "their gradients", nameof(inputGradients));
            inputGradients.RequireFinite(nameof(inputGradients));
        }
    }
}
