// The RNN that takes S steps at once, in the numbers of a pass. Computes nothing.

using System.Numerics;
using Bptt.Kernels;
using Bptt.LinearAlgebra;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>C, A, O and 𝒯 of <see cref="LiftedWeights"/>, and the model for the steps beyond the chunks.</summary>
/// <param name="model">W_hx, W_hh and W_qh.</param>
/// <param name="lifted">C, A and O in their places.</param>
/// <param name="response">[M_{S−1} … M_0], q×dS.</param>
internal sealed class LiftedModel<TReal>(
    ParameterArray<TReal> model, ParameterArray<TReal> lifted, StoredMatrix<TReal> response)
    where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
{
    /// <summary>W_hx, W_hh and W_qh.</summary>
    public ParameterArray<TReal> Model => model;

    /// <summary>C, A and O in the places of W_hx, W_hh and W_qh.</summary>
    public ParameterArray<TReal> Lifted => lifted;

    /// <summary>[M_{S−1} … M_0], q×dS.</summary>
    public StoredMatrix<TReal> Response => response;

    /// <summary>S.</summary>
    public int ChunkLength => lifted.InputSize / model.InputSize;

    /// <summary>d, h and q of the model that takes S steps at once.</summary>
    public PassSizes Sizes => PassSizes.Of(lifted) with { IsLifted = true };

    /// <summary>Whether every entry is a finite number.</summary>
    public bool AreFinite => VectorMath.FirstNonFinite<TReal>(lifted.Values) < 0
        && VectorMath.FirstNonFinite<TReal>(response.Span.Values) < 0;

    /// <summary>Rounds a model of doubles.</summary>
    /// <param name="weights">The model.</param>
    /// <param name="model">W_hx, W_hh and W_qh, rounded already.</param>
    /// <param name="context">Memory.</param>
    public static LiftedModel<TReal> Rounded(
        LiftedModel<double> weights, ParameterArray<TReal> model, PassContext<TReal> context)
    {
        var lifted = ParameterArray<TReal>.ShapedLike(weights.Lifted, context.Storage);
        VectorMath.Convert<double, TReal>(weights.Lifted.Values, lifted.Values);
        KernelSet<TReal>.FlushTiny(lifted.Values);
        StoredMatrix of = weights.Response;
        ArraySegment<TReal> response = context.Storage(of.Values.Count);
        VectorMath.Convert<double, TReal>(of.Span.Values, response);
        return new LiftedModel<TReal>(
            model, lifted, new StoredMatrix<TReal>(response, of.Rows, of.Columns, of.LeadingDimension));
    }
}
