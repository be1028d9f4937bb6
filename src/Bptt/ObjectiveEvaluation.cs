// One evaluation of an objective on the outputs of a pass, in parts that can be done in any order and at once.

using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using Bptt.Passes;

namespace Bptt;

/// <summary>
/// L, and where asked ∂L/∂o_t of every step, formula (1): ∂L/∂o_t = c_b w_bt ∂ℓ(o_t, y_t)/∂o_t. The parts depend on
/// the shapes alone, so L does not depend on who evaluates them.
/// </summary>
internal sealed class ObjectiveEvaluation : IOutputTask
{
    private readonly Objective _objective;
    private readonly PackedColumns _outputs;
    private readonly PackedColumns? _gradients;
    private readonly double[] _factors;
    private readonly ArraySegment<double> _losses; // by part

    /// <param name="objective">The objective.</param>
    /// <param name="forward">The pass; it has been checked that the objective fits it.</param>
    /// <param name="factors">c_b.</param>
    /// <param name="gradients">Receives ∂L/∂o_t; null where only L is asked.</param>
    /// <param name="storage">Makes memory of a length.</param>
    public ObjectiveEvaluation(
        Objective objective,
        PackedColumns forward,
        double[] factors,
        PackedColumns? gradients,
        Func<long, ArraySegment<double>> storage)
    {
        _objective = objective;
        _outputs = forward;
        _gradients = gradients;
        _factors = factors;
        PartColumns = ColumnsOfPart(forward.Rows);
        PartCount = (forward.Layout.ColumnCount + PartColumns - 1) / PartColumns;
        _losses = storage(PartCount);
    }

    /// <inheritdoc/>
    public int PartColumns { get; }

    /// <inheritdoc/>
    public int PartCount { get; }

    /// <summary>L, when every part has been evaluated.</summary>
    public double Loss
    {
        get
        {
            var total = default(CompensatedSum);
            foreach (double loss in _losses)
            {
                total.Add(loss);
            }
            return total.Value;
        }
    }

    /// <summary>Columns of each part but the last.</summary>
    public static int ColumnsOfPart(int outputSize) => Math.Clamp(4096 / outputSize, 16, 256);

    /// <inheritdoc/>
    public void Evaluate(int part)
    {
        int first = part * PartColumns;
        _losses[part] = _objective.EvaluateColumns(
            _outputs, _gradients, first, Math.Min(PartColumns, _outputs.Layout.ColumnCount - first), _factors);
    }

    /// <summary>L, with every part evaluated here and now.</summary>
    public double EvaluatedLoss()
    {
        ((IOutputTask)this).EvaluateAll();
        return Loss;
    }
}
