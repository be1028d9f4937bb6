// Forward-mode differentiation against scalar loops on dual numbers, in every way of running a pass, and against the
// backward pass: ⟨J v, w⟩ = ⟨v, Jᵀ w⟩.

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
            ScalarProblem<double> direction = Direction(problem, seed, parts: seed);
            ScalarPass<Dual<double>> expected = ScalarLoops<Dual<double>>.Forward(Pair(problem, direction));
            int[] lengths = Array.ConvertAll(problem.Inputs, inputs => inputs.GetLength(1));
            foreach (Way way in Ways.All)
            {
                var tangent = TangentPass.Run(
                    problem.RunForward(way.For(problem.HiddenSize, lengths)), ToLibrary(direction, parts: seed));
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
            ScalarProblem<double> direction = Direction(scenario.Problem, seed, parts: 31);
            var tangent = TangentPass.Run(forward, ToLibrary(direction, parts: 31));
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
            FluentActions.Invoking(() => TangentPass.Run(forward, direction)).Should().Throw<ArgumentException>().WithMessage(message);
    }

    /// <summary>A random direction with zero for the parts that are not chosen, a bit each.</summary>
    private static ScalarProblem<double> Direction(ScalarProblem<double> problem, int seed, int parts)
    {
        var numbers = new RandomNumbers(~seed);
        double[,] Part(int part, double[,] like)
        {
            double[,] random = numbers.Normal(like.GetLength(0), like.GetLength(1));
            return Has(parts, part) ? random : random.Map(_ => 0.0);
        }
        return new(
            Part(0, problem.Whx),
            Part(1, problem.Whh),
            Part(2, problem.Wqh),
            Part(3, problem.InitialStates),
            Array.ConvertAll(problem.Inputs, inputs => Part(4, inputs)));
    }

    private static TangentDirection ToLibrary(ScalarProblem<double> direction, int parts) => new()
    {
        Whx = Has(parts, 0) ? direction.Whx.ToMatrix() : null,
        Whh = Has(parts, 1) ? direction.Whh.ToMatrix() : null,
        Wqh = Has(parts, 2) ? direction.Wqh.ToMatrix() : null,
        InitialStates = Has(parts, 3) ? direction.InitialStates.ToMatrix() : null,
        Inputs = Has(parts, 4) ? direction.Inputs.ToBatch() : null,
    };

    /// <summary>Every set of parts but the empty one, by number.</summary>
    private static bool Has(int parts, int part) => ((1 + (parts % 31)) >> part & 1) == 1;

    private static ScalarProblem<Dual<double>> Pair(ScalarProblem<double> values, ScalarProblem<double> derivatives) => new(
        Pair(values.Whx, derivatives.Whx),
        Pair(values.Whh, derivatives.Whh),
        Pair(values.Wqh, derivatives.Wqh),
        Pair(values.InitialStates, derivatives.InitialStates),
        [.. values.Inputs.Zip(derivatives.Inputs, Pair)]);

    private static Dual<double>[,] Pair(double[,] values, double[,] derivatives)
    {
        var pairs = new Dual<double>[values.GetLength(0), values.GetLength(1)];
        for (int i = 0; i < pairs.GetLength(0); i++)
        {
            for (int j = 0; j < pairs.GetLength(1); j++)
            {
                pairs[i, j] = new(values[i, j], derivatives[i, j]);
            }
        }
        return pairs;
    }
}
