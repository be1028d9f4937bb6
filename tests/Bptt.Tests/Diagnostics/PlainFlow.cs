// Flows and shares straight from their definitions, one source after the other. Slow and obviously right.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Diagnostics;

internal sealed record PlainFlow(double[] Mean, double[] Last)
{
    public static PlainFlow Of(BackwardThroughTime backward, Matrix<double>? finalStateGradients)
    {
        ForwardPass forward = backward.Forward;
        Matrix<double> whhTransposed = forward.Model.Whh.Transpose();
        Matrix<double> wqhTransposed = forward.Model.Wqh.Transpose();
        int lags = forward.Lengths.Max();
        double[] mean = new double[lags];
        double[] last = new double[lags];
        for (int b = 0; b < forward.SequenceCount; b++)
        {
            for (int s = 1; s <= forward.Lengths[b]; s++)
            {
                Vector<double> source = wqhTransposed * backward.OutputGradient(s, b);
                bool isLast = s == forward.Lengths[b];
                if (isLast && finalStateGradients is not null)
                {
                    source += finalStateGradients.Column(b);
                }
                for (int k = 0; k < lags; k++)
                {
                    double square = source.DotProduct(source);
                    mean[k] += square;
                    last[k] += isLast ? square : 0;
                    source = whhTransposed * source;
                }
            }
        }
        double sources = forward.Lengths.Sum();
        return new(
            Array.ConvertAll(mean, square => Math.Sqrt(square / sources)),
            Array.ConvertAll(last, square => Math.Sqrt(square / forward.SequenceCount)));
    }

    public static double[] Shares(BackwardThroughTime backward, int sequence)
    {
        Matrix<double> whh = backward.Gradients.Whh;
        double square = whh.PointwisePower(2).Enumerate().Sum();
        return
        [
            .. Enumerable.Range(1, backward.Forward.Lengths[sequence]).Select(t => square == 0 ? 0
                : backward.HiddenStateGradient(t, sequence).DotProduct(
                    whh * backward.Forward.HiddenState(t - 1, sequence)) / square),
        ];
    }
}
