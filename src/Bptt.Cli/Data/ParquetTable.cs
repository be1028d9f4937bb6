// Reads a Parquet file: its flat columns of numbers, texts and times. Nested ones are left out and told.

using System.Globalization;
using Parquet;
using Parquet.Schema;

namespace Bptt.Cli.Data;

internal static class ParquetTable
{
    /// <summary>Whole numbers beyond it are no doubles.</summary>
    private const double LargestExact = 9007199254740992.0;

    /// <summary>Reads all of a file.</summary>
    public static Table Read(byte[] bytes, string name) => ReadAsync(bytes, name).GetAwaiter().GetResult();

    private static async Task<Table> ReadAsync(byte[] bytes, string name)
    {
        using var stream = new MemoryStream(bytes);
        await using ParquetReader reader = await ParquetReader.CreateAsync(stream);
        var columns = new List<MemoryColumn>();
        var leftOut = new List<string>();
        long rows = 0;
        for (int group = 0; group < reader.RowGroupCount; group++)
        {
            using ParquetRowGroupReader part = reader.OpenRowGroupReader(group);
            rows += part.RowCount;
        }
        foreach (DataField field in reader.Schema.GetDataFields())
        {
            if (field.IsArray || field.MaxRepetitionLevel > 0 || field.Path.Length > 1)
            {
                leftOut.Add(field.Path.ToString());
                continue;
            }
            if (await ColumnAsync(reader, field) is MemoryColumn column)
            {
                columns.Add(column);
            }
            else
            {
                leftOut.Add(field.Name);
            }
        }
        var table = new ColumnTable(name, columns, checked((int)rows));
        if (leftOut.Count > 0)
        {
            table.Remark($"of the columns {string.Join(", ", leftOut.Select(Table.Shown))} nothing is read: "
                + "they hold no numbers, texts or times.");
        }
        return table;
    }

    private static async Task<MemoryColumn?> ColumnAsync(ParquetReader reader, DataField field)
    {
        if (field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>))
        {
            return new MemoryColumn(field.Name, null, [.. await TextsAsync(reader, field)]);
        }
        return field.ClrType switch
        {
            Type t when t == typeof(double) => await NumbersAsync<double>(reader, field, x => x),
            Type t when t == typeof(float) => await NumbersAsync<float>(reader, field, x => x),
            Type t when t == typeof(int) => await NumbersAsync<int>(reader, field, x => x),
            Type t when t == typeof(uint) => await NumbersAsync<uint>(reader, field, x => x),
            Type t when t == typeof(short) => await NumbersAsync<short>(reader, field, x => x),
            Type t when t == typeof(ushort) => await NumbersAsync<ushort>(reader, field, x => x),
            Type t when t == typeof(sbyte) => await NumbersAsync<sbyte>(reader, field, x => x),
            Type t when t == typeof(byte) => await NumbersAsync<byte>(reader, field, x => x),
            Type t when t == typeof(long) => await NumbersAsync<long>(reader, field, x => x),
            Type t when t == typeof(ulong) => await NumbersAsync<ulong>(reader, field, x => x),
            Type t when t == typeof(bool) => await NumbersAsync<bool>(reader, field, x => x ? 1.0 : 0.0),
            Type t when t == typeof(decimal) => await NumbersAsync<decimal>(reader, field, x => (double)x),
            Type t when t == typeof(DateTime) =>
                await TimesAsync<DateTime>(reader, field, "yyyy-MM-ddTHH:mm:ss.FFFFFFF"),
            Type t when t == typeof(DateOnly) => await TimesAsync<DateOnly>(reader, field, "yyyy-MM-dd"),
            Type t when t == typeof(TimeSpan) => await NumbersAsync<TimeSpan>(reader, field, x => x.TotalSeconds),
            Type t when t == typeof(TimeOnly) =>
                await NumbersAsync<TimeOnly>(reader, field, x => x.ToTimeSpan().TotalSeconds),
            _ => null,
        };
    }

    private static async Task<MemoryColumn> NumbersAsync<T>(
        ParquetReader reader, DataField field, Func<T, double> number)
        where T : struct
    {
        T?[] values = await ValuesAsync<T>(reader, field);
        double[] numbers = Array.ConvertAll(values, v => v is T value ? number(value) : double.NaN);
        return numbers.Any(n => Math.Abs(n) > LargestExact) && typeof(T) != typeof(double) && typeof(T) != typeof(float)
            ? new MemoryColumn(field.Name, null, Array.ConvertAll(
                values, v => v is T value ? Convert.ToString(value, CultureInfo.InvariantCulture) : null))
            : new MemoryColumn(field.Name, numbers);
    }

    private static async Task<MemoryColumn> TimesAsync<T>(ParquetReader reader, DataField field, string format)
        where T : struct, IFormattable => new(
            field.Name,
            null,
            Array.ConvertAll(
                await ValuesAsync<T>(reader, field), v => v?.ToString(format, CultureInfo.InvariantCulture)));

    private static async Task<T?[]> ValuesAsync<T>(ParquetReader reader, DataField field)
        where T : struct
    {
        var all = new List<T?>();
        for (int group = 0; group < reader.RowGroupCount; group++)
        {
            using ParquetRowGroupReader part = reader.OpenRowGroupReader(group);
            if (field.IsNullable)
            {
                var values = new T?[part.RowCount];
                await part.ReadAsync(field, values.AsMemory());
                all.AddRange(values);
            }
            else
            {
                var values = new T[part.RowCount];
                await part.ReadAsync(field, values.AsMemory());
                all.AddRange(values.Select(v => (T?)v));
            }
        }
        return [.. all];
    }

    private static async Task<List<string?>> TextsAsync(ParquetReader reader, DataField field)
    {
        var all = new List<string?>();
        for (int group = 0; group < reader.RowGroupCount; group++)
        {
            using ParquetRowGroupReader part = reader.OpenRowGroupReader(group);
            string?[] texts = new string?[part.RowCount];
            await part.ReadAsync(field, texts.AsMemory());
            all.AddRange(texts);
        }
        return all;
    }
}
