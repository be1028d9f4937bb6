// Words of the command line that stand for clipping and truncation: norm:1, lags:20.

using System.Globalization;
using Bptt.Cli.Console;
using Bptt.Remedies;

namespace Bptt.Cli.Fitting;

internal static class TrainingWords
{
    private const string None = "none";

    /// <summary>Reads θ, norm:θ, matrix:θ, value:c or none.</summary>
    /// <param name="text">As it was written.</param>
    /// <param name="clipping">The clipping; null for none.</param>
    /// <returns>Whether it is one of them.</returns>
    public static bool TryClipping(string text, out GradientClipping? clipping)
    {
        (string kind, string number) = Split(text, "norm");
        clipping = null;
        if (text == None)
        {
            return true;
        }
        if (!double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double bound)
            || !double.IsFinite(bound) || bound <= 0.0)
        {
            return false;
        }
        clipping = kind switch
        {
            "norm" => new GlobalNormClipping(bound),
            "matrix" => new MatrixNormClipping(bound),
            "value" => new ValueClipping(bound),
            _ => null,
        };
        return clipping is not null;
    }

    /// <summary>Reads lags:k, windows:k, random:k or none.</summary>
    /// <param name="text">As it was written.</param>
    /// <param name="seed">Of random cuts.</param>
    /// <param name="truncation">The truncation; null for none.</param>
    /// <returns>Whether it is one of them.</returns>
    public static bool TryTruncation(string text, int seed, out Truncation? truncation)
    {
        (string kind, string number) = Split(text, "");
        truncation = null;
        if (text == None)
        {
            return true;
        }
        if (WholeNumberText.Read(number, atLeast: kind == "random" ? 2 : 1) is not int steps)
        {
            return false;
        }
        truncation = kind switch
        {
            "lags" => Truncation.Lags(steps),
            "windows" => Truncation.Windows(steps),
            "random" => Truncation.Randomized(steps, seed),
            _ => null,
        };
        return truncation is not null;
    }

    private static (string Kind, string Number) Split(string text, string byDefault)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? (byDefault, text) : (text[..colon], text[(colon + 1)..]);
    }
}
