// The model as one writes it first with torch: a product at every step of every sequence, differentiated by autograd.
// Slow, and obviously right.

namespace Bptt.TorchSharp.Tests;

internal static class TorchReference
{
    /// <summary>Runs the model.</summary>
    /// <param name="inputs">(T, B, d).</param>
    /// <param name="whx">(h, d).</param>
    /// <param name="whh">(h, h).</param>
    /// <param name="wqh">(q, h).</param>
    /// <param name="initialStates">(B, h); zero where null.</param>
    /// <param name="lengths">T_b; null for T.</param>
    /// <returns>(T, B, q), zero beyond the end of a sequence, and (B, h).</returns>
    public static (Tensor Outputs, Tensor FinalStates) Run(
        Tensor inputs, Tensor whx, Tensor whh, Tensor wqh, Tensor? initialStates = null, int[]? lengths = null)
    {
        (int steps, int count) = ((int)inputs.shape[0], (int)inputs.shape[1]);
        var sequences = new Tensor[count];
        var finalStates = new Tensor[count];
        for (int b = 0; b < count; b++)
        {
            Tensor state = initialStates is null ? zeros(whh.shape[0], dtype: whh.dtype) : initialStates[b];
            var outputs = new Tensor[steps];
            for (int t = 0; t < steps; t++)
            {
                if (t < (lengths?[b] ?? steps))
                {
                    state = whx.mv(inputs[t, b]) + whh.mv(state);
                    outputs[t] = wqh.mv(state);
                }
                else
                {
                    outputs[t] = zeros(wqh.shape[0], dtype: wqh.dtype);
                }
            }
            sequences[b] = stack(outputs, 0);
            finalStates[b] = state;
        }
        return (stack(sequences, 1), stack(finalStates, 0));
    }
}
