// A logarithmic axis for anything that a computation may give: zeros, infinities, one value, six hundred decades.

using System.Globalization;
using OxyPlot.Axes;

namespace Bptt.Cli.Pictures;

/// <summary>
/// A linear axis of the decimal logarithm, from one whole decade to another, marked in the values themselves. The plot
/// is given <see cref="Of"/> of its values.
/// </summary>
internal sealed class DecadeAxis : LinearAxis
{
    private const int MostMarks = 8;
    private const int MostMinorMarks = 40;
    private const double Room = 0.05; // of a decade, so that no value lies on the frame
    private static readonly int[] Strides = [1, 2, 3, 5, 10, 20, 25, 50, 100];

    private readonly int _low;
    private readonly int _high;

    /// <summary>From the decade below all the values that have a place on the axis to the decade above; 1 to 10 where
    /// none has.</summary>
    public DecadeAxis(IEnumerable<double> values)
    {
        double[] logarithms = values.Select(Of).Where(double.IsFinite).ToArray();
        HasValues = logarithms.Length > 0;
        _low = HasValues ? (int)Math.Floor(logarithms.Min() - Room) : 0;
        _high = HasValues ? (int)Math.Ceiling(logarithms.Max() + Room) : 1;
        Minimum = _low;
        Maximum = _high;
    }

    /// <summary>Whether there is anything to draw.</summary>
    public bool HasValues { get; }

    /// <summary>log₁₀; NaN, which is drawn as a gap, for what has no place on the axis: zero, infinities,
    /// negatives.</summary>
    public static double Of(double value) => value > 0 && double.IsFinite(value) ? Math.Log10(value) : double.NaN;

    /// <summary>A power of ten, or 2 or 5 times one, as it is written below the axis of another: 0.02, 500,
    /// 10⁻⁷.</summary>
    public static string Label(double logarithm)
    {
        int decade = (int)Math.Floor(logarithm + 1e-9);
        double factor = Math.Round(Math.Pow(10, logarithm - decade), 3);
        if (decade is >= -3 and <= 3)
        {
            return (factor * Math.Pow(10, decade)).ToString("G4", CultureInfo.InvariantCulture);
        }
        string power = "10" + string.Concat(decade.ToString(CultureInfo.InvariantCulture)
            .Select(c => c == '-' ? '⁻' : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c - '0']));
        return factor == 1 ? power : $"{factor.ToString("G4", CultureInfo.InvariantCulture)}·{power}";
    }

    /// <inheritdoc/>
    public override void GetTickValues(
        out IList<double> majorLabelValues, out IList<double> majorTickValues, out IList<double> minorTickValues)
    {
        int decades = _high - _low;
        int stride = Strides.FirstOrDefault(s => decades / s < MostMarks, Strides[^1]);
        double[] inside = decades <= 2 ? [1, 2, 5] : [1];
        majorTickValues = Enumerable.Range(_low, decades + 1)
            .Where(d => d % stride == 0)
            .SelectMany(d => inside.Select(f => d + Math.Log10(f)))
            .Where(v => v <= _high)
            .ToList();
        majorLabelValues = majorTickValues;
        IEnumerable<double> minor = stride == 1
            ? Enumerable.Range(_low, decades).SelectMany(d => Enumerable.Range(2, 8).Select(f => d + Math.Log10(f)))
            : Enumerable.Range(_low, decades + 1).Select(d => (double)d);
        minorTickValues = stride > 1 && decades > MostMinorMarks ? [] : minor.ToList();
    }

    /// <inheritdoc/>
    protected override string FormatValueOverride(double x) => Label(x);
}
