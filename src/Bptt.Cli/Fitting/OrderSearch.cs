// How many hidden units data ask for: validation inside the training part. The held-out part is never seen.
//
//   d  inputs      h  hidden units, the order      q  outputs      N  rows

using System.Collections.Concurrent;
using Bptt.Cli.Data;
using Bptt.Identification;
using Bptt.Optimization;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Fitting;

/// <summary>
/// A model of each order is trained on the first three quarters of the training rows and judged by a free run on
/// through the last quarter, as the held-out part will judge it. The order with the smallest error there is chosen; of
/// those within a hundredth of it, the smallest.
/// </summary>
internal static class OrderSearch
{
    private const double ValidationPart = 0.25;
    private const int LargestOrder = 10;
    private const int FewestRows = 16;
    private const double Tie = 1e-2;

    /// <summary>Of the longest sequence, for a start from the data.</summary>
    private const int FewestSteps = 3;

    /// <summary>Numbers of the targets for each degree of freedom, h(d + q) of them.</summary>
    private const int NumbersPerFreedom = 5;

    /// <summary>The first rows, where there are more: they tell the order, and each costs time.</summary>
    private const int MostRows = 3000;

    private const int MostSteps = 100;

    /// <summary>A judgement is no sharper than the rows are many.</summary>
    private const double Tolerance = 1e-6;

    /// <summary>Compares orders.</summary>
    /// <param name="data">Of which the training part is seen.</param>
    /// <param name="learnsState">Whether h_0 is learned.</param>
    /// <param name="hasPrior">Whether the loss holds an <see cref="ImpulseResponsePrior"/>.</param>
    /// <param name="progress">Told which part of the work is done, from 0 to 1, on one thread at a time.</param>
    /// <param name="spread">Who trains and judges the candidates; null for this process.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The same for any number of threads and workers.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static OrderChoice Run(
        Dataset data,
        bool learnsState,
        bool hasPrior,
        Action<double> progress,
        FitJobs.Spread? spread,
        CancellationToken cancellation)
    {
        (int d, int q) = (data.InputChannels.Length, data.OutputChannels.Length);
        int rows = Math.Min(data.TrainingCount, MostRows);
        int[] lengths =
        [
            .. data.Training.Inputs.Lengths.Select(length => (int)((long)length * rows / data.TrainingCount)),
        ];
        int[] learnedLengths = Array.ConvertAll(lengths, length => length - (int)(ValidationPart * length));
        if (rows < FewestRows || lengths.SequenceEqual(learnedLengths))
        {
            return new OrderChoice(1, []);
        }
        TrainingSequences learned = data.Training.First(learnedLengths);
        int largest = (int)Math.Min(LargestOrder, (double)learned.Count * q / NumbersPerFreedom / (d + q));
        if (largest < 2 || learned.Inputs.Lengths.Max() < FewestSteps)
        {
            return new OrderChoice(1, []);
        }
        TrainingSequences all = data.Training.First(lengths);
        if (spread is not null)
        {
            return Choice(OrderJobs.Run(
                spread, all, learned, learnsState, hasPrior, largest, done => progress((double)done / largest),
                cancellation));
        }
        var trial = new Trial(all, learned, learnsState, hasPrior, cancellation);
        var candidates = new OrderCandidate[largest];
        Lock counting = new();
        int done = 0;
        try
        {
            Parallel.ForEach(
                Partitioner.Create(Enumerable.Range(1, largest).Reverse(), EnumerablePartitionerOptions.NoBuffering),
                new ParallelOptions
                {
                    MaxDegreeOfParallelism = Environment.ProcessorCount,
                    CancellationToken = cancellation,
                },
                order =>
                {
                    candidates[order - 1] = trial.Judge(order, cancellation);
                    lock (counting)
                    {
                        progress((double)++done / largest);
                    }
                });
        }
        catch (AggregateException e) when (e.InnerExceptions.All(i => i is OperationCanceledException))
        {
            throw new OperationCanceledException(cancellation);
        }
        return Choice(candidates);
    }

    private static OrderChoice Choice(OrderCandidate[] candidates)
    {
        double least = candidates.Min(c => c.Loss);
        return new OrderChoice(candidates.First(c => c.Loss <= least * (1.0 + Tie)).Order, candidates);
    }

    /// <summary>What models are trained on, and judged by.</summary>
    internal sealed class Trial
    {
        private readonly TrainingSequences _all;
        private readonly int[] _unseen; // of the joined steps of all
        private readonly Matrix<double> _targets;
        private readonly int _judged;
        private readonly bool _learnsState;
        private readonly SequenceBatch _batch;
        private readonly Objective _objective;
        private readonly SubspaceIdentification _identification;

        public Trial(
            TrainingSequences all,
            TrainingSequences learned,
            bool learnsState,
            bool hasPrior,
            CancellationToken cancellation)
        {
            _all = all;
            _unseen =
            [
                .. all.Inputs.Lengths.SelectMany((length, b) =>
                    Enumerable.Range(0, length).Select(t => t >= learned.Inputs.Lengths[b]))
                    .Select((isUnseen, t) => (isUnseen, t)).Where(s => s.isUnseen).Select(s => s.t),
            ];
            _targets = Unseen(all.Targets);
            _judged = _targets.EnumerateColumns().Count(y => y.Exists(double.IsFinite));
            _learnsState = learnsState;
            _batch = learned.Inputs;
            _identification = SubspaceIdentification.Estimate(
                _batch,
                learned.FilledTargets,
                new() { MaxOrder = LargestOrder, EstimateInitialStates = learnsState },
                cancellation);
            _objective = learned.Objective;
            if (hasPrior)
            {
                (_batch, _objective) = ImpulseResponsePrior.Estimate(_batch, learned.Targets, learned.Weights)
                    .Extend(_batch, learned.Targets, learned.Weights);
            }
        }

        public OrderCandidate Judge(int order, CancellationToken cancellation)
        {
            (LinearRnn start, Matrix<double> states) = _identification.Start(order);
            var options = new TrainerOptions
            {
                Optimizer = new LevenbergMarquardt(
                    gradientTolerance: Tolerance, stepTolerance: Tolerance, reductionTolerance: Tolerance),
                InitialStateKind = _learnsState ? InitialStateKind.Learned : InitialStateKind.Zero,
                InitialStates = _learnsState ? states : null,
                MaxEpochs = MostSteps,
                Execution = new ExecutionOptions { MaxDegreeOfParallelism = 1 },
            };
            var training = Trainer.Run(start, _batch, _objective, options, progress: null, cancellation);
            cancellation.ThrowIfCancellationRequested();
            Matrix<double> predicted = Unseen(ForwardPass.Run(
                training.Model, _all.Inputs, _learnsState ? training.InitialStates : null, options.Execution)
                .OutputBatch());
            double loss = 0.5 * predicted.Enumerate().Zip(_targets.Enumerate())
                .Sum(e => double.IsNaN(e.Second) ? 0.0 : (e.First - e.Second) * (e.First - e.Second)) / _judged;
            return new OrderCandidate(
                order, double.IsFinite(loss) ? loss : double.PositiveInfinity, FitScore.Of(_targets, predicted));
        }

        private Matrix<double> Unseen(SequenceBatch batch)
        {
            Matrix<double> joined = Dataset.Joined(batch);
            return Matrix<double>.Build.DenseOfColumnVectors(_unseen.Select(joined.Column));
        }
    }
}
