// The product of ∂²L/∂o² with a direction of the outputs, in parts that can be done in any order and at once.

using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt;

/// <summary>Ġ_t = c_b w_bt ∂²ℓ(o_t, y_t)/∂o_t² ȯ_t for every step: ∂²L/∂o² has a block for each step and nothing
/// beside.</summary>
/// <param name="objective">L.</param>
/// <param name="outputs">O, q×N.</param>
/// <param name="factors">c_b.</param>
/// <param name="directions">ȯ, q×N.</param>
/// <param name="products">Receives Ġ, q×N.</param>
internal sealed class CurvatureEvaluation(
    Objective objective, PackedColumns outputs, double[] factors, PackedColumns directions, PackedColumns products)
    : IOutputTask
{
    /// <inheritdoc/>
    public int PartColumns { get; } = ObjectiveEvaluation.ColumnsOfPart(outputs.Rows);

    /// <inheritdoc/>
    public int PartCount => (outputs.Layout.ColumnCount + PartColumns - 1) / PartColumns;

    /// <inheritdoc/>
    public void Evaluate(int part)
    {
        int first = part * PartColumns;
        objective.MultiplyCurvature(
            outputs, directions, products, first, Math.Min(PartColumns, outputs.Layout.ColumnCount - first), factors);
    }
}
