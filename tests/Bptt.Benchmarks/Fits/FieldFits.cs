// How well estimated models predict measured plants beside what other programs reach: data and peers come from a folder
// of the caller's, nothing of them is kept here.

using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Benchmarks.Fits;

internal static class FieldFits
{
    /// <summary>Estimates a model of each set of the folder's sets.json from its first rows, and prints the fit of the
    /// free run on the rest.</summary>
    /// <param name="folder">Holds sets.json, by name {"inputs", "outputs", "train", "peers"}, and a name.csv
    /// each.</param>
    /// <param name="only">Names to take; all where empty.</param>
    /// <param name="candidates">Whether all candidates are printed too.</param>
    /// <param name="markdown">Whether it is printed for a README.</param>
    /// <param name="output">Receives it.</param>
    public static void Run(string folder, string[] only, bool candidates, bool markdown, TextWriter output)
    {
        using var sets = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "sets.json")));
        JsonProperty[] chosen =
            [.. sets.RootElement.EnumerateObject().Where(s => only.Length == 0 || only.Contains(s.Name))];
        string[] peers = [.. chosen.SelectMany(s => PeersOf(s.Value).Select(p => p.Name)).Distinct()];
        var table = new Table(
            2, ["set", "candidate", "order", "units", "seconds", "training fit", "fit", .. peers]);
        foreach (JsonProperty set in chosen)
        {
            string file = Path.Combine(folder, set.Name + ".csv");
            if (!File.Exists(file))
            {
                continue;
            }
            (Matrix<double> inputs, Matrix<double> targets) = Read(file, set.Value);
            var watch = Stopwatch.StartNew();
            int training = (int)Math.Round(set.Value.GetProperty("train").GetDouble() * inputs.ColumnCount);
            Matrix<double> u = Scaled(inputs, training);
            Matrix<double> y = Scaled(targets, training);
            IdentifiedSystem system = SystemIdentification.Estimate(Part(u, 0, training), Part(y, 0, training));
            double seconds = watch.Elapsed.TotalSeconds;
            Matrix<double> outputs = system.Simulate(u, system.InitialStates.Column(0));
            IdentificationCandidate? best = system.Candidates.FirstOrDefault(c => c.IsChosen);
            var theirs = PeersOf(set.Value).ToDictionary(p => p.Name, p => p.Fit);
            table.Add(
            [
                set.Name,
                (best?.Name ?? "by default") + (system.IsOrderAtLimit ? " (at the limit)" : ""),
                $"{system.Order}",
                $"{system.Model.HiddenSize}",
                seconds.ToString("F1", CultureInfo.InvariantCulture),
                Text(Fit(y, outputs, 0, training)),
                Text(Fit(y, outputs, training, y.ColumnCount - training)),
                .. peers.Select(p => theirs.TryGetValue(p, out double fit) ? Text(fit) : ""),
            ]);
            Console.Error.WriteLine($"{set.Name}: {Text(Fit(y, outputs, training, y.ColumnCount - training))}");
            foreach (IdentificationCandidate candidate in candidates ? system.Candidates : [])
            {
                string score = candidate.Score.ToString("G5", CultureInfo.InvariantCulture);
                string mark = candidate.IsChosen ? "  <" : "";
                output.WriteLine($"{set.Name}  {candidate.Order,3}  {score,10}  {candidate.Name}{mark}");
            }
        }
        output.Write(table.ToText(markdown));
    }

    private static IEnumerable<(string Name, double Fit)> PeersOf(JsonElement set) =>
        set.TryGetProperty("peers", out JsonElement peers)
            ? peers.EnumerateObject().Where(p => p.Value.ValueKind == JsonValueKind.Number)
                .Select(p => (p.Name, p.Value.GetDouble()))
            : [];

    internal static SequenceBatch Part(Matrix<double> all, int first, int count) =>
        SequenceBatch.Pack([all.SubMatrix(0, all.RowCount, first, count)]);

    internal static Matrix<double> Scaled(Matrix<double> measured, int training) =>
        Standardizer.Fit(measured.SubMatrix(0, measured.RowCount, 0, training)).Apply(measured);

    internal static double Fit(Matrix<double> targets, Matrix<double> outputs, int first, int count)
    {
        Matrix<double> y = targets.SubMatrix(0, targets.RowCount, first, count);
        Vector<double> mean = y.RowSums() / count;
        Matrix<double> spread = y - Matrix<double>.Build.Dense(y.RowCount, count, (i, _) => mean[i]);
        Matrix<double> error = y - outputs.SubMatrix(0, y.RowCount, first, count);
        return 100.0 * (1.0 - error.FrobeniusNorm() / spread.FrobeniusNorm());
    }

    private static string Text(double fit) => fit.ToString("F2", CultureInfo.InvariantCulture);

    private static (Matrix<double> Inputs, Matrix<double> Targets) Read(string file, JsonElement set)
    {
        string[] lines = [.. File.ReadLines(file).Where(l => l.Trim().Length > 0)];
        List<string> header = [.. lines[0].Split(',').Select(h => h.Trim())];
        double[][] rows = [.. lines.Skip(1).Select(l => Array.ConvertAll(
            l.Split(','), x => double.Parse(x, CultureInfo.InvariantCulture)))];
        return (Columns("inputs"), Columns("outputs"));

        Matrix<double> Columns(string which)
        {
            int[] places = [.. set.GetProperty(which).EnumerateArray().Select(n => header.IndexOf(n.GetString()!))];
            return Matrix<double>.Build.Dense(places.Length, rows.Length, (i, t) => rows[t][places[i]]);
        }
    }
}
