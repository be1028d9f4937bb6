// Levenberg-Marquardt: its step against the normal equations of differences, what it converges to, and what it refuses.

using Bptt.LinearAlgebra;
using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests.Optimization;

public class LevenbergMarquardtTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_step_solves_the_damped_Gauss_Newton_system(bool learnsInitialStates)
    {
        var worst = new WorstError();
        for (int seed = 0; seed < 24; seed++)
        {
            RandomScenario scenario = Scenario(seed);
            TrainingLoss loss = SecondOrder.LossOf(scenario, out Parameters parameters, learnsInitialStates);
            TrainingPoint at = loss.Evaluate(parameters);
            var system = new FactoredSystem(loss, at, penalty: 0.0, n => new TriangularFactor(n), default);
            double damping = 0.01 * system.Scale;
            var step = Vector<double>.Build.DenseOfArray(system.Solve(damping, default));

            // (H + λD) p = −g, with H p as a Gauss–Newton product of the walk.
            double[] product = new double[parameters.Count];
            CurvatureOperator.GaussNewton(at, 0.0).Multiply(step.AsArray(), product);
            var metric = Vector<double>.Build.DenseOfArray(system.Metric);
            Vector<double> left = Vector<double>.Build.DenseOfArray(product)
                + (damping * step.PointwiseMultiply(metric));
            worst.Add(
                (left + at.GradientVector()).L2Norm() / at.GradientVector().L2Norm(), scenario.Settings.ToString());
        }
        output.WriteLine($"Worst residual: {worst}");
        worst.Value.Should().BeLessThan(1e-9, worst.Where);
    }

    /// <summary>λ after a step that is taken at once, by the matrix written out: JᵀCJ column by column.</summary>
    [Fact]
    public void The_damping_follows_the_ratio_of_actual_to_predicted_reduction()
    {
        int compared = 0;
        for (int seed = 0; seed < 60; seed++)
        {
            TrainingLoss loss = SecondOrder.LossOf(Scenario(seed), out Parameters parameters, false);
            TrainingPoint at = loss.Evaluate(parameters);
            int n = parameters.Count;
            var product = CurvatureOperator.GaussNewton(at, 0.0);
            Matrix<double> matrix = Matrix<double>.Build.DenseOfColumnArrays(Enumerable.Range(0, n).Select(i =>
            {
                double[] unit = new double[n];
                double[] column = new double[n];
                unit[i] = 1.0;
                product.Multiply(unit, column);
                return column;
            }));
            double first = 1e-3 * matrix.Diagonal().Max();
            Vector<double> gradient = at.GradientVector();
            Vector<double> step = -(matrix + first * Matrix<double>.Build.DenseIdentity(n)).Solve(gradient);
            double actual = at.Loss - loss.Loss(parameters.With(parameters.ToVector() + step));
            double predicted = -gradient.DotProduct(step) - 0.5 * step.DotProduct(matrix * step);
            double change = 1.0 - Math.Pow(2.0 * actual / predicted - 1.0, 3);
            if (actual > 0.0 && change is > 0.25 and < 2.0)
            {
                var method = new LevenbergMarquardt();
                method.Step(loss, at, default);
                method.Damping.Should().BeApproximately(first * change, 1e-5 * first * change, $"seed {seed}");
                compared++;
            }
        }
        compared.Should().BeGreaterThan(5);
    }

    [Fact]
    public void Conjugate_gradients_give_the_same_step()
    {
        var worst = new WorstError();
        for (int seed = 40; seed < 64; seed++)
        {
            RandomScenario scenario = Scenario(seed);
            TrainingLoss loss = SecondOrder.LossOf(scenario, out Parameters parameters, true);
            TrainingPoint at = loss.Evaluate(parameters);
            var factored = new FactoredSystem(loss, at, 0.0, n => new TriangularFactor(n), default);
            double damping = 0.1 * factored.Scale;
            var expected = Vector<double>.Build.DenseOfArray(factored.Solve(damping, default));
            var actual = Vector<double>.Build.DenseOfArray(new IterativeSystem(at, 0.0).Solve(damping, default));
            worst.Add((actual - expected).L2Norm() / expected.L2Norm(), scenario.Settings.ToString());
        }
        output.WriteLine($"Worst: {worst}");
        worst.Value.Should().BeLessThan(1e-2, worst.Where);
    }

    /// <summary>With λI a step leaves the directions h → Ph alone, which change no output.</summary>
    [Fact]
    public void A_step_is_orthogonal_to_changes_of_the_basis()
    {
        var examples = new Examples(seed: 3);
        LinearRnn model = examples.Model(2, 4, 3);
        TrainingLoss loss = new(examples.Batch(2, 30, 20), Objective.SquaredError(examples.Batch(3, 30, 20)));
        TrainingPoint at = loss.Evaluate(new Parameters(model));
        var system = new FactoredSystem(loss, at, 0.0, n => new TriangularFactor(n), default);
        var step = Vector<double>.Build.DenseOfArray(system.Solve(1e-6 * system.Scale, default));
        Matrix<double> p = examples.Matrix(4, 4);
        double[] gauge =
        [
            .. (p * model.Whx).ToColumnMajorArray(),
            .. ((p * model.Whh) - (model.Whh * p)).ToColumnMajorArray(),
            .. (-model.Wqh * p).ToColumnMajorArray(),
        ];
        var direction = Vector<double>.Build.DenseOfArray(gauge);
        (Math.Abs(step * direction) / (step.L2Norm() * direction.L2Norm())).Should().BeLessThan(1e-9);
    }

    [Fact]
    public void Poles_of_systems_without_noise_are_found_to_rounding()
    {
        int found = 0;
        for (int seed = 0; seed < 12; seed++)
        {
            (double error, double loss, int steps) = WithoutNoise(seed);
            output.WriteLine($"seed {seed}: {steps} steps, loss {loss:0.0e-0}, poles to {error:0.0e-0}");
            found += error < 1e-8 ? 1 : 0;
        }
        found.Should().BeGreaterThanOrEqualTo(11, "of 12 systems of order 3");
    }

    [Theory]
    [InlineData(ObjectiveKind.SquaredError)]
    [InlineData(ObjectiveKind.Huber)]
    [InlineData(ObjectiveKind.CrossEntropy)]
    [InlineData(ObjectiveKind.Own)]
    public void Every_convex_objective_goes_down_at_every_step_until_its_gradient_is_small(ObjectiveKind kind)
    {
        var settings = new ScenarioSettings(2, 3, 2, [40, 1, 25], 0.8, kind, 17);
        TrainingLoss loss = SecondOrder.LossOf(RandomScenario.Create(settings), out Parameters parameters, true);
        TrainingPoint at = loss.Evaluate(parameters);
        double first = at.GradientVector().L2Norm();
        var method = new LevenbergMarquardt();
        OptimizerStep step;
        int count = 0;
        double smallest = first; // the cross-entropy's goes up and down on the way to where weights grow without end
        do
        {
            step = method.Step(loss, at, default);
            step.Evaluated!.Loss.Should().BeLessThanOrEqualTo(at.Loss, $"step {count}");
            at = step.Evaluated;
            smallest = Math.Min(smallest, at.GradientVector().L2Norm());
        }
        while (!step.IsConverged && ++count < 400);
        output.WriteLine($"{count} steps, loss {at.Loss}, gradient {at.GradientVector().L2Norm():0.0e-0} of "
            + $"{first:0.0e-0}: {step.Note}");
        smallest.Should().BeLessThan((kind == ObjectiveKind.CrossEntropy ? 3e-2 : 1e-3) * first);
    }

    /// <summary>y_t = Σ_{s≤t} x_s with most x_s masked to 0, from W_hh = I.</summary>
    [Fact]
    public void A_running_sum_is_learned_to_rounding()
    {
        for (int seed = 1; seed <= 10; seed++)
        {
            var random = new Random(seed);
            var inputs = Matrix<double>.Build.Dense(
                1, 200, (_, _) => random.Next(10) == 0 ? random.NextDouble() - 0.5 : 0.0);
            double sum = 0.0;
            var targets = Matrix<double>.Build.Dense(1, 200, (_, t) => sum += inputs[0, t]);
            var loss = new TrainingLoss(SequenceBatch.Pack([inputs]), Objective.SquaredError(targets));
            (TrainingPoint end, int steps) = SecondOrder.Minimise(
                loss, new(Initializer.ScaledIdentity(1, 8, 1, seed)), new LevenbergMarquardt());
            output.WriteLine($"seed {seed}: {steps} steps, loss {end.Loss:0.0e-0}");
            end.Loss.Should().BeLessThan(1e-12, $"seed {seed}");
        }
    }

    [Fact]
    public void A_penalty_is_part_of_what_is_minimised()
    {
        var examples = new Examples(seed: 5);
        var options = new TrainingLossOptions { Regularizers = [new SecondOrder.Ridge(0.3)] };
        var loss = new TrainingLoss(examples.Batch(1, 50), Objective.SquaredError(examples.Batch(1, 50)), options);
        foreach (int limit in new[] { 1500, 0 })
        {
            (TrainingPoint end, int steps) = SecondOrder.Minimise(
                loss, new Parameters(examples.Model(1, 2, 1)), new LevenbergMarquardt(maxFactoredParameters: limit));
            output.WriteLine(
                $"limit {limit}: {steps} steps, loss {end.Loss}, gradient {end.GradientVector().L2Norm():0.0e-0}");
            end.GradientVector().L2Norm()
                .Should().BeLessThan(1e-6 * (1.0 + end.Parameters.ToVector().L2Norm()), $"limit {limit}");
        }
    }

    [Fact]
    public void A_run_goes_on_bit_for_bit_from_its_state()
    {
        TrainingLoss loss = SecondOrder.LossOf(Scenario(8), out Parameters parameters, false);
        var whole = new LevenbergMarquardt();
        TrainingPoint at = loss.Evaluate(parameters);
        for (int i = 0; i < 3; i++)
        {
            at = whole.Step(loss, at, default).Evaluated!;
        }
        Optimizer resumed = whole.Fresh();
        resumed.ToString().Should().Be(whole.ToString());
        resumed.Restore(whole.State);
        TrainingPoint again = SecondOrder.LossOf(Scenario(8), out _, false).Evaluate(at.Parameters);
        OptimizerStep expected = whole.Step(loss, at, default);
        OptimizerStep actual = resumed.Step(SecondOrder.LossOf(Scenario(8), out _, false), again, default);
        actual.Next.ToVector().Should().Equal(expected.Next.ToVector());
        resumed.State["damping"].Should().Equal(whole.State["damping"]);
        whole.Invoking(m => m.Restore(new Dictionary<string, double[]>())).Should().Throw<FormatException>();
        whole.Invoking(m => m.Restore(new Dictionary<string, double[]> { ["damping"] = [1.0, double.NaN] }))
            .Should().Throw<FormatException>();
    }

    [Fact]
    public void What_it_cannot_minimise_is_refused()
    {
        TrainingLoss truncated = SecondOrder.LossOf(Scenario(3), out Parameters parameters, false, Truncation.Lags(2));
        FluentActions.Invoking(() => new LevenbergMarquardt().Step(truncated, truncated.Evaluate(parameters), default))
            .Should().Throw<NotSupportedException>().WithMessage("*LevenbergMarquardt*exact gradient*2 lags*");
        FluentActions.Invoking(() => new LevenbergMarquardt(0.0)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new LevenbergMarquardt(stepTolerance: -1.0))
            .Should().Throw<ArgumentOutOfRangeException>();
    }

    /// <summary>A random stable system of order 3 from a random start: the largest error of a pole.</summary>
    private static (double Error, double Loss, int Steps) WithoutNoise(int seed)
    {
        var examples = new Examples(seed);
        LinearRnn truth = examples.Model(1, 3, 1, 0.85);
        Matrix<double> inputs = examples.Matrix(1, 250);
        Matrix<double> targets = ForwardPass.Run(truth, inputs).Outputs();
        var loss = new TrainingLoss(SequenceBatch.Pack([inputs]), Objective.SquaredError(targets));
        (TrainingPoint end, int steps) = SecondOrder.Minimise(
            loss, new(Initializer.Orthogonal(1, 3, 1, seed, 0.9)), new LevenbergMarquardt());
        Vector<System.Numerics.Complex> expected = truth.Whh.Evd().EigenValues;
        Vector<System.Numerics.Complex> actual = end.Parameters.Model.Whh.Evd().EigenValues;
        double error = expected.Max(pole => actual.Min(other => (pole - other).Magnitude));
        return (error, end.Loss, steps);
    }

    private static RandomScenario Scenario(int seed) => ScenarioTable.Random(seed);
}
