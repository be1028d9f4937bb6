// The words by which files say that there is no value.

namespace Bptt.Cli.Data;

internal static class MissingValue
{
    private static readonly string[] Words = ["nan", "-nan", "na", "n/a", "#n/a", "<na>", "null"];

    /// <summary>Whether a cell is empty or one of the words, in letters of either case.</summary>
    public static bool Is(string cell) =>
        cell.Length == 0 || (cell.Length <= 4 && Words.Contains(cell, StringComparer.OrdinalIgnoreCase));
}
