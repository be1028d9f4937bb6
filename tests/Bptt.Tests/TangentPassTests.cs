// Forward-mode differentiation against scalar loops on dual numbers, in every way of running a pass, and against the
// backward pass: ⟨J v, w⟩ = ⟨v, Jᵀ w⟩.

using Bptt.Edge;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests;

public class TangentPassTests(ITestOutputHelper output)
{
    private const double Tolerance = 1e-12;

    [Fact]
    public void Derivatives_are_those_of_dual_numbers_in_every_way_and_for_every_part_of_a_direction()
    {
        var worst = new WorstError();
        for (int seed = 0; seed < 32; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            ScalarProblem<double> problem = scenario.Problem;
            ScalarProblem<double> direction = Directions.Random(problem, seed, parts: seed);
            ScalarPass<Dual<double>> expected = ScalarLoops<Dual<double>>.Forward(problem.Moving(direction));
            int[] lengths = Array.ConvertAll(problem.Inputs, inputs => inputs.GetLength(1));
            foreach (Way way in Ways.All)
            {
                var tangent = TangentPass.Run(
                    problem.RunForward(way.For(problem.HiddenSize, lengths)), direction.ToDirection(parts: seed));
                for (int b = 0; b < lengths.Length; b++)
                {
                    string where = $"{scenario.Settings}, {way}, sequence {b}";
                    worst.Add(tangent.HiddenStates(b).ToArray(), expected.States[b].Map(d => d.Derivative), where);
                    worst.Add(tangent.Outputs(b).ToArray(), expected.Outputs[b].Map(d => d.Derivative), where);
                    worst.Add(
                        tangent.FinalStates.Column(b).ToColumnMatrix().ToArray(),
                        tangent.HiddenState(lengths[b], b).ToColumnMatrix().ToArray(),
                        where);
                    tangent.OutputBatch().Sequence(b).Should().Be(tangent.Outputs(b));
                    tangent.Output(lengths[b], b).Should().Equal(tangent.Outputs(b).Column(lengths[b] - 1));
                }
            }
        }
        output.WriteLine($"Worst relative error: {worst}");
        worst.Value.Should().BeLessThan(Tolerance, worst.Where);
    }

    [Fact]
    public void The_derivative_of_the_loss_is_the_inner_product_of_gradient_and_direction()
    {
        var worst = new WorstError();
        for (int seed = 200; seed < 260; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            ForwardPass forward = scenario.Problem.RunForward();
            ScalarProblem<double> direction = Directions.Random(scenario.Problem, seed, Directions.All);
            var tangent = TangentPass.Run(forward, direction.ToDirection(Directions.All));
            ScalarGradients<double> gradients = BackwardThroughTime.Run(forward, scenario.Objective).ToArrays();
            double sum = 0.0;
            double size = 0.0;
            foreach ((Quantity quantity, int sequence) in scenario.Problem.Quantities())
            {
                double[,] g = gradients.Values(quantity, sequence);
                double[,] v = direction.Values(quantity, sequence);
                double part = g.ToMatrix().PointwiseMultiply(v.ToMatrix()).ColumnSums().Sum();
                sum += part;
                size += g.ToMatrix().FrobeniusNorm() * v.ToMatrix().FrobeniusNorm();
            }
            worst.Add(
                size == 0.0 ? 0.0 : Math.Abs(tangent.LossDerivative(scenario.Objective) - sum) / size,
                scenario.Settings.ToString());
        }
        output.WriteLine($"Worst relative error: {worst}");
        worst.Value.Should().BeLessThan(Tolerance, worst.Where);
    }

    [Fact]
    public void It_can_be_read_after_the_workspace_has_gone_on_and_copies_what_it_is_given()
    {
        var examples = new Examples(seed: 11);
        var options = new ExecutionOptions { Workspace = new Workspace() };
        LinearRnn model = examples.Model(2, 3, 2);
        Matrix<double> inputs = examples.Matrix(2, 6);
        Matrix<double> whh = examples.Matrix(3, 3);
        var forward = ForwardPass.Run(model, inputs, options: options);
        var tangent = TangentPass.Run(forward, new TangentDirection { Whh = whh });
        Matrix<double> states = tangent.HiddenStates();
        Matrix<double> outputs = tangent.Outputs();

        ForwardPass.Run(model, 2.0 * inputs, options: options);
        whh.Clear();

        tangent.HiddenStates().Should().Be(states);
        tangent.Outputs().Should().Be(outputs);
        FluentActions.Invoking(() => TangentPass.Run(forward, new TangentDirection { Whh = whh }))
            .Should().Throw<InvalidOperationException>();
    }

    [Fact]
    public void A_direction_that_does_not_fit_is_refused_by_name()
    {
        var examples = new Examples(seed: 12);
        var forward = ForwardPass.Run(examples.Model(2, 3, 1), examples.Batch(2, 4, 5));
        Refused(new(), "*at least one part*");
        Refused(new() { Whx = examples.Matrix(3, 3) }, "*direction.Whx: expected 3×2 (h×d)*got 3×3*");
        Refused(new() { Whh = examples.Matrix(3, 2) }, "*direction.Whh: expected 3×3 (h×h)*");
        Refused(new() { Wqh = examples.Matrix(1, 3) * double.NaN }, "*direction.Wqh: expected finite*");
        Refused(new() { InitialStates = examples.Matrix(3, 1) }, "*direction.InitialStates: expected 3×2 (h×B)*");
        Refused(new() { Inputs = examples.Batch(1, 4, 5) }, "*direction.Inputs: expected sequences of 2 rows*");
        Refused(new() { Inputs = examples.Batch(2, 5, 4) }, "*direction.Inputs*as long as*");
        FluentActions.Invoking(() => TangentPass.Run(null!, new())).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => TangentPass.Run(forward, null!)).Should().Throw<ArgumentNullException>();

        var tangent = TangentPass.Run(forward, new() { Whh = examples.Matrix(3, 3) });
        tangent.Invoking(p => p.HiddenState(6, 1)).Should().Throw<ArgumentOutOfRangeException>();
        tangent.Invoking(p => p.Output(0)).Should().Throw<ArgumentOutOfRangeException>();
        tangent.Invoking(p => p.Outputs(2)).Should().Throw<ArgumentOutOfRangeException>();
        tangent.Invoking(p => p.LossDerivative(Objective.SquaredError(examples.Batch(1, 3, 3))))
            .Should().Throw<ArgumentException>();

        void Refused(TangentDirection direction, string message) =>
            FluentActions.Invoking(() => TangentPass.Run(forward, direction))
                .Should().Throw<ArgumentException>().WithMessage(message);
    }
}
