// The gradients that a truncation leaves, by loops over scalars, straight from the definitions of Truncation.cs: paths
// that are too long are not walked, cut edges are not crossed. Shares nothing with the library.

namespace Bptt.Tests.Reference;

internal static class TruncatedRecursion
{
    /// <summary>All gradients of a problem.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="pass">Its forward pass.</param>
    /// <param name="outputGradients">∂L/∂o_t, q×T_b for each sequence.</param>
    /// <param name="finalStateGradients">e_b, h×B, or null; of the loss of step T.</param>
    /// <param name="kind">Lags or Windows; null for none.</param>
    /// <param name="k">Lags: each loss reaches k states. Windows: the edge from t + 1 to t is cut at t = k, 2k,
    /// …</param>
    public static ScalarGradients<double> Backward(
        ScalarProblem<double> problem,
        ScalarPass<double> pass,
        double[][,] outputGradients,
        double[,]? finalStateGradients,
        TruncationKind? kind,
        int k)
    {
        var gradients = new ScalarGradients<double>(
            problem.Whx.Map(_ => 0.0), problem.Whh.Map(_ => 0.0), problem.Wqh.Map(_ => 0.0),
            pass.States.Map(_ => 0.0), problem.Inputs.Map(_ => 0.0));
        for (int b = 0; b < problem.SequenceCount; b++)
        {
            double[,] all = gradients.HiddenStates[b];
            for (int source = 1; source <= problem.Length(b); source++)
            {
                double[] sent = Source(problem, outputGradients[b], finalStateGradients, b, source);
                for (int t = source; t >= 0; t--)
                {
                    if (t < source)
                    {
                        bool isCut = kind switch
                        {
                            TruncationKind.Lags => source - t >= k,
                            TruncationKind.Windows => t > 0 && t % k == 0,
                            _ => false,
                        };
                        if (isCut)
                        {
                            break;
                        }
                        sent = OneStepBack(problem.Whh, sent);
                    }
                    for (int i = 0; i < sent.Length; i++)
                    {
                        all[i, t] += sent[i];
                    }
                }
            }
            AddWeightGradients(problem, pass.States[b], outputGradients[b], b, gradients);
        }
        return gradients;
    }

    /// <summary>W_qhᵀ ∂L/∂o_t, and at the last step e_b.</summary>
    private static double[] Source(
        ScalarProblem<double> problem, double[,] outputGradients, double[,]? finalStateGradients, int b, int t)
    {
        double[] sum = new double[problem.HiddenSize];
        for (int i = 0; i < sum.Length; i++)
        {
            for (int o = 0; o < problem.OutputSize; o++)
            {
                sum[i] += problem.Wqh[o, i] * outputGradients[o, t - 1];
            }
            sum[i] += t == problem.Length(b) && finalStateGradients is not null ? finalStateGradients[i, b] : 0.0;
        }
        return sum;
    }

    private static double[] OneStepBack(double[,] whh, double[] gradient)
    {
        double[] earlier = new double[gradient.Length];
        for (int i = 0; i < earlier.Length; i++)
        {
            for (int j = 0; j < earlier.Length; j++)
            {
                earlier[i] += whh[j, i] * gradient[j];
            }
        }
        return earlier;
    }

    private static void AddWeightGradients(
        ScalarProblem<double> problem,
        double[,] states,
        double[,] outputGradients,
        int b,
        ScalarGradients<double> gradients)
    {
        double[,] ofStates = gradients.HiddenStates[b];
        for (int t = 1; t <= problem.Length(b); t++)
        {
            for (int i = 0; i < problem.HiddenSize; i++)
            {
                for (int j = 0; j < problem.InputSize; j++)
                {
                    gradients.Whx[i, j] += ofStates[i, t] * problem.Inputs[b][j, t - 1];
                    gradients.Inputs[b][j, t - 1] += problem.Whx[i, j] * ofStates[i, t];
                }
                for (int j = 0; j < problem.HiddenSize; j++)
                {
                    gradients.Whh[i, j] += ofStates[i, t] * states[j, t - 1];
                }
                for (int o = 0; o < problem.OutputSize; o++)
                {
                    gradients.Wqh[o, i] += outputGradients[o, t - 1] * states[i, t];
                }
            }
        }
    }
}
