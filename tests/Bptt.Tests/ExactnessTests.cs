// The library against independent references: scalar loops, the general term, complex steps and complex objectives.
// Central differences of the library itself are in CentralDifferenceTests.cs.

using Bptt.Edge;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;
using Complex = System.Numerics.Complex;

namespace Bptt.Tests;

public class ExactnessTests(ITestOutputHelper output)
{
    private const double Tolerance = 1e-12;

    /// <summary>Compares one run of a scenario with what was computed once for all runs.</summary>
    private delegate void Comparison(BackwardThroughTime backward, WorstError worst);

    public static TheoryData<int, int, int, int, double> SizesAndRadii => ScenarioTable.SizesAndRadii();

    [Theory]
    [MemberData(nameof(SizesAndRadii))]
    public void Loss_states_and_gradients_agree_with_scalar_loops(int d, int h, int q, int length, double radius) =>
        Check(ScenarioTable.Of(d, h, q, length, radius), AddScalarLoops);

    [Theory]
    [MemberData(nameof(SizesAndRadii))]
    public void Gradients_agree_with_the_general_term(int d, int h, int q, int length, double radius) =>
        Check(ScenarioTable.Of(d, h, q, length, radius), AddGeneralTerm);

    [Theory]
    [MemberData(nameof(SizesAndRadii))]
    public void Gradients_agree_with_complex_steps(int d, int h, int q, int length, double radius) =>
        Check(ScenarioTable.Of(d, h, q, length, radius), AddComplexSteps);

    [Fact]
    public void Every_combination_of_options_agrees_with_scalar_loops() =>
        Check(ScenarioTable.EveryOption(), AddScalarLoops);

    [Fact]
    public void Every_combination_of_options_agrees_with_complex_steps() =>
        Check(ScenarioTable.EveryOption(), AddComplexSteps);

    [Theory]
    [MemberData(nameof(SizesAndRadii))]
    public void Backward_from_output_gradients_agrees_with_both_references(
        int d, int h, int q, int length, double radius) =>
        Check(ScenarioTable.Of(d, h, q, length, radius), (scenario, worst) =>
        {
            double[][,] outputGradients = new RandomNumbers(-1 - scenario.Settings.Seed).LikeOutputs(scenario.Problem);
            ScalarPass<double> pass = ScalarLoops<double>.Forward(scenario.Problem);
            ScalarGradients<double> recursion = ScalarLoops<double>.Backward(
                scenario.Problem, pass, outputGradients, scenario.FinalStateGradients);
            ScalarGradients<double> generalTerm = GeneralTerm<double>.Backward(
                scenario.Problem, pass, outputGradients, scenario.FinalStateGradients);
            foreach (Way way in Ways.InBothPrecisions)
            {
                var own = new WorstError();
                ScalarGradients<double> actual = scenario.Problem
                    .RunForward(way.For(h, scenario.Settings.Lengths))
                    .RunBackward(outputGradients, scenario.FinalStateGradients).ToArrays();
                own.Add(actual, recursion, "recursion");
                own.Add(actual, generalTerm, "general term");
                worst.Add(own, way);
            }
        });

    [Fact]
    public void Fifty_random_models_agree_with_scalar_loops_and_the_general_term() => CheckRandom(50);

    [Fact]
    [Trait("Category", "Long")]
    public void A_thousand_random_models_agree_with_scalar_loops_and_the_general_term() => CheckRandom(1000);

    [Theory]
    [InlineData(Recurrence.Automatic, Tolerance)]
    [InlineData(Recurrence.Sequential, Tolerance)]
    // The rounding of a power adds up: 4 T√h units in the last place.
    [InlineData(Recurrence.TimeParallel, 5 * Tolerance)]
    public void Long_sequences_agree_with_scalar_loops(Recurrence recurrence, double tolerance)
    {
        double[] radii = [0.9, 0.999, 1.0, 1.01];
        Check(radii.Select((radius, seed) => LongScenario(radius, seed)), (scenario, worst) =>
        {
            double[][,] outputGradients = new RandomNumbers(-1 - scenario.Settings.Seed).LikeOutputs(scenario.Problem);
            ForwardPass forward = scenario.Problem.RunForward(new ExecutionOptions { Recurrence = recurrence });
            ScalarPass<double> pass = ScalarLoops<double>.Forward(scenario.Problem);
            for (int b = 0; b < pass.States.Length; b++)
            {
                worst.AddColumns(forward.HiddenStates(b).ToArray(), pass.States[b], $"states of sequence {b}");
            }
            worst.Add(
                forward.RunBackward(outputGradients, scenario.FinalStateGradients).ToArrays(),
                ScalarLoops<double>.Backward(scenario.Problem, pass, outputGradients, scenario.FinalStateGradients),
                "recursion");
        }, tolerance);

        static RandomScenario LongScenario(double radius, int seed) => RandomScenario.Create(
            new ScenarioSettings(3, 8, 2, [700, 1, 2000, 1999], radius, ObjectiveKind.SquaredError, seed)
            {
                HasInitialStates = true,
                HasFinalStateGradients = true,
            });
    }

    [Fact]
    public void Columns_read_one_by_one_agree_with_scalar_loops() =>
        Check(ScenarioTable.EveryOption(), AddSingleColumns);

    [Fact]
    public void Cross_entropy_over_one_class_is_zero_with_zero_gradients()
    {
        RandomScenario scenario = ScenarioTable.Random(1);
        ScalarProblem<double> problem = scenario.Problem with
        {
            Wqh = new double[1, scenario.Problem.HiddenSize].Map(_ => 0.5),
        };
        int[][] labels = Array.ConvertAll(problem.Inputs, inputs => new int[inputs.GetLength(1)]);
        var backward = BackwardThroughTime.Run(problem.RunForward(), Objective.CrossEntropy(labels));
        backward.Loss.Should().Be(0.0);
        backward.Gradients.GlobalNorm().Should().Be(0.0);
    }

    /// <summary>Models of the seeds 0 … count − 1, carried out in every way, in one workspace.</summary>
    private void CheckRandom(int count)
    {
        var workspace = new Workspace();
        Check(Enumerable.Range(0, count).Select(ScenarioTable.Random), (scenario, worst) =>
        {
            BackwardThroughTime backward = scenario.RunBackward(new ExecutionOptions
            {
                Recurrence = (Recurrence)(scenario.Settings.Seed % 3),
                MaxDegreeOfParallelism = 1 + (scenario.Settings.Seed % 4),
                Workspace = workspace,
            });
            AddScalarLoops(scenario)(backward, worst);
            AddGeneralTerm(scenario)(backward, worst);
        }, count <= 50 ? Tolerance : 5 * Tolerance); // of so many, some have a state that all but cancels

    }

    /// <summary>Every scenario in every way.</summary>
    private void Check(IEnumerable<RandomScenario> scenarios, Func<RandomScenario, Comparison> compare) =>
        Check(scenarios, (scenario, worst) =>
        {
            Comparison comparison = compare(scenario);
            foreach (Way way in Ways.InBothPrecisions)
            {
                ExecutionOptions options = way.For(scenario.Settings.HiddenSize, scenario.Settings.Lengths);
                var own = new WorstError();
                comparison(scenario.RunBackward(options), own);
                worst.Add(own, way);
            }
        });

    private void Check(
        IEnumerable<RandomScenario> scenarios, Action<RandomScenario, WorstError> add, double tolerance = Tolerance)
    {
        var worst = new WorstError();
        foreach (RandomScenario scenario in scenarios)
        {
            var own = new WorstError();
            add(scenario, own);
            worst.Add(own.Value, $"{own.Where}; {scenario.Settings}");
        }
        output.WriteLine($"Worst relative error {worst}");
        worst.Value.Should().BeLessThan(tolerance, "the worst is {0}", worst);
    }

    /// <summary>Everything from the inputs on, by loops that share nothing with the library.</summary>
    private static Comparison AddScalarLoops(RandomScenario scenario)
    {
        ScalarPass<double> pass = ScalarLoops<double>.Forward(scenario.Problem);
        double loss = scenario.ComplexObjective.Loss(pass.Outputs.Map(o => (Complex)o)).Real;
        double[][,] outputGradients = scenario.ComplexObjective.Gradients(pass.Outputs);
        ScalarGradients<double> gradients = ScalarLoops<double>.Backward(
            scenario.Problem, pass, outputGradients, scenario.FinalStateGradients);
        return (backward, worst) =>
        {
            ScalarPass<double> actual = backward.Forward.ToArrays();
            worst.Add(RelativeError.Scalar(backward.Loss, loss), "L of the backward pass");
            worst.Add(RelativeError.Scalar(scenario.Objective.Loss(backward.Forward), loss), "L of the objective");
            double[][,] actualOutputGradients = backward.OutputGradientArrays();
            for (int b = 0; b < pass.States.Length; b++)
            {
                worst.AddColumns(actual.States[b], pass.States[b], $"states of sequence {b}");
                worst.Add(actual.Outputs[b], pass.Outputs[b], $"outputs of sequence {b}");
                worst.Add(actualOutputGradients[b], outputGradients[b], $"∂L/∂o of sequence {b}");
            }
            worst.Add(backward.ToArrays(), gradients, "recursion");
        };
    }

    /// <summary>The same numbers through the methods that give one column.</summary>
    private static Comparison AddSingleColumns(RandomScenario scenario)
    {
        ScalarPass<double> pass = ScalarLoops<double>.Forward(scenario.Problem);
        double[][,] outputGradients = scenario.ComplexObjective.Gradients(pass.Outputs);
        ScalarGradients<double> expected = ScalarLoops<double>.Backward(
            scenario.Problem, pass, outputGradients, scenario.FinalStateGradients);
        return (backward, worst) =>
        {
            ForwardPass forward = backward.Forward;
            for (int b = 0; b < forward.SequenceCount; b++)
            {
                int length = forward.Lengths[b];
                for (int t = 0; t <= length; t++)
                {
                    Add(forward.HiddenState(t, b), pass.States[b], t, "h_t");
                    Add(backward.HiddenStateGradient(t, b), expected.HiddenStates[b], t, "∂L/∂h_t");
                }
                for (int t = 1; t <= length; t++)
                {
                    Add(forward.Output(t, b), pass.Outputs[b], t - 1, "o_t");
                    Add(backward.OutputGradient(t, b), outputGradients[b], t - 1, "∂L/∂o_t");
                    Add(backward.InputGradient(t, b), expected.Inputs[b], t - 1, "∂L/∂x_t");
                }
                Add(forward.InitialStates.Column(b), pass.States[b], 0, "initial state");
                Add(forward.FinalStates.Column(b), pass.States[b], length, "final state");
                Add(backward.InitialStateGradients.Column(b), expected.HiddenStates[b], 0, "∂L/∂h_0");
                Matrix<double> inputGradients = backward.InputGradientBatch().Sequence(b);
                worst.Add(inputGradients.ToArray(), expected.Inputs[b], "∂L/∂x as a batch");
            }

            void Add(Vector<double> actual, double[,] matrix, int column, string name)
            {
                double[,] expectedColumn =
                    matrix.ToMatrix().SubMatrix(0, matrix.GetLength(0), column, 1).ToArray();
                worst.Add(actual.ToColumnMatrix().ToArray(), expectedColumn, name);
            }
        };
    }

    private static Comparison AddGeneralTerm(RandomScenario scenario)
    {
        ScalarPass<double> pass = ScalarLoops<double>.Forward(scenario.Problem);
        double[][,] outputGradients = scenario.ComplexObjective.Gradients(pass.Outputs);
        ScalarGradients<double> expected = GeneralTerm<double>.Backward(
            scenario.Problem, pass, outputGradients, scenario.FinalStateGradients);
        return (backward, worst) => worst.Add(backward.ToArrays(), expected, "general term");
    }

    private static Comparison AddComplexSteps(RandomScenario scenario)
    {
        (Quantity Quantity, int Sequence, double[,] Expected)[] steps =
        [
            .. scenario.Problem.Quantities().Select(place => (
                place.Item1,
                place.Item2,
                EntryByEntry.ComplexStep(scenario.ComplexLoss, scenario.Problem, place.Item1, place.Item2))),
        ];
        return (backward, worst) =>
        {
            ScalarGradients<double> actual = backward.ToArrays();
            foreach ((Quantity quantity, int b, double[,] expected) in steps)
            {
                worst.Add(actual.Values(quantity, b), expected, $"complex step, {quantity} {b}");
            }
        };
    }
}
