// One run of an experiment: rows of a table that follow each other in time. Data only.

namespace Bptt.Cli.Data;

/// <summary>One sequence of a table.</summary>
/// <param name="Id">What names it in the table; null where the table is one run.</param>
/// <param name="Rows">Its rows, from 0, in the order of time.</param>
internal sealed record Run(string? Id, int[] Rows)
{
    /// <summary>The runs of a table, in the order of their first rows.</summary>
    /// <param name="table">The table.</param>
    /// <param name="group">The column that names the run of each row; null for one run of all rows.</param>
    public static IReadOnlyList<Run> Of(Table table, string? group)
    {
        if (group is null)
        {
            return [new Run(null, [.. Enumerable.Range(0, table.RowCount)])];
        }
        int column = table.IndexOf(group);
        var runs = new Dictionary<string, List<int>>(StringComparer.Ordinal);
        var order = new List<string>();
        for (int row = 0; row < table.RowCount; row++)
        {
            if (table.IsMissing(column, row))
            {
                throw table.FaultAt(column, row, "the name of a run");
            }
            string id = table.Text(column, row);
            if (!runs.TryGetValue(id, out List<int>? rows))
            {
                runs[id] = rows = [];
                order.Add(id);
            }
            rows.Add(row);
        }
        if (runs.Count == table.RowCount && runs.Count > 1)
        {
            throw table.Fault(
                $"--group: expected column '{group}' to have one value in many rows, got another one in every row.");
        }
        return [.. order.Select(id => new Run(id, [.. runs[id]]))];
    }

    /// <summary>The values of a column in its rows.</summary>
    public double[] Of(double[] column) => Array.ConvertAll(Rows, row => column[row]);
}
