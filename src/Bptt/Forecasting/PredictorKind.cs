// The two families of predictors that forecasting chooses from, each fitted on differenced rows.
//
//   d  inputs      h  hidden units      q  outputs      n  rows of w

using Bptt.Files;
using Bptt.Identification;
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
    public PredictorFit? Fit(SeriesRows rows, SeriesTransform transform)
    {
        if (rows.Count - transform.Lost < 4)
        {
            return null;
        }
        return FitDifferences(rows.Differenced(transform), transform)
            ?.WithNoise(rows, ParameterCount(rows.InputSize, rows.OutputSize));
    }

    protected abstract PredictorFit? FitDifferences(SeriesRows rows, SeriesTransform transform);

    /// <summary>Mean and root mean square about it; 1 where that is rounding.</summary>
    protected static Channel ChannelOf(string name, double[] values, bool hasMean)
    {
        double mean = hasMean ? values.Average() : 0.0;
        double size = Math.Sqrt(values.Average(v => (v - mean) * (v - mean)));
        double largest = values.Max(Math.Abs);
        return new Channel(name, mean, size > 1e-12 * largest && double.IsFinite(1.0 / size) ? size : 1.0);
    }
}

/// <summary>An ARMA model for each output by itself, by maximum likelihood; inputs have no effect.</summary>
/// <param name="Orders">For each output.</param>
internal sealed record ArmaKind(ArmaOrders[] Orders) : PredictorKind
{
    public override double ParameterCount(int inputSize, int outputSize) =>
        Orders.Average(o => o.ParameterCount - 1.0);

    protected override PredictorFit? FitDifferences(SeriesRows rows, SeriesTransform transform)
    {
        Matrix<double>? whh = null;
        Matrix<double>? gain = null;
        Matrix<double>? wqh = null;
        List<double> start = [];
        var outputs = new Channel[rows.OutputSize];
        for (int i = 0; i < outputs.Length; i++)
        {
            double[] series = rows.Series(i);
            Channel channel = ChannelOf($"y{i + 1}", series, Orders[i].HasMean);
            if (ArmaFit.Of(Array.ConvertAll(series, channel.Normalize), Orders[i]) is not ArmaFit fit)
            {
                return null;
            }
            outputs[i] = new Channel(channel.Name, channel.Denormalize(fit.Point.Mean), channel.Scale);
            start.AddRange(fit.Point.State!);
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
internal sealed record FreeKind(int HiddenSize) : PredictorKind
{
    private const double Tolerance = 1e-6;
    private const int MostSteps = 100;

    /// <summary>A mean of differences below so many of its standard errors is none.</summary>
    private const double LeastDrift = 2.0;

    public override double ParameterCount(int inputSize, int outputSize) =>
        HiddenSize * (inputSize + 2.0 * outputSize) / outputSize + 1.0;

    protected override PredictorFit? FitDifferences(SeriesRows rows, SeriesTransform transform)
    {
        (int d, int q) = (rows.InputSize, rows.OutputSize);
        Channel[] inputs = [.. Enumerable.Range(0, d).Select(i => ChannelOf(
            $"u{i + 1}", Array.ConvertAll(rows.Inputs, row => row[i]), transform.Lost == 0))];
        Channel[] outputs = [.. Enumerable.Range(0, q).Select(i => Output(i))];
        Matrix<double> x = Matrix<double>.Build.Dense(d + q, rows.Count - 1, (i, t) => i < d
            ? inputs[i].Normalize(rows.Inputs[t + 1][i]) : outputs[i - d].Normalize(rows.Values[t][i - d]));
        Matrix<double> y = Matrix<double>.Build.Dense(
            q, rows.Count - 1, (i, t) => outputs[i].Normalize(rows.Values[t + 1][i]));
        try
        {
            var known = SequenceBatch.Pack([x]);
            var wanted = SequenceBatch.Pack([y]);
            (LinearRnn start, _) = SubspaceIdentification.Estimate(
                known, wanted, new() { EstimateInitialStates = false, MaxOrder = Math.Max(10, HiddenSize) })
                .Start(HiddenSize);
            (SequenceBatch all, Objective objective) =
                ImpulseResponsePrior.Estimate(known, wanted).Extend(known, wanted);
            TrainingResult training = Trainer.Run(start, all, objective, new TrainerOptions
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
                inputs,
                outputs,
                Matrix<double>.Build.DenseIdentity(q),
                1);
        }
        catch (Exception e) when (e is NonConvergenceException or ArithmeticException)
        {
            return null;
        }

        Channel Output(int i)
        {
            double[] series = rows.Series(i);
            Channel channel = ChannelOf($"y{i + 1}", series, hasMean: true);
            bool isDrift = Math.Abs(channel.Mean) > LeastDrift * channel.Scale / Math.Sqrt(series.Length);
            return transform.Lost == 0 || isDrift ? channel : ChannelOf(channel.Name, series, hasMean: false);
        }
    }

    /// <summary>The size.</summary>
    public override string ToString() => $"{HiddenSize} free hidden unit{(HiddenSize == 1 ? "" : "s")}";
}
