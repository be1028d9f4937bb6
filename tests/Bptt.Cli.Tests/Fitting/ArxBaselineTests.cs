// The least-squares baseline against systems that are known and against least squares done over in the test.

using System.Globalization;
using System.Text.RegularExpressions;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Tests.Fitting;

public class ArxBaselineTests
{
    private const int Rows = 200;
    private const int Training = 120;

    // The tables below are made backwards: the outputs are drawn, and the inputs follow from the system. So the means
    // of the training part are exactly zero, and no constant is needed.

    [Fact]
    public void A_first_order_system_without_noise_is_recovered()
    {
        double[] y = Drawn(1);
        double[] x = Series(t => y[t] - 0.8 * At(y, t - 1));

        HeldOutAndTrainingFit(Of(false, ["x"], ["y"], ("x", x), ("y", y))).Should().OnlyContain(fit => fit > 99.99);
    }

    [Theory]
    [InlineData(41)]
    [InlineData(42)]
    public void A_system_without_noise_whose_values_are_far_from_zero_is_recovered(int seed)
    {
        var random = new Random(seed);
        double[] x = Series(_ => 20.0 + random.NextDouble());
        double[] y = new double[Rows];
        for (int t = 0; t < Rows; t++)
        {
            y[t] = 0.9 * (t == 0 ? 30.0 : y[t - 1]) + 0.5 * x[t] - 7.0; // so that it takes off from 30 for 50
        }

        Fitted(Of(false, ["x"], ["y"], ("x", x), ("y", y)), out double[] fits);

        fits[1].Should().BeGreaterThan(99.9, "the means of inputs and outputs do not belong to each other");
    }

    [Fact]
    public void A_system_with_delays_and_two_inputs_without_noise_is_recovered()
    {
        double[] y = Drawn(2);
        double[] second = Drawn(3);
        double[] first = Series(t => 2.0 * (y[t] - 1.5 * At(y, t - 1) + 0.7 * At(y, t - 2) - 0.3 * At(second, t - 1)));

        HeldOutAndTrainingFit(Of(false, ["first", "second"], ["y"], ("first", first), ("second", second), ("y", y)))
            .Should().OnlyContain(fit => fit > 99.99);
    }

    [Fact]
    public void A_system_of_two_coupled_outputs_without_noise_is_recovered()
    {
        double[] y = Drawn(4);
        double[] z = Drawn(5);
        double[] a = Series(t => y[t] - 0.5 * At(y, t - 1) - 0.4 * At(z, t - 1));
        double[] b = Series(t => 3.0 * (z[t] + 0.3 * At(y, t - 1) - 0.6 * At(z, t - 1)));

        HeldOutAndTrainingFit(Of(false, ["a", "b"], ["y", "z"], ("a", a), ("b", b), ("y", y), ("z", z)))
            .Should().OnlyContain(fit => fit > 99.99);
    }

    [Fact]
    public void A_forecast_of_an_output_that_is_no_input_is_recovered_from_its_own_past_predictions()
    {
        double[] next = Drawn(6);
        double[] x = Series(t => next[t] - 0.8 * At(next, t - 1));
        double[] y = [0.0, .. next];

        ArxBaseline arx = Fitted(Of(true, ["x"], ["y"], ("x", [.. x, 0.0]), ("y", y)), out double[] fits);

        arx.Name.Should().StartWith("ARX(");
        fits.Should().OnlyContain(fit => fit > 99.99);
    }

    [Fact]
    public void A_table_of_thirty_thousand_rows_takes_no_memory_of_that_squared()
    {
        var random = new Random(8);
        double[] x = Enumerable.Range(0, 30_000).Select(_ => random.NextDouble() - 0.5).ToArray();
        double[] y = new double[x.Length];
        for (int t = 0; t < x.Length; t++)
        {
            y[t] = 0.8 * At(y, t - 1) + x[t];
        }
        long before = GC.GetTotalAllocatedBytes();

        var arx = ArxBaseline.Fit(Tables.Dataset(0.6, false, ["x"], ["y"], ("x", x), ("y", y)));

        (GC.GetTotalAllocatedBytes() - before).Should().BeLessThan(1_000_000_000, "18 000² doubles are 2.6 GB");
        arx.Name.Should().StartWith("ARX(");
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void The_order_is_the_one_of_the_smallest_Akaike_criterion_and_the_run_is_free(int seed)
    {
        var random = new Random(seed);
        double[] x = Series(_ => random.NextDouble() - 0.5);
        double[] y = new double[Rows];
        for (int t = 0; t < Rows; t++)
        {
            y[t] = 0.9 * At(y, t - 1) - 0.5 * At(y, t - 2)
                + 0.4 * At(y, t - 4) * (seed % 2) + At(x, t - 1) + 0.1 * (random.NextDouble() - 0.5);
        }
        Dataset data = Of(false, ["x"], ["y"], ("x", x), ("y", y));
        double[] input = Dataset.Joined(data.Inputs).Row(0).ToArray();
        double[] measured = data.JoinedTargets.Row(0).ToArray();

        var (order, coefficients, constant) = LeastSquaresOfBestOrder(measured, (n, t, outputs) =>
        [
            .. Enumerable.Range(0, n + 1).Select(lag => At(input, t - lag)),
            .. Enumerable.Range(1, n).Select(lag => At(outputs, t - lag)),
        ]);
        double[] free = new double[Rows];
        for (int t = 0; t < Rows; t++)
        {
            free[t] = constant;
            for (int lag = 0; lag <= order; lag++)
            {
                free[t] += coefficients[lag] * At(input, t - lag);
            }
            for (int lag = 1; lag <= order; lag++)
            {
                free[t] += coefficients[order + lag] * At(free, t - lag);
            }
        }

        var arx = ArxBaseline.Fit(data);

        arx.Name.Should().Be($"ARX({order}) least squares");
        arx.RunFree(data.Inputs).Row(0).Should().Equal(free, (left, right) => Math.Abs(left - right) < 1e-9);
    }

    [Theory]
    [InlineData(21)]
    [InlineData(22)]
    public void Forecasting_an_output_from_itself_is_an_autoregression(int seed)
    {
        var random = new Random(seed);
        double[] y = new double[Rows + 1];
        for (int t = 0; t < y.Length; t++)
        {
            y[t] = 1.4 * At(y, t - 1) - 0.8 * At(y, t - 2) + 0.2 * At(y, t - 5) + random.NextDouble() - 0.5;
        }
        Dataset data = Of(true, ["y"], ["y"], ("y", y));
        double[] past = Dataset.Joined(data.Inputs).Row(0).ToArray();

        var (order, coefficients, constant) = LeastSquaresOfBestOrder(
            data.JoinedTargets.Row(0).ToArray(),
            (n, t, _) => Enumerable.Range(0, n).Select(lag => At(past, t - lag)).ToArray());
        double[] forecasts = Series(
            t => constant + Enumerable.Range(0, order).Sum(lag => coefficients[lag] * At(past, t - lag)));

        var arx = ArxBaseline.Fit(data);

        arx.Name.Should().Be($"AR({order}) least squares");
        arx.RunFree(data.Inputs).Row(0).Should().Equal(forecasts, (left, right) => Math.Abs(left - right) < 1e-9);
    }

    [Fact]
    public void An_output_that_depends_on_another_does_not_spoil_the_choice_of_the_order()
    {
        var random = new Random(31);
        double[] x = Series(_ => random.NextDouble() - 0.5);
        double[] y = new double[Rows];
        for (int t = 0; t < Rows; t++)
        {
            y[t] = 1.2 * At(y, t - 1) - 0.5 * At(y, t - 2) + At(x, t - 1) + 0.05 * (random.NextDouble() - 0.5);
        }
        (string, double[])[] columns = [("x", x), ("y", y), ("twice", Series(t => 2.0 * y[t]))];

        Fitted(Of(false, ["x"], ["y"], columns), out double[] alone);
        Fitted(Of(false, ["x"], ["y", "twice"], columns), out double[] together);

        together[1].Should().BeGreaterThan(alone[1] - 5.0, "the second output is the first in another unit");
    }

    [Theory]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(20)]
    public void A_short_table_takes_an_order_that_its_rows_can_carry(int rows)
    {
        var random = new Random(rows);
        double[] Noise() => Enumerable.Range(0, rows).Select(_ => random.NextDouble()).ToArray();
        Dataset data = Of(false, ["x"], ["y"], ("x", Noise()), ("y", Noise()));

        var arx = ArxBaseline.Fit(data);

        int order = int.Parse(Regex.Match(arx.Name, @"\d+").Value, CultureInfo.InvariantCulture);
        (order == 1 || data.TrainingCount - order > 2 * order + 1)
            .Should().BeTrue("more rows than coefficients, got {0}", arx.Name);
        arx.RunFree(data.Inputs).ColumnCount.Should().Be(rows);
    }

    [Fact]
    public void Inputs_that_repeat_each_other_are_borne()
    {
        double[] y = Drawn(7);
        double[] x = Series(t => y[t] - 0.8 * At(y, t - 1));

        HeldOutAndTrainingFit(Of(false, ["x", "same"], ["y"], ("x", x), ("same", Series(t => 5.0 * x[t])), ("y", y)))
            .Should().OnlyContain(fit => fit > 99.99);
    }

    private static double[] HeldOutAndTrainingFit(Dataset data)
    {
        Fitted(data, out double[] fits);
        return fits;
    }

    private static ArxBaseline Fitted(Dataset data, out double[] fits)
    {
        var arx = ArxBaseline.Fit(data);
        Matrix<double> predictions = arx.RunFree(data.Inputs);
        fits =
        [
            FitScore.Of(data.Trained(data.JoinedTargets), data.Trained(predictions))!.Value,
            FitScore.Of(data.HeldOut(data.JoinedTargets), data.HeldOut(predictions))!.Value,
        ];
        return arx;
    }

    /// <summary>Orders 1 to 10, with and without a constant, by the normal equations over the same training rows, and
    /// the one of the smallest N ln σ² + 2·coefficients.</summary>
    private static (int Order, double[] Coefficients, double Constant) LeastSquaresOfBestOrder(
        double[] measured, Func<int, int, double[], double[]> regressors)
    {
        const int First = 10;
        var best = Enumerable.Range(1, 20).Select(i =>
        {
            int n = (i + 1) / 2;
            double[] constant = i % 2 == 0 ? [1.0] : [];
            var a = Matrix<double>.Build.DenseOfRowArrays(
                Enumerable.Range(First, Training - First)
                    .Select(t => (double[])[.. regressors(n, t, measured), .. constant]));
            var b = Vector<double>.Build.DenseOfArray(measured[First..Training]);
            Vector<double> solution = a.TransposeThisAndMultiply(a).Cholesky().Solve(a.TransposeThisAndMultiply(b));
            double variance = (b - a * solution).Select(e => e * e).Sum() / b.Count;
            return (
                Criterion: b.Count * Math.Log(variance) + 2 * a.ColumnCount,
                Order: n,
                Coefficients: solution.ToArray(),
                Constant: constant.Length > 0 ? solution[^1] : 0.0);
        }).MinBy(f => f.Criterion);
        return (best.Order, best.Coefficients, best.Constant);
    }

    /// <summary>Random, with mean zero over the training part and at rest at its end.</summary>
    private static double[] Drawn(int seed)
    {
        var random = new Random(seed);
        double[] drawn = Series(_ => random.NextDouble() - 0.5);
        double mean = drawn[..(Training - 2)].Average();
        return Series(t => t < Training - 2 ? drawn[t] - mean : t < Training ? 0.0 : drawn[t]);
    }

    private static double[] Series(Func<int, double> value) => Enumerable.Range(0, Rows).Select(value).ToArray();

    private static double At(double[] series, int t) => t >= 0 ? series[t] : 0.0;

    private static Dataset Of(
        bool predictNext, string[] inputs, string[] outputs, params (string Name, double[] Values)[] columns) =>
        Tables.Dataset((double)Training / Rows, predictNext, inputs, outputs, columns);
}
