// The proof that the checks check: right gradients pass all of them, every classic mistake fails at least one, and the
// table of which mistake is seen by which check, in src/Bptt/Verification/README.md, is what is found here.

using System.Text;
using Bptt.Tests.Architecture;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Random;
using Xunit.Abstractions;

namespace Bptt.Tests.Verification;

public class MutationProofTests(ITestOutputHelper output)
{
    [Fact]
    public void Every_mistake_is_caught_in_50_random_models_and_the_table_in_the_docs_says_by_which_check() =>
        Prove(firstSeed: 1, models: 50, comparesTable: true);

    [Fact]
    [Trait("Category", "Long")]
    public void Every_mistake_is_caught_in_1000_random_models() =>
        Prove(firstSeed: 1000, models: 1000, comparesTable: false);

    private void Prove(int firstSeed, int models, bool comparesTable)
    {
        // By mistake and check: how often it failed.
        var caught = Mistakes.All.ToDictionary(m => m, _ => new int[Checks.Names.Count]);
        for (int seed = firstSeed; seed < firstSeed + models; seed++)
        {
            (BackwardThroughTime right, Objective objective, Matrix<double>[] inputs) = Problem(seed);
            bool hasFinal = right.Options.FinalStateGradients is not null;

            Verdict[] ofRight = Checks.Run(right, objective, Mistakes.Gradients(right, inputs, Mistake.None), seed);
            for (int check = 0; check < ofRight.Length; check++)
            {
                ofRight[check].Should().Be(
                    Verdict.Passed, "gradients without a mistake, {0}, seed {1}", Checks.Names[check], seed);
            }
            foreach (Mistake mistake in Mistakes.All)
            {
                if (mistake == Mistake.FinalStateGradientForgotten && !hasFinal)
                {
                    continue;
                }
                Verdict[] verdicts = Checks.Run(right, objective, Mistakes.Gradients(right, inputs, mistake), seed);
                verdicts.Should().Contain(Verdict.Failed, "{0}, seed {1}", mistake.Text(), seed);
                verdicts[0].Should().Be(
                    Verdict.Failed, "differences of the loss see everything: {0}, seed {1}", mistake.Text(), seed);
                for (int check = 0; check < verdicts.Length; check++)
                {
                    caught[mistake][check] += verdicts[check] == Verdict.Failed ? 1 : 0;
                }
            }
        }

        string table = Table(caught);
        output.WriteLine($"{models} models from seed {firstSeed} on:\n{table}");
        if (comparesTable)
        {
            Repository.Read("src/Bptt/Verification/README.md")
                .Should().Contain(table, "the docs show what is found:\n{0}", table);
        }
    }

    /// <summary>A ragged batch with given h_0, every second one with final-state gradients, q = h, radius 0.5 to
    /// 1.2.</summary>
    private static (BackwardThroughTime Right, Objective Objective, Matrix<double>[] Inputs) Problem(int seed)
    {
        var random = new MersenneTwister(seed, threadSafe: false);
        var examples = new Examples(seed);
        int d = random.Next(1, 4);
        int h = random.Next(2, 6);
        int[] lengths = [random.Next(4, 12), random.Next(4, 12), random.Next(4, 12)];
        LinearRnn model = examples.Model(d, h, h, 0.5 + 0.7 * random.NextDouble());
        Matrix<double>[] inputs = Array.ConvertAll(lengths, length => examples.Matrix(d, length));
        var forward = ForwardPass.Run(model, SequenceBatch.Pack(inputs), examples.Matrix(h, lengths.Length));
        Objective objective = (seed / 2 % 3) switch
        {
            0 => Objective.SquaredError(examples.Batch(h, lengths)),
            1 => Objective.Huber(examples.Batch(h, lengths), delta: 0.7),
            _ => Objective.CrossEntropy(
                [.. lengths.Select(length => Enumerable.Range(0, length).Select(_ => random.Next(h)).ToArray())]),
        };
        var options = new BackwardOptions
        {
            FinalStateGradients = seed % 2 == 0 ? examples.Matrix(h, lengths.Length, 0.3) : null,
        };
        return (BackwardThroughTime.Run(forward, objective, options), objective, inputs);
    }

    /// <summary>In Markdown. "yes": in every model; "no": in none.</summary>
    private static string Table(Dictionary<Mistake, int[]> caught)
    {
        var text = new StringBuilder();
        text.Append("| mistake | ").AppendJoin(" | ", Checks.Names.Select(name => $"`{name}`")).Append(" |\n");
        text.Append("|---").Insert(text.Length, "|:---:", Checks.Names.Count).Append("|\n");
        foreach ((Mistake mistake, int[] counts) in caught)
        {
            int most = counts.Max(); // a mistake that only some models can have
            IEnumerable<string> cells = counts.Select(count => count == 0 ? "no" : count == most ? "yes" : "mostly");
            text.Append("| ").Append(mistake.Text()).Append(" | ").AppendJoin(" | ", cells).Append(" |\n");
        }
        return text.ToString();
    }
}
