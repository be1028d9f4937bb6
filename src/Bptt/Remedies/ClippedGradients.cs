// The result of a clipping. Decides nothing.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Remedies;

/// <summary>What clipping made of the gradients: those to move by, what a certificate needs to know of them
/// (<see cref="Factor"/>), and the norm that tells how much was clipped.</summary>
public sealed class ClippedGradients
{
    internal ClippedGradients(
        Gradients gradients, Matrix<double>? initialStateGradients, double normBefore, double? factor)
    {
        Factor = factor;
        Gradients = gradients;
        InitialStateGradients = initialStateGradients;
        NormBefore = normBefore;
    }

    /// <summary>The gradients of the weights after clipping.</summary>
    public Gradients Gradients { get; }

    /// <summary>∂L/∂h_0 after clipping, h×B; null where it was not given.</summary>
    public Matrix<double>? InitialStateGradients { get; }

    /// <summary>What every gradient was multiplied by, 1 where nothing was clipped; null where there is no one factor
    /// for all. For global-norm clipping it is min(1, θ/‖g‖).</summary>
    public double? Factor { get; }

    /// <summary>The norm of all that was given; infinite where it exceeds the largest double though no entry
    /// does.</summary>
    public double NormBefore { get; }
}
