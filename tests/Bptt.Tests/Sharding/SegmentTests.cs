// Sequences cut in time: the loss and gradients of the whole, whatever the cut.

using Bptt.LinearRecurrence;
using Bptt.Optimization;
using Bptt.Sharding;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Sharding;

public class SegmentTests
{
    private static readonly int[] Ragged = [97, 1, 30, 3, 64];

    public static TheoryData<string> Objectives =>
        ["steps", "sequences", "sum", "Huber", "cross-entropy", "weights", "weights per sequence", "own"];

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(7, 3)]
    [InlineData(100, 5)]
    public void Segments_are_all_steps_in_order_and_even(int count, int shards)
    {
        SequencePart[] parts = SegmentChain.Cut(Ragged, count);
        SequenceBatch inputs = new Examples(3).Batch(2, Ragged);

        for (int b = 0; b < Ragged.Length; b++)
        {
            SequencePart[] own = [.. parts.Where(part => part.Sequence == b)];
            own.Should().HaveCount(Math.Min(count, Ragged[b]));
            own.SelectMany(part => Enumerable.Range(part.FirstStep, part.Length))
                .Should().Equal(Enumerable.Range(1, Ragged[b]));
            (own.Max(part => part.Length) - own.Min(part => part.Length)).Should().BeLessThanOrEqualTo(1);
        }
        parts.Select(part => part.Sequence).Should().BeInAscendingOrder();
        DataShard.Cut(inputs.Part(parts), Objective.SquaredError(inputs.Part(parts)), shards)
            .Should().HaveCount(Math.Min(shards, parts.Length));
    }

    [Theory]
    [InlineData(2, 1, 0.5)]
    [InlineData(2, 1, 1.02)]
    [InlineData(3, 2, 1.0)]
    [InlineData(7, 4, 0.5)]
    [InlineData(7, 20, 1.02)]
    [InlineData(64, 9, 1.0)]
    [InlineData(64, 9, 0.9)]
    public void Gradients_over_segments_are_those_of_the_recursion_in_twice_as_many_digits(
        int segments, int shards, double radius)
    {
        int seed = Random.Shared.Next();
        foreach (int[] lengths in new[] { Ragged, [601], [5, 5] })
        {
            ScalarProblem<double> problem = ProblemOf(seed, radius, lengths);
            string where = $"seed {seed}, {lengths.Length} sequences";
            (WorstError cut, WorstError whole) = Errors(problem, seed, segments, shards, where);

            // Of a matrix far from normal the recursion itself loses digits.
            cut.Value.Should().BeLessThan(1e-13 + 100.0 * whole.Value, "{0}, whole {1}", cut, whole);
        }
    }

    [Theory]
    [InlineData(1.0, 5e-11)]
    [InlineData(0.999, 5e-12)]
    [InlineData(1.001, 1e-10)]
    public void Long_sequences_lose_no_more_than_a_rounding_of_the_weights_would(double radius, double tolerance)
    {
        int seed = Random.Shared.Next();
        ScalarProblem<double> problem = ProblemOf(seed, radius, 5_003);
        (WorstError cut, WorstError whole) = Errors(problem, seed, segments: 6, shards: 3, $"seed {seed}");

        cut.Value.Should().BeLessThan(tolerance + 100.0 * whole.Value, "{0}, whole {1}", cut, whole);
    }

    [Theory]
    [MemberData(nameof(Objectives))]
    public void Every_objective_counts_a_step_as_in_the_whole(string name)
    {
        var examples = new Examples(8);
        LinearRnn model = examples.Model(2, 5, 3, spectralRadius: 0.95);
        SequenceBatch inputs = examples.Batch(2, Ragged);
        Objective objective = ObjectiveOf(name, examples);
        Matrix<double> states = examples.Matrix(5, Ragged.Length);
        foreach ((Parameters at, Matrix<double>? given) in new (Parameters, Matrix<double>?)[]
        {
            (new Parameters(model, states), null), // learned
            (new Parameters(model), states),
            (new Parameters(model), null),
        })
        {
            TrainingPoint whole = new TrainingLoss(
                inputs, objective, new TrainingLossOptions { InitialStates = given }).Evaluate(at);
            foreach ((int segments, int shards) in new[] { (2, 1), (5, 3), (40, 17) })
            {
                using ShardedLoss cut = Open(inputs, objective, segments, shards, given);

                (double loss, double[] gradient) = cut.Evaluate(at);

                loss.Should().BeApproximately(whole.Loss, 1e-13 * whole.Loss);
                RelativeDistance(gradient, whole.Gradient).Should().BeLessThan(1e-13);
                cut.Loss(at).Should().Be(loss, "it is the same loss to the last bit");
                RelativeDistance(
                    cut.FinalStates(at).ToColumnMajorArray(), whole.FinalStates().ToColumnMajorArray())
                    .Should().BeLessThan(1e-13);
                cut.Lengths.Should().Equal(Ragged);
            }
        }
    }

    [Theory]
    [InlineData(5, 400, 4, 1e-11, 4, 8)]
    [InlineData(8, 1600, 8, 1e-6, 10, 26)]
    public void Carries_that_powers_have_spoilt_are_run_again(
        int h, int steps, int segments, double tolerance, int leastTasks, int mostTasks)
    {
        // One Jordan block, turned: its powers grow before they fade, and squares lose the digits of what fades.
        var examples = new Examples(4);
        Matrix<double> q = examples.Matrix(h, h).QR().Q;
        Matrix<double> whh = q * Matrix<double>.Build.Dense(
            h, h, (i, j) => i == j ? 0.9 : j == i + 1 ? 1.0 : 0.0) * q.Transpose();
        var model = new LinearRnn(examples.Matrix(h, 2), whh, examples.Matrix(1, h));
        SequenceBatch inputs = examples.Batch(2, steps);
        var objective = Objective.SquaredError(examples.Batch(1, steps));
        var at = new Parameters(model);
        TrainingPoint whole = new TrainingLoss(inputs, objective).Evaluate(at);
        var counted = new CountingExecutor();
        using var cut = ShardedLoss.Open(inputs, objective, 2, segments, null, ExecutionOptions.Default, counted);

        (double loss, double[] gradient) = cut.Evaluate(at);

        loss.Should().BeApproximately(whole.Loss, tolerance * whole.Loss);
        RelativeDistance(gradient, whole.Gradient).Should().BeLessThan(tolerance);
        counted.Tasks.Should().BeInRange(leastTasks, mostTasks);
        cut.Loss(at).Should().Be(loss);
    }

    [Fact]
    public void A_gradient_takes_three_rounds_and_a_loss_two()
    {
        var counted = new CountingExecutor();
        var examples = new Examples(4);
        SequenceBatch inputs = examples.Batch(2, 500, 300);
        using var cut = ShardedLoss.Open(
            inputs, Objective.SquaredError(examples.Batch(1, 500, 300)), 3, 6, null, ExecutionOptions.Default, counted);
        var at = new Parameters(examples.Model(2, 8, 1, spectralRadius: 1.0));

        cut.Evaluate(at);
        counted.Tasks.Should().Be(3);
        cut.Loss(at);
        counted.Tasks.Should().Be(5);
        counted.Weights.Should().ContainSingle("all tasks of a point name the same memory, which is sent once");
    }

    [Fact]
    public void Powers_that_overflow_do_no_harm_to_what_stays_zero()
    {
        // The second unit grows by 4 in each step, and nothing ever reaches it.
        var model = new LinearRnn(
            Matrix<double>.Build.Dense(2, 1, (i, _) => i == 0 ? 1.0 : 0.0),
            Matrix<double>.Build.Dense(2, 2, (i, j) => i != j ? 0.0 : i == 0 ? 0.9 : 4.0),
            Matrix<double>.Build.Dense(1, 2, (_, j) => j == 0 ? 1.0 : 0.0));
        var examples = new Examples(4);
        SequenceBatch inputs = examples.Batch(1, 5000);
        var objective = Objective.SquaredError(examples.Batch(1, 5000));
        var at = new Parameters(model);
        TrainingPoint whole = new TrainingLoss(inputs, objective).Evaluate(at);
        using ShardedLoss cut = Open(inputs, objective, 4, 2);

        (double loss, double[] gradient) = cut.Evaluate(at);

        whole.IsFinite.Should().BeTrue();
        loss.Should().BeApproximately(whole.Loss, 1e-13 * whole.Loss);
        RelativeDistance(gradient, whole.Gradient).Should().BeLessThan(1e-13);
    }

    [Fact]
    public void A_carry_that_is_not_finite_makes_loss_and_gradient_NaN()
    {
        var examples = new Examples(4);
        SequenceBatch inputs = examples.Batch(2, 2000);
        using ShardedLoss cut = Open(inputs, Objective.SquaredError(examples.Batch(1, 2000)), 4, 2);
        var at = new Parameters(examples.Model(2, 3, 1, spectralRadius: 5.0));

        (double loss, double[] gradient) = cut.Evaluate(at);

        loss.Should().Be(double.NaN);
        gradient.Should().OnlyContain(value => double.IsNaN(value));
        cut.Loss(at).Should().Be(double.NaN);
        cut.FinalStates(at).Enumerate().Should().OnlyContain(value => double.IsNaN(value));
    }

    [Fact]
    public void What_was_asked_before_changes_no_answer()
    {
        var examples = new Examples(6);
        SequenceBatch inputs = examples.Batch(2, 70, 30);
        var shard = new DataShard(inputs, Objective.SquaredError(examples.Batch(1, 70, 30)));
        double[] weights = [.. new Parameters(examples.Model(2, 4, 1, spectralRadius: 0.9)).ToVector()];
        double[] states = [.. examples.Vector(8)];
        double[] finals = [.. examples.Vector(8)];
        ShardTask[] tasks =
        [
            Task(ShardQuantity.LossAndBorders), Task(ShardQuantity.Gradient), Task(ShardQuantity.Gradient, finals),
            Task(ShardQuantity.LossAndBorders), Task(ShardQuantity.LossAndFinalStates), Task(ShardQuantity.Loss),
        ];

        var asked = new ShardComputation(shard);
        double[][] answers = Array.ConvertAll(tasks, task => asked.Run(task));

        for (int i = 0; i < tasks.Length; i++)
        {
            answers[i].Should().Equal(new ShardComputation(shard).Run(tasks[i]), "{0}", tasks[i]);
        }
        answers[0][0].Should().Be(answers[5][0]);
        answers[0][1..9].Should().Equal(answers[4][1..]);
        answers[0][9..].Should().Equal(answers[1][^8..], "∂L/∂h_0 is the same with the gradients of the weights");

        ShardTask Task(ShardQuantity quantity, double[]? beyond = null) =>
            new(quantity, 2, 4, 1, weights, initialStates: states, finalStateGradients: beyond);
    }

    [Fact]
    public void A_task_that_contradicts_itself_is_refused()
    {
        SequenceBatch inputs = new Examples(3).Batch(1, 6);
        var computation = new ShardComputation(new DataShard(inputs, Objective.SquaredError(inputs)));
        double[] weights = new double[2 * (1 + 2 + 1)];

        Action odd = () => _ = new ShardTask(ShardQuantity.Loss, 1, 2, 1, weights, initialStates: new double[3]);
        Action oddGradients = () => _ = new ShardTask(
            ShardQuantity.Gradient, 1, 2, 1, weights, finalStateGradients: new double[3]);
        Action both = () => _ = new ShardTask(
            ShardQuantity.Loss, 1, 2, 1, new double[weights.Length + 2], initialStates: new double[2]);
        Action product = () => computation.Run(new ShardTask(
            ShardQuantity.HessianProduct, 1, 2, 1, weights, weights, initialStates: new double[2]));

        odd.Should().Throw<ArgumentException>().WithMessage("*whole columns of 2*3*");
        oddGradients.Should().Throw<ArgumentException>().WithMessage("*whole columns of 2*3*");
        both.Should().Throw<ArgumentException>().WithMessage("initialStates: *learned*");
        product.Should().Throw<ArgumentException>().WithMessage("task: *no initial states*");
    }

    private static ShardedLoss Open(
        SequenceBatch inputs, Objective objective, int segments, int shards, Matrix<double>? states = null) =>
        ShardedLoss.Open(inputs, objective, shards, segments, states, ExecutionOptions.Default, null);

    private static ScalarProblem<double> ProblemOf(int seed, double radius, params int[] lengths)
    {
        var numbers = new RandomNumbers(seed);
        int h = 3 + (seed % 5);
        return new ScalarProblem<double>(
            numbers.Normal(h, 2),
            numbers.WithSpectralRadius(h, radius),
            numbers.Normal(3, h),
            numbers.Normal(h, lengths.Length),
            Array.ConvertAll(lengths, length => numbers.Normal(2, length)));
    }

    /// <summary>How far loss and gradient over segments, and over whole sequences, are from the reference.</summary>
    private static (WorstError Cut, WorstError Whole) Errors(
        ScalarProblem<double> problem, int seed, int segments, int shards, string where)
    {
        double[][,] targets = new RandomNumbers(seed + 1).LikeOutputs(problem);
        (double expectedLoss, ScalarGradients<double> expected) = Reference(problem, targets);
        return (ErrorOver(segments, shards), ErrorOver(1, 1));

        WorstError ErrorOver(int segments, int shards)
        {
            (double loss, double[] gradient) = Evaluate(
                problem, Objective.SquaredError(targets.ToBatch()), segments, shards);
            var error = new WorstError();
            error.Add(RelativeError.Scalar(loss, expectedLoss), where + ", L");
            AddGradient(error, gradient, expected, where);
            return error;
        }
    }

    private static (double Loss, double[] Gradient) Evaluate(
        ScalarProblem<double> problem, Objective objective, int segments, int shards)
    {
        using ShardedLoss cut = Open(problem.Inputs.ToBatch(), objective, segments, shards);
        return cut.Evaluate(new Parameters(problem.ToModel(), problem.InitialStates.ToMatrix()));
    }

    private static (double Loss, ScalarGradients<double> Gradients) Reference(
        ScalarProblem<double> problem, double[][,] targets)
    {
        ScalarProblem<DoubleDouble> precise = problem.Convert(DoubleDouble.Of);
        DoubleDouble[][,] preciseTargets = targets.Map(DoubleDouble.Of);
        ScalarPass<DoubleDouble> pass = ScalarLoops<DoubleDouble>.Forward(precise);
        ScalarGradients<DoubleDouble> gradients = ScalarLoops<DoubleDouble>.Backward(
            precise, pass, ScalarLoops<DoubleDouble>.SquaredErrorGradients(pass.Outputs, preciseTargets));
        return (
            ScalarLoops<DoubleDouble>.SquaredError(pass.Outputs, preciseTargets).High,
            gradients.Convert(value => value.High));
    }

    /// <summary>Each of the weight matrices, and h_0 of each sequence.</summary>
    private static void AddGradient(
        WorstError error, double[] gradient, ScalarGradients<double> expected, string where)
    {
        int at = 0;
        foreach (Quantity quantity in new[] { Quantity.Whx, Quantity.Whh, Quantity.Wqh, Quantity.InitialStates })
        {
            double[,] values = expected.Values(quantity, 0);
            double[,] actual = Matrix<double>.Build.Dense(
                values.GetLength(0), values.GetLength(1), gradient[at..(at += values.Length)]).ToArray();
            error.Add(actual, values, $"{where}, {quantity}");
            if (quantity == Quantity.InitialStates)
            {
                error.AddColumns(actual, values, $"{where}, {quantity}");
            }
        }
    }

    private static double RelativeDistance(double[] actual, ReadOnlySpan<double> expected)
    {
        Vector<double> difference = Vector<double>.Build.Dense(actual) - Vector<double>.Build.Dense(expected.ToArray());
        return difference.L2Norm() / Vector<double>.Build.Dense(expected.ToArray()).L2Norm();
    }

    private static Objective ObjectiveOf(string name, Examples examples)
    {
        SequenceBatch targets = examples.Batch(3, Ragged);
        double[][] weights = Array.ConvertAll(Ragged, length => examples.Vector(length)
            .Map(value => value < -0.4 ? 0.0 : Math.Abs(value)).ToArray());
        Array.Clear(weights[2]);
        weights[0][0] = 0.7;
        return name switch
        {
            "steps" => Objective.SquaredError(targets),
            "sequences" => Objective.SquaredError(targets, Reduction.MeanPerSequence),
            "sum" => Objective.SquaredError(targets, Reduction.Sum),
            "Huber" => Objective.Huber(targets, 0.3).WithNormalizer(17.0),
            "cross-entropy" => Objective.CrossEntropy(
                Array.ConvertAll(Ragged, length => Enumerable.Range(0, length).Select(t => t % 3).ToArray()),
                Reduction.MeanPerSequence),
            "weights" => Objective.SquaredError(targets).WithStepWeights(weights),
            "weights per sequence" =>
                Objective.SquaredError(Masked(targets, weights), Reduction.MeanPerSequence).WithStepWeights(weights),
            _ => new OwnObjective(targets),
        };
    }

    /// <summary>NaN where the weight is 0.</summary>
    private static SequenceBatch Masked(SequenceBatch targets, double[][] weights) => SequenceBatch.Pack(
        [.. Enumerable.Range(0, targets.Count).Select(b => targets.Sequence(b).MapIndexed(
            (_, t, value) => weights[b][t] == 0.0 ? double.NaN : value))]);

    /// <summary>ℓ = ¼‖o − y‖⁴ on targets of the whole, found by the numbers of sequence and step.</summary>
    private sealed class OwnObjective(SequenceBatch targets) : Objective(Reduction.MeanPerSequence)
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
        {
            double square = Square(output, sequence, t);
            return 0.25 * square * square;
        }

        protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
        {
            double square = Square(output, sequence, t);
            for (int i = 0; i < output.Length; i++)
            {
                gradient[i] = square * (output[i] - targets.Sequence(sequence)[i, t - 1]);
            }
        }

        private double Square(ReadOnlySpan<double> output, int sequence, int t)
        {
            double square = 0.0;
            for (int i = 0; i < output.Length; i++)
            {
                double residual = output[i] - targets.Sequence(sequence)[i, t - 1];
                square += residual * residual;
            }
            return square;
        }
    }

    /// <summary>This process, and what it is asked.</summary>
    private sealed class CountingExecutor : IShardExecutor, IShardRunner
    {
        private LocalShards? _shards;

        public int Tasks { get; private set; }

        public List<ReadOnlyMemory<double>> Weights { get; } = [];

        public IShardRunner Start(IReadOnlyList<DataShard> shards)
        {
            _shards = new LocalShards(shards);
            return this;
        }

        public IReadOnlyList<ReadOnlyMemory<double>> Run(ShardTask task, CancellationToken cancellation)
        {
            Tasks++;
            if (!Weights.Contains(task.Parameters))
            {
                Weights.Add(task.Parameters);
            }
            return _shards!.Run(task, cancellation);
        }

        public void Dispose() => _shards?.Dispose();
    }
}
