// One candidate of an identification: a network for scaled data, and how well its outputs fit when it runs freely, on
// the inputs alone.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences

using Bptt.Edge;
using Bptt.LinearAlgebra;
using Bptt.Remedies;
using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Identification;

/// <summary>Weights and initial states for scaled data, and what they leave.</summary>
/// <param name="Whh">W_hh, h×h.</param>
/// <param name="Whx">W_hx, h×d.</param>
/// <param name="Wqh">W_qh, q×h.</param>
/// <param name="InitialStates">h_0, h×B.</param>
/// <param name="MeanSquaredError">Σ‖o_t − y_t‖² over the number of steps.</param>
internal sealed record FreeRunFit(
    Matrix<double> Whh, Matrix<double> Whx, Matrix<double> Wqh, Matrix<double> InitialStates, double MeanSquaredError)
{
    /// <summary>Seed and spectral radius of units that no output sees.</summary>
    private const int Seed = 1;

    private const double UnseenRadius = 0.5;

    /// <summary>W_hh of a realisation, made stable, W_hx and h_0, W_qh, and W_hx and h_0 again by least squares; null
    /// where it does not stay finite.</summary>
    public static FreeRunFit? Of(
        IdentificationData data, HankelRealization realization, int order, bool withInitialStates)
    {
        try
        {
            (Matrix<double> whh, Matrix<double> wqh) = realization.OfOrder(order);
            if (VectorMath.FirstNonFinite(whh.ColumnMajor()) >= 0)
            {
                return null;
            }
            whh = StabilityRepair.Stable(whh);
            if (data.OutputSize > 1)
            {
                // Of one output, another W_qh is another W_hx in other coordinates.
                (Matrix<double> first, Matrix<double> start) = OutputErrorFit.Inputs(data, whh, wqh, withInitialStates);
                wqh = OutputErrorFit.Outputs(data, OutputErrorFit.States(data, whh, first, start));
            }
            (Matrix<double> whx, Matrix<double> states) = OutputErrorFit.Inputs(data, whh, wqh, withInitialStates);
            double sum = OutputErrorFit.States(data, whh, whx, states)
                .Select((s, b) => Math.Pow((wqh * s - data.Targets[b]).FrobeniusNorm(), 2)).Sum();
            return double.IsFinite(sum) ? new FreeRunFit(whh, whx, wqh, states, sum / data.TotalLength).Evened() : null;
        }
        catch (Exception e) when (e is NonConvergenceException or ArithmeticException)
        {
            return null;
        }
    }

    /// <summary>One unit that takes inputs in, and no output sees.</summary>
    public static FreeRunFit WithoutEffect(IdentificationData data)
    {
        LinearRnn unseen = Initializer.Orthogonal(data.InputSize, 1, data.OutputSize, Seed, UnseenRadius);
        return new FreeRunFit(
            unseen.Whh,
            unseen.Whx,
            Matrix<double>.Build.Dense(data.OutputSize, 1),
            Matrix<double>.Build.Dense(1, data.Inputs.Length),
            double.PositiveInfinity);
    }

    /// <summary>The network for the data given.</summary>
    public LinearRnn ToModel(IdentificationData data) => data.Unscaled(Whh, Whx, Wqh);

    /// <summary>The same outputs with more units: they take inputs in, and no output sees them.</summary>
    public FreeRunFit WithUnits(int hiddenSize)
    {
        int h = Whh.RowCount;
        if (hiddenSize == h)
        {
            return this;
        }
        int more = hiddenSize - h;
        LinearRnn unseen = Initializer.Orthogonal(Whx.ColumnCount, more, Wqh.RowCount, Seed, UnseenRadius);
        return this with
        {
            Whh = Whh.DiagonalStack(unseen.Whh),
            Whx = Whx.Stack(unseen.Whx),
            Wqh = Wqh.Append(Matrix<double>.Build.Dense(Wqh.RowCount, more)),
            InitialStates = InitialStates.Stack(Matrix<double>.Build.Dense(more, InitialStates.ColumnCount)),
        };
    }

    /// <summary>The same outputs with states of a size at which W_hx and W_qh are equally large.</summary>
    private FreeRunFit Evened()
    {
        double scale = Math.Sqrt(Wqh.FrobeniusNorm() / Whx.FrobeniusNorm());
        return !double.IsNormal(scale) ? this : this with
        {
            Whx = scale * Whx,
            Wqh = Wqh / scale,
            InitialStates = scale * InitialStates,
        };
    }
}
