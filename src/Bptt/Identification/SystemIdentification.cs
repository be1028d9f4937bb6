// From measured inputs and outputs to a model, with nothing left to choose: candidates, folds, the final fit. The steps
// are in CandidateComparison, EstimationPart and OutputErrorSearch.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences      n  order

using Bptt.Diagnostics;
using Bptt.Edge;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Identification;

/// <summary>
/// Estimates a model of a measured plant: its order, whether its h_0 and an offset are estimated, whether its response
/// is held to be smooth (<see cref="ImpulseResponsePrior"/>), and by which method, are chosen by blocked
/// cross-validation. Each fold leaves out a stretch of steps, over which the run goes on freely, and judges by it.
/// </summary>
/// <remarks>Where steps are more than about 9,000, candidates are compared on stretches spread evenly over them, and
/// the best is fitted to all. The result is the same bit for bit for any number of threads.</remarks>
/// <example>
/// <code>
/// IdentifiedSystem found = SystemIdentification.Estimate(inputBatch, targetBatch);
/// Console.WriteLine($"order {found.Order}, {found.Candidates.Count} candidates compared");
/// Matrix&lt;double&gt; predicted = found.Simulate(inputBatch.Sequence(0), found.InitialStates.Column(0));
/// Console.WriteLine($"from {predicted[0, 0]:G3}, of which {found.Offset[0]:G3} is the offset");
///
/// // What is known is said: the order, the offset, and that only the free run matters.
/// var options = new SystemIdentificationOptions
/// {
///     Order = 2,
///     EstimateOffset = true,
///     Methods = IdentificationMethods.OutputError,
/// };
/// var progress = new Progress&lt;IdentificationProgress&gt;(p =&gt; Console.WriteLine($"{p.Fraction:P0} {p.Doing}"));
/// found = SystemIdentification.Estimate(inputBatch, targetBatch, options, progress);
/// foreach (IdentificationCandidate candidate in found.Candidates)
/// {
///     Console.WriteLine($"{candidate.Name}: {candidate.Score:G3} on steps left out");
/// }
/// if (found.Innovations is InnovationsForm innovations)
/// {
///     Console.WriteLine($"one step ahead from measured outputs: {innovations.NoiseCovariance[0, 0]:G3}");
/// }
/// </code>
/// </example>
public static class SystemIdentification
{
    private const int FewestSteps = 3;
    private const int FinalSteps = 100;
    private const double FinalTolerance = 1e-8;
    private const double Negligible = 1e-6;

    /// <summary>Estimates a system from sequences that share all weights.</summary>
    /// <param name="inputs">B sequences of d rows, from which means are best taken: see
    /// <see cref="Files.Standardizer"/>.</param>
    /// <param name="targets">B sequences of q rows, as long as the inputs; those of masked steps may be
    /// anything.</param>
    /// <param name="options">The settings; the defaults where null.</param>
    /// <param name="progress">Told how far it is, from the calling thread.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>A stable system; the same for any number of threads.</returns>
    /// <exception cref="ArgumentNullException">A batch is null.</exception>
    /// <exception cref="ArgumentException">Numbers or lengths of sequences differ, no sequence has 3 steps, a number is
    /// NaN or infinite, or every step is masked.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static IdentifiedSystem Estimate(
        SequenceBatch inputs,
        SequenceBatch targets,
        SystemIdentificationOptions? options = null,
        IProgress<IdentificationProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        options ??= new SystemIdentificationOptions();
        ImpulseResponsePrior.Check(inputs, targets, options.StepWeights);
        if (inputs.Lengths.Max() < FewestSteps)
        {
            throw Guard.Error(
                nameof(inputs),
                $"expected a sequence of at least {FewestSteps} steps, got {inputs.Lengths.Max()} at most.");
        }
        double[][] weights = [.. options.StepWeights ?? [.. inputs.Lengths.Select(ImpulseResponsePrior.Ones)]];
        var whole = new EstimationData(inputs, targets, weights);
        return new Estimation(whole, options, progress, cancellationToken).Run();
    }

    private sealed class Estimation(
        EstimationData whole,
        SystemIdentificationOptions options,
        IProgress<IdentificationProgress>? progress,
        CancellationToken cancellation)
    {
        public IdentifiedSystem Run()
        {
            EstimationData data = whole.ForComparison();
            cancellation.ThrowIfCancellationRequested();
            var kernel = ResponseKernel.Estimate(
                data.Inputs, data.Targets, data.Weights, options.EstimateOffset ?? true, cancellation);
            int maxOrder = options.Order ?? Math.Min(options.MaxOrder, MostOrder(data));
            double[][][] left = [.. data.Folds(options.Folds)];
            ExecutionOptions alone = options.Execution with { MaxDegreeOfParallelism = 1 };
            EstimationPart[] parts =
                [.. left.Select(l => new EstimationPart(data, Kept(data.Weights, l), kernel, maxOrder, alone))];
            CandidateKey chosen = new(
                EstimationMethod.OutputError,
                new FreeParts(options.EstimateInitialStates ?? false, options.EstimateOffset ?? false, false),
                options.UsePrior ?? true,
                options.Order ?? 1);
            List<(CandidateKey Key, double Score)> scores = [];
            if (parts.Length > 0)
            {
                int done = 0;
                var comparison = new CandidateComparison(
                    parts,
                    left,
                    options,
                    maxOrder,
                    name => progress?.Report(new IdentificationProgress(0.9 * (1.0 - Math.Pow(0.97, done++)), name)),
                    cancellation);
                chosen = comparison.Run();
                scores = [.. comparison.Scores];
            }
            progress?.Report(new IdentificationProgress(0.9, "final fit"));
            var all = new EstimationPart(data, data.Weights, kernel, maxOrder, options.Execution);
            FittedCandidate fit = Final(all, kernel, maxOrder, ref chosen);
            IdentifiedSystem system = Unscaled(fit, chosen, scores, maxOrder, Innovations(all, fit));
            progress?.Report(new IdentificationProgress(1.0, "done"));
            return system;
        }

        private FittedCandidate Final(
            EstimationPart all, ResponseKernel kernel, int maxOrder, ref CandidateKey chosen)
        {
            FittedCandidate? fit = all.Fit(chosen, [], cancellation);
            while (fit is null && chosen.Order > 1)
            {
                chosen = chosen with { Order = chosen.Order - 1 };
                fit = all.Fit(chosen, [], cancellation);
            }
            if (fit is null)
            {
                chosen = chosen with { Method = EstimationMethod.OutputError };
                LinearRnn none = new(
                    Matrix<double>.Build.Dense(1, whole.InputSize),
                    Matrix<double>.Build.Dense(1, 1),
                    Matrix<double>.Build.Dense(whole.OutputSize, 1));
                return FittedCandidate.Of(FreeSystem.Of(none, whole.Count));
            }
            var final = new EstimationPart(whole, whole.Weights, kernel, maxOrder, options.Execution);
            return (fit.System is FreeSystem system
                ? final.Refine(chosen, system, FinalSteps, FinalTolerance, cancellation)
                : final.Fit(chosen, [], cancellation)) ?? fit;
        }

        /// <summary>Of the order found, in the units of the data.</summary>
        private InnovationsForm? Innovations(EstimationPart all, FittedCandidate fit)
        {
            if (fit.System is null || all.PredictorOf(fit.A.RowCount, cancellation) is not PredictorModel found)
            {
                return null;
            }
            (int d, int q) = (whole.InputSize, whole.OutputSize);
            var toTargets = Matrix<double>.Build.DenseOfDiagonalVector(whole.TargetScale);
            Vector<double> scales = Vector<double>.Build.Dense(
                d + q, j => 1.0 / (j < d ? whole.InputScale[j] : whole.TargetScale[j - d]));
            Matrix<double> inputs = found.Predictor.Whx * Matrix<double>.Build.DenseOfDiagonalVector(scales);
            return new InnovationsForm(
                new LinearRnn(inputs, found.Predictor.Whh, toTargets * found.Predictor.Wqh),
                inputs.SubMatrix(0, inputs.RowCount, d, q),
                toTargets * found.Covariance * toTargets);
        }

        private IdentifiedSystem Unscaled(
            FittedCandidate fit,
            CandidateKey chosen,
            List<(CandidateKey Key, double Score)> scores,
            int maxOrder,
            InnovationsForm? innovations)
        {
            var fromInputs = Matrix<double>.Build.DenseOfDiagonalVector(1.0 / whole.InputScale);
            var toTargets = Matrix<double>.Build.DenseOfDiagonalVector(whole.TargetScale);
            LinearRnn model;
            Matrix<double> states = fit.States;
            int order = fit.A.RowCount;
            if (fit.System is FreeSystem system && !chosen.Parts.Direct)
            {
                LinearRnn scaled = system.Model;
                model = new LinearRnn(scaled.Whx * fromInputs, scaled.Whh, toTargets * scaled.Wqh);
            }
            else if (fit.System is null)
            {
                var complete = new StateSpace(
                    fit.A, fit.B * fromInputs, toTargets * fit.C, toTargets * fit.D * fromInputs);
                StateSpace balanced = complete.Balance(Negligible);
                order = balanced.Order;
                (model, _) = balanced.ToLinearRnn();
                states = Matrix<double>.Build.Dense(model.HiddenSize, whole.Count);
            }
            else
            {
                // Further units hold the outputs.
                int q = whole.OutputSize;
                model = new LinearRnn(
                    (fit.B * fromInputs).Stack(toTargets * fit.D * fromInputs),
                    fit.A.Stack(toTargets * fit.C).Append(Matrix<double>.Build.Dense(order + q, q)),
                    Matrix<double>.Build.Dense(q, order).Append(Matrix<double>.Build.DenseIdentity(q)));
                states = states.Stack(Matrix<double>.Build.Dense(q, states.ColumnCount));
            }
            return new IdentifiedSystem(
                model,
                states,
                toTargets * fit.Offset,
                order,
                [.. scores.Select(s => new IdentificationCandidate(
                    CandidateComparison.NameOf(s.Key), s.Key.Order, s.Score / whole.OutputSize, s.Key == chosen))])
            {
                Innovations = innovations,
                IsStable = Spectrum.RadiusOf(model.Whh) < 1.0,
                IsOrderAtLimit = options.Order is null && chosen.Order >= maxOrder && maxOrder > 1,
            };
        }

        /// <summary>The largest order that the numbers could tell, were there no noise.</summary>
        private static int MostOrder(EstimationData data) => Math.Max(
            1, data.CountedSteps * data.OutputSize / (2 * (data.InputSize + data.OutputSize)));

        private static double[][] Kept(double[][] weights, double[][] left) =>
            [.. weights.Zip(left, (w, l) => w.Zip(l, (a, b) => b > 0.0 ? 0.0 : a).ToArray())];
    }
}
