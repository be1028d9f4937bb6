// The gradient check on random models with every objective, reduction and option: no false verdict either way.

using Bptt.Edge;
using Bptt.Tests.Reference;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests.Verification;

public class GradientCheckRandomTests(ITestOutputHelper output)
{
    /// <summary>A few of the mistakes, and a small sample of each parameter: what it leaves out is left to the
    /// directions.</summary>
    [Fact]
    public void On_fifty_random_models_right_gradients_pass_and_planted_mistakes_fail() =>
        Check(50, new GradientCheckOptions { MaxEntriesPerParameter = 8, DirectionCount = 2 }, mistakesPerModel: 4);

    [Fact]
    [Trait("Category", "Long")]
    public void On_a_thousand_random_models_right_gradients_pass_and_planted_mistakes_fail() =>
        Check(1000, new GradientCheckOptions(), mistakesPerModel: 100);

    private void Check(int count, GradientCheckOptions options, int mistakesPerModel)
    {
        List<string> wrong = [];
        int checks = 0;
        int inconclusive = 0;
        for (int seed = 1; seed <= count; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            foreach ((string name, Verdict expected, GradientCheck report) in Reports(
                scenario, options with { Seed = seed }, mistakesPerModel))
            {
                checks++;
                inconclusive += report.Verdict == Verdict.Inconclusive ? 1 : 0;
                bool isExact = report.Parameters.Single(p => p.Parameter == "W_hh").Worst.Method == DerivativeMethod.ComplexStep;
                if (report.Verdict != expected || isExact == (scenario.Settings.Objective == ObjectiveKind.Own))
                {
                    wrong.Add($"{scenario.Settings}, {name}: expected {expected}, got\n{report}");
                }
            }
        }
        output.WriteLine($"{checks} checks, {inconclusive} of them cannot be told");
        wrong.Should().BeEmpty();
        checks.Should().BeGreaterThan(5 * count);
    }

    private static IEnumerable<(string Name, Verdict Expected, GradientCheck Report)> Reports(
        RandomScenario scenario, GradientCheckOptions options, int mistakesPerModel)
    {
        ForwardPass forward = scenario.Problem.RunForward();
        Matrix<double>? final = scenario.FinalStateGradients?.ToMatrix();
        GradientCheckOptions full = options with { Backward = new BackwardOptions { FinalStateGradients = final } };
        yield return ("right", Verdict.Passed, GradientCheck.Run(forward, scenario.Objective, full));

        var random = new Random(scenario.Settings.Seed);
        int k = random.Next(1, scenario.Settings.Lengths.Max() + 2);
        Truncation truncation = random.Next(2) == 0 ? Truncation.Windows(k) : Truncation.Lags(k);
        GradientCheckOptions truncated = options with { Backward = full.Backward with { Truncation = truncation } };
        yield return ($"right, {truncation}", Verdict.Passed, GradientCheck.Run(forward, scenario.Objective, truncated));

        // How the pass is carried out has been varied enough; the default is the fastest.
        forward = scenario.Problem.RunForward(ExecutionOptions.Default);
        var backward = BackwardThroughTime.Run(forward, scenario.Objective, full.Backward);
        var cut = BackwardThroughTime.Run(forward, scenario.Objective, truncated.Backward);
        if (GradientSet.Of(cut).DistanceTo(GradientSet.Of(backward)) > PlantedMistakes.LeastDistance)
        {
            yield return (
                $"{truncation} in the place of the full gradient", Verdict.Failed, Given(GradientSet.Of(cut), full));
            yield return (
                $"the full gradient in the place of {truncation}",
                Verdict.Failed,
                Given(GradientSet.Of(backward), truncated));
        }
        yield return ("right, by loops", Verdict.Passed, Given(PlantedMistakes.Loops(scenario, backward, Mistake.None), full, hasInputs: true));

        (string Name, GradientSet Gradients)[] mistakes = [.. PlantedMistakes.Of(scenario, backward, options)];
        random.Shuffle(mistakes);
        foreach ((string name, GradientSet mistaken) in mistakes.Take(mistakesPerModel))
        {
            yield return (name, Verdict.Failed, Given(mistaken, full, hasInputs: name.StartsWith('x')));
        }

        // The inputs are many, so they are given only where there is something to be seen in them alone.
        GradientCheck Given(GradientSet gradients, GradientCheckOptions how, bool hasInputs = false) =>
            GradientCheck.Run(
                forward,
                scenario.Objective,
                new Gradients(gradients.Whx, gradients.Whh, gradients.Wqh),
                gradients.InitialStates,
                hasInputs ? SequenceBatch.Pack(gradients.Inputs) : null,
                how);
    }
}
