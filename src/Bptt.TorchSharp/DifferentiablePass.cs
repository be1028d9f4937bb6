// The same pass in torch's own operations, for gradients of gradients: with create_graph torch differentiates a
// backward pass in turn, and needs to see how it was computed. Exact, and as slow as autograd is.
//
//   T  steps      B  sequences      d  inputs      h  hidden units      q  outputs

using static TorchSharp.torch;

namespace Bptt.TorchSharp;

internal static class DifferentiablePass
{
    /// <summary>The gradients of a pass as functions of its tensors and of ∂L/∂o_t.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="tensors">Its tensors by place.</param>
    /// <param name="places">Those whose gradient is asked for.</param>
    /// <param name="outputGradients">∂L/∂o_t; null for zero.</param>
    /// <param name="finalStateGradients">What comes to h_T from beyond; null for zero.</param>
    /// <returns>By place.</returns>
    /// <exception cref="NotSupportedException">The gradients are truncated.</exception>
    public static Tensor?[] Gradients(
        RecordedPass pass, Tensor?[] tensors, Place[] places, Tensor? outputGradients, Tensor? finalStateGradients)
    {
        if (pass.IsTruncated)
        {
            throw new NotSupportedException(
                "create_graph: expected gradients that are not truncated, since truncated ones have no derivative.");
        }

        // Paths end at views of the tensors: a state that was computed from the same weights has a gradient of its own.
        Tensor?[] views = [.. tensors.Select(tensor => tensor?.view_as(tensor))];
        (Tensor outputs, Tensor finalStates) = Run(pass.Shape, views);
        (Tensor Result, Tensor? Gradient)[] used =
            [.. new[] { (outputs, outputGradients), (finalStates, finalStateGradients) }
                .Where(pair => pair.Item2 is not null && pair.Item1.requires_grad)];

        var gradients = new Tensor?[tensors.Length];
        if (used.Length > 0)
        {
            IList<Tensor> found = autograd.grad(
                [.. used.Select(pair => pair.Result)],
                [.. places.Select(place => views[(int)place]!)],
                [.. used.Select(pair => pair.Gradient!)],
                retain_graph: true,
                create_graph: true,
                allow_unused: true);
            for (int i = 0; i < places.Length; i++)
            {
                gradients[(int)places[i]] = found[i].IsInvalid ? null : found[i];
            }
        }
        return gradients;
    }

    private static (Tensor Outputs, Tensor FinalStates) Run(PassShape shape, Tensor?[] tensors)
    {
        Tensor inputs = TimeFirst(tensors[(int)Place.Inputs]!, shape);
        Tensor? isStep = null;
        if (shape.Lengths is int[] lengths)
        {
            // (T, B, 1); what stands beyond the end of a sequence may be anything.
            isStep = (arange(shape.Steps).unsqueeze(1) < tensor(lengths, dtype: ScalarType.Int64).unsqueeze(0))
                .unsqueeze(2);
            inputs = where(isStep, inputs, zeros_like(inputs));
        }

        Tensor driven = matmul(inputs, tensors[(int)Place.Whx]!.t());
        Tensor transposed = tensors[(int)Place.Whh]!.t();
        Tensor state = tensors[(int)Place.InitialStates]
            ?? zeros(shape.Count, shape.HiddenSize, dtype: shape.Type);
        Tensor[] steps = driven.unbind(0);
        var states = new Tensor[shape.Steps];
        for (int t = 0; t < states.Length; t++)
        {
            state = addmm(steps[t], state, transposed, 1, 1);
            states[t] = state;
        }
        Tensor all = stack(states, 0); // (T, B, h)
        Tensor outputs = matmul(all, tensors[(int)Place.Wqh]!.t());
        if (isStep is not null)
        {
            outputs = where(isStep, outputs, zeros_like(outputs));
            Tensor last = tensor(shape.Lengths!, dtype: ScalarType.Int64) - 1;
            state = all.index(TensorIndex.Tensor(last), TensorIndex.Tensor(arange(shape.Count)));
        }
        return (TimeFirst(outputs, shape), state);
    }

    /// <summary>From the order of the pass to (time, batch, feature), or back.</summary>
    private static Tensor TimeFirst(Tensor tensor, PassShape shape) => tensor.transpose(0, shape.TimeAxis);
}
