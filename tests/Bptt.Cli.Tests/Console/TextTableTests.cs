// Tables on terminals of any width.

using Bptt.Cli.Console;

namespace Bptt.Cli.Tests.Console;

public class TextTableTests
{
    private readonly TextTable _table = new("", "RMSE one step", "within 80 %");

    public TextTableTests()
    {
        _table.Add("naive [last value]", "18.37", "79.9 %");
        _table.Add("AR(9)", "19.19", "88.4 %");
    }

    [Theory]
    [InlineData(20)]
    [InlineData(30)]
    [InlineData(35)]
    [InlineData(40)]
    [InlineData(50)]
    [InlineData(80)]
    [InlineData(250)]
    public void No_name_and_no_number_is_cut_off(int width)
    {
        string text = Printed(width);

        text.Should().ContainAll(_table.Rows.SelectMany(row => row)).And.NotContain("…");
        string.Concat(text.Where(c => !char.IsWhiteSpace(c))).Should().Contain("RMSE").And.Contain("within");
    }

    [Fact]
    public void A_terminal_too_narrow_for_a_table_lists_the_numbers_of_each_row()
    {
        Printed(20).Should().Be(string.Join(
            Environment.NewLine,
            "naive [last value]",
            "  RMSE one step  18.37",
            "  within 80 %    79.9 %",
            "AR(9)",
            "  RMSE one step  19.19",
            "  within 80 %    88.4 %",
            ""));
    }

    private string Printed(int width)
    {
        var output = new StringWriter();
        var terminal = new Terminal(output, new StringWriter(), isInteractive: false);
        terminal.Ansi.Profile.Width = width;
        _table.WriteTo(terminal);
        return output.ToString();
    }
}
