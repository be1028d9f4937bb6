// A search for transition matrices at which several steps at once are less exact than the guard promises: random starts
// of many kinds, each made worse by small changes as long as that goes on.

using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests.Lifting;

public class LiftedSearchTests(ITestOutputHelper output)
{
    private const int Steps = 300;

    /// <summary>The textbook's own error counts as no less.</summary>
    private const double Unit = 2.2e-16;

    [Fact]
    public void A_short_search_finds_no_matrix_that_is_much_less_exact() => Search(seed: 5, starts: 25, changes: 10);

    [Fact]
    [Trait("Category", "Long")]
    public void A_long_search_finds_no_matrix_that_is_much_less_exact()
    {
        for (int seed = 100; seed < 104; seed++)
        {
            Search(seed, starts: 250, changes: 25);
        }
    }

    private void Search(int seed, int starts, int changes)
    {
        var random = new Random(seed);
        (double Ratio, string Where) worst = (0.0, "");
        double largest = 0.0;
        int lifted = 0;
        for (int start = 0; start < starts; start++)
        {
            int h = 3 + random.Next(8);
            int chunk = 1 << (1 + random.Next(6));
            var examples = new Examples(random.Next());
            Matrix<double> whx = examples.Matrix(h, 1);
            Matrix<double> wqh = examples.Matrix(1, h);
            Matrix<double> inputs = examples.Matrix(1, Steps);
            Matrix<double> targets = examples.Matrix(1, Steps);
            Matrix<double> whh = Start(random, h);
            double? ratio = Ratio(whh);
            lifted += ratio is null ? 0 : 1;
            for (int i = 0; i < changes && ratio is not null; i++)
            {
                Matrix<double> changed = Change(random, whh);
                if (Ratio(changed) is double other && other > ratio)
                {
                    (whh, ratio) = (changed, other);
                }
            }

            double? Ratio(Matrix<double> transition)
            {
                var error = LiftedError.Of(new LinearRnn(whx, transition, wqh), inputs, targets, chunk);
                if (error.Method.Recurrence != Recurrence.Lifted || !double.IsFinite(error.BySteps))
                {
                    return null;
                }
                double found = error.Lifted / Math.Max(error.BySteps, Unit);
                largest = Math.Max(largest, error.Lifted);
                if (found > worst.Ratio)
                {
                    double radius = transition.Evd().EigenValues.AbsoluteMaximum().Magnitude;
                    worst = (found, $"h = {h}, S = {chunk}, error {error.Lifted:E1} beside {error.BySteps:E1}, "
                        + $"radius {radius:F3}, norm {transition.L2Norm():F2}");
                }
                return found;
            }
        }
        output.WriteLine($"Seed {seed}: {lifted} of {starts} in several steps at once; worst error {largest:E1}; "
            + $"worst ratio {worst.Ratio:F1}: {worst.Where}");
        lifted.Should().BeGreaterThan(starts / 4);
        worst.Ratio.Should().BeLessThan(100.0, worst.Where);
        largest.Should().BeLessThan(1e-11);
    }

    /// <summary>Triangular, alternating, full, strictly triangular and companion matrices, some of them in another
    /// basis.</summary>
    private static Matrix<double> Start(Random random, int h)
    {
        double radius = random.Next(3) == 0 ? 1.0 : 0.3 + 0.72 * random.NextDouble();
        double above = Math.Pow(10.0, -2.0 + 2.5 * random.NextDouble());
        int kind = random.Next(5);
        Matrix<double> whh = Matrix<double>.Build.Dense(h, h, (i, j) => kind switch
        {
            0 => i == j ? radius : j > i ? above * Number() : 0.0,
            1 => i == j ? radius * (random.Next(2) * 2 - 1) : j == i + 1 ? above : 0.0,
            2 => Number(),
            3 => i == j ? radius * random.NextDouble() : j > i ? above * Number() : 0.0,
            _ => j == h - 1 ? Number() : i == j + 1 ? 1.0 : 0.0,
        });
        if (kind is 2 or 4)
        {
            whh *= radius / whh.Evd().EigenValues.AbsoluteMaximum().Magnitude;
        }
        if (random.Next(2) == 0)
        {
            Matrix<double> basis = Matrix<double>.Build.Dense(h, h, (_, _) => Number()).QR().Q;
            whh = basis * whh * basis.Transpose();
        }
        return whh;

        double Number() => 2.0 * random.NextDouble() - 1.0;
    }

    private static Matrix<double> Change(Random random, Matrix<double> whh)
    {
        Matrix<double> changed = whh.Map(entry => entry * (1.0 + 0.2 * (2.0 * random.NextDouble() - 1.0)));
        return random.Next(4) == 0
            ? changed.Map(entry => entry + 0.02 * (2.0 * random.NextDouble() - 1.0))
            : changed;
    }
}
