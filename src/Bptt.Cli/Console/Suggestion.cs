// What somebody may have meant by a word that is not known. Prints nothing.

namespace Bptt.Cli.Console;

internal static class Suggestion
{
    /// <summary>The known word that is nearest in letters, where one is near enough to be a slip; null where none
    /// is.</summary>
    /// <param name="word">What was given.</param>
    /// <param name="known">What would have been right.</param>
    public static string? For(string word, IEnumerable<string> known)
    {
        int allowed = word.Length <= 4 ? 1 : word.Length <= 8 ? 2 : 3;
        (string Word, int Distance)[] near = [.. known
            .Select(other => (other, Distance(word.ToUpperInvariant(), other.ToUpperInvariant())))
            .Where(pair => pair.Item2 <= allowed)];
        return near.Length == 0 ? null : near.MinBy(pair => pair.Distance).Word;
    }

    /// <summary>The same as the end of a message; empty where there is none.</summary>
    public static string Text(string word, IEnumerable<string> known) =>
        For(word, known) is string near ? $" Did you mean '{near}'?" : "";

    /// <summary>Letters to insert, leave out, replace or swap with their neighbour (Damerau 1964).</summary>
    private static int Distance(string a, string b)
    {
        int[,] steps = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    steps[i, j] = i + j;
                    continue;
                }
                int replaced = steps[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                int least = Math.Min(replaced, 1 + Math.Min(steps[i - 1, j], steps[i, j - 1]));
                bool isSwap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                steps[i, j] = isSwap ? Math.Min(least, steps[i - 2, j - 2] + 1) : least;
            }
        }
        return steps[a.Length, b.Length];
    }
}
