// Which columns a list means.

using Bptt.Cli.Console;
using Bptt.Cli.Data;

namespace Bptt.Cli.Tests.Data;

public class ColumnListTests
{
    private const string Header = "time,u1,u2,\"a, b\",temp_in,temp_amb,\"say \"\"x\"\"\",y,#2,q*";

    [Theory]
    [InlineData("u1", "u1")]
    [InlineData("u2,u1", "u2|u1")]
    [InlineData(" u2 , u1 ,", "u2|u1")]
    [InlineData("\"a, b\",u1", "a, b|u1")]
    [InlineData("\"u1\"", "u1")]
    [InlineData("\"say \"\"x\"\"\"", "say \"x\"")]
    [InlineData("say \"x\"", "say \"x\"")]
    [InlineData("#3", "u2")]
    [InlineData("#2", "#2")] // a column of that name comes first
    [InlineData("#1,#8", "time|y")]
    [InlineData("u1..temp_in", "u1|u2|a, b|temp_in")]
    [InlineData("#4..#6", "a, b|temp_in|temp_amb")]
    [InlineData("u1..\"a, b\"", "u1|u2|a, b")]
    [InlineData("temp*", "temp_in|temp_amb")]
    [InlineData("u?", "u1|u2")]
    [InlineData("q*", "q*")]
    [InlineData("temp*,!temp_amb", "temp_in")]
    [InlineData("u1..temp_amb,!temp*,!\"a, b\"", "u1|u2")]
    [InlineData("!temp*", "u1|u2|a, b|say \"x\"|#2|q*")]
    [InlineData("!u?,!temp*,u1", "a, b|say \"x\"|#2|q*|u1")]
    [InlineData("u*,u1", "u1|u2")] // each once
    [InlineData("*", "u1|u2|a, b|temp_in|temp_amb|say \"x\"|#2|q*")] // not what is reserved
    [InlineData("time", "time")] // but by its name
    public void A_list_means_columns(string list, string columns)
    {
        var table = CsvTable.Read(new StringReader($"{Header}\n1,2,3,4,5,6,7,8,9,10\n"), "data.csv");

        ColumnList.IsBalanced(list).Should().BeTrue();
        ColumnList.Resolve(table, ColumnList.Split([list]), ["time", "y"]).Should().Equal(columns.Split('|'));
    }

    [Theory]
    [InlineData("\"a", false)]
    [InlineData("u1,\"a, b", false)]
    [InlineData("!\"a", false)]
    [InlineData("a\"", true)]
    [InlineData("12\" pipe", true)]
    [InlineData("\"a\"\"b\"", true)]
    public void A_quote_that_begins_an_item_has_to_end(string list, bool isBalanced) =>
        ColumnList.IsBalanced(list).Should().Be(isBalanced);

    [Theory]
    [InlineData("heater_pwr", "heater_power")]
    [InlineData("HEATER_POWER", "heater_power")]
    [InlineData("heater power", "heater_power")]
    [InlineData("temprature", "temperature")]
    [InlineData("y", null)]
    [InlineData("voltage", null)]
    public void A_name_that_is_mistyped_is_recognised(string name, string? meant) =>
        Likeness.Nearest(name, ["heater_power", "temperature", "u"]).Should().Be(meant);

    [Fact]
    public async Task A_constant_input_is_left_out_with_a_word()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.File("data.csv", RunTables.Csv(RunTables.Rows(2)).Replace("\nr0,", "\n7,")
            .Replace("\nr1,", "\n7,").Replace("run,t,", "k,x,"));

        CommandResult result = await CommandRunner.RunAsync(
            "fit", csv, "--inputs", "k,a,b", "--outputs", "y", "--hidden", "1", "--out", folder.At("out"));
        CommandResult predict = await CommandRunner.RunAsync(
            "predict", folder.At("out/model.json"), folder.File("new.csv", "a,b\n1,2\n"));

        result.ExitCode.Should().Be(0);
        result.Error.Trim().Should().Be(
            $"note: {csv}: the input 'k' is 7 throughout, teaches nothing and is left out.");
        predict.ShouldBeDone();
    }
}
