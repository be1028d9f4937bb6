// The choice of the number of hidden units: what it finds, and what it does not look at.

using Bptt.Cli.Data;
using Bptt.Cli.Fitting;

namespace Bptt.Cli.Tests.Fitting;

public class OrderSearchTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Orders_below_that_of_the_system_are_refused_and_those_above_do_no_harm(int order)
    {
        OrderChoice choice = Choose(System(order, rows: 500));

        // A larger order does no harm beside the prior and may be chosen by chance; a smaller one cannot be.
        choice.Order.Should().BeInRange(order, 10, "of {0}", string.Join(", ", choice.Candidates));
        double least = choice.Candidates.Min(c => c.Loss);
        choice.Candidates.Should().OnlyContain(c => c.Order < order ? c.Loss > 2.0 * least : c.Loss < 1.2 * least);
        choice.Candidates.Select(c => c.Order).Should().Equal(Enumerable.Range(1, 10));
        choice.Candidates[order - 1].Fit.Should().BeGreaterThan(90);
        choice.Table()!.Rows.Single(r => r[0].EndsWith(" (chosen)", StringComparison.Ordinal))[0]
            .Should().Be($"{choice.Order} (chosen)");
    }

    [Fact]
    public void The_choice_is_the_smallest_within_a_hundredth_of_the_best()
    {
        OrderChoice choice = Choose(System(2, rows: 200));

        double least = choice.Candidates.Min(c => c.Loss);
        choice.Candidates.Take(choice.Order - 1).Should().OnlyContain(c => c.Loss > least * 1.01);
        choice.Candidates[choice.Order - 1].Loss.Should().BeLessThanOrEqualTo(least * 1.01);
    }

    [Fact]
    public void Held_out_rows_change_nothing_and_neither_does_a_second_run()
    {
        double[][] columns = System(2, rows: 120);
        OrderChoice one = Choose(columns);
        for (int t = 72; t < 120; t++) // beyond 0.6 of the rows
        {
            (columns[0][t], columns[1][t]) = (t % 5, -t);
        }

        OrderChoice other = Choose(columns);

        other.Candidates.Should().Equal(one.Candidates);
        Choose(columns).Candidates.Should().Equal(one.Candidates);
    }

    [Theory]
    [InlineData(5, 0)]
    [InlineData(24, 0)] // 14 rows to train
    [InlineData(50, 2)] // 30: (30 − 7)/5 numbers for 2h degrees of freedom
    public void Few_rows_compare_few_orders_or_none(int rows, int orders)
    {
        OrderChoice choice = Choose(System(1, rows));

        choice.Candidates.Should().HaveCount(orders);
        (choice.Table() is null).Should().Be(orders == 0);
        if (orders == 0)
        {
            choice.Order.Should().Be(1);
            choice.Sentence.Should().Contain("too few");
        }
    }

    [Fact]
    public void The_search_can_be_stopped()
    {
        Dataset data = DataOf(System(3, rows: 200));
        using var stop = new CancellationTokenSource();

        Action search = () =>
            OrderSearch.Run(data, learnsState: false, hasPrior: true, _ => stop.Cancel(), null, stop.Token);

        search.Should().Throw<OperationCanceledException>();
    }

    [Fact]
    public void Progress_rises_to_the_end()
    {
        var parts = new List<double>();

        OrderSearch.Run(
            DataOf(System(1, rows: 140)), learnsState: true, hasPrior: false, parts.Add, null, CancellationToken.None);

        parts.Should().BeInAscendingOrder().And.HaveCount(6);
        parts[^1].Should().Be(1);
    }

    private static OrderChoice Choose(double[][] columns) =>
        OrderSearch.Run(DataOf(columns), learnsState: false, hasPrior: true, _ => { }, null, CancellationToken.None);

    private static Dataset DataOf(double[][] columns) =>
        Tables.Dataset(0.6, predictNext: false, ["u"], ["y"], ("u", columns[0]), ("y", columns[1]));

    /// <summary>Noise into a chain of units that each keep a part of what they held, and take the last one's
    /// values.</summary>
    private static double[][] System(int order, int rows)
    {
        var random = new Random(11);
        double[] u = [.. Enumerable.Range(0, rows).Select(_ => 2.0 * random.NextDouble() - 1.0)];
        double[] y = new double[rows];
        double[] keeps = [0.8, -0.5, 0.3];
        double[] state = new double[order];
        for (int t = 0; t < rows; t++)
        {
            for (int i = order - 1; i >= 0; i--)
            {
                state[i] = keeps[i] * state[i] + (i == 0 ? u[t] : state[i - 1]);
            }
            y[t] = state.Sum() + 0.1 * (random.NextDouble() - 0.5);
        }
        return [u, y];
    }
}
