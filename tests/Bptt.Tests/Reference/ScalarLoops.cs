// The forward pass, the squared error and the backward recursion as loops over scalars, straight from the formulas, for
// any type that adds, subtracts, multiplies and divides. Obviously right and slow; shares nothing with the library.
//
//   d inputs   h hidden units   q outputs   T steps   B sequences
//   h_t = W_hx x_t + W_hh h_{t−1}    o_t = W_qh h_t    L = 1/ΣT_b Σ_b Σ_t ½‖o_t − y_t‖²

using System.Numerics;

namespace Bptt.Tests.Reference;

internal static class ScalarLoops<TScalar>
    where TScalar :
        IAdditionOperators<TScalar, TScalar, TScalar>,
        ISubtractionOperators<TScalar, TScalar, TScalar>,
        IMultiplyOperators<TScalar, TScalar, TScalar>,
        IDivisionOperators<TScalar, TScalar, TScalar>,
        IAdditiveIdentity<TScalar, TScalar>,
        IMultiplicativeIdentity<TScalar, TScalar>
{
    private static TScalar Zero => TScalar.AdditiveIdentity;

    private static TScalar One => TScalar.MultiplicativeIdentity;

    public static ScalarPass<TScalar> Forward(ScalarProblem<TScalar> problem)
    {
        var states = new TScalar[problem.SequenceCount][,];
        var outputs = new TScalar[problem.SequenceCount][,];
        for (int b = 0; b < problem.SequenceCount; b++)
        {
            TScalar[,] x = problem.Inputs[b];
            var h = new TScalar[problem.HiddenSize, problem.Length(b) + 1];
            var o = new TScalar[problem.OutputSize, problem.Length(b)];
            for (int i = 0; i < problem.HiddenSize; i++)
            {
                h[i, 0] = problem.InitialStates[i, b];
            }
            for (int t = 1; t <= problem.Length(b); t++)
            {
                for (int i = 0; i < problem.HiddenSize; i++)
                {
                    TScalar sum = Zero;
                    for (int j = 0; j < problem.InputSize; j++)
                    {
                        sum += problem.Whx[i, j] * x[j, t - 1];
                    }
                    for (int j = 0; j < problem.HiddenSize; j++)
                    {
                        sum += problem.Whh[i, j] * h[j, t - 1];
                    }
                    h[i, t] = sum;
                }
                for (int k = 0; k < problem.OutputSize; k++)
                {
                    TScalar sum = Zero;
                    for (int i = 0; i < problem.HiddenSize; i++)
                    {
                        sum += problem.Wqh[k, i] * h[i, t];
                    }
                    o[k, t - 1] = sum;
                }
            }
            states[b] = h;
            outputs[b] = o;
        }
        return new(states, outputs);
    }

    /// <summary>L = 1/ΣT_b Σ_b Σ_t ½‖o_t − y_t‖²; the targets q×T_b for each sequence.</summary>
    public static TScalar SquaredError(TScalar[][,] outputs, TScalar[][,] targets)
    {
        TScalar sum = Zero;
        for (int b = 0; b < outputs.Length; b++)
        {
            for (int k = 0; k < outputs[b].GetLength(0); k++)
            {
                for (int t = 1; t <= outputs[b].GetLength(1); t++)
                {
                    TScalar residual = outputs[b][k, t - 1] - targets[b][k, t - 1];
                    sum += residual * residual;
                }
            }
        }
        return sum / ((One + One) * TotalLength(outputs));
    }

    /// <summary>(1) ∂L/∂o_t = 1/ΣT_b (o_t − y_t).</summary>
    public static TScalar[][,] SquaredErrorGradients(TScalar[][,] outputs, TScalar[][,] targets)
    {
        var gradients = new TScalar[outputs.Length][,];
        for (int b = 0; b < outputs.Length; b++)
        {
            gradients[b] = new TScalar[outputs[b].GetLength(0), outputs[b].GetLength(1)];
            for (int k = 0; k < outputs[b].GetLength(0); k++)
            {
                for (int t = 1; t <= outputs[b].GetLength(1); t++)
                {
                    gradients[b][k, t - 1] = (outputs[b][k, t - 1] - targets[b][k, t - 1]) / TotalLength(outputs);
                }
            }
        }
        return gradients;
    }

    /// <summary>The recursion (2), (3) and the sums (5).</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="pass">Its forward pass.</param>
    /// <param name="outputGradients">∂L/∂o_t, q×T_b for each sequence.</param>
    /// <param name="finalStateGradients">What is added to ∂L/∂h_T, h×B; nothing where null.</param>
    public static ScalarGradients<TScalar> Backward(
        ScalarProblem<TScalar> problem,
        ScalarPass<TScalar> pass,
        TScalar[][,] outputGradients,
        TScalar[,]? finalStateGradients = null)
    {
        var gradients = new ScalarGradients<TScalar>(
            problem.Whx.Map(_ => Zero),
            problem.Whh.Map(_ => Zero),
            problem.Wqh.Map(_ => Zero),
            pass.States.Map(_ => Zero),
            problem.Inputs.Map(_ => Zero));

        for (int b = 0; b < problem.SequenceCount; b++)
        {
            StateGradients(problem, outputGradients[b], finalStateGradients, b, gradients.HiddenStates[b]);
            for (int t = 1; t <= problem.Length(b); t++)
            {
                Accumulate(problem, pass.States[b], outputGradients[b], b, t, gradients);
            }
        }
        return gradients;
    }

    /// <summary>∂L/∂h_T … ∂L/∂h_0 of one sequence.</summary>
    private static void StateGradients(
        ScalarProblem<TScalar> problem,
        TScalar[,] outputGradients,
        TScalar[,]? finalStateGradients,
        int b,
        TScalar[,] gradients)
    {
        int length = problem.Length(b);
        for (int t = length; t >= 0; t--)
        {
            for (int i = 0; i < problem.HiddenSize; i++)
            {
                TScalar sum = Zero;
                if (t == length && finalStateGradients is not null)
                {
                    sum += finalStateGradients[i, b];
                }
                if (t < length)
                {
                    for (int j = 0; j < problem.HiddenSize; j++)
                    {
                        sum += problem.Whh[j, i] * gradients[j, t + 1];
                    }
                }
                if (t > 0)
                {
                    for (int k = 0; k < problem.OutputSize; k++)
                    {
                        sum += problem.Wqh[k, i] * outputGradients[k, t - 1];
                    }
                }
                gradients[i, t] = sum;
            }
        }
    }

    /// <summary>The terms of step t in (5), and ∂L/∂x_t = W_hxᵀ ∂L/∂h_t.</summary>
    private static void Accumulate(
        ScalarProblem<TScalar> problem,
        TScalar[,] states,
        TScalar[,] outputGradients,
        int b,
        int t,
        ScalarGradients<TScalar> gradients)
    {
        TScalar[,] stateGradients = gradients.HiddenStates[b];
        for (int i = 0; i < problem.HiddenSize; i++)
        {
            for (int j = 0; j < problem.InputSize; j++)
            {
                gradients.Whx[i, j] += stateGradients[i, t] * problem.Inputs[b][j, t - 1];
                gradients.Inputs[b][j, t - 1] += problem.Whx[i, j] * stateGradients[i, t];
            }
            for (int j = 0; j < problem.HiddenSize; j++)
            {
                gradients.Whh[i, j] += stateGradients[i, t] * states[j, t - 1];
            }
            for (int k = 0; k < problem.OutputSize; k++)
            {
                gradients.Wqh[k, i] += outputGradients[k, t - 1] * states[i, t];
            }
        }
    }

    /// <summary>ΣT_b.</summary>
    private static TScalar TotalLength(TScalar[][,] outputs)
    {
        TScalar total = Zero;
        for (int b = 0; b < outputs.Length; b++)
        {
            for (int t = 1; t <= outputs[b].GetLength(1); t++)
            {
                total += One;
            }
        }
        return total;
    }
}
