// The objectives once more, straight from their formulas and in complex numbers, so that the same code gives L and, by
// a complex step, ∂L/∂o_t. It writes no derivative down and knows nothing of the library but the names of the
// reductions.
//
//   Im f(o + i·s) / s = f′(o) + O(s²): no subtraction, so s = 1e-30 leaves nothing but rounding (Squire and Trapp 1998)

using System.Numerics;

namespace Bptt.Tests.Reference;

/// <summary>ℓ(o_t, y_t) of one step; the sequence counts from 0, t from 1. Analytic near the real numbers.</summary>
internal delegate Complex ComplexStepLoss(Complex[] output, int sequence, int t);

/// <summary>L as a function of the outputs.</summary>
internal sealed class ComplexObjective(
    ComplexStepLoss stepLoss, Reduction reduction, double[][]? stepWeights, double? normalizer)
{
    public const double Step = 1e-30;

    /// <summary>½‖o_t − y_t‖².</summary>
    public static ComplexStepLoss SquaredError(double[][,] targets) =>
        (output, b, t) => SumOverOutputs(output, (o, k) =>
        {
            Complex r = o - targets[b][k, t - 1];
            return r * r / 2.0;
        });

    /// <summary>For each output r²/2 where |r| ≤ δ and δ(|r| − δ/2) beyond, with r = o − y.</summary>
    public static ComplexStepLoss Huber(double[][,] targets, double delta) =>
        (output, b, t) => SumOverOutputs(output, (o, k) =>
        {
            Complex r = o - targets[b][k, t - 1];
            Complex absolute = r.Real < 0 ? -r : r;
            return absolute.Real <= delta ? r * r / 2.0 : delta * (absolute - (delta / 2.0));
        });

    /// <summary>log Σ_i exp(o_ti) − o_t,y with the label y.</summary>
    public static ComplexStepLoss CrossEntropy(int[][] labels) =>
        (output, b, t) =>
            Complex.Log(SumOverOutputs(output, (o, _) => Complex.Exp(o))) - output[labels[b][t - 1]];

    /// <summary>Σ_k log cosh(o_k − y_k).</summary>
    public static ComplexStepLoss LogCosh(double[][,] targets) =>
        (output, b, t) => SumOverOutputs(output, (o, k) =>
        {
            Complex r = o - targets[b][k, t - 1];
            return Complex.Log((Complex.Exp(r) + Complex.Exp(-r)) / 2.0);
        });

    /// <summary>L of the outputs, q×T_b for each sequence.</summary>
    public Complex Loss(Complex[][,] outputs)
    {
        Complex sumOverSteps = 0.0;
        Complex sumOfMeans = 0.0;
        double totalWeight = 0.0;
        int sequencesWithWeight = 0;
        for (int b = 0; b < outputs.Length; b++)
        {
            Complex sum = 0.0;
            double weights = 0.0;
            for (int t = 1; t <= outputs[b].GetLength(1); t++)
            {
                double weight = stepWeights is null ? 1.0 : stepWeights[b][t - 1];
                if (weight > 0.0)
                {
                    sum += weight * stepLoss(Column(outputs[b], t - 1), b, t);
                    weights += weight;
                }
            }
            sumOverSteps += sum;
            totalWeight += weights;
            if (weights > 0.0)
            {
                sumOfMeans += sum / weights;
                sequencesWithWeight++;
            }
        }

        return reduction switch
        {
            Reduction.MeanPerStep => sumOverSteps / (normalizer ?? totalWeight),
            Reduction.MeanPerSequence => sumOfMeans / (normalizer ?? sequencesWithWeight),
            _ => sumOverSteps / (normalizer ?? 1.0),
        };
    }

    /// <summary>∂L/∂o_t for every step, by a complex step in every output.</summary>
    public double[][,] Gradients(double[][,] outputs)
    {
        Complex[][,] complex = outputs.Map(o => (Complex)o);
        double[][,] gradients = outputs.Map(_ => 0.0);
        for (int b = 0; b < outputs.Length; b++)
        {
            for (int k = 0; k < outputs[b].GetLength(0); k++)
            {
                for (int t = 1; t <= outputs[b].GetLength(1); t++)
                {
                    complex[b][k, t - 1] = new Complex(outputs[b][k, t - 1], Step);
                    gradients[b][k, t - 1] = Loss(complex).Imaginary / Step;
                    complex[b][k, t - 1] = outputs[b][k, t - 1];
                }
            }
        }
        return gradients;
    }

    private static Complex SumOverOutputs(Complex[] output, Func<Complex, int, Complex> term)
    {
        Complex sum = 0.0;
        for (int k = 0; k < output.Length; k++)
        {
            sum += term(output[k], k);
        }
        return sum;
    }

    private static Complex[] Column(Complex[,] matrix, int column)
    {
        var values = new Complex[matrix.GetLength(0)];
        for (int k = 0; k < values.Length; k++)
        {
            values[k] = matrix[k, column];
        }
        return values;
    }
}
