// How well estimated models predict plants that are made up at random, beside a regression of the order that Akaike's
// criterion takes: rules of the estimation can be judged here without a look at measured plants.

using System.Diagnostics;
using System.Globalization;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Benchmarks.Fits;

internal static class GeneratedFits
{
    private const int MostLags = 10;
    private const double Ahead = 0.5;

    /// <summary>Estimates a model of each, and prints means of the fit of the free run on the rest.</summary>
    /// <param name="seed">Of the first plant.</param>
    /// <param name="count">How many plants.</param>
    /// <param name="each">Whether every plant is printed.</param>
    /// <param name="markdown">Whether it is printed for a README.</param>
    /// <param name="output">Receives it.</param>
    public static void Run(int seed, int count, bool each, bool markdown, TextWriter output)
    {
        var every = new Table(3, ["seed", "plant", "candidate", "order", "fit", "ARX"]);
        List<(double Fit, double Arx)> all = [];
        var watch = Stopwatch.StartNew();
        for (int s = seed; s < seed + count; s++)
        {
            var plant = GeneratedPlant.Of(s);
            Matrix<double> u = FieldFits.Scaled(plant.Inputs, plant.Training);
            Matrix<double> y = FieldFits.Scaled(plant.Targets, plant.Training);
            IdentifiedSystem system = SystemIdentification.Estimate(
                FieldFits.Part(u, 0, plant.Training), FieldFits.Part(y, 0, plant.Training));
            double fit = Bounded(y, system.Simulate(u, system.InitialStates.Column(0)), plant.Training);
            all.Add((fit, Arx(u, y, plant.Training)));
            string chosen = system.Candidates.FirstOrDefault(c => c.IsChosen)?.Name ?? "";
            every.Add([$"{s}", plant.Name, chosen, $"{system.Order}", Text(fit), Text(all[^1].Arx)]);
        }
        if (each)
        {
            output.Write(every.ToText(markdown));
        }
        var table = new Table(
            1, ["model", "mean fit", "mean of fits above 0", "ARX ahead by over 0.5", "by, in the mean"]);
        AddRow("estimated", [.. all.Select(a => a.Fit)]);
        AddRow("ARX", [.. all.Select(a => a.Arx)]);
        output.Write(table.ToText(markdown));
        output.WriteLine($"{all.Count} plants from seed {seed}, {Text(watch.Elapsed.TotalSeconds)} s");

        void AddRow(string name, double[] fits) => table.Add(
        [
            name,
            Text(fits.Average()),
            Text(fits.Average(f => Math.Max(f, 0.0))),
            $"{fits.Where((f, i) => all[i].Arx - f > Ahead).Count()}",
            Text(fits.Select((f, i) => Math.Max(0.0, all[i].Arx - f)).Average()),
        ]);
    }

    private static double Arx(Matrix<double> u, Matrix<double> y, int training)
    {
        var data = new IdentificationData(
            [u.SubMatrix(0, 1, 0, training)], [y.SubMatrix(0, 1, 0, training)]);
        if (ArxModel.Fit(data, AkaikeLags.Of(data, MostLags), default) is not ArxModel arx)
        {
            return -100.0;
        }
        (Matrix<double> a, Matrix<double> b, Matrix<double> c, Matrix<double> d) = arx.ToStates();
        var fit = new FittedCandidate(
            a, b, c, d, Matrix<double>.Build.Dense(a.RowCount, 1), Vector<double>.Build.Dense(1));
        return Bounded(y, fit.Run(u, 0), training);
    }

    /// <summary>−100 for what runs away.</summary>
    private static double Bounded(Matrix<double> y, Matrix<double> outputs, int training)
    {
        double fit = FieldFits.Fit(y, outputs, training, y.ColumnCount - training);
        return fit > -100.0 ? fit : -100.0;
    }

    private static string Text(double number) => number.ToString("F2", CultureInfo.InvariantCulture);
}
