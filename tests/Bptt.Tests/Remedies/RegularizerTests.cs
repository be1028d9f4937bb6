// The penalties against scalar loops by definition, and their gradients against the complex step.

using System.Numerics;
using Bptt.Remedies;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests.Remedies;

public class RegularizerTests(ITestOutputHelper output)
{
    [Fact]
    public void The_Jacobian_penalty_is_that_of_the_definition_in_every_way()
    {
        var worst = new WorstError();
        for (int seed = 0; seed < 12; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            int[] lengths = Array.ConvertAll(scenario.Problem.Inputs, inputs => inputs.GetLength(1));
            foreach (Way way in Ways.All)
            {
                string where = $"{scenario.Settings}, {way}";
                BackwardThroughTime backward = scenario.RunBackward(way.For(scenario.Problem.HiddenSize, lengths));
                (double Value, Gradients Gradients) term = new JacobianRegularizer(0.7).Evaluate(backward);
                (double value, double[,] gradient) = Jacobian(backward, 0.7);
                worst.Add(RelativeError.Scalar(term.Value, value), where);
                worst.Add(RelativeError.Frobenius(term.Gradients.Whh.ToArray(), gradient), where);
                term.Gradients.WhxNorm().Should().Be(0);
                term.Gradients.WqhNorm().Should().Be(0);
                new JacobianRegularizer(0.7).Value(backward).Should().Be(term.Value);
            }
        }
        output.WriteLine($"Worst relative error: {worst}");
        worst.Value.Should().BeLessThan(1e-11, worst.Where);
    }

    [Fact]
    public void The_Jacobian_penalty_of_many_steps_is_that_of_the_definition()
    {
        var examples = new Examples(seed: 41);
        var forward = ForwardPass.Run(examples.Model(2, 3, 2, 0.95), examples.Batch(2, 700, 3, 512));
        var backward = BackwardThroughTime.Run(forward, examples.Batch(2, 700, 3, 512));
        (double Value, Gradients Gradients) term = new JacobianRegularizer(2.0).Evaluate(backward);
        (double value, double[,] gradient) = Jacobian(backward, 2.0);
        RelativeError.Scalar(term.Value, value).Should().BeLessThan(1e-13);
        RelativeError.Frobenius(term.Gradients.Whh.ToArray(), gradient).Should().BeLessThan(1e-12);
    }

    [Fact]
    public void An_orthogonal_matrix_costs_nothing_and_a_multiple_of_it_what_the_multiple_does()
    {
        var examples = new Examples(seed: 42);
        Matrix<double> inputs = examples.Matrix(2, 30);
        Matrix<double> outputGradients = examples.Matrix(1, 30);
        foreach ((double radius, double expected) in new[] { (1.0, 0.0), (0.5, 0.25), (1.5, 0.25) })
        {
            LinearRnn model = Initializer.Orthogonal(2, 5, 1, seed: 6, radius);
            var backward = BackwardThroughTime.Run(ForwardPass.Run(model, inputs), outputGradients);
            new JacobianRegularizer(1.0).Evaluate(backward).Value.Should().BeApproximately(expected, 1e-14);
        }
    }

    [Fact]
    public void Steps_without_gradient_are_left_out()
    {
        // Only step 2 of 6 has a loss: δ_1 and δ_2 are all there is.
        var examples = new Examples(seed: 43);
        LinearRnn model = Initializer.Orthogonal(1, 3, 1, seed: 6, spectralRadius: 0.5);
        var forward = ForwardPass.Run(model, examples.Matrix(1, 6));
        Matrix<double> one = Matrix<double>.Build.Dense(1, 6, (_, t) => t == 1 ? 1.0 : 0.0);
        new JacobianRegularizer(1.0).Evaluate(BackwardThroughTime.Run(forward, one)).Value.Should().BeApproximately(0.25, 1e-14);

        (double Value, Gradients Gradients) none = new JacobianRegularizer(1.0).Evaluate(BackwardThroughTime.Run(forward, 0 * one));
        (none.Value, none.Gradients.GlobalNorm()).Should().Be((0.0, 0.0));
    }

    [Fact]
    public void A_state_gradient_that_the_matrix_kills_counts_one_and_pulls_nowhere()
    {
        var model = new LinearRnn(Square(0, 0, 1, 0), Square(0, 0, 0, 0), Square(1, 0, 0, 1));
        var backward = BackwardThroughTime.Run(
            ForwardPass.Run(model, Matrix<double>.Build.Dense(2, 1, 1.0)), Matrix<double>.Build.Dense(2, 1, 1.0));
        (double Value, Gradients Gradients) term = new JacobianRegularizer(3.0).Evaluate(backward);
        (term.Value, term.Gradients.GlobalNorm()).Should().Be((3.0, 0.0));
    }

    [Theory]
    [InlineData(1e250)]
    [InlineData(1e-280)]
    public void The_scale_of_the_gradients_does_not_matter(double scale)
    {
        var examples = new Examples(seed: 44);
        var forward = ForwardPass.Run(examples.Model(2, 4, 3, 1.0), examples.Matrix(2, 9));
        Matrix<double> outputGradients = examples.Matrix(3, 9);
        (double Value, Gradients Gradients) plain = new JacobianRegularizer(1.0).Evaluate(BackwardThroughTime.Run(forward, outputGradients));
        (double Value, Gradients Gradients) scaled = new JacobianRegularizer(1.0).Evaluate(BackwardThroughTime.Run(forward, scale * outputGradients));
        scaled.Value.Should().BeApproximately(plain.Value, 1e-13 * plain.Value);
        (scaled.Gradients.Whh - plain.Gradients.Whh).FrobeniusNorm().Should().BeLessThan(1e-12);
    }

    [Fact]
    public void A_pass_that_overflows_gives_a_term_that_is_not_finite()
    {
        var examples = new Examples(seed: 45);
        LinearRnn model = Initializer.Orthogonal(1, 2, 1, seed: 3, spectralRadius: 1e100);
        foreach (long? budget in new long?[] { null, 2000 })
        {
            var forward = ForwardPass.Run(model, examples.Matrix(1, 20), options: new ExecutionOptions { MemoryBudget = budget });
            var backward = BackwardThroughTime.Run(forward, Matrix<double>.Build.Dense(1, 20, 1.0));
            (double Value, Gradients Gradients) term = new JacobianRegularizer(1.0).Evaluate(backward);
            double.IsFinite(term.Value).Should().BeFalse();
            term.Gradients.IsFinite.Should().BeFalse();
        }
    }

    [Fact]
    public void A_step_against_the_Jacobian_penalty_makes_it_smaller()
    {
        var examples = new Examples(seed: 46);
        LinearRnn model = examples.Model(2, 6, 2, 0.6);
        Matrix<double> inputs = examples.Matrix(2, 40);
        Matrix<double> targets = examples.Matrix(2, 40);
        double last = double.PositiveInfinity;
        for (int i = 0; i < 20; i++)
        {
            var backward = BackwardThroughTime.Run(ForwardPass.Run(model, inputs), Objective.SquaredError(targets));
            (double Value, Gradients Gradients) term = new JacobianRegularizer(1.0).Evaluate(backward);
            term.Value.Should().BeLessThan(last, "step {0}", i);
            last = term.Value;
            model = new LinearRnn(model.Whx, model.Whh - (0.2 * term.Gradients.Whh), model.Wqh);
        }
    }

    [Fact]
    public void The_penalty_on_all_weights_is_half_their_squares()
    {
        var examples = new Examples(seed: 47);
        LinearRnn model = examples.Model(2, 3, 4);
        var backward = BackwardThroughTime.Run(ForwardPass.Run(model, examples.Matrix(2, 5)), examples.Matrix(4, 5));
        var regularizer = new L2Regularizer(0.3);
        (double Value, Gradients Gradients) term = regularizer.Evaluate(backward);
        double squares = new[] { model.Whx, model.Whh, model.Wqh }.Sum(w => w.Enumerate().Sum(v => v * v));
        term.Value.Should().BeApproximately(0.15 * squares, 1e-14);
        (term.Gradients.Whx, term.Gradients.Whh, term.Gradients.Wqh)
            .Should().Be((0.3 * model.Whx, 0.3 * model.Whh, 0.3 * model.Wqh));
        (regularizer.Value(backward), regularizer.ValueOf(model)).Should().Be((term.Value, term.Value));
        (regularizer.Curvature, new JacobianRegularizer(1).Curvature, new JacobianRegularizer(1).ValueOf(model))
            .Should().Be((0.3, null, null));
    }

    [Fact]
    public void Nothing_is_left_of_a_penalty_of_strength_0()
    {
        var model = new LinearRnn(Square(1e200, 0, 0, 1), Square(0, 1, 1, 0), Square(1, 1, 1, 1));
        var backward = BackwardThroughTime.Run(
            ForwardPass.Run(model, Matrix<double>.Build.Dense(2, 1)), Matrix<double>.Build.Dense(2, 1, 1.0));
        (double Value, Gradients Gradients) term = new L2Regularizer(0).Evaluate(backward);
        (term.Value, term.Gradients.GlobalNorm()).Should().Be((0.0, 0.0));
        new L2Regularizer(1).Value(backward).Should().Be(double.PositiveInfinity);
    }

    [Fact]
    public void Penalties_print_their_settings()
    {
        new L2Regularizer(1e-4).ToString().Should().Be("L2Regularizer(strength 0.0001)");
        new JacobianRegularizer(2).ToString().Should().Be("JacobianRegularizer(strength 2)");
    }

    /// <summary>λ/n Σ (‖Wᵀδ_t‖/‖δ_t‖ − 1)² by loops, and its derivative by W with δ_t fixed, by the complex step.</summary>
    private static (double Value, double[,] Gradient) Jacobian(BackwardThroughTime backward, double strength)
    {
        double[][] deltas = [.. Enumerable.Range(0, backward.Forward.SequenceCount)
            .SelectMany(b => backward.HiddenStateGradients(b).EnumerateColumns().Skip(1))
            .Select(column => column.ToArray()).Where(delta => delta.Any(v => v != 0.0))];
        double[,] whh = backward.Forward.Model.Whh.ToArray();
        int h = whh.GetLength(0);
        double[,] gradient = new double[h, h];
        const double step = 1e-100;
        for (int i = 0; i < h; i++)
        {
            for (int j = 0; j < h; j++)
            {
                gradient[i, j] = Omega(i, j).Imaginary / step;
            }
        }
        return (Omega(-1, -1).Real, gradient);

        Complex Omega(int row, int column)
        {
            Complex sum = 0.0;
            foreach (double[] delta in deltas)
            {
                Complex squares = 0.0;
                for (int k = 0; k < h; k++)
                {
                    Complex product = 0.0;
                    for (int i = 0; i < h; i++)
                    {
                        product += new Complex(whh[i, k], i == row && k == column ? step : 0.0) * delta[i];
                    }
                    squares += product * product;
                }

                // √(a + iε) = √a + iε/(2√a), since Complex.Sqrt loses so small an ε.
                double root = Math.Sqrt(squares.Real);
                Complex ratio = new Complex(root, squares.Imaginary / (2.0 * root)) / Math.Sqrt(delta.Sum(v => v * v));
                sum += (ratio - 1.0) * (ratio - 1.0);
            }
            return deltas.Length == 0 ? 0.0 : strength / deltas.Length * sum;
        }
    }

    private static Matrix<double> Square(params double[] entries) => Matrix<double>.Build.Dense(2, 2, entries);
}
