// What the table compares: one forward and one backward pass, as Bptt or a peer computes it.

namespace Bptt.Benchmarks.Peers;

/// <summary>A program that has been given its data and can run the pass again and again.</summary>
internal interface IPass : IDisposable
{
    /// <summary>One forward and one backward pass: L and the gradients of the three weight matrices.</summary>
    void Run();

    /// <summary>What the last run computed.</summary>
    PassResult ReadResult();
}

/// <summary>L and its gradients.</summary>
internal sealed record PassResult(double Loss, Gradients Gradients)
{
    /// <summary>The greatest relative error in L or in a gradient, each gradient measured by the Frobenius
    /// norm.</summary>
    public double ErrorAgainst(PassResult reference)
    {
        double[] errors =
        [
            Math.Abs(Loss - reference.Loss) / Math.Abs(reference.Loss),
            (Gradients.Whx - reference.Gradients.Whx).FrobeniusNorm() / reference.Gradients.WhxNorm(),
            (Gradients.Whh - reference.Gradients.Whh).FrobeniusNorm() / reference.Gradients.WhhNorm(),
            (Gradients.Wqh - reference.Gradients.Wqh).FrobeniusNorm() / reference.Gradients.WqhNorm(),
        ];
        return errors.Any(double.IsNaN) ? double.NaN : errors.Max();
    }
}
