// Whole numbers as they are typed on a command line.

using System.Globalization;

namespace Bptt.Cli.Console;

internal static class WholeNumberText
{
    /// <summary>A whole number between two bounds, both included; null where the text is none.</summary>
    /// <param name="text">As it was typed.</param>
    /// <param name="atLeast">The least.</param>
    /// <param name="atMost">The most.</param>
    public static int? Read(string text, int atLeast, int atMost = int.MaxValue) =>
        int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int n) && n >= atLeast && n <= atMost
            ? n : null;
}
