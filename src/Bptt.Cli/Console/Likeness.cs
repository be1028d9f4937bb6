// Which of several names is the nearest to one that was mistyped.

namespace Bptt.Cli.Console;

internal static class Likeness
{
    /// <summary>Of a beginning that tells a name.</summary>
    private const int FewestLetters = 3;

    /// <summary>The name that differs by the fewest letters, where it is near enough to be meant, or else the only one
    /// that begins like it; null where none is.</summary>
    public static string? Nearest(string name, IEnumerable<string> names)
    {
        (string Name, double Distance)[] near =
            [.. names.Where(n => n.Length > 0 && n != name).Select(n => (n, Distance(name, n)))];
        if (near.Length == 0)
        {
            return null;
        }
        (string Name, double Distance) best = near.MinBy(n => n.Distance);
        if (best.Distance <= Math.Max(0.5, Math.Max(name.Length, best.Name.Length) / 3.0))
        {
            return best.Name;
        }
        string[] longer = [.. near.Select(n => n.Name).Where(n => n.StartsWith(name, StringComparison.Ordinal))];
        return name.Length >= FewestLetters && longer.Length == 1 ? longer[0] : null;
    }

    /// <summary>The least number of letters to insert, delete, replace or swap with the next one (Damerau 1964); a
    /// letter in the other case counts a tenth.</summary>
    private static double Distance(string left, string right)
    {
        double[] beforeThat = [];
        double[] previous = [.. Enumerable.Range(0, right.Length + 1).Select(j => (double)j)];
        for (int i = 1; i <= left.Length; i++)
        {
            double[] current = new double[right.Length + 1];
            current[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                double replaced = previous[j - 1] + Difference(left[i - 1], right[j - 1]);
                current[j] = Math.Min(replaced, Math.Min(previous[j], current[j - 1]) + 1.0);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                {
                    current[j] = Math.Min(current[j], beforeThat[j - 2] + 1.0);
                }
            }
            (beforeThat, previous) = (previous, current);
        }
        return previous[^1];
    }

    private static double Difference(char left, char right) =>
        left == right ? 0.0 : char.ToUpperInvariant(left) == char.ToUpperInvariant(right) ? 0.1 : 1.0;
}
