// Names the first number of a forward and backward pass that is not finite, and says how it came about.

using Bptt.Edge;
using Bptt.LinearAlgebra;

namespace Bptt.Diagnostics;

internal static class NonFiniteSearch
{
    /// <summary>Growth is told over so many steps before.</summary>
    private const int StepsBefore = 10;

    private const string LargestDouble = "the largest double, 1.8E+308";

    /// <summary>In the order of computation: h_t and o_t forward in time, all ∂L/∂o_t, ∂L/∂h_t backward in time, the
    /// sums (5). Null where every number is finite.</summary>
    public static NonFiniteOrigin? First(PassNorms norms, Gradients gradients)
    {
        if (norms.BadState is PassNorms.NonFiniteEntry state && !(norms.BadOutput?.Step < state.Step))
        {
            double[] before = norms.States[state.Sequence][..state.Step];
            return Origin("h", state, $"the state overflowed: {Growth(before, "‖h‖", "W_hh h + W_hx x")}");
        }
        if (norms.BadOutput is PassNorms.NonFiniteEntry output)
        {
            double norm = norms.States[output.Sequence][output.Step];
            return Origin(
                "o",
                output,
                $"the state is finite there (‖h‖ = {Text(norm)}), but the product W_qh h exceeds {LargestDouble}");
        }
        if (norms.BadOutputGradient is PassNorms.NonFiniteEntry outputGradient)
        {
            double norm = norms.Outputs[outputGradient.Sequence][outputGradient.Step - 1];
            return Origin(
                "∂L/∂o",
                outputGradient,
                $"the objective returned it for a finite output (‖o‖ = {Text(norm)})");
        }
        if (norms.BadStateGradient is PassNorms.NonFiniteEntry gradient)
        {
            double[] curve = norms.StateGradients[gradient.Sequence];
            if (gradient.Step == curve.Length - 1)
            {
                double norm = norms.OutputGradients[gradient.Sequence][gradient.Step - 1];
                return Origin(
                    "∂L/∂h",
                    gradient,
                    $"∂L/∂o is finite there (norm {Text(norm)}), but W_qhᵀ ∂L/∂o with what is given for the final "
                        + $"state exceeds {LargestDouble}");
            }
            double[] before = curve[(gradient.Step + 1)..];
            Array.Reverse(before);
            return Origin(
                "∂L/∂h",
                gradient,
                $"the gradient overflowed on its way back: {Growth(before, "‖∂L/∂h‖", "W_hhᵀ ∂L/∂h + W_qhᵀ ∂L/∂o")}");
        }
        return InWeights(gradients.Entries.Wqh, "∂L/∂W_qh", "Σ ∂L/∂o_t h_tᵀ")
            ?? InWeights(gradients.Entries.Whx, "∂L/∂W_hx", "Σ ∂L/∂h_t x_tᵀ")
            ?? InWeights(gradients.Entries.Whh, "∂L/∂W_hh", "Σ ∂L/∂h_t h_{t−1}ᵀ");
    }

    private static NonFiniteOrigin Origin(
        string letter, PassNorms.NonFiniteEntry entry, string cause) => new(
        letter + "_t",
        entry.Sequence,
        entry.Step,
        entry.Row,
        null,
        $"{letter}_{entry.Step} of sequence {entry.Sequence} is {Kind(entry.Value)} in row {entry.Row}: {cause}");

    private static NonFiniteOrigin? InWeights(MatrixView matrix, string name, string sum)
    {
        int index = VectorMath.FirstNonFinite(matrix.Values);
        if (index < 0)
        {
            return null;
        }
        (int column, int row) = Math.DivRem(index, matrix.Rows);
        return new NonFiniteOrigin(
            name,
            null,
            null,
            row,
            column,
            $"{name} is {Kind(matrix.Values[index])} in row {row}, column {column}: every state and gradient is "
                + $"finite, but the sum {sum} exceeds {LargestDouble}");
    }

    /// <summary>How a norm grew up to the last step that is finite.</summary>
    /// <param name="norms">In the order of computation.</param>
    /// <param name="norm">Its name.</param>
    /// <param name="product">What is computed in each step.</param>
    private static string Growth(double[] norms, string norm, string product)
    {
        int last = norms.Length - 1;
        int first = last;
        while (first > 0 && last - first < StepsBefore && norms[first - 1] > 0.0 && double.IsFinite(norms[last]))
        {
            first--;
        }
        double factor = first < last
            ? Math.Pow(2.0, (Math.Log2(norms[last]) - Math.Log2(norms[first])) / (last - first))
            : 1.0;
        return first == last || !(factor > 1.0 && double.IsFinite(factor)) || norms[last] < 1e290
            ? $"{norm} was {Text(norms[last])} one step before, and {product} exceeds {LargestDouble}"
            : $"{norm} grew by {Text(factor)} per step over {(last - first == 1 ? "1 step" : $"{last - first} steps")} "
                + $"to {Text(norms[last])}, and {product} exceeds {LargestDouble}";
    }

    private static string Kind(double value) => double.IsNaN(value) ? "NaN" : "infinite";

    private static string Text(double value) =>
        double.IsPositiveInfinity(value) ? "beyond the largest double" : NumberText.Significant(value, 3);
}
