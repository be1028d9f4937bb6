// What a student has set: eigenvalues, steps, loss, truncation, clipping. Read from the words of an address; bounded,
// and computes nothing.
//
//   h  hidden units      T  time steps

using System.Globalization;

namespace Bptt.Cli.Studio;

/// <summary>A real eigenvalue, or a pair Re ± Im·i.</summary>
internal readonly record struct Pole(double Re, double Im, bool IsPair);

/// <summary>How the backward pass of a scene is cut.</summary>
internal enum Cut
{
    None,
    Lags,
    Windows,
    Random,
}

internal sealed record Scene
{
    public const int FewestUnits = 2;
    public const int MostUnits = 16;
    public const int MostSteps = 200;

    /// <summary>Above that, T steps may leave the range of numbers.</summary>
    public const double LargestMagnitude = 1.6;

    public const double LargestCoupling = 4;
    public const int MostTrainingSteps = 1000;
    private const double Rounding = 1e-9; // of a pole that is dragged along the border
    private const int LongestValue = 1000;

    public IReadOnlyList<Pole> Poles { get; private init; } = [new(0.8, 0, false), new(0.4, 0, false)];

    /// <summary>T.</summary>
    public int Steps { get; private init; } = 50;

    /// <summary>Whether every step has a loss, or the last alone.</summary>
    public bool HasLossOnAll { get; private init; }

    /// <summary>What couples each block of W_hh to the next: its departure from normality.</summary>
    public double Coupling { get; private init; }

    public Cut Cut { get; private init; }

    /// <summary>The lags, window or mean window that <see cref="Cut"/> leaves.</summary>
    public int Window { get; private init; } = 10;

    /// <summary>The step whose loss is followed back; null for the last.</summary>
    public int? Source { get; private init; }

    /// <summary>θ of the clipping by the global norm.</summary>
    public double Threshold { get; private init; } = 1;

    public double LearningRate { get; private init; } = 0.05;

    /// <summary>h.</summary>
    public int HiddenSize => Poles.Sum(p => p.IsPair ? 2 : 1);

    /// <summary>Reads a scene.</summary>
    /// <param name="words">Names and values as in the address of the page; what is not told has its default, and what
    /// the page alone needs is passed over.</param>
    /// <exception cref="FormatException">A value is no number or outside its bounds; says which.</exception>
    public static Scene Parse(IEnumerable<KeyValuePair<string, string>> words)
    {
        var scene = new Scene();
        int? hiddenSize = null;
        foreach ((string name, string value) in words)
        {
            if (value is null || value.Length > LongestValue)
            {
                throw new FormatException($"{name}: expected a text of at most {LongestValue} characters");
            }
            switch (name)
            {
                case "e": scene = scene with { Poles = PolesOf(value) }; break;
                case "h": hiddenSize = Whole(name, value, FewestUnits, MostUnits); break;
                case "T": scene = scene with { Steps = Whole(name, value, 2, MostSteps) }; break;
                case "loss":
                    scene = scene with { HasLossOnAll = OneOf(name, value, "last", "all") == 1 };
                    break;
                case "g": scene = scene with { Coupling = Number(name, value, 0, LargestCoupling) }; break;
                case "cut":
                    scene = scene with { Cut = (Cut)OneOf(name, value, "none", "lags", "windows", "random") };
                    break;
                case "k": scene = scene with { Window = Whole(name, value, 1, MostSteps) }; break;
                case "s": scene = scene with { Source = Whole(name, value, 1, MostSteps) }; break;
                case "clip": scene = scene with { Threshold = Number(name, value, 1e-6, 1e6) }; break;
                case "rate": scene = scene with { LearningRate = Number(name, value, 1e-6, 10) }; break;
                default: break;
            }
        }
        if (hiddenSize is int h && h != scene.HiddenSize)
        {
            throw new FormatException($"h: expected {scene.HiddenSize}, as many as eigenvalues, got {h}");
        }
        return scene with
        {
            Source = scene.Source < scene.Steps ? scene.Source : null,
            Window = scene.Cut == Cut.Random ? Math.Max(2, scene.Window) : scene.Window,
        };
    }

    /// <summary>A whole number among words that are not of the scene.</summary>
    /// <exception cref="FormatException">It is none, or outside its bounds.</exception>
    public static int Whole(string name, string value, int atLeast, int atMost) =>
        int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)
            && number >= atLeast && number <= atMost
            ? number
            : throw new FormatException(
                $"{name}: expected a whole number from {atLeast} to {atMost}, got '{Short(value)}'");

    /// <summary>The number of a word among those that are allowed.</summary>
    /// <exception cref="FormatException">It is none of them.</exception>
    public static int OneOf(string name, string value, params string[] words) =>
        Array.IndexOf(words, value) is int index and >= 0
            ? index
            : throw new FormatException($"{name}: expected {string.Join(" or ", words)}, got '{Short(value)}'");

    /// <summary>0.8 for a real eigenvalue, 0.6~0.5 for a pair 0.6 ± 0.5i; between them commas.</summary>
    private static Pole[] PolesOf(string text)
    {
        Pole[] poles = Array.ConvertAll(text.Split(','), part =>
        {
            string[] numbers = part.Split('~');
            return numbers.Length > 2
                ? throw new FormatException($"e: expected 0.8 or 0.6~0.5, got '{Short(part)}'")
                : new Pole(
                    Coordinate(numbers[0]), numbers.Length == 2 ? Coordinate(numbers[1]) : 0, numbers.Length == 2);
        });
        foreach (Pole pole in poles)
        {
            if (double.Hypot(pole.Re, pole.Im) > LargestMagnitude + Rounding)
            {
                throw new FormatException(
                    $"e: expected eigenvalues of magnitude {LargestMagnitude} at most, got "
                    + $"{pole.Re}{(pole.IsPair ? $" ± {pole.Im}i" : "")}");
            }
        }
        int h = poles.Sum(p => p.IsPair ? 2 : 1);
        return h is >= FewestUnits and <= MostUnits
            ? poles
            : throw new FormatException($"e: expected from {FewestUnits} to {MostUnits} eigenvalues, got {h}");

        static double Coordinate(string text) => Number("e", text, -LargestMagnitude, LargestMagnitude);
    }

    private static double Number(string name, string value, double atLeast, double atMost) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            && number >= atLeast && number <= atMost
            ? number
            : throw new FormatException(
                $"{name}: expected a number from {atLeast} to {atMost}, got '{Short(value)}'");

    private static string Short(string text) => text.Length <= 40 ? text : $"{text[..40]}…";
}
