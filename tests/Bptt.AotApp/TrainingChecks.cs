// A training from random weights, by Levenberg-Marquardt, back to a system whose impulse response is known in closed
// form.

using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.AotApp;

internal static class TrainingChecks
{
    private const int Steps = 300;

    /// <summary>The responses of two units that turn by 45 degrees and shrink by √2 a step, to 1e-17 over these
    /// steps.</summary>
    private const int ResponseSteps = 110;

    public static void Run()
    {
        double[] x = [.. Enumerable.Range(0, Steps).Select(t => Math.Cos(0.3 * t * t))];
        double[] y = [.. Enumerable.Range(0, Steps).Select(t =>
            Enumerable.Range(0, Math.Min(t + 1, ResponseSteps)).Sum(k => Response(k) * x[t - k]))];
        var objective = Objective.SquaredError(Row(y));

        LinearRnn start = Initializer.Orthogonal(1, 2, 1, seed: 1, spectralRadius: 0.9);
        TrainingResult found = Trainer.Run(
            start, Row(x), objective, new TrainerOptions { Optimizer = new LevenbergMarquardt() });

        Expect.True($"training to a loss below 1e-20: {found.BestLoss}", found.BestLoss < 1e-20);
        double[,] response = new double[20, 1];
        double[,] expected = new double[20, 1];
        Matrix<double> state = found.Model.Whx;
        for (int k = 0; k < 20; k++)
        {
            response[k, 0] = (found.Model.Wqh * state)[0, 0];
            expected[k, 0] = Response(k);
            state = found.Model.Whh * state;
        }
        Expect.Near("training, W_qh W_hhᵏ W_hx", response, expected, 1e-9);
    }

    /// <summary>W_qh W_hhᵏ W_hx with W_hx = (1, ½)ᵀ, W_hh = ((½, −½), (½, ½)) and W_qh = (1, 2).</summary>
    private static double Response(int k)
    {
        double angle = k * Math.PI / 4.0;
        return Math.Pow(2.0, -k / 2.0) * ((2.0 * Math.Cos(angle)) + (1.5 * Math.Sin(angle)));
    }

    private static Matrix<double> Row(double[] values) => Matrix<double>.Build.Dense(1, values.Length, values);
}
