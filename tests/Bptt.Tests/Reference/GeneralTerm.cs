// The general term of the derivation, by explicit powers of W_hhᵀ, and the parameter gradients from it. No recursion:
// every ∂L/∂h_t stands for itself, at cost O(T²).
//
//   ∂L/∂h_t = Σ_{i=t..T} (W_hhᵀ)^{T−i} W_qhᵀ ∂L/∂o_{T+t−i}                                            (4)
//   ∂L/∂W_qh = Σ ∂L/∂o_t h_tᵀ    ∂L/∂W_hx = Σ ∂L/∂h_t x_tᵀ    ∂L/∂W_hh = Σ ∂L/∂h_t h_{t−1}ᵀ            (5)

using System.Numerics;

namespace Bptt.Tests.Reference;

internal static class GeneralTerm<TScalar>
    where TScalar :
        IAdditionOperators<TScalar, TScalar, TScalar>,
        IMultiplyOperators<TScalar, TScalar, TScalar>,
        IAdditiveIdentity<TScalar, TScalar>,
        IMultiplicativeIdentity<TScalar, TScalar>
{
    /// <summary>All gradients of a problem.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="pass">Its forward pass.</param>
    /// <param name="outputGradients">∂L/∂o_t, q×T_b for each sequence.</param>
    /// <param name="finalStateGradients">e_b, h×B, or null. Adds (W_hhᵀ)^{T−t} e_b to ∂L/∂h_t.</param>
    public static ScalarGradients<TScalar> Backward(
        ScalarProblem<TScalar> problem,
        ScalarPass<TScalar> pass,
        TScalar[][,] outputGradients,
        TScalar[,]? finalStateGradients = null)
    {
        int longest = problem.Inputs.Max(inputs => inputs.GetLength(1));
        TScalar[][,] powers = Powers(Transpose(problem.Whh), longest);

        TScalar[,] whx = problem.Whx.Map(_ => TScalar.AdditiveIdentity);
        TScalar[,] whh = problem.Whh.Map(_ => TScalar.AdditiveIdentity);
        TScalar[,] wqh = problem.Wqh.Map(_ => TScalar.AdditiveIdentity);
        var hiddenStates = new TScalar[problem.SequenceCount][,];
        var inputs = new TScalar[problem.SequenceCount][,];
        for (int b = 0; b < problem.SequenceCount; b++)
        {
            int length = problem.Length(b);
            TScalar[,] pulledBack = Multiply(Transpose(problem.Wqh), outputGradients[b]); // W_qhᵀ ∂L/∂o_t

            var all = new TScalar[problem.HiddenSize, length + 1];
            for (int t = 0; t <= length; t++)
            {
                TScalar[,] sum = TermSum(powers, pulledBack, length, t);
                if (finalStateGradients is not null)
                {
                    sum = Add(sum, Multiply(powers[length - t], Columns(finalStateGradients, b, 1)));
                }
                for (int i = 0; i < problem.HiddenSize; i++)
                {
                    all[i, t] = sum[i, 0];
                }
            }
            hiddenStates[b] = all;

            TScalar[,] d = Columns(all, 1, length);
            inputs[b] = Multiply(Transpose(problem.Whx), d);
            whx = Add(whx, Multiply(d, Transpose(problem.Inputs[b])));
            whh = Add(whh, Multiply(d, Transpose(Columns(pass.States[b], 0, length))));
            wqh = Add(wqh, Multiply(outputGradients[b], Transpose(Columns(pass.States[b], 1, length))));
        }
        return new(whx, whh, wqh, hiddenStates, inputs);
    }

    /// <summary>(4) for one t, h×1. At t = 0 the term i = T is absent, since there is no o_0.</summary>
    private static TScalar[,] TermSum(TScalar[][,] powers, TScalar[,] pulledBack, int length, int t)
    {
        var sum = new TScalar[pulledBack.GetLength(0), 1];
        sum = sum.Map(_ => TScalar.AdditiveIdentity);
        for (int i = t; i <= length; i++)
        {
            int step = length + t - i;
            if (step > 0)
            {
                sum = Add(sum, Multiply(powers[length - i], Columns(pulledBack, step - 1, 1)));
            }
        }
        return sum;
    }

    /// <summary>The powers 0 … highest of a square matrix.</summary>
    private static TScalar[][,] Powers(TScalar[,] matrix, int highest)
    {
        int size = matrix.GetLength(0);
        var powers = new TScalar[highest + 1][,];
        powers[0] = new TScalar[size, size];
        for (int i = 0; i < size; i++)
        {
            for (int j = 0; j < size; j++)
            {
                powers[0][i, j] = i == j ? TScalar.MultiplicativeIdentity : TScalar.AdditiveIdentity;
            }
        }
        for (int k = 1; k <= highest; k++)
        {
            powers[k] = Multiply(powers[k - 1], matrix);
        }
        return powers;
    }

    private static TScalar[,] Multiply(TScalar[,] left, TScalar[,] right)
    {
        var product = new TScalar[left.GetLength(0), right.GetLength(1)];
        for (int i = 0; i < product.GetLength(0); i++)
        {
            for (int j = 0; j < product.GetLength(1); j++)
            {
                TScalar sum = TScalar.AdditiveIdentity;
                for (int k = 0; k < left.GetLength(1); k++)
                {
                    sum += left[i, k] * right[k, j];
                }
                product[i, j] = sum;
            }
        }
        return product;
    }

    private static TScalar[,] Add(TScalar[,] left, TScalar[,] right)
    {
        var sum = new TScalar[left.GetLength(0), left.GetLength(1)];
        for (int i = 0; i < sum.GetLength(0); i++)
        {
            for (int j = 0; j < sum.GetLength(1); j++)
            {
                sum[i, j] = left[i, j] + right[i, j];
            }
        }
        return sum;
    }

    private static TScalar[,] Transpose(TScalar[,] matrix)
    {
        var transpose = new TScalar[matrix.GetLength(1), matrix.GetLength(0)];
        for (int i = 0; i < matrix.GetLength(0); i++)
        {
            for (int j = 0; j < matrix.GetLength(1); j++)
            {
                transpose[j, i] = matrix[i, j];
            }
        }
        return transpose;
    }

    /// <summary>Columns first … first + count − 1.</summary>
    private static TScalar[,] Columns(TScalar[,] matrix, int first, int count)
    {
        var columns = new TScalar[matrix.GetLength(0), count];
        for (int i = 0; i < matrix.GetLength(0); i++)
        {
            for (int j = 0; j < count; j++)
            {
                columns[i, j] = matrix[i, first + j];
            }
        }
        return columns;
    }
}
