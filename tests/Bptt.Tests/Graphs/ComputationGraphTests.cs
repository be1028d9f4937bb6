// The dependency graph as a user holds it: what it counts, and what it refuses.

using Bptt.Graphs;

namespace Bptt.Tests.Graphs;

public class ComputationGraphTests
{
    [Fact]
    public void It_holds_what_it_was_made_from()
    {
        var options = new ComputationGraphOptions { Truncation = Truncation.Windows(2) };
        var graph = ComputationGraph.Unroll(3, options);

        graph.Steps.Should().Be(3);
        graph.Options.Should().BeSameAs(options);
        graph.ToString().Should().Be("3 steps unrolled: 30 nodes, 37 edges");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(100)]
    public void Paths_are_counted_as_sums_over_steps(int steps)
    {
        var graph = ComputationGraph.Unroll(steps);

        graph.PathCount("W_hh", "L").Should().Be(steps * (steps + 1) / 2);
        graph.PathCount("W_hx", "L").Should().Be(steps * (steps + 1) / 2);
        graph.PathCount("W_qh", "L").Should().Be(steps);
        graph.PathCount("h_0", "L").Should().Be(steps);
        graph.PathCount($"x_{steps}", "L").Should().Be(1);
        graph.PathCount("L", "W_hh").Should().Be(0);
        graph.PathCount("x_1", "y_1").Should().Be(0);
        graph.PathCount("L", "L").Should().Be(1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-3)]
    [InlineData(101)]
    [InlineData(int.MaxValue)]
    public void Steps_that_no_picture_can_show_are_refused(int steps) =>
        FluentActions.Invoking(() => ComputationGraph.Unroll(steps)).Should().Throw<ArgumentOutOfRangeException>()
            .WithMessage($"steps: expected from 1 to 100 steps, as many as a picture can show, got {steps}.*");

    [Theory]
    [InlineData(1)]
    [InlineData(50)]
    public void Lags_are_refused_since_no_edge_shows_them(int lags) =>
        FluentActions.Invoking(() => new ComputationGraphOptions { Truncation = Truncation.Lags(lags) })
            .Should().Throw<ArgumentException>().WithMessage(
                $"Truncation: expected windows, *got {lags} lags, which cut paths*");

    [Fact]
    public void A_node_that_is_not_there_is_refused_by_name()
    {
        var graph = ComputationGraph.Unroll(3);

        FluentActions.Invoking(() => graph.PathCount("h_4", "L")).Should().Throw<ArgumentException>()
            .WithMessage("from: expected a node of 3 unrolled steps, such as 'h_3' or 'W_hh', got 'h_4'.*");
        FluentActions.Invoking(() => graph.PathCount("L", null!)).Should().Throw<ArgumentNullException>()
            .Which.ParamName.Should().Be("to");
        FluentActions.Invoking(() => graph.PathCount("W_hh", "l"))
            .Should().Throw<ArgumentException>().WithMessage("to: *'l'*");
        FluentActions.Invoking(() => graph.PathCount("w_hh", "L"))
            .Should().Throw<ArgumentException>().WithMessage("*'w_hh'*");
    }
}
