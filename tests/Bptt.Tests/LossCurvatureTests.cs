// Products with second derivatives: against scalar loops on dual numbers in every way of running a pass, against
// differences of gradients, by symmetry and Taylor's theorem, and against a Hessian written down by hand.

using Bptt.Edge;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests;

public class LossCurvatureTests(ITestOutputHelper output)
{
    /// <summary>The parts that are weights and h_0, without the inputs; see <see cref="Directions"/>.</summary>
    private const int Parameters = 14;

    private static readonly double[] Steps = [1e-2, 1e-3, 1e-4];

    /// <summary>Of W_qh alone, with the squared error, the product is 1/T Σ V h_t h_tᵀ: the outputs are taken 256 at a
    /// time.</summary>
    [Theory]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(513)]
    public void Every_step_is_in_the_product_however_many_there_are(int steps)
    {
        var examples = new Examples(seed: steps);
        var forward = ForwardPass.Run(examples.Model(1, 2, 1, 0.9), examples.Matrix(1, steps));
        var curvature = LossCurvature.Of(
            BackwardThroughTime.Run(forward, Objective.SquaredError(examples.Matrix(1, steps))));
        Matrix<double> v = examples.Matrix(1, 2);
        Matrix<double> states = forward.HiddenStates().SubMatrix(0, 2, 1, steps);
        Matrix<double> expected = v * states * states.Transpose() / steps;
        Matrix<double> actual = curvature.GaussNewtonProduct(new TangentDirection { Wqh = v }).Weights.Wqh;
        (actual - expected).FrobeniusNorm().Should().BeLessThan(1e-13 * expected.FrobeniusNorm());
    }

    [Fact]
    public void Products_are_those_of_dual_numbers_in_every_way_and_for_every_part_of_a_direction()
    {
        var worst = new WorstError();
        for (int seed = 0; seed < 31; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            ScalarProblem<double> problem = scenario.Problem;
            ScalarProblem<double> direction = Directions.Random(problem, seed, parts: seed);
            (ScalarGradients<double> hessian, ScalarGradients<double> gaussNewton) = Reference(scenario, direction);
            int[] lengths = Array.ConvertAll(problem.Inputs, inputs => inputs.GetLength(1));
            foreach (Way way in Ways.All)
            {
                string where = $"{scenario.Settings}, {way}";
                var curvature = LossCurvature.Of(scenario.RunBackward(way.For(problem.HiddenSize, lengths)));
                TangentDirection v = direction.ToDirection(parts: seed);
                Compare(worst, curvature.HessianProduct(v), hessian, where + ", Hessian");
                Compare(worst, curvature.GaussNewtonProduct(v), gaussNewton, where + ", Gauss-Newton");
            }
        }
        output.WriteLine($"Worst relative error: {worst}");
        worst.Value.Should().BeLessThan(1e-11, worst.Where);
    }

    [Fact]
    public void The_Hessian_product_is_the_limit_of_differences_of_gradients()
    {
        var worst = new WorstError();
        for (int seed = 300; seed < 340; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            ScalarProblem<double> direction = Directions.Random(scenario.Problem, seed, Directions.All);
            TangentDirection v = direction.ToDirection(Directions.All);
            BackwardThroughTime backward = scenario.RunBackward();
            double step = 1e-5 / Math.Max(1.0, Largest(TangentPass.Run(backward.Forward, v)));
            ScalarGradients<double> ahead = GradientsAt(scenario, direction, step);
            ScalarGradients<double> behind = GradientsAt(scenario, direction, -step);
            CurvatureProduct product = LossCurvature.Of(backward).HessianProduct(v);
            foreach ((double[,] actual, double[,] plus, double[,] minus) in new[]
            {
                (product.Weights.Whx.ToArray(), ahead.Whx, behind.Whx),
                (product.Weights.Whh.ToArray(), ahead.Whh, behind.Whh),
                (product.Weights.Wqh.ToArray(), ahead.Wqh, behind.Wqh),
            })
            {
                double[,] expected = ((plus.ToMatrix() - minus.ToMatrix()) / (2 * step)).ToArray();
                worst.Add(actual, expected, scenario.Settings.ToString());
            }
        }
        output.WriteLine($"Worst relative error: {worst}");
        worst.Value.Should().BeLessThan(1e-7, worst.Where);
    }

    [Fact]
    public void Both_matrices_are_symmetric_and_linear_and_that_of_Gauss_and_Newton_is_positive_semi_definite()
    {
        var worst = new WorstError();
        for (int seed = 400; seed < 440; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            string where = scenario.Settings.ToString();
            var curvature = LossCurvature.Of(scenario.RunBackward());
            TangentDirection u = Directions.Random(scenario.Problem, seed, Parameters).ToDirection(Parameters);
            TangentDirection v = Directions.Random(scenario.Problem, seed + 1, Parameters).ToDirection(Parameters);
            TangentDirection combined = new()
            {
                Whx = u.Whx! - (3.0 * v.Whx!),
                Whh = u.Whh! - (3.0 * v.Whh!),
                Wqh = u.Wqh! - (3.0 * v.Wqh!),
                InitialStates = u.InitialStates! - (3.0 * v.InitialStates!),
            };
            foreach (Func<TangentDirection, CurvatureProduct> multiply in
                (Func<TangentDirection, CurvatureProduct>[])[curvature.HessianProduct, curvature.GaussNewtonProduct])
            {
                Vector<double> hu = Flat(multiply(u));
                Vector<double> hv = Flat(multiply(v));
                double size = Math.Max(Flat(u).L2Norm() * hv.L2Norm(), double.Epsilon);
                worst.Add(Math.Abs((Flat(u) * hv) - (Flat(v) * hu)) / size, where + ", symmetry");
                double sum = Math.Max(hu.L2Norm() + hv.L2Norm(), double.Epsilon);
                worst.Add((Flat(multiply(combined)) - (hu - (3.0 * hv))).L2Norm() / sum, where + ", linearity");
            }
            (Flat(u) * Flat(curvature.GaussNewtonProduct(u))).Should().BeGreaterThanOrEqualTo(0.0, where);
        }
        output.WriteLine($"Worst: {worst}");
        worst.Value.Should().BeLessThan(1e-12, worst.Where);
    }

    [Fact]
    public void What_a_second_order_expansion_leaves_is_of_third_order()
    {
        // ℓ quadratic in o, o a polynomial in ε: the remainder is c ε³ + …, which no kink disturbs.
        for (int seed = 500; seed < 508; seed++)
        {
            var scenario = RandomScenario.Create(
                new ScenarioSettings(2, 4, 2, [9, 5, 12], 0.9, ObjectiveKind.SquaredError, seed).WithRandomOptions());
            ScalarProblem<double> direction = Directions.Random(scenario.Problem, seed, Parameters);
            BackwardThroughTime backward = scenario.RunBackward();
            TangentDirection v = direction.ToDirection(Parameters);
            double slope = Flat(v) * Flat(backward);
            double curvature = Flat(v) * Flat(LossCurvature.Of(backward).HessianProduct(v));
            double loss = scenario.LibraryLoss(scenario.Problem);
            double[] remainders = [.. Steps.Select(step => Math.Abs(
                scenario.LibraryLoss(Moved(scenario.Problem, direction, step)) - loss - (step * slope)
                - (0.5 * step * step * curvature)))];
            double rate = Math.Log10(remainders[1] / remainders[2]);
            output.WriteLine($"{scenario.Settings}: {string.Join(", ", remainders)}, rate {rate}");
            rate.Should().BeInRange(2.95, 3.05, scenario.Settings.ToString());
        }
    }

    [Fact]
    public void Gauss_Newton_is_the_Hessian_where_every_residual_is_zero()
    {
        var examples = new Examples(seed: 41);
        var forward = ForwardPass.Run(examples.Model(2, 5, 3), examples.Batch(2, 7, 1, 12));
        var backward = BackwardThroughTime.Run(forward, Objective.SquaredError(forward.OutputBatch()));
        var curvature = LossCurvature.Of(backward);
        var v = new TangentDirection
        {
            Whx = examples.Matrix(5, 2),
            Whh = examples.Matrix(5, 5),
            Wqh = examples.Matrix(3, 5),
        };
        Vector<double> hessian = Flat(curvature.HessianProduct(v));
        (hessian - Flat(curvature.GaussNewtonProduct(v))).L2Norm().Should().BeLessThan(1e-14 * hessian.L2Norm());
    }

    /// <summary>h = d = q = 1, T = 2: o_1 = c(a x_1 + w h_0), o_2 = c(a x_2 + w a x_1 + w² h_0).</summary>
    [Fact]
    public void The_Hessian_of_one_unit_and_two_steps_is_the_one_written_down_by_hand()
    {
        (double a, double w, double c, double x1, double x2, double y1, double y2, double h0) =
            (0.7, -0.4, 1.3, 2.0, -1.5, 0.5, 0.25, 0.6);
        double h1 = (a * x1) + (w * h0);
        double h2 = (a * x2) + (w * h1);
        double[][] jacobian = // of (o_1, o_2) in (a, w, c, h_0)
        [
            [c * x1, c * h0, h1, c * w],
            [c * (x2 + (w * x1)), c * (h1 + (w * h0)), h2, c * w * w],
        ];
        double[,] first = { { 0, 0, x1, 0 }, { 0, 0, h0, c }, { x1, h0, 0, w }, { 0, c, w, 0 } };
        double[,] second =
        {
            { 0, c * x1, x2 + (w * x1), 0 },
            { c * x1, 2 * c * h0, h1 + (w * h0), 2 * c * w },
            { x2 + (w * x1), h1 + (w * h0), 0, w * w },
            { 0, 2 * c * w, w * w, 0 },
        };
        (double r1, double r2) = ((c * h1) - y1, (c * h2) - y2);
        Matrix<double> j = Matrix<double>.Build.DenseOfRowArrays(jacobian);
        Matrix<double> expected = 0.5 * ((j.Transpose() * j) + (r1 * first.ToMatrix()) + (r2 * second.ToMatrix()));

        var forward = ForwardPass.Run(
            new LinearRnn(One(a), One(w), One(c)), Row(x1, x2), Vector<double>.Build.Dense(1, h0));
        var curvature = LossCurvature.Of(BackwardThroughTime.Run(forward, Objective.SquaredError(Row(y1, y2))));
        TangentDirection[] units =
        [
            new() { Whx = One(1) }, new() { Whh = One(1) }, new() { Wqh = One(1) }, new() { InitialStates = One(1) },
        ];
        for (int i = 0; i < 4; i++)
        {
            CurvatureProduct column = curvature.HessianProduct(units[i]);
            (Flat(column) - expected.Column(i)).InfinityNorm().Should().BeLessThan(1e-14, $"column {i}");
        }

        static Matrix<double> One(double value) => Matrix<double>.Build.Dense(1, 1, value);
        static Matrix<double> Row(double left, double right) => Matrix<double>.Build.Dense(1, 2, [left, right]);
    }

    [Theory]
    [InlineData(Recurrence.Sequential)]
    [InlineData(Recurrence.TimeParallel)]
    public void Products_are_the_same_bit_for_bit_for_every_thread_count_and_in_memory_used_before(
        Recurrence recurrence)
    {
        var examples = new Examples(seed: 42);
        LinearRnn model = examples.Model(5, 37, 3, 0.95);
        SequenceBatch inputs = examples.Batch(5, 900, 1, 431);
        var objective = Objective.Huber(examples.Batch(3, 900, 1, 431), 0.5);
        var v = new TangentDirection
        {
            Whx = examples.Matrix(37, 5),
            Whh = examples.Matrix(37, 37),
            Wqh = examples.Matrix(3, 37),
        };
        var u = new TangentDirection { Wqh = examples.Matrix(3, 37), InitialStates = examples.Matrix(37, 3) };
        Vector<double>? first = null;
        foreach (int threads in new[] { 1, 2, 3, 8 })
        {
            var options = new ExecutionOptions { MaxDegreeOfParallelism = threads, Recurrence = recurrence };
            var curvature = LossCurvature.Of(
                BackwardThroughTime.Run(ForwardPass.Run(model, inputs, options: options), objective));
            Vector<double> product = Flat(curvature.HessianProduct(v));
            curvature.HessianProduct(u);
            curvature.GaussNewtonProduct(v);
            Flat(curvature.HessianProduct(v)).Should().Equal(product, $"{threads} threads");
            first ??= product;
            product.Should().Equal(first, $"{threads} threads");
        }
    }

    [Fact]
    public void What_has_no_Hessian_is_refused()
    {
        var examples = new Examples(seed: 43);
        var options = new ExecutionOptions { Workspace = new Workspace() };
        LinearRnn model = examples.Model(2, 3, 1);
        Matrix<double> inputs = examples.Matrix(2, 6);
        var forward = ForwardPass.Run(model, inputs, options: options);
        Matrix<double> targets = examples.Matrix(1, 6);
        var objective = Objective.SquaredError(targets);

        Refused<ArgumentNullException>(null!, "*backward*");
        Refused<ArgumentException>(BackwardThroughTime.Run(forward, targets), "*run from an objective*");
        Refused<ArgumentException>(
            BackwardThroughTime.Run(forward, objective, new() { Truncation = Truncation.Lags(3) }),
            "*without truncation*3 lags*");
        Refused<NotSupportedException>(
            BackwardThroughTime.Run(forward, new Plain()), "Plain: expected*IsTwiceDifferentiable and StepCurvature*");

        var curvature = LossCurvature.Of(BackwardThroughTime.Run(forward, objective));
        curvature.Invoking(c => c.HessianProduct(null!)).Should().Throw<ArgumentNullException>();
        curvature.Invoking(c => c.HessianProduct(new()))
            .Should().Throw<ArgumentException>().WithMessage("*at least one part*");
        curvature.Invoking(c => c.GaussNewtonProduct(new() { Whh = examples.Matrix(3, 2) }))
            .Should().Throw<ArgumentException>().WithMessage("*direction.Whh*");
        ForwardPass.Run(model, inputs, options: options);
        curvature.Invoking(c => c.HessianProduct(new() { Whh = examples.Matrix(3, 3) }))
            .Should().Throw<InvalidOperationException>();

        static void Refused<TException>(BackwardThroughTime backward, string message)
            where TException : Exception =>
            FluentActions.Invoking(() => LossCurvature.Of(backward)).Should().Throw<TException>().WithMessage(message);
    }

    /// <summary>H v and the Gauss-Newton product. ∂²L/∂o² ȯ is taken by differences of fourth order of gradients that
    /// come from a complex step; everything else is exact.</summary>
    private static (ScalarGradients<double> Hessian, ScalarGradients<double> GaussNewton) Reference(
        RandomScenario scenario, ScalarProblem<double> direction)
    {
        ScalarProblem<Dual<double>> moving = scenario.Problem.Moving(direction);
        ScalarPass<Dual<double>> pass = ScalarLoops<Dual<double>>.Forward(moving);
        double[][,] outputs = pass.Outputs.Map(o => o.Value);
        double[][,] derivatives = pass.Outputs.Map(o => o.Derivative);
        double largest = derivatives.Max(d => d.Cast<double>().Max(Math.Abs));
        double step = 1e-3 / Math.Max(largest, 1e-3);
        double[][,] curvature = Combine((8.0, 1), (-8.0, -1), (-1.0, 2), (1.0, -2)).Map(g => g / (12.0 * step));
        double[][,] gradients = scenario.ComplexObjective.Gradients(outputs);

        ScalarGradients<Dual<double>> dual = ScalarLoops<Dual<double>>.Backward(
            moving,
            pass,
            [.. gradients.Zip(curvature, Directions.Moving)],
            scenario.FinalStateGradients?.Map(Dual<double>.Constant));
        ScalarGradients<double> gaussNewton = ScalarLoops<double>.Backward(
            scenario.Problem, ScalarLoops<double>.Forward(scenario.Problem), curvature);
        return (dual.Convert(g => g.Derivative), gaussNewton);

        double[][,] Combine(params (double Weight, int Steps)[] terms)
        {
            double[][,] sum = outputs.Map(_ => 0.0);
            foreach ((double weight, int steps) in terms)
            {
                double[][,] at =
                    [.. outputs.Zip(derivatives, (o, d) => (o.ToMatrix() + (steps * step * d.ToMatrix())).ToArray())];
                double[][,] term = scenario.ComplexObjective.Gradients(at);
                sum = [.. sum.Zip(term, (s, g) => (s.ToMatrix() + (weight * g.ToMatrix())).ToArray())];
            }
            return sum;
        }
    }

    private static void Compare(
        WorstError worst, CurvatureProduct actual, ScalarGradients<double> expected, string where)
    {
        worst.Add(actual.Weights.Whx.ToArray(), expected.Whx, where + ", W_hx");
        worst.Add(actual.Weights.Whh.ToArray(), expected.Whh, where + ", W_hh");
        worst.Add(actual.Weights.Wqh.ToArray(), expected.Wqh, where + ", W_qh");
        worst.Add(actual.InitialStates.ToArray(), expected.Values(Quantity.InitialStates, 0), where + ", h_0");
    }

    private static ScalarGradients<double> GradientsAt(
        RandomScenario scenario, ScalarProblem<double> direction, double step)
    {
        ForwardPass forward = Moved(scenario.Problem, direction, step).RunForward();
        return BackwardThroughTime.Run(
            forward, scenario.Objective, LibraryConversions.Options(scenario.FinalStateGradients)).ToArrays();
    }

    private static ScalarProblem<double> Moved(
        ScalarProblem<double> problem, ScalarProblem<double> direction, double step)
    {
        return new(
            Move(problem.Whx, direction.Whx),
            Move(problem.Whh, direction.Whh),
            Move(problem.Wqh, direction.Wqh),
            Move(problem.InitialStates, direction.InitialStates),
            [.. problem.Inputs.Zip(direction.Inputs, Move)]);

        double[,] Move(double[,] values, double[,] by) => (values.ToMatrix() + (step * by.ToMatrix())).ToArray();
    }

    private static double Largest(TangentPass tangent) => Enumerable.Range(0, tangent.Forward.SequenceCount)
        .Max(b => tangent.Outputs(b).Enumerate().Max(Math.Abs));

    private static Vector<double> Flat(CurvatureProduct product) =>
        Flat(product.Weights.Whx, product.Weights.Whh, product.Weights.Wqh, product.InitialStates);

    private static Vector<double> Flat(TangentDirection direction) =>
        Flat(direction.Whx!, direction.Whh!, direction.Wqh!, direction.InitialStates!);

    private static Vector<double> Flat(BackwardThroughTime backward) => Flat(
        backward.Gradients.Whx, backward.Gradients.Whh, backward.Gradients.Wqh, backward.InitialStateGradients);

    private static Vector<double> Flat(params Matrix<double>[] matrices) =>
        Vector<double>.Build.DenseOfEnumerable(matrices.SelectMany(matrix => matrix.ToColumnMajorArray()));

    /// <summary>An objective without second derivatives.</summary>
    private sealed class Plain : Objective
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) => 0.0;

        protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
        {
        }
    }
}
