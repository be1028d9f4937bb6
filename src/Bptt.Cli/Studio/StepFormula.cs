// Formula (2), (3) or (5) with the numbers of one step put in: what a click on an arrow shows. The formula's own terms,
// read from the passes; nothing is drawn here.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Studio;

/// <summary>A matrix or vector of a formula, or a sign between two.</summary>
/// <param name="Symbol">W_hhᵀ, ∂L/∂h_12, =, +.</param>
/// <param name="Rows">Its entries, row by row; null for a sign.</param>
internal sealed record FormulaPart(string Symbol, IReadOnlyList<IReadOnlyList<double>>? Rows = null);

/// <param name="Number">As in the chapter's derivation: 2, 3 or 5.</param>
/// <param name="General">The formula for any step.</param>
/// <param name="Parts">The same for this step, in numbers.</param>
/// <param name="Norm">Of the left side.</param>
internal sealed record StepFormula(int Number, string General, IReadOnlyList<FormulaPart> Parts, double Norm)
{
    /// <summary>The arrows that have a formula: of ∂L/∂h_t, and of the term of ∂L/∂W_hh.</summary>
    public static readonly string[] Arrows = ["state", "weight"];

    /// <summary>∂L/∂h_t: (2) at t = T, (3) below; of h_0, which has no loss, the first term of (3).</summary>
    public static StepFormula OfState(BackwardThroughTime backward, int t)
    {
        LinearRnn model = backward.Forward.Model;
        int last = backward.Forward.Lengths[0];
        Vector<double> gradient = backward.HiddenStateGradient(t);
        var parts = new List<FormulaPart> { Vector($"∂L/∂h_{t}", gradient), new("=") };
        if (t < last)
        {
            parts.Add(Matrix("W_hhᵀ", model.Whh.Transpose()));
            parts.Add(Vector($"∂L/∂h_{t + 1}", backward.HiddenStateGradient(t + 1)));
        }
        if (t > 0)
        {
            parts.AddRange(t < last ? [new FormulaPart("+")] : []);
            parts.Add(Matrix("W_qhᵀ", model.Wqh.Transpose()));
            parts.Add(Vector($"∂L/∂o_{t}", backward.OutputGradient(t)));
        }
        return new StepFormula(
            t == last ? 2 : 3,
            t == last ? "∂L/∂h_T = W_qhᵀ ∂L/∂o_T" : "∂L/∂h_t = W_hhᵀ ∂L/∂h_{t+1} + W_qhᵀ ∂L/∂o_t",
            parts,
            gradient.L2Norm());
    }

    /// <summary>What step t adds to ∂L/∂W_hh: a term of (5).</summary>
    public static StepFormula OfWeight(BackwardThroughTime backward, int t)
    {
        Vector<double> gradient = backward.HiddenStateGradient(t);
        Vector<double> state = backward.Forward.HiddenState(t - 1);
        Matrix<double> term = gradient.OuterProduct(state);
        return new StepFormula(
            5,
            "∂L/∂W_hh = Σ_t ∂L/∂h_t h_{t−1}ᵀ",
            [
                Matrix($"t = {t}:", term),
                new("="),
                Vector($"∂L/∂h_{t}", gradient),
                Matrix($"h_{t - 1}ᵀ", state.ToRowMatrix()),
            ],
            term.FrobeniusNorm());
    }

    private static FormulaPart Vector(string symbol, Vector<double> vector) => Matrix(symbol, vector.ToColumnMatrix());

    private static FormulaPart Matrix(string symbol, Matrix<double> matrix) => new(symbol, [.. matrix.ToRowArrays()]);
}
