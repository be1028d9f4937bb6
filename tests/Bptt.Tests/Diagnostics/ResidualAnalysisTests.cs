// Tests of residuals: their probabilities on white noise, what they see where something is left, and refusals.

using Bptt.Diagnostics;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Diagnostics;

public class ResidualAnalysisTests
{
    [Fact]
    public void White_residuals_are_called_coloured_or_explained_as_often_as_the_level_says()
    {
        const int trials = 400;
        int coloured = 0;
        int explained = 0;
        for (int seed = 0; seed < trials; seed++)
        {
            var random = new Random(seed);
            Matrix<double> inputs = Coloured(random, 1, 300, 0.9);

            var analysis = Of(Noise(random, 1, 300), inputs);

            coloured += analysis.WhitenessProbability(0) < 0.05 ? 1 : 0;
            explained += analysis.IndependenceProbability(0, 0) < 0.05 ? 1 : 0;
        }

        // 20 expected of each; a binomial number is within 7 and 38 but once in a thousand times.
        coloured.Should().BeInRange(7, 38);
        explained.Should().BeInRange(7, 38);
    }

    [Fact]
    public void Coloured_residuals_are_not_taken_for_explained_by_a_coloured_input()
    {
        int explained = 0;
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            Matrix<double> inputs = Coloured(random, 1, 400, 0.95);

            var analysis = Of(Coloured(random, 1, 400, 0.9), inputs);

            analysis.WhitenessProbability(0).Should().BeLessThan(1e-6, "seed {0}", seed);
            explained += analysis.IndependenceProbability(0, 0) < 0.01 ? 1 : 0;
        }
        explained.Should().BeLessThan(10);
    }

    [Fact]
    public void What_an_input_did_three_steps_before_is_seen_and_placed()
    {
        var random = new Random(3);
        Matrix<double> inputs = Noise(random, 2, 500);
        Matrix<double> residuals = Noise(random, 1, 500);
        for (int t = 3; t < 500; t++)
        {
            residuals[0, t] += 0.4 * inputs[1, t - 3];
        }

        var analysis = Of(residuals, inputs);

        analysis.IndependenceProbability(0, 1).Should().BeLessThan(1e-6);
        analysis.IndependenceProbability(0, 0).Should().BeGreaterThan(0.01);
        Enumerable.Range(0, analysis.Lags + 1).MaxBy(k => Math.Abs(analysis.InputCorrelation(0, 1, k)))
            .Should().Be(3);
        analysis.InputCorrelation(0, 1, 3).Should().BeApproximately(0.4 / Math.Sqrt(1.16), 0.08);
    }

    [Fact]
    public void Autocorrelations_are_those_of_the_formula()
    {
        var residuals = Matrix<double>.Build.DenseOfRowArrays(new double[] { 1, -2, 3, 0, -1, 2, -3, 1, -1, 0 });

        var analysis = ResidualAnalysis.Of(
            SequenceBatch.Pack([residuals]), SequenceBatch.Pack([residuals]), lags: 2);

        analysis.Autocorrelation(0, 0).Should().BeApproximately(1.0, 1e-15);
        analysis.Autocorrelation(0, 1).Should().BeApproximately((-2 - 6 + 0 + 0 - 2 - 6 - 3 - 1 + 0) / 30.0, 1e-15);
        analysis.Autocorrelation(0, 2).Should().BeApproximately((3 + 0 - 3 + 0 + 3 + 2 + 3 + 0) / 30.0, 1e-15);
        analysis.Count.Should().Be(10);
        analysis.Bound.Should().BeApproximately(1.96 / Math.Sqrt(10.0), 1e-15);
        double q = 10.0 * 12.0 * (Math.Pow(20.0 / 30.0, 2) / 9.0 + Math.Pow(8.0 / 30.0, 2) / 8.0);
        analysis.WhitenessProbability(0).Should().BeApproximately(1.0 - ChiSquared.CDF(2, q), 1e-12);
    }

    [Fact]
    public void Sequences_are_pooled_and_missing_values_left_out()
    {
        var random = new Random(5);
        Matrix<double> residuals = Coloured(random, 1, 900, 0.6);
        Matrix<double> inputs = Noise(random, 1, 900);
        Matrix<double> holed = residuals.MapIndexed((_, t, e) => t % 7 == 3 ? double.NaN : e);

        var whole = Of(residuals, inputs);
        var parts = ResidualAnalysis.Of(Split(holed, 300), Split(inputs, 300));

        parts.Count.Should().Be(900 - 129);
        parts.Autocorrelation(0, 1).Should().BeApproximately(whole.Autocorrelation(0, 1), 0.06);
        parts.WhitenessProbability(0).Should().BeLessThan(1e-6);
    }

    [Fact]
    public void Residuals_that_are_all_the_same_correlate_with_nothing()
    {
        var analysis = Of(Matrix<double>.Build.Dense(1, 50, 2.0), Matrix<double>.Build.Dense(1, 50, (_, t) => t % 3));

        analysis.Autocorrelation(0, 1).Should().Be(0.0);
        analysis.WhitenessProbability(0).Should().Be(1.0);
        analysis.IndependenceProbability(0, 0).Should().Be(1.0);
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        var batch = SequenceBatch.Pack([Noise(new Random(1), 1, 20)]);
        var shorter = SequenceBatch.Pack([Noise(new Random(1), 1, 19)]);
        var few = SequenceBatch.Pack([Noise(new Random(1), 1, 7)]);
        var analysis = ResidualAnalysis.Of(batch, batch);

        Refused<ArgumentException>(() => ResidualAnalysis.Of(batch, shorter), "as long as");
        Refused<ArgumentException>(() => ResidualAnalysis.Of(few, few), "at least 8 residuals");
        Refused<ArgumentException>(() => ResidualAnalysis.Of(batch, batch, 20), "fewer lags");
        Refused<ArgumentOutOfRangeException>(() => ResidualAnalysis.Of(batch, batch, 0), "at least 1");
        Refused<ArgumentOutOfRangeException>(() => analysis.Autocorrelation(1, 0), "expected 0 to 0");
        Refused<ArgumentOutOfRangeException>(() => analysis.InputCorrelation(0, 0, 6), "expected 0 to 5");
        Refused<ArgumentNullException>(() => ResidualAnalysis.Of(null!, batch), "");
    }

    private static void Refused<T>(Action act, string text)
        where T : Exception => act.Should().Throw<T>().WithMessage($"*{text}*");

    private static ResidualAnalysis Of(Matrix<double> residuals, Matrix<double> inputs) =>
        ResidualAnalysis.Of(SequenceBatch.Pack([residuals]), SequenceBatch.Pack([inputs]));

    private static SequenceBatch Split(Matrix<double> all, int length) => SequenceBatch.Pack(
    [
        .. Enumerable.Range(0, all.ColumnCount / length).Select(
            b => all.SubMatrix(0, all.RowCount, b * length, length)),
    ]);

    private static Matrix<double> Noise(Random random, int rows, int steps) =>
        Matrix<double>.Build.Dense(rows, steps, (_, _) => Normal.Sample(random, 0.0, 1.0));

    private static Matrix<double> Coloured(Random random, int rows, int steps, double pole)
    {
        Matrix<double> values = Noise(random, rows, steps);
        for (int t = 1; t < steps; t++)
        {
            values.SetColumn(t, values.Column(t) + pole * values.Column(t - 1));
        }
        return values;
    }
}
