// The weights of the RNN that takes S steps at once, and how they move with those of the model. Knows no pass.
//
//   d  inputs      h  hidden units      q  outputs      S  steps of a chunk, a power of two

using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>
/// A = W_hh^S (h×h), C = [P_{S−1} … P_0] (h×dS) and O = [Q_0; …; Q_{S−1}] (qS×h): with S successive columns read as
/// one, h_{cS} = A h_{(c−1)S} + C X_c and O_c = O h_{(c−1)S} + 𝒯 X_c, where 𝒯 (qS×dS) has M_{i−j} in block row i and
/// block column j ≤ i, and zero above. Block processing of a recurrence: Burrus, "Block implementation of digital
/// filters" (1971); Barnes and Shinnaka, "Block-shift invariance and block implementation of discrete-time filters"
/// (1980).
/// </summary>
internal sealed class LiftedWeights
{
    /// <summary>Computes them by doubling: see <see cref="Doubling.Up"/>.</summary>
    /// <param name="context">Kernels and memory.</param>
    /// <param name="model">W_hx, W_hh and W_qh.</param>
    /// <param name="powers">W_hh^m for m = 1, 2, 4 … S.</param>
    public LiftedWeights(PassContext context, ParameterArray model, LiftedPowers powers)
    {
        int steps = powers.Exponent;
        (int d, int q) = (model.InputSize, model.OutputSize);
        Terms = new DoublingTerms(
            model,
            new ParameterArray(d * steps, model.HiddenSize, q * steps, context.Storage),
            context.Storage((long)q * d * steps),
            powers.Storage);
        powers[powers.Levels].CopyTo(Terms.A);
        new Doubling(context, ProductParts.Value).Up(Moving);
        KernelSet.FlushTiny(Lifted.Values);
    }

    /// <summary>The matrices of the doubling.</summary>
    public DoublingTerms Terms { get; }

    /// <summary>The model.</summary>
    public ParameterArray Model => Terms.Model;

    /// <summary>S.</summary>
    public int ChunkLength => Terms.ChunkLength;

    /// <summary>C, A and O in the places of W_hx, W_hh and W_qh: the model that takes S steps at once, but for
    /// 𝒯.</summary>
    public ParameterArray Lifted => Terms.Lifted;

    /// <summary>The same as a pass in doubles takes it.</summary>
    public LiftedModel Values => new(Model, Lifted, Terms.Response);

    /// <summary>How they move in a direction of the weights, at twice the cost of the doubling.</summary>
    /// <param name="direction">V_hx, V_hh and V_qh; zero where not there.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public DoublingTerms Derivative(FlatDirection direction, PassContext context)
    {
        DoublingTerms derivative = Terms.ForAnother(ParameterArray.ShapedLike(Model, context.Storage), context);
        CopyOrClear(direction.HasWhx, direction.Weights.Whx, derivative.Whx);
        CopyOrClear(direction.HasWhh, direction.Weights.Whh, derivative.Whh);
        CopyOrClear(direction.HasWqh, direction.Weights.Wqh, derivative.Wqh);
        var moving = new MovingTerms(Terms, derivative);
        var doubling = new Doubling(context, ProductParts.Derivative);
        doubling.Square(moving);
        doubling.Up(moving);
        derivative.Power(int.Log2(ChunkLength)).CopyTo(derivative.A);
        KernelSet.FlushTiny(derivative.Lifted.Values);
        return derivative;
    }

    /// <summary>The gradients of W_hx, W_hh and W_qh: see <see cref="Doubling.Back"/>.</summary>
    /// <param name="gradients">Those of C, A, O and M; receives the others.</param>
    /// <param name="context">Kernels and threads.</param>
    public void Back(DoublingTerms gradients, PassContext context) =>
        new Doubling(context, ProductParts.Value).Back(Moving, new MovingTerms(gradients, null));

    private MovingTerms Moving => new(Terms, null);

    private static void CopyOrClear(bool isThere, MatrixSpan from, StoredMatrix to)
    {
        if (isThere)
        {
            from.Values.CopyTo(to.Span.Values);
        }
        else
        {
            to.Span.Values.Clear();
        }
    }
}
