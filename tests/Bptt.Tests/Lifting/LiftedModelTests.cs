// The model that takes S steps at once, in the numbers of a pass; and the gradients of its inputs, for every number of
// chunks around what one thread takes.

using Bptt.Kernels;
using Bptt.Lifting;
using Bptt.LinearRecurrence;

namespace Bptt.Tests.Lifting;

public class LiftedModelTests
{
    private const int D = 2;
    private const int H = 3;
    private const int Q = 1;
    private const int S = 4;

    [Fact]
    public void An_entry_that_is_not_finite_is_seen_wherever_it_is()
    {
        LiftedModel model = Random(1);
        model.AreFinite.Should().BeTrue();
        foreach (double bad in new[] { double.NaN, double.PositiveInfinity })
        {
            for (int i = 0; i < model.Lifted.Values.Length; i++)
            {
                double before = model.Lifted.Values[i];
                model.Lifted.Values[i] = bad;
                model.AreFinite.Should().BeFalse("entry {0} of the weights", i);
                model.Lifted.Values[i] = before;
            }
            for (int i = 0; i < model.Response.Values.Count; i++)
            {
                double before = model.Response.Span.Values[i];
                model.Response.Span.Values[i] = bad;
                model.AreFinite.Should().BeFalse("entry {0} of the response", i);
                model.Response.Span.Values[i] = before;
            }
        }
        model.AreFinite.Should().BeTrue();
    }

    [Fact]
    public void Rounded_to_single_precision_it_is_the_same_with_what_is_tiny_set_to_zero()
    {
        LiftedModel model = Random(2);
        model.Lifted.Values[0] = 1e-35;
        model.Lifted.Values[^1] = -1e-29;
        var context = Bptt.Passes.PassContext<float>.Alone(
            new Bptt.Passes.PassSettings<float>(KernelChoice.InSingle(KernelChoice.Default), 1, PlanTuning.Default));
        var plain = Bptt.Passes.ParameterArray<float>.ShapedLike(model.Model);
        var rounded = Bptt.Lifting.LiftedModel<float>.Rounded(model, plain, context);
        rounded.Model.Should().BeSameAs(plain);
        (rounded.ChunkLength, rounded.Sizes).Should().Be((S, model.Sizes));
        for (int i = 0; i < rounded.Lifted.Values.Length; i++)
        {
            rounded.Lifted.Values[i].Should().Be(i == 0 ? 0.0f : (float)model.Lifted.Values[i]);
        }
        for (int i = 0; i < rounded.Response.Values.Count; i++)
        {
            rounded.Response.Span.Values[i].Should().Be((float)model.Response.Span.Values[i]);
        }
    }

    /// <summary>X̄_c = Cᵀ D_c + 𝒯ᵀ G_c, written out.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    public void Gradients_of_inputs_are_those_of_the_state_and_of_the_outputs_of_each_chunk(int chunks)
    {
        LiftedModel model = Random(chunks);
        var random = new Random(chunks);
        double[] states = [.. Enumerable.Range(0, H * chunks).Select(_ => random.NextDouble() - 0.5)];
        double[] outputs = [.. Enumerable.Range(0, Q * S * chunks).Select(_ => random.NextDouble() - 0.5)];
        double[] actual = new double[D * S * chunks];
        var context = PassContext.Alone(new PassSettings(
            KernelChoice.Supported[^1], 2, PlanTuning.Default with { WorthSharing = 1.0 }));
        LiftedInputGradients.Write(model, states, outputs, actual, context);
        for (int c = 0; c < chunks; c++)
        {
            for (int step = 0; step < S; step++)
            {
                for (int row = 0; row < D; row++)
                {
                    double expected = 0.0;
                    for (int i = 0; i < H; i++)
                    {
                        expected += model.Lifted.Whx.Column((step * D) + row)[i] * states[(c * H) + i];
                    }
                    // M_{i − step} at output step i: M_{S−1} comes first.
                    for (int i = step; i < S; i++)
                    {
                        for (int k = 0; k < Q; k++)
                        {
                            expected += model.Response.Span.Column(((S - 1 - (i - step)) * D) + row)[k]
                                * outputs[(c * Q * S) + (i * Q) + k];
                        }
                    }
                    actual[(c * D * S) + (step * D) + row].Should().BeApproximately(expected, 1e-14);
                }
            }
        }
    }

    /// <summary>Any numbers in its places.</summary>
    private static LiftedModel Random(int seed)
    {
        var random = new Random(seed);
        var plain = new ParameterArray(D, H, Q);
        var lifted = new ParameterArray(D * S, H, Q * S);
        foreach (ref double entry in plain.Values)
        {
            entry = random.NextDouble() - 0.5;
        }
        foreach (ref double entry in lifted.Values)
        {
            entry = random.NextDouble() - 0.5;
        }
        double[] response = [.. Enumerable.Range(0, Q * D * S).Select(_ => random.NextDouble() - 0.5)];
        return new LiftedModel(plain, lifted, new StoredMatrix(response, Q, D * S, Q));
    }
}
