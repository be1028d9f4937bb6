// Tables in the forms that programs write them, and tables that are at fault.

using System.Text;
using Bptt.Cli.Console;
using Bptt.Cli.Data;

namespace Bptt.Cli.Tests.Data;

public class CsvTableTests
{
    private const string Name = "data.csv";

    private static readonly Encoding Utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

    /// <summary>All hold a = 1.5, −2, 0.003 and y = 0.25, 100, −7.</summary>
    private static readonly Dictionary<string, byte[]> GoodForms = new()
    {
        ["plain"] = Utf8.GetBytes("a,y\n1.5,0.25\n-2,100\n0.003,-7\n"),
        ["no line end at the end"] = Utf8.GetBytes("a,y\n1.5,0.25\n-2,100\n0.003,-7"),
        ["CRLF"] = Utf8.GetBytes("a,y\r\n1.5,0.25\r\n-2,100\r\n0.003,-7\r\n"),
        ["CR"] = Utf8.GetBytes("a,y\r1.5,0.25\r-2,100\r0.003,-7\r"),
        ["byte-order mark"] = Utf8.GetBytes("\uFEFFa,y\n1.5,0.25\n-2,100\n0.003,-7\n"),
        ["byte-order mark and quoted header"] = Utf8.GetBytes(
            "\uFEFF\"a\",\"y\"\r\n1.5,0.25\r\n-2,100\r\n0.003,-7\r\n"),
        ["UTF-16"] = Encoding.Unicode.GetBytes("\uFEFFa,y\n1.5,0.25\n-2,100\n0.003,-7\n"),
        ["quoted header"] = Utf8.GetBytes("\"a\",\"y\"\n1.5,0.25\n-2,100\n0.003,-7\n"),
        ["all quoted"] = Utf8.GetBytes("\"a\",\"y\"\n\"1.5\",\"0.25\"\n\"-2\",\"100\"\n\"0.003\",\"-7\"\n"),
        ["semicolons"] = Utf8.GetBytes("a;y\n1.5;0.25\n-2;100\n0.003;-7\n"),
        ["semicolons and decimal commas"] = Utf8.GetBytes("a;y\n1,5;0,25\n-2;100\n0,003;-7\n"),
        ["tabs"] = Utf8.GetBytes("a\ty\n1.5\t0.25\n-2\t100\n0.003\t-7\n"),
        ["tabs and decimal commas"] = Utf8.GetBytes("a\ty\n1,5\t0,25\n-2\t100\n0,003\t-7\n"),
        ["one column with a decimal point, one with a comma"] = Utf8.GetBytes("a;y\n1.5;0,25\n-2;100\n0.003;-7\n"),
        ["spaces around cells"] = Utf8.GetBytes(" a , y \n 1.5 , 0.25\n-2 ,100 \n  0.003,-7\n"),
        ["exponents, plus signs, bare points"] = Utf8.GetBytes("a,y\n+15e-1,.25\n-2.,1E+2\n3e-3,-7.0\n"),
        ["blank lines around"] = Utf8.GetBytes("\n\na,y\n1.5,0.25\n-2,100\n0.003,-7\n\n\n"),
        ["other columns that hold words"] = Utf8.GetBytes(
            "when,a,note,y\nmon,1.5,ok,0.25\ntue,-2,,100\nwed,0.003,\"x, y\",-7\n"),
        ["columns in another order"] = Utf8.GetBytes("y,a\n0.25,1.5\n100,-2\n-7,0.003\n"),
        ["separators inside a quoted header"] = Utf8.GetBytes(
            "\"when, where, how\";a;y\nx;1.5;0.25\nx;-2;100\nx;0.003;-7\n"),
        ["an empty last column"] = Utf8.GetBytes("a,y,\n1.5,0.25,\n-2,100,\n0.003,-7,\n"),
    };

    /// <summary>Table, the column that is asked for, and what the message says.</summary>
    private static readonly Dictionary<string, (string Text, string Column, string[] Message)> BadForms = new()
    {
        ["nothing"] = ("", "a", ["expected a header and rows of numbers", "got an empty file"]),
        ["blanks only"] = (" \r\n\t\n", "a", ["expected a header and rows of numbers", "got an empty file"]),
        ["header only"] = ("a,y\n", "a", ["expected rows below the header", "got none"]),
        ["byte-order mark only"] = ("\uFEFF", "a", ["expected a header", "got an empty file"]),
        ["header only with byte-order mark"] = ("\uFEFFa,y", "a", ["expected rows below the header", "got none"]),
        ["missing column"] = ("a,y\n1,2\n", "b", ["expected a column 'b'", "got the columns 'a', 'y'"]),
        ["column in other letters"] = ("A,y\n1,2\n", "a", ["expected a column 'a'", "'A'"]),
        ["no header"] = ("1,2\n3,4\n", "a", ["expected a column 'a'", "'1', '2'"]),
        ["two columns of one name"] = ("a,y,a\n1,2,3\n", "a", ["expected one column 'a'", "got several"]),
        ["a word"] = ("a,y\n1,2\noops,4\n", "a", ["line 3", "column 'a'", "expected a finite number", "'oops'"]),
        ["a word in the second column"] = ("a,y\n1,2\n3,n/a\n", "y", ["line 3", "column 'y'", "'n/a'"]),
        ["an empty cell"] =
            ("a,y\n1,2\n3,\n", "y", ["line 3", "column 'y'", "expected a finite number", "got an empty cell"]),
        ["blanks in a cell"] = ("a,y\n  ,2\n", "a", ["line 2", "column 'a'", "got an empty cell"]),
        ["an empty quoted cell"] = ("a,y\n1,\"\"\n", "y", ["line 2", "column 'y'", "got an empty cell"]),
        ["a short row"] = ("a,y\n1,2\n3\n", "a", ["line 3", "expected 2 cells, as in the header", "got 1"]),
        ["a long row"] = ("a,y\n1,2,3\n", "a", ["line 2", "expected 2 cells, as in the header", "got 3"]),
        ["decimal commas between commas"] = ("a,y\n1,5,2,5\n", "a", ["line 2", "expected 2 cells", "got 4"]),
        ["a quoted decimal comma between commas"] = ("a,y\n\"1,5\",2\n", "a", ["line 2", "column 'a'", "'1,5'"]),
        ["a thousands separator"] = ("a;y\n1.000,5;2\n", "a", ["line 2", "column 'a'", "'1.000,5'"]),
        ["two decimal marks in one column"] = ("a;y\n1.5;2\n1,234;2\n", "a", ["line 3", "column 'a'", "'1,234'"]),
        ["thousands separators and a decimal point"] =
            ("a\ty\n1,234.5\t2\n", "a", ["line 2", "column 'a'", "'1,234.5'"]),
        ["an accountant's negative number"] = ("a,y\n(3),2\n", "a", ["line 2", "column 'a'", "'(3)'"]),
        ["a thousands blank"] = ("a,y\n1 000,2\n", "a", ["line 2", "column 'a'", "'1 000'"]),
        ["NaN"] = ("a,y\nNaN,2\n", "a", ["line 2", "column 'a'", "expected a finite number", "'NaN'"]),
        ["infinity"] = ("a,y\n1,-Infinity\n", "y", ["line 2", "column 'y'", "expected a finite number", "'-Infinity'"]),
        ["the sign of infinity"] = ("a,y\n1,∞\n", "y", ["line 2", "column 'y'", "'∞'"]),
        ["too large a number"] =
            ("a,y\n1,1e400\n", "y", ["line 2", "column 'y'", "expected a finite number", "'1e400'"]),
        ["hexadecimal"] = ("a,y\n0x10,2\n", "a", ["line 2", "column 'a'", "'0x10'"]),
        ["a currency"] = ("a,y\n$3,2\n", "a", ["line 2", "column 'a'", "'$3'"]),
        ["a percent sign"] = ("a,y\n3%,2\n", "a", ["line 2", "column 'a'", "'3%'"]),
        ["a typographic minus"] = ("a,y\n−3,2\n", "a", ["line 2", "column 'a'", "'−3'"]),
        ["a date"] = ("a,y\n2024-01-31,2\n", "a", ["line 2", "column 'a'", "'2024-01-31'"]),
        ["a comment"] = ("a,y\n1,2\n# a note,2\n", "a", ["line 3", "column 'a'", "'# a note'"]),
        ["a quote inside a cell"] =
            ("a,y\n1,2\n3\"4,2\n", "a", ["line 3", "expected cells in balanced quotes", "3\"4"]),
        ["a fault below blank lines"] = ("\n\na,y\n1,2\n3,oops\n", "y", ["line 5", "column 'y'", "'oops'"]),
        ["a fault in CRLF"] = ("a,y\r\n1,2\r\n3,oops\r\n", "y", ["line 3", "column 'y'", "'oops'"]),
        ["a fault below a cell of two lines"] = ("a,y\n\"x\nx\",2\n3,oops\n", "y", ["line 4", "column 'y'", "'oops'"]),
        ["a quote that never closes"] =
            ("a,y\n1,2\n\"3,4\n5,6\n7,8\n", "a", ["line 3", "expected cells in balanced quotes"]),
        ["a blank line between rows, which is a missing row"] = ("a\n1\n2\n\n4\n", "a", ["line 4"]),
        ["a separator named in the first line"] = ("sep=;\na;y\n1;2\n", "a", ["expected a column 'a'", "'sep='"]),
    };

    public static TheoryData<string> GoodFormNames => new(GoodForms.Keys);

    public static TheoryData<string> BadFormNames => new(BadForms.Keys);

    [Theory]
    [MemberData(nameof(GoodFormNames))]
    public void Every_good_form_is_read_to_the_same_numbers(string form)
    {
        using var folder = new TemporaryFolder();

        Table table = TableFile.Read(folder.File(Name, GoodForms[form]));

        table.RowCount.Should().Be(3);
        table.Numbers("a").Should().Equal(1.5, -2.0, 0.003);
        table.Numbers("y").Should().Equal(0.25, 100.0, -7.0);
    }

    [Theory]
    [MemberData(nameof(BadFormNames))]
    public void Every_bad_form_is_refused_with_its_place_and_what_was_expected(string form)
    {
        (string text, string column, string[] message) = BadForms[form];
        using var folder = new TemporaryFolder();
        string path = folder.File(Name, Utf8.GetBytes(text));

        Action read = () => TableFile.Read(path).Numbers(column);

        read.Should().Throw<DataFaultException>().Which.Message.Should().StartWith(path).And.ContainAll(message);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("my column")]
    [InlineData("[m/s²]")]
    [InlineData("the \"measured\" one")]
    [InlineData("a, b; c")]
    [InlineData("Δtemperature")]
    public void A_column_may_have_any_name(string column)
    {
        string quoted = $"\"{column.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

        CsvTable table = Read($"{quoted},y\n1,2\n3,4\n");

        table.Has(column).Should().BeTrue();
        table.Columns.Should().Equal(column, "y");
        table.Numbers(column).Should().Equal(1, 3);
    }

    [Fact]
    public void One_column_of_decimal_commas_is_one_column()
    {
        Read("y\n1,5\n-2,25\n").Numbers("y").Should().Equal(1.5, -2.25);
    }

    [Fact]
    public void A_fault_in_a_column_that_nobody_asks_for_is_no_fault()
    {
        Read("a,y\n1,x\n2,\n").Numbers("a").Should().Equal(1, 2);
    }

    [Fact]
    public void Numbers_are_read_to_the_last_bit()
    {
        Read("a\n0.1\n1.7976931348623157e308\n5e-324\n0.30000000000000004\n").Numbers("a")
            .Should().Equal(0.1, double.MaxValue, double.Epsilon, 0.1 + 0.2);
    }

    [Fact]
    public void A_missing_file_and_a_folder_are_named()
    {
        using var folder = new TemporaryFolder();

        FluentActions.Invoking(() => TableFile.Read(folder.At("none.csv")))
            .Should().Throw<DataFaultException>().WithMessage($"{folder.At("none.csv")}: there is no such file.");
        FluentActions.Invoking(() => TableFile.Read(folder.Path))
            .Should().Throw<DataFaultException>().WithMessage(
                $"{folder.Path}: expected a file with a table, got a folder.");
    }

    [Theory]
    [InlineData("\"3,")]
    [InlineData("")]
    public void A_message_shows_no_more_than_the_beginning_of_a_long_cell(string before)
    {
        string text = $"a,y\n1,2\n{before}{new string('x', 100_000)},2\n";

        FluentActions.Invoking(() => Read(text).Numbers("a"))
            .Should().Throw<DataFaultException>().Which.Message.Length.Should().BeLessThan(1000);
    }

    [Fact]
    public void A_message_shows_no_control_characters_which_a_terminal_would_obey()
    {
        FluentActions.Invoking(() => Read("a,y\n1,2\n\u001b[2J\a,2\n").Numbers("a"))
            .Should().Throw<DataFaultException>().Which.Message.Should().NotContainAny("\u001b", "\a");
    }

    private static CsvTable Read(string text) => CsvTable.Read(new StringReader(text), Name);
}
