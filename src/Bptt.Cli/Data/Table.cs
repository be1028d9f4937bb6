// A table with named columns, whatever file it comes from: columns as numbers or as texts, and what is wrong with them.
// Reads no file.

using Bptt.Cli.Console;

namespace Bptt.Cli.Data;

internal abstract class Table(string name, IReadOnlyList<string> columns, int rowCount)
{
    private const int MostShown = 60;
    private const int MostColumnsShown = 30;
    private const int FewColumns = 3;

    /// <summary>Of a table that may be transposed, and how many of them for each row.</summary>
    private const int ManyColumns = 20;

    /// <inheritdoc cref="ManyColumns"/>
    private const int WideColumns = 4;

    private readonly List<Remark> _remarks = [];

    /// <summary>What messages call the table.</summary>
    public string Name => name;

    /// <summary>Rows of data.</summary>
    public int RowCount => rowCount;

    /// <summary>The names of the columns.</summary>
    public IReadOnlyList<string> Columns => columns;

    /// <summary>What is to be told of it, in the order in which it was found.</summary>
    public IReadOnlyList<Remark> Remarks => _remarks;

    /// <summary>Adds what is to be told.</summary>
    public void Remark(string text, bool isDoubt = false)
    {
        var remark = new Remark($"{name}: {text}", isDoubt);
        if (!_remarks.Contains(remark))
        {
            _remarks.Add(remark);
        }
    }

    /// <summary>Whether there is a column of that name.</summary>
    public bool Has(string column) => columns.Contains(column);

    /// <summary>The place of a column, from 0.</summary>
    /// <exception cref="DataFaultException">There is none of that name, or several.</exception>
    public int IndexOf(string column)
    {
        int index = Enumerable.Range(0, columns.Count).FirstOrDefault(i => columns[i] == column, -1);
        if (index < 0)
        {
            throw Unknown(column);
        }
        if (columns.Skip(index + 1).Contains(column))
        {
            throw Fault($"expected one column '{column}', got several.");
        }
        return index;
    }

    /// <summary>A column as numbers.</summary>
    /// <exception cref="DataFaultException">A cell is missing or holds none.</exception>
    public double[] Numbers(string column) => Numbers(column, fill: null);

    /// <summary>A column as numbers, with NaN for what is missing.</summary>
    /// <exception cref="DataFaultException">A cell holds something else than a number.</exception>
    public double[] NumbersWhereMeasured(string column) => Numbers(column, fill: double.NaN);

    /// <summary>Whether every cell that is not missing holds a number.</summary>
    public bool IsNumeric(int column) => FirstWithoutNumber(column) == rowCount;

    /// <summary>The first row (from 0) whose cell is neither missing nor a number; the number of rows where there is
    /// none.</summary>
    public int FirstWithoutNumber(int column)
    {
        Func<int, double?> numbers = NumbersOf(column);
        return Enumerable.Range(0, rowCount).FirstOrDefault(
            row => !IsMissing(column, row) && numbers(row) is null, rowCount);
    }

    /// <summary>A cell as text.</summary>
    public abstract string Text(int column, int row);

    /// <summary>Whether a cell is empty or says that there is no value.</summary>
    public abstract bool IsMissing(int column, int row);

    /// <summary>Where a row (from 0) stands in the file, in words.</summary>
    public abstract string PlaceOf(int row);

    /// <summary>A fault of this table.</summary>
    public DataFaultException Fault(string message, Exception? inner = null) => new($"{name}: {message}", inner);

    /// <summary>A fault of one cell.</summary>
    public DataFaultException FaultAt(int column, int row, string expected, string hint = "") => new(
        $"{name}, {PlaceOf(row)}, column '{columns[column]}': expected {expected}, "
        + $"got {Shown(Text(column, row))}{HintOfCell(column, row)}{hint}.");

    /// <summary>The fault that there is no such column, with the one that may be meant.</summary>
    public DataFaultException Unknown(string column)
    {
        string meant = Likeness.Nearest(column, columns) is string near ? $"; did you mean '{near}'?" : ".";
        return Fault($"expected a column '{column}', got the columns {ColumnsText}{meant}{HintOfUnknown}{HintOfShape}");
    }

    /// <summary>The names of the columns as messages list them: few where they may be none.</summary>
    public string ColumnsText
    {
        get
        {
            int most = HintOfShape.Length > 0 ? FewColumns : MostColumnsShown;
            string more = columns.Count > most ? $" and {columns.Count - most} more" : "";
            return string.Join(", ", columns.Take(most).Select(Shown)) + more;
        }
    }

    /// <summary>What may be wrong with a table that has many more columns than rows, a sentence after a space; empty
    /// where it has not.</summary>
    public string HintOfShape => columns.Count < ManyColumns || columns.Count < WideColumns * rowCount ? ""
        : " Rows are time steps and columns are signals, but this table has "
            + $"{rowCount} row{(rowCount == 1 ? "" : "s")} and {columns.Count} columns: if it is transposed, give it a "
            + "row for each time step (array.T in NumPy, a transposed paste in a spreadsheet).";

    /// <summary>A cell as messages show it: its beginning, and nothing that a terminal would obey.</summary>
    public static string Shown(string cell)
    {
        string printable = string.Concat(cell.Take(MostShown).Select(c => char.IsControl(c) ? '\uFFFD' : c));
        return cell.Length == 0 ? "an empty cell" : cell.Length > MostShown ? $"'{printable}…'" : $"'{printable}'";
    }

    /// <summary>What else may be wrong where a column is not found.</summary>
    protected virtual string HintOfUnknown => "";

    /// <summary>What else may be wrong with a cell.</summary>
    protected virtual string HintOfCell(int column, int row) => "";

    /// <summary>The numbers of a column by row (from 0), each row asked for in order; null for what is none.</summary>
    protected abstract Func<int, double?> NumbersOf(int column);

    private double[] Numbers(string column, double? fill)
    {
        int index = IndexOf(column);
        Func<int, double?> numbers = NumbersOf(index);
        double[] values = new double[rowCount];
        for (int row = 0; row < values.Length; row++)
        {
            double? number = IsMissing(index, row) ? fill : numbers(row);
            values[row] = number ?? throw FaultAt(index, row, "a finite number");
        }
        return values;
    }
}
