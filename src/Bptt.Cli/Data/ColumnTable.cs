// A table whose columns are numbers or texts already, as files other than CSV hold them.

using System.Globalization;

namespace Bptt.Cli.Data;

/// <summary>One column: numbers, with NaN for what is missing, or texts, with null for that.</summary>
internal sealed record MemoryColumn(string Name, double[]? Numbers, string?[]? Texts = null);

internal sealed class ColumnTable(string name, IReadOnlyList<MemoryColumn> columns, int rowCount)
    : Table(name, [.. columns.Select(c => c.Name)], rowCount)
{
    /// <inheritdoc/>
    public override string Text(int column, int row) => columns[column].Texts is string?[] texts
        ? texts[row] ?? ""
        : columns[column].Numbers![row].ToString("R", CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public override bool IsMissing(int column, int row) => columns[column].Texts is string?[] texts
        ? MissingValue.Is(texts[row] ?? "")
        : double.IsNaN(columns[column].Numbers![row]);

    /// <inheritdoc/>
    public override string PlaceOf(int row) => $"row {row + 1}";

    /// <inheritdoc/>
    protected override Func<int, double?> NumbersOf(int column) => row =>
    {
        double number = columns[column].Numbers is double[] numbers
            ? numbers[row]
            : double.TryParse(
                columns[column].Texts![row], NumberStyles.Float, CultureInfo.InvariantCulture, out double read)
                ? read : double.NaN;
        return double.IsFinite(number) ? number : null;
    };
}
