// What is known of an impulse response before data: it decays, and smoothly. Written as data, so that every method of
// training can use it. Trains nothing itself.
//
//   d  inputs      q  outputs      B  sequences      n  lags      s_j  root mean square of input j

using Bptt.Edge;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Identification;

/// <summary>
/// A Gaussian prior on g_k = W_qh W_hhᵏ W_hx, k = 0 … n−1, a remedy against fitting noise with modes that hardly decay:
/// s_j g_k of input j has mean 0 and covariance σ² c a^{max(k,l)+1}, where σ² is the variance of what the outputs do
/// not explain (the "tuned and correlated" kernel of Chen, Ohlsson &amp; Ljung 2012, <i>Automatica</i> 48; Pillonetto
/// &amp; De Nicolao 2010). The most probable weights are least squares on the data and on 2d short sequences more:
/// after a pulse and its opposite the outputs are g_k − g_{k−1}, independent of each other under the prior, and are to
/// be 0 up to σ² c (aᵏ − a^{k+1}). Beyond the n lags each g_k is to be 0 up to σ² c times the larger of a^{k+1} and
/// 1e-8, as long as the longest sequence is: a mode that hardly decays does not hide there.
/// </summary>
/// <remarks>It does not depend on the coordinates of the hidden state, unlike a penalty on the weights.
/// Immutable.</remarks>
public sealed class ImpulseResponsePrior
{
    /// <summary>Where aⁿ has fallen to this, the rest of the response is zero.</summary>
    private const double Negligible = 1e-8;

    /// <summary>Of smaller variances the weights could overflow.</summary>
    private const double LeastVariance = 1e-300;

    /// <summary>n·d at most, the unknowns of the regression.</summary>
    private const int MostUnknowns = 200;

    /// <summary>The step from which few stand for all.</summary>
    private const int FirstThinned = 100;

    /// <summary>Of different lengths, so that no oscillation hides between them.</summary>
    private static readonly int[] Gaps = [3, 5, 4];

    private readonly Vector<double> _inputScale; // s_j
    private readonly int _outputSize;

    /// <summary>A prior of given shape, for given inputs.</summary>
    /// <param name="inputs">The training inputs, for s_j.</param>
    /// <param name="outputSize">q, at least 1.</param>
    /// <param name="decay">a, between 0 and 1: what the variance of g_k falls by with each step.</param>
    /// <param name="scale">c, above 0: how much larger than σ² the variance of g may be.</param>
    /// <exception cref="ArgumentNullException">The inputs are null.</exception>
    /// <exception cref="ArgumentException">An input is NaN or infinite.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is outside its range, or c aⁿ(1 − a) is below
    /// 1e-300.</exception>
    public ImpulseResponsePrior(SequenceBatch inputs, int outputSize, double decay, double scale)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        inputs.RequireFinite(nameof(inputs));
        Guard.AtLeastOne(outputSize, nameof(outputSize));
        Guard.Positive(scale, nameof(scale));
        if (!(decay > 0.0 && decay < 1.0))
        {
            throw Guard.Range(nameof(decay), $"expected a number between 0 and 1, got {NumberText.Exact(decay)}.");
        }
        _inputScale = IdentificationData.RootMeanSquares(inputs);
        _outputSize = outputSize;
        Decay = decay;
        Scale = scale;
        LagCount = LagsOf(decay, inputs);
        double least = scale * Math.Pow(decay, LagCount) * (1.0 - decay);
        if (!(least >= LeastVariance))
        {
            throw Guard.Range(
                nameof(scale),
                "expected c aⁿ (1 − a), a bound on the variances of the prior, "
                    + $"of at least {NumberText.Exact(LeastVariance)}, got {NumberText.Exact(least)} with n = "
                    + $"{LagCount}.");
        }
    }

    /// <summary>a.</summary>
    public double Decay { get; }

    /// <summary>c.</summary>
    public double Scale { get; }

    /// <summary>n: as many as aⁿ needs to fall to 1e-8, fewer where the longest sequence or 200/d is less.</summary>
    public int LagCount { get; }

    /// <summary>
    /// The prior under which the data are the least surprising: a and c with the largest marginal likelihood of targets
    /// = Σ_k g_k x_{t−k} + white noise, over a grid of a from 0.6 (the response falls to 1/e in 4 steps) to 0.98 (in
    /// 100) and of four values of c a decade; the maximum is flat. States start at 0.
    /// </summary>
    /// <param name="inputs">B sequences of d rows.</param>
    /// <param name="targets">B sequences of q rows, as long as the inputs.</param>
    /// <param name="stepWeights">For each sequence T_b weights; a step of weight 0 is left out, all others count alike.
    /// Null for all steps.</param>
    /// <returns>The prior. Cost 2·ΣT_b·(nd)² + 100·(nd)³ with nd ≤ 200.</returns>
    /// <exception cref="ArgumentNullException">A batch is null.</exception>
    /// <exception cref="ArgumentException">Numbers or lengths of sequences differ, a number is NaN or infinite, or
    /// every step is left out.</exception>
    public static ImpulseResponsePrior Estimate(
        SequenceBatch inputs, SequenceBatch targets, IReadOnlyList<double[]>? stepWeights = null)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        Check(inputs, targets, stepWeights);
        (double decay, double scale) =
            new ResponseEvidence(inputs, targets, stepWeights, a => LagsOf(a, inputs)).Best();
        return new ImpulseResponsePrior(inputs, targets.RowCount, decay, scale);
    }

    /// <summary>
    /// The data with the prior as 2d further sequences, to be trained on in their place: L = 1/W (Σ w_bt ½‖o_t − y_t‖²
    /// + σ² times the negative logarithm of the prior), with the data's sum of weights W.
    /// </summary>
    /// <param name="inputs">B sequences of d rows.</param>
    /// <param name="targets">B sequences of q rows, as long as the inputs; those of masked steps may be
    /// anything.</param>
    /// <param name="stepWeights">For each sequence T_b weights of at least 0; null for 1.</param>
    /// <returns>B + 2d sequences, and the squared error on them. The further ones start at the state 0: train with h_0
    /// of the data's sequences fixed, not learned. Cost O((d + q)(ΣT_b + Td)) with the longest length T.</returns>
    /// <exception cref="ArgumentNullException">A batch is null.</exception>
    /// <exception cref="ArgumentException">Numbers or lengths of sequences differ, rows are not those of the prior, a
    /// number is NaN or infinite, or every step is masked.</exception>
    public (SequenceBatch Inputs, Objective Objective) Extend(
        SequenceBatch inputs, SequenceBatch targets, IReadOnlyList<double[]>? stepWeights = null)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        Check(inputs, targets, stepWeights);
        int d = _inputScale.Count;
        if (inputs.RowCount != d || targets.RowCount != _outputSize)
        {
            throw Guard.Error(
                nameof(inputs),
                $"expected {d} input and {_outputSize} target rows, as the prior has, got {inputs.RowCount} and "
                    + $"{targets.RowCount}.");
        }
        List<Matrix<double>> allInputs = [.. Enumerable.Range(0, inputs.Count).Select(inputs.Sequence)];
        List<Matrix<double>> allTargets = [.. Enumerable.Range(0, targets.Count).Select(targets.Sequence)];
        List<double[]> weights = [.. stepWeights ?? [.. inputs.Lengths.Select(Ones)]];
        double sum = weights.Sum(w => w.Sum());

        double[] differences = new double[LagCount]; // of g_k − g_{k−1}, after a pulse and its opposite
        double[] tail = new double[inputs.Lengths.Max()]; // of g_k with k ≥ n − 1, after a pulse
        for (int k = 1; k < LagCount; k++)
        {
            differences[k] = 1.0 / (Scale * (Math.Pow(Decay, k) * (1.0 - Decay)));
        }
        for (int k = LagCount - 1; k < tail.Length; k++)
        {
            tail[k] = 1.0 / (Scale * Math.Max(Negligible, Math.Pow(Decay, k + 1)));
        }
        for (int j = 0; j < d; j++)
        {
            var pair = Matrix<double>.Build.Dense(d, LagCount);
            var pulse = Matrix<double>.Build.Dense(d, tail.Length);
            pair[j, 0] = pulse[j, 0] = _inputScale[j];
            if (LagCount > 1)
            {
                pair[j, 1] = -_inputScale[j];
            }
            allInputs.AddRange([pair, pulse]);
            allTargets.AddRange([
                Matrix<double>.Build.Dense(_outputSize, LagCount), Matrix<double>.Build.Dense(_outputSize, tail.Length),
            ]);
            weights.AddRange([differences, tail]);
        }
        Objective objective = Objective.SquaredError(SequenceBatch.Pack(allTargets))
            .WithStepWeights(weights).WithNormalizer(sum);
        return (SequenceBatch.Pack(allInputs), objective);
    }

    /// <summary>a, c and n, as a report prints them.</summary>
    public override string ToString() =>
        $"decay {NumberText.Exact(Decay)}, scale {NumberText.Exact(Scale)}, {LagCount} lags";

    private static int LagsOf(double decay, SequenceBatch inputs) => (int)Math.Clamp(
        Math.Ceiling(Math.Log(Negligible) / Math.Log(decay)),
        1.0,
        Math.Min(inputs.Lengths.Max(), Math.Max(1, MostUnknowns / inputs.RowCount)));

    internal static void Check(SequenceBatch inputs, SequenceBatch targets, IReadOnlyList<double[]>? stepWeights)
    {
        ArgumentNullException.ThrowIfNull(targets);
        Guard.SameLengths(inputs.Lengths, targets.Lengths, "the inputs", "the targets", nameof(targets));
        inputs.RequireFinite(nameof(inputs));
        if (stepWeights is null)
        {
            targets.RequireFinite(nameof(targets));
            return;
        }
        new Objective.StepWeights(stepWeights, nameof(stepWeights))
            .RequireLengths(inputs.Columns.Layout, nameof(stepWeights));
        targets.RequireFinite(nameof(targets), except: (b, t) => stepWeights[b][t - 1] == 0.0);
        if (stepWeights.All(w => w.All(weight => weight == 0.0)))
        {
            throw Guard.Error(nameof(stepWeights), "expected at least one step of weight above 0, got none.");
        }
    }

    /// <summary>Of late steps of a prior one in about four stands for its neighbours too: responses change little
    /// there, and each step that counts costs a row.</summary>
    /// <returns>The weights given, changed.</returns>
    internal static double[] Thinned(double[] weights)
    {
        int group = 0;
        for (int t = FirstThinned; t < weights.Length; group++)
        {
            int end = Math.Min(weights.Length, t + Gaps[group % Gaps.Length]);
            int kept = t;
            for (t++; t < end; t++)
            {
                weights[kept] += weights[t];
                weights[t] = 0.0;
            }
        }
        return weights;
    }

    internal static double[] Ones(int length)
    {
        double[] ones = new double[length];
        Array.Fill(ones, 1.0);
        return ones;
    }
}
