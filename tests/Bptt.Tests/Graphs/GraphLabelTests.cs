// The notation of labels, and what becomes of it.

using Bptt.Graphs;

namespace Bptt.Tests.Graphs;

public class GraphLabelTests
{
    [Theory]
    [InlineData("L", "L")]
    [InlineData("h_12", "h<sub>12</sub>")]
    [InlineData("W_hhᵀ ∂L/∂h_2", "W<sub>hh</sub><sup>T</sup> ∂L/∂h<sub>2</sub>")]
    [InlineData("h_{t−1}ᵀ x", "h<sub>t−1</sub><sup>T</sup> x")]
    [InlineData("ℓ(o_1, y_1)", "ℓ(o<sub>1</sub>, y<sub>1</sub>)")]
    [InlineData("a < b & \"c\" > d_1", "a &lt; b &amp; &quot;c&quot; &gt; d<sub>1</sub>")]
    [InlineData("", "")]
    public void Html_has_elements_for_what_is_lowered_and_raised(string label, string html) =>
        GraphLabel.Html(label).Should().Be(html);

    [Fact]
    public void Svg_comes_back_to_the_line_after_what_is_lowered_and_raised() =>
        GraphLabel.Svg("W_hhᵀ ∂L/∂h_2 & 1", 10).Should().Be(
            "W<tspan font-size=\"7.2\" dy=\"2.4\">hh</tspan><tspan font-size=\"7.2\" dy=\"-5.8\">T</tspan>"
            + "<tspan dy=\"3.4\"> ∂L/∂h</tspan><tspan font-size=\"7.2\" font-style=\"normal\" dy=\"2.4\">2</tspan>"
            + "<tspan dy=\"-2.4\"> &amp; 1</tspan>");

    [Fact]
    public void Width_grows_with_the_text_and_in_proportion_to_its_size()
    {
        double width = GraphLabel.Width("W_hhᵀ ∂L/∂h_2", 13);

        GraphLabel.Width("W_hhᵀ ∂L/∂h_2", 26).Should().BeApproximately(2 * width, 1e-9);
        GraphLabel.Width("W_hhᵀ ∂L/∂h_12", 13).Should().BeGreaterThan(width);
        GraphLabel.Width("W_hhᵀ", 13).Should().BeLessThan(GraphLabel.Width("Whhᵀ", 13), "subscripts are smaller");
    }

    [Theory]
    [InlineData(1.0, "1")]
    [InlineData(-0.001, "0")]
    [InlineData(12.345678, "12.35")]
    [InlineData(-3.5, "-3.5")]
    public void Coordinates_are_short(double value, string text) => GraphLabel.Number(value).Should().Be(text);
}
