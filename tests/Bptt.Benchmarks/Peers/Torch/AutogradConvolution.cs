// Autograd without any recurrence: outputs are a convolution of the inputs with M_k = W_qh W_hh^k W_hx, which doubling
// gives and the fast Fourier transform applies. The other way to escape from h² at each step that waits for the one
// before; for sequences that start at h_0 = 0, and as long as each other.

using static TorchSharp.torch;

namespace Bptt.Benchmarks.Peers.Torch;

internal sealed class AutogradConvolution(TorchProblem problem) : AutogradPass(problem)
{
    /// <summary>Numbers of W_qh W_hh^k for all k that memory has room for, a few times over.</summary>
    private const long MostEntries = 1L << 28;

    /// <summary>Whether it can run the problem.</summary>
    public static bool Fits(Problem problem) => problem.Layout.SequenceCount == 1
        && (long)problem.Layout.ColumnCount * problem.Model.OutputSize * problem.Model.HiddenSize <= MostEntries;

    protected override Tensor Loss()
    {
        long steps = Problem.Layout.ColumnCount;
        long q = Problem.Wqh.shape[0];

        // W_qh W_hh^k for k < m, then for k < 2m
        Tensor left = Problem.Wqh;
        Tensor power = Problem.Whh;
        for (long m = 1; m < steps; m *= 2)
        {
            left = cat([left, left.mm(power)], 0);
            power = m * 2 < steps ? power.mm(power) : power;
        }
        Tensor response = left.narrow(0, 0, steps * q).mm(Problem.Whx).reshape(steps, q, -1);

        long length = 2 * steps; // so that nothing comes round
        Tensor products = fft.rfft(response, length, 0) * fft.rfft(Problem.Inputs, length, 0).unsqueeze(1);
        Tensor outputs = fft.irfft(products.sum(-1), length, 0).narrow(0, 0, steps);
        return (outputs - Problem.Targets).square().sum() * (0.5 / steps);
    }
}
