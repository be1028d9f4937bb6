// Random weights, inputs and states for a comparison with torch. The seed says all.

namespace Bptt.TorchSharp.Tests;

/// <summary>Tensors of one problem, in the order of <see cref="Names"/>; all want gradients.</summary>
/// <param name="Inputs">(T, B, d).</param>
/// <param name="Whx">(h, d).</param>
/// <param name="Whh">(h, h).</param>
/// <param name="Wqh">(q, h).</param>
/// <param name="InitialStates">(B, h).</param>
internal sealed record Problem(Tensor Inputs, Tensor Whx, Tensor Whh, Tensor Wqh, Tensor InitialStates)
{
    public static readonly string[] Names = ["x", "W_hx", "W_hh", "W_qh", "h_0"];

    public Tensor[] Tensors => [Inputs, Whx, Whh, Wqh, InitialStates];

    /// <summary>A problem whose W_hh has a spectral radius near 0.9.</summary>
    public static Problem Of(
        long seed, int steps, int count, int d, int h, int q, ScalarType type = ScalarType.Float64)
    {
        manual_seed(seed);
        return new Problem(
            Random(1.0, steps, count, d),
            Random(1.0 / Math.Sqrt(d), h, d),
            Random(0.9 / Math.Sqrt(h), h, h),
            Random(1.0 / Math.Sqrt(h), q, h),
            Random(1.0, count, h));

        Tensor Random(double scale, params long[] sizes) =>
            randn(sizes, dtype: ScalarType.Float64).mul(scale).to(type).requires_grad_();
    }

    /// <summary>The same numbers in tensors of their own, in another type perhaps.</summary>
    public Problem Copy(ScalarType? type = null)
    {
        Tensor[] copies = [.. Tensors.Select(
            tensor => tensor.detach().to(type ?? tensor.dtype).clone().requires_grad_())];
        return new Problem(copies[0], copies[1], copies[2], copies[3], copies[4]);
    }

    /// <summary>A layer with these weights.</summary>
    public LinearRnnLayer ToLayer(bool batchFirst = false, LinearRnnOptions? options = null)
    {
        var layer = new LinearRnnLayer(
            (int)Whx.shape[1], (int)Whh.shape[0], (int)Wqh.shape[0], batchFirst, Whh.dtype, options);
        using IDisposable noTape = no_grad();
        layer.Whx.copy_(Whx);
        layer.Whh.copy_(Whh);
        layer.Wqh.copy_(Wqh);
        return layer;
    }

    /// <summary>A scalar that depends on every output and final state, each in its own way.</summary>
    public static Tensor Loss(Tensor outputs, Tensor finalStates)
    {
        Tensor weights = linspace(0.5, 1.5, outputs.numel(), dtype: outputs.dtype).view(outputs.shape);
        Tensor ofStates = linspace(-1.0, 2.0, finalStates.numel(), dtype: outputs.dtype).view(finalStates.shape);
        return ((outputs * weights).sin() + outputs.square() * 0.1).sum() + (finalStates * ofStates).sum();
    }

    /// <summary>‖a − b‖ / ‖b‖.</summary>
    public static double Error(Tensor a, Tensor b)
    {
        Tensor expected = b.detach().to(ScalarType.Float64);
        Tensor difference = a.detach().to(ScalarType.Float64) - expected;
        return difference.norm().item<double>() / Math.Max(expected.norm().item<double>(), 1e-300);
    }
}
