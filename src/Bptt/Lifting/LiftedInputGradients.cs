// The gradients of the inputs of chunks.
//
//   X̄_c = Cᵀ D_c + 𝒯ᵀ G_c, dS: by way of the state at the end of the chunk, and of its own outputs

using System.Numerics;
using Bptt.Kernels;
using Bptt.Passes;

namespace Bptt.Lifting;

/// <summary>∂L/∂x_t without any ∂L/∂h_t within the chunks.</summary>
internal static class LiftedInputGradients
{
    /// <summary>Chunks that one thread takes at a time.</summary>
    private const int ChunksOfPart = 32;

    /// <summary>Writes them for chunks that follow each other.</summary>
    /// <param name="model">The lifted model.</param>
    /// <param name="stateGradients">D at the end of each chunk, h×n.</param>
    /// <param name="outputGradients">G, qS×n.</param>
    /// <param name="inputGradients">Receives X̄, dS×n.</param>
    /// <param name="context">Kernels, threads and memory.</param>
    public static void Write<TReal>(
        LiftedModel<TReal> model,
        TReal[] stateGradients,
        TReal[] outputGradients,
        Span<TReal> inputGradients,
        PassContext<TReal> context)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal>
    {
        ParameterArray<TReal> lifted = model.Lifted;
        (int inputs, int h, int outputs) = (lifted.InputSize, lifted.HiddenSize, lifted.OutputSize);
        int chunks = stateGradients.Length / h;
        var direct = new TReal[(long)inputs * outputs];
        var toeplitz = new MatrixSpan<TReal>(direct, outputs, inputs, outputs);
        DirectTerm<TReal>.Write(model.Response.Span, 0, toeplitz);
        PackedMatrix<TReal> byState = Pack(lifted.Whx.T, inputs, h);
        PackedMatrix<TReal> byOutput = Pack(toeplitz.T, inputs, outputs);
        var result = new TReal[inputGradients.Length];
        context.Each(
            (chunks + ChunksOfPart - 1) / ChunksOfPart,
            part =>
            {
                int first = part * ChunksOfPart;
                int count = Math.Min(ChunksOfPart, chunks - first);
                var target = new MatrixSpan<TReal>(
                    result.AsSpan(first * inputs, count * inputs), inputs, count, inputs);
                context.Kernels.Multiply(byState, Columns(stateGradients, first, count, h), target);
                context.Kernels.Step(byOutput, Columns(outputGradients, first, count, outputs), target, target);
            },
            2.0 * inputs * (h + outputs) * chunks);
        result.CopyTo(inputGradients);

        PackedMatrix<TReal> Pack(MatrixView<TReal> a, int rows, int columns) =>
            context.Kernels.Pack(a, PackedFor.Columns, context.PackedStorage(rows, columns, PackedFor.Columns));
    }

    private static MatrixView<TReal> Columns<TReal>(TReal[] columns, int first, int count, int rows)
        where TReal : unmanaged, IBinaryFloatingPointIeee754<TReal> =>
        new(columns.AsSpan(first * rows, count * rows), rows, count, rows);
}
