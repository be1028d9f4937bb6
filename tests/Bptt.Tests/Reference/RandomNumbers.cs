// Random numbers of the kinds that scenarios are made of, from one seed. No problem is put together here.

namespace Bptt.Tests.Reference;

internal sealed class RandomNumbers(int seed)
{
    private readonly Random _random = new(seed);

    /// <summary>Standard normal numbers (Box and Muller).</summary>
    public double[,] Normal(int rows, int columns) => new double[rows, columns].Map(_ => Normal());

    /// <summary>Standard normal numbers in the shape of the outputs of a problem, q×T_b for each sequence.</summary>
    public double[][,] LikeOutputs(ScalarProblem<double> problem) =>
        Array.ConvertAll(problem.Inputs, inputs => Normal(problem.OutputSize, inputs.GetLength(1)));

    /// <summary>A random square matrix of the given spectral radius.</summary>
    public double[,] WithSpectralRadius(int size, double radius)
    {
        double[,] matrix = Normal(size, size);
        double largest = matrix.ToMatrix().Evd().EigenValues.Max(eigenvalue => eigenvalue.Magnitude);
        return matrix.Map(value => value * radius / largest);
    }

    /// <summary>Weights of which about a third are 0; of three or more sequences the second is masked altogether. At
    /// least one weight is above 0.</summary>
    public double[][] StepWeights(int[] lengths)
    {
        double[][] weights = Array.ConvertAll(
            lengths, length => Enumerable.Range(0, length).Select(_ => StepWeight()).ToArray());
        if (weights.Length >= 3)
        {
            Array.Clear(weights[1]);
        }
        weights[0][0] = 1.25;
        return weights;
    }

    /// <summary>Targets near the outputs, with residuals that keep clear of δ, the kink of the Huber loss, on either
    /// side: |o − y| is in [0.05 δ, 0.7 δ] or in [1.4 δ, 3 δ]. NaN where the weight is 0.</summary>
    public double[][,] Targets(double[][,] outputs, double delta, double[][]? weights)
    {
        double[][,] targets = outputs.Map(output =>
        {
            double size = _random.Next(2) == 0 ? Uniform(0.05, 0.7) : Uniform(1.4, 3.0);
            return output + (_random.Next(2) == 0 ? size * delta : -size * delta);
        });
        ForMasked(weights, (b, t) =>
        {
            for (int k = 0; k < targets[b].GetLength(0); k++)
            {
                targets[b][k, t - 1] = double.NaN;
            }
        });
        return targets;
    }

    /// <summary>Labels from 0 to q − 1; −1 where the weight is 0.</summary>
    public int[][] Labels(int outputSize, int[] lengths, double[][]? weights)
    {
        int[][] labels = Array.ConvertAll(
            lengths, length => Enumerable.Range(0, length).Select(_ => _random.Next(outputSize)).ToArray());
        ForMasked(weights, (b, t) => labels[b][t - 1] = -1);
        return labels;
    }

    public static double RootMeanSquare(double[][,] matrices)
    {
        double[] values = [.. matrices.SelectMany(matrix => matrix.Cast<double>())];
        return Math.Sqrt(values.Sum(value => value * value) / values.Length);
    }

    private double Normal() =>
        Math.Sqrt(-2.0 * Math.Log(1.0 - _random.NextDouble())) * Math.Cos(2.0 * Math.PI * _random.NextDouble());

    private double StepWeight() => _random.Next(3) == 0 ? 0.0 : Uniform(0.5, 2.0);

    private double Uniform(double from, double to) => from + ((to - from) * _random.NextDouble());

    private static void ForMasked(double[][]? weights, Action<int, int> action)
    {
        for (int b = 0; b < (weights?.Length ?? 0); b++)
        {
            for (int t = 1; t <= weights![b].Length; t++)
            {
                if (weights[b][t - 1] == 0.0)
                {
                    action(b, t);
                }
            }
        }
    }
}
