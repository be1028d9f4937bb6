// The library's gradients against central differences of the library's own L, for every single entry of W_hx, W_hh,
// W_qh, h_0 and each x_t. What L itself is worth is checked in ExactnessTests.cs.

using Bptt.Edge;
using Bptt.Tests.Reference;
using Xunit.Abstractions;

namespace Bptt.Tests;

public class CentralDifferenceTests(ITestOutputHelper output)
{
    private delegate Differences Quotient(
        Func<ScalarProblem<double>, double> loss, ScalarProblem<double> problem, Quantity quantity, int sequence);

    public static TheoryData<int, int, int, int, double> SizesAndRadii => ScenarioTable.SizesAndRadii();

    [Theory]
    [MemberData(nameof(SizesAndRadii))]
    public void Gradients_agree_with_central_differences(int d, int h, int q, int length, double radius) =>
        Check(ScenarioTable.Of(d, h, q, length, radius), tolerance: 1e-8);

    [Fact]
    public void Gradients_of_every_combination_of_options_agree_with_central_differences() =>
        Check(ScenarioTable.EveryOption(), tolerance: 1e-8);

    // L is quadratic in everything but W_hh, and linear where ∂L/∂o_t is given: the quotient has no truncation error,
    // and a step of 1 leaves little rounding.
    [Theory]
    [MemberData(nameof(SizesAndRadii))]
    public void Squared_error_gradients_agree_with_central_differences_of_step_one(
        int d, int h, int q, int length, double radius) =>
        CheckStepOne(ScenarioTable.Of(d, h, q, length, radius));

    [Fact]
    public void Squared_error_gradients_of_every_combination_of_options_agree_with_differences_of_step_one() =>
        CheckStepOne(ScenarioTable.EveryOption());

    [Theory]
    [MemberData(nameof(SizesAndRadii))]
    public void Backward_from_output_gradients_agrees_with_central_differences(
        int d, int h, int q, int length, double radius)
    {
        var worst = new WorstError();
        foreach (RandomScenario scenario in SquaredErrorOnly(ScenarioTable.Of(d, h, q, length, radius)))
        {
            // Of the scenario only the problem is used: L = Σ_t ⟨g_t, o_t⟩ has the constant gradient ∂L/∂o_t = g_t.
            double[][,] outputGradients = new RandomNumbers(-1 - scenario.Settings.Seed).LikeOutputs(scenario.Problem);
            ScalarGradients<double> gradients =
                scenario.Problem.RunForward().RunBackward(outputGradients).ToArrays();
            double Loss(ScalarProblem<double> problem)
            {
                ForwardPass forward = problem.RunForward();
                return Enumerable.Range(0, outputGradients.Length).Sum(b =>
                    outputGradients[b].ToMatrix().PointwiseMultiply(forward.Outputs(b)).Enumerate().Sum());
            }
            foreach ((Quantity quantity, int b) in scenario.Problem.Quantities())
            {
                Quotient quotient = quantity == Quantity.Whh ? SmallStep(scenario) : StepOne;
                Add(
                    worst,
                    gradients.Values(quantity, b),
                    quotient(Loss, scenario.Problem, quantity, b),
                    quantity == Quantity.Whh ? 1e-8 : 1e-11,
                    $"{quantity} {b}; {scenario.Settings}");
            }
        }
        Report(worst);
    }

    private void Check(IEnumerable<RandomScenario> scenarios, double tolerance)
    {
        var worst = new WorstError();
        foreach (RandomScenario scenario in scenarios)
        {
            Add(worst, scenario, SmallStep(scenario), scenario.Problem.Quantities(), tolerance);
        }
        Report(worst);
    }

    private void CheckStepOne(IEnumerable<RandomScenario> scenarios)
    {
        var worst = new WorstError();
        foreach (RandomScenario scenario in SquaredErrorOnly(scenarios))
        {
            IEnumerable<(Quantity Quantity, int Sequence)> quadratic =
                scenario.Problem.Quantities().Where(q => q.Quantity != Quantity.Whh);
            Add(worst, scenario, StepOne, quadratic, tolerance: 1e-11);
        }
        Report(worst);
    }

    private static IEnumerable<RandomScenario> SquaredErrorOnly(IEnumerable<RandomScenario> scenarios) =>
        scenarios.Where(scenario => scenario.Settings.Objective == ObjectiveKind.SquaredError);

    private static void Add(
        WorstError worst,
        RandomScenario scenario,
        Quotient quotient,
        IEnumerable<(Quantity Quantity, int Sequence)> quantities,
        double tolerance)
    {
        ScalarGradients<double> gradients = scenario.RunBackward().ToArrays();
        foreach ((Quantity quantity, int b) in quantities)
        {
            Add(
                worst,
                gradients.Values(quantity, b),
                quotient(scenario.LibraryLoss, scenario.Problem, quantity, b),
                tolerance,
                $"{quantity} {b}; {scenario.Settings}");
        }
    }

    /// <summary>Each entry within the relative tolerance plus the noise, the matrix within the tolerance alone.
    /// </summary>
    private static void Add(
        WorstError worst, double[,] gradient, Differences differences, double tolerance, string where)
    {
        for (int i = 0; i < gradient.GetLength(0); i++)
        {
            for (int j = 0; j < gradient.GetLength(1); j++)
            {
                double allowed = (tolerance * Math.Abs(gradient[i, j])) + differences.Noise[i, j];
                Math.Abs(differences.Values[i, j] - gradient[i, j]).Should().BeLessThanOrEqualTo(
                    allowed, "entry {0}, {1} of {2}", i, j, where);
            }
        }
        double error = RelativeError.Frobenius(differences.Values, gradient);
        error.Should().BeLessThan(tolerance, "{0}", where);
        worst.Add(error, where);
    }

    private static Differences StepOne(
        Func<ScalarProblem<double>, double> loss, ScalarProblem<double> problem, Quantity quantity, int sequence) =>
        CentralDifferences.TwoPoint(loss, problem, quantity, sequence, 1.0);

    /// <summary>
    /// Five points, with a step that moves no output by more than u and W_hh by no more than u·ρ/T, since its T-th
    /// power counts. Outputs, losses and their curvature are of order 1, so the truncation error is about u⁴/30 and the
    /// noise ε/u of L: u = 2^-8 leaves about 1e-11 and 1e-13. It also keeps clear of the kinks of the Huber loss.
    /// </summary>
    private static Quotient SmallStep(RandomScenario scenario) => (loss, problem, quantity, sequence) =>
    {
        const double Small = 1.0 / 256;
        double length = quantity == Quantity.Whh
            ? scenario.Settings.SpectralRadius / scenario.Settings.Lengths.Max()
            : 1.0;
        double[][,] outputs = ScalarLoops<double>.Forward(problem).Outputs;
        return CentralDifferences.FivePoint(loss, problem, quantity, sequence, (row, column) =>
        {
            double moved = problem.Values(quantity, sequence)[row, column] + (Small * length);
            double[][,] movedOutputs = ScalarLoops<double>.Forward(
                problem.With(quantity, sequence, row, column, moved)).Outputs;
            return Small * length / Math.Max(1.0, LargestChange(outputs, movedOutputs) / Small);
        });
    };

    private static double LargestChange(double[][,] before, double[][,] after)
    {
        double largest = 0.0;
        for (int b = 0; b < before.Length; b++)
        {
            foreach ((double left, double right) in before[b].Cast<double>().Zip(after[b].Cast<double>()))
            {
                largest = Math.Max(largest, Math.Abs(left - right));
            }
        }
        return largest;
    }

    private void Report(WorstError worst) => output.WriteLine($"Worst relative error {worst}");
}
