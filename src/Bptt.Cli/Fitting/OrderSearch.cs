// How many hidden units data ask for: blocked cross-validation inside the training part. The held-out part is never seen.
//
//   d  inputs      h  hidden units, the order      q  outputs      N  rows

using System.Collections.Concurrent;
using Bptt.Cli.Data;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Fitting;

/// <summary>
/// The training rows are cut into five blocks in time. For each order, each block in turn is masked by step weights while a
/// model of that order is trained on the rest, and is then what the model is judged by; the state runs through all of them.
/// Contiguous blocks, since neighbouring rows of a series are too much alike to judge each other (Racine 2000, <i>Journal of
/// Econometrics</i> 99). The order with the smallest error over all blocks is chosen; of those within a thousandth of it, the
/// smallest.
/// </summary>
internal static class OrderSearch
{
    public const int BlockCount = 5;

    private const int LargestOrder = 10;
    private const int FewestRows = 3 * BlockCount;
    private const double Tie = 1e-3;

    /// <summary>Numbers of the targets for each degree of freedom, h(d + q) of them.</summary>
    private const int NumbersPerFreedom = 5;

    /// <summary>The first rows, where there are more: they tell the order, and each costs time.</summary>
    private const int MostRows = 5000;

    private const int MostSteps = 30;

    /// <summary>A judgement is no sharper than the rows are many.</summary>
    private const double Tolerance = 1e-6;

    /// <summary>Compares orders.</summary>
    /// <param name="data">Of which the training part is seen.</param>
    /// <param name="learnsState">Whether h_0 is learned.</param>
    /// <param name="progress">Told which part of the work is done, from 0 to 1, on one thread at a time.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The same for any number of threads.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static OrderChoice Run(Dataset data, bool learnsState, Action<double> progress, CancellationToken cancellation)
    {
        (int d, int q) = (data.InputChannels.Length, data.OutputChannels.Length);
        int rows = Math.Min(data.TrainingCount, MostRows);
        double freedom = (double)(rows - rows / BlockCount) * q / NumbersPerFreedom;
        int largest = rows < FewestRows ? 0 : (int)Math.Min(LargestOrder, freedom / (d + q));
        if (largest < 2)
        {
            return new OrderChoice(1, []);
        }
        Block[] blocks = Blocks(data, rows, learnsState, cancellation);
        var predictions = new Matrix<double>?[largest, BlockCount];
        Lock counting = new();
        int done = 0;
        Each(
            from order in Enumerable.Range(1, largest).Reverse() from block in Enumerable.Range(0, BlockCount) select (order, block),
            item =>
            {
                predictions[item.order - 1, item.block] = blocks[item.block].Predict(item.order, cancellation);
                lock (counting)
                {
                    progress((double)++done / predictions.Length);
                }
            },
            cancellation);

        Matrix<double> targets = data.Targets.SubMatrix(0, q, 0, rows);
        OrderCandidate[] candidates =
        [
            .. Enumerable.Range(1, largest).Select(order =>
            {
                var whole = Matrix<double>.Build.Dense(q, rows);
                for (int i = 0; i < BlockCount; i++)
                {
                    whole.SetSubMatrix(0, blocks[i].From, predictions[order - 1, i]!);
                }
                double loss = 0.5 * (whole - targets).Enumerate().Sum(e => e * e) / rows;
                return new OrderCandidate(order, double.IsFinite(loss) ? loss : double.PositiveInfinity, FitScore.Of(targets, whole));
            }),
        ];
        double least = candidates.Min(c => c.Loss);
        return new OrderChoice(candidates.First(c => c.Loss <= least * (1.0 + Tie)).Order, candidates);
    }

    private static Block[] Blocks(Dataset data, int rows, bool learnsState, CancellationToken cancellation)
    {
        Matrix<double> inputs = data.Inputs.SubMatrix(0, data.Inputs.RowCount, 0, rows);
        Matrix<double> targets = data.Targets.SubMatrix(0, data.Targets.RowCount, 0, rows);
        var blocks = new Block[BlockCount];
        Each(
            Enumerable.Range(0, BlockCount),
            i => blocks[i] = new Block(inputs, targets, rows * i / BlockCount, rows * (i + 1) / BlockCount, learnsState),
            cancellation);
        return blocks;
    }

    private static void Each<T>(IEnumerable<T> items, Action<T> body, CancellationToken cancellation)
    {
        try
        {
            Parallel.ForEach(
                Partitioner.Create(items, EnumerablePartitionerOptions.NoBuffering),
                new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation },
                body);
        }
        catch (AggregateException e) when (e.InnerExceptions.All(i => i is OperationCanceledException))
        {
            throw new OperationCanceledException(cancellation);
        }
    }

    /// <summary>One block of steps that is judged, and the steps around it, which are learned from.</summary>
    private sealed class Block
    {
        private readonly Matrix<double> _inputs;
        private readonly Objective _others;
        private readonly int _to;
        private readonly bool _learnsState;
        private readonly SubspaceIdentification _identification;

        public Block(Matrix<double> inputs, Matrix<double> targets, int from, int to, bool learnsState)
        {
            _inputs = inputs;
            From = from;
            _to = to;
            _learnsState = learnsState;
            int n = inputs.ColumnCount;
            _others = Objective.SquaredError(targets).WithStepWeights(
                [.. Enumerable.Range(0, n).Select(t => t >= from && t < to ? 0.0 : 1.0)]);
            (int From, int To)[] pieces = [.. new[] { (From: 0, To: from), (From: to, To: n) }.Where(p => p.To > p.From)];
            _identification = SubspaceIdentification.Estimate(
                SequenceBatch.Pack([.. pieces.Select(p => inputs.SubMatrix(0, inputs.RowCount, p.From, p.To - p.From))]),
                SequenceBatch.Pack([.. pieces.Select(p => targets.SubMatrix(0, targets.RowCount, p.From, p.To - p.From))]),
                new SubspaceOptions { MaxOrder = LargestOrder });
        }

        /// <summary>The first step of the block, from 0.</summary>
        public int From { get; }

        /// <summary>What a model of an order predicts for the block, q × its steps.</summary>
        public Matrix<double> Predict(int order, CancellationToken cancellation)
        {
            (LinearRnn model, Matrix<double> states) = _identification.Start(order);
            var options = new TrainerOptions
            {
                Optimizer = new LevenbergMarquardt(
                    gradientTolerance: Tolerance, stepTolerance: Tolerance, reductionTolerance: Tolerance),
                InitialState = _learnsState ? InitialStateKind.Learned : InitialStateKind.Zero,
                InitialStates = !_learnsState ? null
                    : From == 0 ? Matrix<double>.Build.Dense(order, 1) : states.SubMatrix(0, order, 0, 1),
                MaxEpochs = MostSteps,
                Execution = new ExecutionOptions { MaxDegreeOfParallelism = 1 },
            };
            var training = Trainer.Run(model, _inputs, _others, options, progress: null, cancellation);
            cancellation.ThrowIfCancellationRequested();
            var forward = ForwardPass.Run(training.Model, _inputs, training.InitialStates?.Column(0), options.Execution);
            return forward.Outputs().SubMatrix(0, forward.Model.OutputSize, From, _to - From);
        }
    }
}
