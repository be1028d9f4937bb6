// What must not change, or must change in a known way, when a problem is changed. Random shapes; a failure prints the
// seed that reproduces it. No reference values: those are in ExactnessTests.cs.

using Bptt.Edge;
using Bptt.Tests.Reference;
using CsCheck;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class MetamorphicTests
{
    private static readonly Gen<ScenarioSettings> AnySettings =
        Gen.Select(
            Gen.Int[1, 6],
            Gen.Int[1, 9],
            Gen.Int[1, 5],
            Gen.Int[1, 14].Array[1, 5],
            Gen.Double[0.2, 1.4],
            Gen.Int[0, int.MaxValue],
            (d, h, q, lengths, radius, seed) =>
                new ScenarioSettings(d, h, q, lengths, radius, ObjectiveKind.SquaredError, seed)
                {
                    Reduction = Reduction.Sum,
                    HasInitialStates = true,
                    HasFinalStateGradients = true,
                });

    [Fact]
    public void Backward_is_linear_in_output_gradients_and_final_state_gradients() => AnySettings.Sample(
        settings =>
        {
            var scenario = RandomScenario.Create(settings);
            var numbers = new RandomNumbers(-1 - settings.Seed);
            double[][,] first = numbers.LikeOutputs(scenario.Problem);
            double[][,] second = numbers.LikeOutputs(scenario.Problem);
            double[,] firstFinal = scenario.FinalStateGradients!;
            double[,] secondFinal = firstFinal.Map(value => 1.5 - value);
            (double a, double c) = (0.75, -3.3);

            ForwardPass forward = scenario.Problem.RunForward();
            ScalarGradients<double> combined = forward.RunBackward(
                Combine(first, second, a, c), Combine(firstFinal, secondFinal, a, c)).ToArrays();
            ScalarGradients<double> left = forward.RunBackward(first, firstFinal).ToArrays();
            ScalarGradients<double> right = forward.RunBackward(second, secondFinal).ToArrays();

            ScalarGradients<double> bound = RoundingBound.OfBackward(
                scenario.Problem,
                Combine(first.Map(Math.Abs), second.Map(Math.Abs), a, -c),
                Combine(firstFinal.Map(Math.Abs), secondFinal.Map(Math.Abs), a, -c));
            RoundingBound.AssertWithin(combined, Combine(left, right, a, c), bound);
        });

    [Fact]
    public void Appended_steps_of_zero_output_gradient_change_nothing_earlier() =>
        AnySettings.Select(Gen.Int[1, 9]).Sample(
        (settings, appended) =>
        {
            var scenario = RandomScenario.Create(settings);
            var numbers = new RandomNumbers(-1 - settings.Seed);
            double[][,] outputGradients = numbers.LikeOutputs(scenario.Problem);
            ScalarProblem<double> longer = scenario.Problem with
            {
                Inputs = Array.ConvertAll(
                    scenario.Problem.Inputs, x => Beside(x, numbers.Normal(x.GetLength(0), appended))),
            };
            double[][,] zeroAfterwards = Array.ConvertAll(
                outputGradients, g => Beside(g, new double[g.GetLength(0), appended]));

            var options = new ExecutionOptions { Recurrence = Recurrence.Sequential };
            ScalarGradients<double> shortRun =
                scenario.Problem.RunForward(options).RunBackward(outputGradients).ToArrays();
            ScalarGradients<double> longRun = longer.RunForward(options).RunBackward(zeroAfterwards).ToArrays();

            ScalarGradients<double> earlier = longRun with
            {
                HiddenStates = [.. longRun.HiddenStates.Select(g => First(g, g.GetLength(1) - appended))],
                Inputs = [.. longRun.Inputs.Select(g => First(g, g.GetLength(1) - appended))],
            };

            // To rounding, not to the bit: with the lengths change the blocks, and with them the order of sums.
            RoundingBound.AssertWithin(earlier, shortRun, RoundingBound.OfBackward(scenario.Problem, outputGradients));
            for (int b = 0; b < longRun.HiddenStates.Length; b++)
            {
                Last(longRun.HiddenStates[b], appended).Cast<double>().Should().OnlyContain(value => value == 0.0);
            }
        });

    [Fact]
    public void Gradients_of_a_batch_are_the_sum_over_its_sequences_alone() => AnySettings.Sample(
        settings =>
        {
            (ScalarProblem<double> problem, double[][,] targets) = SquaredErrorProblem(settings);
            ScalarGradients<double> batch = Run(problem, targets);
            ScalarGradients<double>[] alone =
            [
                .. Enumerable.Range(0, problem.SequenceCount).Select(b => Run(Alone(problem, b), [targets[b]])),
            ];

            var sum = Gradients.Sum(alone.Select(one =>
                new Gradients(one.Whx.ToMatrix(), one.Whh.ToMatrix(), one.Wqh.ToMatrix())));
            var expected = new ScalarGradients<double>(
                sum.Whx.ToArray(),
                sum.Whh.ToArray(),
                sum.Wqh.ToArray(),
                [.. alone.Select(one => one.HiddenStates[0])],
                [.. alone.Select(one => one.Inputs[0])]);
            RoundingBound.AssertWithin(batch, expected, RoundingBound.OfSquaredError(problem, targets));
        });

    [Fact]
    public void The_order_of_the_sequences_does_not_matter() => AnySettings.Sample(
        settings =>
        {
            (ScalarProblem<double> problem, double[][,] targets) = SquaredErrorProblem(settings);
            int[] order = [.. Enumerable.Range(0, problem.SequenceCount)];
            new Random(settings.Seed).Shuffle(order);
            ScalarProblem<double> shuffled = problem with
            {
                InitialStates = Matrix<double>.Build
                    .DenseOfColumnVectors(order.Select(problem.InitialStates.ToMatrix().Column)).ToArray(),
                Inputs = Pick(problem.Inputs, order),
            };

            ScalarGradients<double> inOrder = Run(problem, targets);
            ScalarGradients<double> expected = inOrder with
            {
                HiddenStates = Pick(inOrder.HiddenStates, order),
                Inputs = Pick(inOrder.Inputs, order),
            };
            RoundingBound.AssertWithin(
                Run(shuffled, Pick(targets, order)),
                expected,
                RoundingBound.OfSquaredError(shuffled, Pick(targets, order)));
        });

    [Fact]
    public void Two_pieces_with_carried_state_give_the_gradients_of_the_whole() =>
        AnySettings.Select(Gen.Int[0, 13]).Sample(
        (settings, at) =>
        {
            // One sequence of at least two steps, cut behind step k.
            int length = settings.Lengths[0] + 1;
            int k = 1 + (at % (length - 1));
            int rest = length - k;
            (ScalarProblem<double> problem, double[][,] targets) =
                SquaredErrorProblem(settings with { Lengths = [length] });
            ScalarProblem<double> first = problem with { Inputs = [First(problem.Inputs[0], k)] };
            ForwardPass firstForward = first.RunForward();
            ScalarProblem<double> second = problem with
            {
                Inputs = [Last(problem.Inputs[0], rest)],
                InitialStates = firstForward.FinalStates.ToArray(),
            };

            BackwardThroughTime later = Backward(second.RunForward(), [Last(targets[0], rest)]);
            BackwardThroughTime sooner = Backward(
                firstForward, [First(targets[0], k)], later.InitialStateGradients.ToArray());

            Gradients sum = sooner.Gradients + later.Gradients;
            double[,] laterStates = later.HiddenStateGradients().ToArray();
            var pieces = new ScalarGradients<double>(
                sum.Whx.ToArray(),
                sum.Whh.ToArray(),
                sum.Wqh.ToArray(),
                [Beside(sooner.HiddenStateGradients().ToArray(), Last(laterStates, rest))],
                [Beside(sooner.InputGradients().ToArray(), later.InputGradients().ToArray())]);
            RoundingBound.AssertWithin(pieces, Run(problem, targets), RoundingBound.OfSquaredError(problem, targets));
        });

    private static (ScalarProblem<double> Problem, double[][,] Targets) SquaredErrorProblem(ScenarioSettings settings)
    {
        ScalarProblem<double> problem = RandomScenario.Create(settings).Problem;
        return (problem, new RandomNumbers(-1 - settings.Seed).LikeOutputs(problem));
    }

    private static ScalarGradients<double> Run(ScalarProblem<double> problem, double[][,] targets) =>
        Backward(problem.RunForward(), targets).ToArrays();

    private static BackwardThroughTime Backward(
        ForwardPass forward, double[][,] targets, double[,]? finalStateGradients = null) =>
        BackwardThroughTime.Run(
            forward,
            Objective.SquaredError(targets.ToBatch(), Reduction.Sum),
            LibraryConversions.Options(finalStateGradients));

    /// <summary>The problem of one of its sequences.</summary>
    private static ScalarProblem<double> Alone(ScalarProblem<double> problem, int b) => problem with
    {
        InitialStates = problem.InitialStates.ToMatrix().SubMatrix(0, problem.HiddenSize, b, 1).ToArray(),
        Inputs = [problem.Inputs[b]],
    };

    private static double[][,] Pick(double[][,] sequences, int[] order) => Array.ConvertAll(order, b => sequences[b]);

    private static double[,] Beside(double[,] left, double[,] right) =>
        left.ToMatrix().Append(right.ToMatrix()).ToArray();

    private static double[,] First(double[,] matrix, int count) =>
        matrix.ToMatrix().SubMatrix(0, matrix.GetLength(0), 0, count).ToArray();

    private static double[,] Last(double[,] matrix, int count) =>
        matrix.ToMatrix().SubMatrix(0, matrix.GetLength(0), matrix.GetLength(1) - count, count).ToArray();

    private static double[,] Combine(double[,] left, double[,] right, double a, double c) =>
        ((a * left.ToMatrix()) + (c * right.ToMatrix())).ToArray();

    private static double[][,] Combine(double[][,] left, double[][,] right, double a, double c) =>
        [.. left.Zip(right, (l, r) => Combine(l, r, a, c))];

    private static ScalarGradients<double> Combine(
        ScalarGradients<double> left, ScalarGradients<double> right, double a, double c) => new(
        Combine(left.Whx, right.Whx, a, c),
        Combine(left.Whh, right.Whh, a, c),
        Combine(left.Wqh, right.Wqh, a, c),
        Combine(left.HiddenStates, right.HiddenStates, a, c),
        Combine(left.Inputs, right.Inputs, a, c));
}
