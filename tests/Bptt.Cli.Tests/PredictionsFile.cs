// A predictions.csv as a user would take it into a spreadsheet. Reads it without the command's own CSV code.

using System.Globalization;

namespace Bptt.Cli.Tests;

internal sealed class PredictionsFile
{
    private readonly string[] _header;
    private readonly string[][] _rows;

    public PredictionsFile(string text)
    {
        string[][] lines = text.TrimEnd().Split('\n').Select(l => l.TrimEnd('\r').Split(',')).ToArray();
        _header = lines[0];
        _rows = lines[1..];
    }

    public IReadOnlyList<string> Header => _header;

    public static PredictionsFile Of(string path) => new(File.ReadAllText(path));

    public string[] Text(string column)
    {
        int index = Array.IndexOf(_header, column);
        index.Should().BeGreaterThanOrEqualTo(0, "there is a column '{0}'", column);
        return Array.ConvertAll(_rows, r => r[index]);
    }

    public double[] Numbers(string column) =>
        Array.ConvertAll(Text(column), c => double.Parse(c, CultureInfo.InvariantCulture));

    /// <summary>100·(1 − ‖y−ŷ‖/‖y−ȳ‖) over the rows of a part ("training", "held-out"), where ȳ is the mean of these
    /// rows.</summary>
    public double Fit(string output, string part)
    {
        string[] parts = Text("part");
        double[] measured = Numbers($"{output} measured").Where((_, t) => parts[t] == part).ToArray();
        double[] predicted = Numbers($"{output} predicted").Where((_, t) => parts[t] == part).ToArray();
        double mean = measured.Average();
        double error = Math.Sqrt(measured.Zip(predicted, (y, p) => (y - p) * (y - p)).Sum());
        double spread = Math.Sqrt(measured.Sum(y => (y - mean) * (y - mean)));
        return 100.0 * (1.0 - error / spread);
    }
}
