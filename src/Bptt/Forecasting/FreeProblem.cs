// What the training of networks without structure begins with, the same for every number of hidden units.
//
//   d  inputs      q  outputs      n  rows of w

using Bptt.Files;
using Bptt.Identification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Forecasting;

/// <summary>Inputs [u_t; w_{t−1}] and targets w_t for t = 2 … n, scaled, with their prior.</summary>
/// <param name="Inputs">The data and the prior's sequences.</param>
/// <param name="Objective">The squared error on all of them.</param>
/// <param name="Identification">Where training starts.</param>
/// <param name="InputChannels">How inputs are scaled.</param>
/// <param name="OutputChannels">How w is.</param>
internal sealed record FreeProblem(
    SequenceBatch Inputs,
    Objective Objective,
    SubspaceIdentification Identification,
    Channel[] InputChannels,
    Channel[] OutputChannels)
{
    private const int MaxOrder = 10;

    /// <summary>The search for a prior takes time with the cube of the lags, and its maximum is flat.</summary>
    private const int RowsOfPrior = 150;

    /// <summary>A mean of differences below so many of its standard errors is none.</summary>
    private const double LeastDrift = 2.0;

    /// <summary>The prior under which the last rows are the least surprising.</summary>
    /// <param name="rows">Rows of w and of differenced inputs.</param>
    /// <param name="isDifferenced">Whether they are.</param>
    public static ImpulseResponsePrior PriorOf(SeriesRows rows, bool isDifferenced)
    {
        (SequenceBatch known, SequenceBatch wanted, _, _) = Pairs(rows.Last(RowsOfPrior), isDifferenced);
        return ImpulseResponsePrior.Estimate(known, wanted);
    }

    /// <param name="rows">Rows of w and of differenced inputs.</param>
    /// <param name="isDifferenced">Whether they are.</param>
    /// <param name="kind">Of which the prior is taken.</param>
    public static FreeProblem Of(SeriesRows rows, bool isDifferenced, FreeKind kind)
    {
        (SequenceBatch known, SequenceBatch wanted, Channel[] inputs, Channel[] outputs) = Pairs(rows, isDifferenced);
        var identification = SubspaceIdentification.Estimate(
            known, wanted, new() { EstimateInitialStates = false, MaxOrder = MaxOrder });
        var prior = new ImpulseResponsePrior(known, rows.OutputSize, kind.Decay, kind.Scale);
        (SequenceBatch all, Objective objective) = prior.Extend(known, wanted);
        return new FreeProblem(all, objective, identification, inputs, outputs);
    }

    private static (SequenceBatch Known, SequenceBatch Wanted, Channel[] Inputs, Channel[] Outputs) Pairs(
        SeriesRows rows, bool isDifferenced)
    {
        (int d, int q) = (rows.InputSize, rows.OutputSize);
        Channel[] inputs = [.. Enumerable.Range(0, d).Select(i => Scaling.Of(
            $"u{i + 1}", Array.ConvertAll(rows.Inputs, row => row[i]), !isDifferenced))];
        Channel[] outputs = [.. Enumerable.Range(0, q).Select(i => Output(i))];
        var x = Matrix<double>.Build.Dense(d + q, rows.Count - 1, (i, t) => i < d
            ? inputs[i].Normalize(rows.Inputs[t + 1][i]) : outputs[i - d].Normalize(rows.Values[t][i - d]));
        var y = Matrix<double>.Build.Dense(
            q, rows.Count - 1, (i, t) => outputs[i].Normalize(rows.Values[t + 1][i]));
        return (SequenceBatch.Pack([x]), SequenceBatch.Pack([y]), inputs, outputs);

        Channel Output(int i)
        {
            double[] series = rows.Series(i);
            Channel channel = Scaling.Of($"y{i + 1}", series, hasMean: true);
            bool isDrift = Math.Abs(channel.Mean) > LeastDrift * channel.Scale / Math.Sqrt(series.Length);
            return !isDifferenced || isDrift ? channel : Scaling.Of(channel.Name, series, hasMean: false);
        }
    }
}

/// <summary>Problems by their rows, which are the first so many of one series.</summary>
internal sealed class FreeProblems
{
    private readonly Dictionary<(string, int), FreeProblem> _problems = [];

    public FreeProblem Of(SeriesRows rows, SeriesTransform transform, FreeKind kind)
    {
        (string, int) key = ($"{transform}", rows.Count);
        if (!_problems.TryGetValue(key, out FreeProblem? problem))
        {
            problem = FreeProblem.Of(rows, transform.Lost > 0, kind);
            _problems[key] = problem;
        }
        return problem;
    }
}

internal static class Scaling
{
    /// <summary>The mean, or 0, and the root mean square about it; 1 where that is rounding.</summary>
    public static Channel Of(string name, double[] values, bool hasMean)
    {
        double mean = hasMean ? values.Average() : 0.0;
        double size = Math.Sqrt(values.Average(v => (v - mean) * (v - mean)));
        double largest = values.Max(Math.Abs);
        return new Channel(name, mean, size > 1e-12 * largest && double.IsFinite(1.0 / size) ? size : 1.0);
    }
}
