// The two families of predictors that forecasting chooses from, each fitted on differenced rows.
//
//   d  inputs      h  hidden units      q  outputs      n  rows of w

using Bptt.Files;
using Bptt.Optimization;
using Bptt.Training;
using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Forecasting;

/// <summary>What is fitted.</summary>
internal abstract record PredictorKind
{
    /// <summary>Numbers that are fitted for each output.</summary>
    public abstract double ParameterCount(int inputSize, int outputSize);

    /// <summary>Fits on rows of values; null where they are too few, or nothing is finite.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="transform">What is done to them.</param>
    /// <param name="known">What fits of other sizes on the same rows have found.</param>
    public PredictorFit? Fit(SeriesRows rows, SeriesTransform transform, FreeProblems? known = null)
    {
        if (rows.Count - transform.Lost < 4)
        {
            return null;
        }
        return FitDifferences(rows.Differenced(transform), transform, known ?? new FreeProblems())
            ?.WithNoise(rows, ParameterCount(rows.InputSize, rows.OutputSize));
    }

    protected abstract PredictorFit? FitDifferences(
        SeriesRows rows, SeriesTransform transform, FreeProblems known);
}

/// <summary>An ARMA model for each output by itself, by maximum likelihood; inputs have no effect.</summary>
/// <param name="Orders">For each output.</param>
internal sealed record ArmaKind(ArmaOrders[] Orders) : PredictorKind
{
    public override double ParameterCount(int inputSize, int outputSize) =>
        Orders.Average(o => o.ParameterCount - 1.0);

    protected override PredictorFit? FitDifferences(
        SeriesRows rows, SeriesTransform transform, FreeProblems known)
    {
        Matrix<double>? whh = null;
        Matrix<double>? gain = null;
        Matrix<double>? wqh = null;
        List<double> start = [];
        var outputs = new Channel[rows.OutputSize];
        for (int i = 0; i < outputs.Length; i++)
        {
            double[] series = rows.Series(i);
            Channel channel = Scaling.Of($"y{i + 1}", series, Orders[i].HasMean);
            if (ArmaFit.Of(Array.ConvertAll(series, channel.Normalize), Orders[i]) is not ArmaFit fit)
            {
                return null;
            }
            outputs[i] = new Channel(channel.Name, channel.Denormalize(fit.Point.Mean), channel.Scale);
            start.AddRange(fit.Start());
            (Matrix<double> step, Matrix<double> input, Matrix<double> output) = fit.Weights();
            whh = whh is null ? step : whh.DiagonalStack(step);
            gain = gain is null ? input : gain.DiagonalStack(input);
            wqh = wqh is null ? output : wqh.DiagonalStack(output);
        }
        Matrix<double> whx = Matrix<double>.Build.Dense(start.Count, rows.InputSize + rows.OutputSize);
        whx.SetSubMatrix(0, rows.InputSize, gain!);
        return new PredictorFit(
            transform,
            ToString(),
            new LinearRnn(whx, whh!, wqh!),
            [.. start],
            [.. Enumerable.Range(1, rows.InputSize).Select(i => new Channel($"u{i}"))],
            outputs,
            Matrix<double>.Build.DenseIdentity(rows.OutputSize),
            1);
    }

    /// <summary>The orders.</summary>
    public override string ToString() => string.Join("; ", Orders.Select(o => $"{o}"));
}

/// <summary>A network of h units without any structure, trained one step ahead by exact back-propagation through time,
/// under a prior that keeps its response small and smooth; h_1 is at rest.</summary>
/// <param name="HiddenSize">h.</param>
/// <param name="Decay">Of the prior.</param>
/// <param name="Scale">Of the prior.</param>
internal sealed record FreeKind(int HiddenSize, double Decay, double Scale) : PredictorKind
{
    private const double Tolerance = 1e-6;
    private const int MostSteps = 60;

    public override double ParameterCount(int inputSize, int outputSize) =>
        HiddenSize * (inputSize + 2.0 * outputSize) / outputSize + 1.0;

    protected override PredictorFit? FitDifferences(
        SeriesRows rows, SeriesTransform transform, FreeProblems known)
    {
        try
        {
            FreeProblem problem = known.Of(rows, transform, this);
            (LinearRnn start, _) = problem.Identification.Start(HiddenSize);
            var training = Trainer.Run(start, problem.Inputs, problem.Objective, new TrainerOptions
            {
                Optimizer = new LevenbergMarquardt(
                    gradientTolerance: Tolerance, stepTolerance: Tolerance, reductionTolerance: Tolerance),
                InitialStateKind = InitialStateKind.Zero,
                MaxEpochs = MostSteps,
                Execution = new ExecutionOptions { MaxDegreeOfParallelism = 1 },
            });
            return !double.IsFinite(training.BestLoss) ? null : new PredictorFit(
                transform,
                ToString(),
                training.Model,
                new double[HiddenSize],
                problem.InputChannels,
                problem.OutputChannels,
                Matrix<double>.Build.DenseIdentity(rows.OutputSize),
                1);
        }
        catch (Exception e) when (e is NonConvergenceException or ArithmeticException)
        {
            return null;
        }
    }

    /// <summary>The size.</summary>
    public override string ToString() => $"{HiddenSize} free hidden unit{(HiddenSize == 1 ? "" : "s")}";
}
