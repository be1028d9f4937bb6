// `bptt fit` on real data: its files and its report agree with each other and with the formulas, done over here.

using System.Globalization;
using System.Text.RegularExpressions;
using Bptt.Cli.Data;
using Bptt.Cli.Tests.Fitting;

namespace Bptt.Cli.Tests.Commands;

public class FitCommandTests(HairDryerFit fit) : IClassFixture<HairDryerFit>
{
    private const int Training = 600;

    [Fact]
    public async Task The_hair_dryer_is_fitted_to_the_noise_limit_step_by_step()
    {
        using var folder = new TemporaryFolder();

        CommandResult result = await CommandRunner.RunAsync(
            "fit", "--sample", "hair-dryer", "--hidden", "8", "--optimizer", "adam", "--out", folder.Path);

        result.ShouldBeDone();
        HeldOutFit(result.Output).Should().BeGreaterThan(85.0);
    }

    [Fact]
    public void Four_files_are_written_and_named_and_nothing_else_is_left()
    {
        fit.Result.ShouldBeDone();
        fit.Files.Should().Equal("checkpoint.json", "fit.svg", "model.json", "predictions.csv");
        fit.Result.Output.Should().ContainAll(fit.Files.Select(fit.At));
    }

    [Fact]
    public void The_predictions_stand_beside_the_measured_values_row_by_row()
    {
        fit.Predictions.Header.Should().Equal("row", "part", "air_temperature measured", "air_temperature predicted");
        fit.Predictions.Text("row").Should().Equal(Enumerable.Range(1, 1000).Select(r => $"{r}"));
        fit.Predictions.Text("part").Should().Equal(
            Enumerable.Repeat("training", Training).Concat(Enumerable.Repeat("held-out", 400)));
        fit.Predictions.Numbers("air_temperature measured")
            .Should().Equal(Measured("air_temperature"), (left, right) => Math.Abs(left - right) < 1e-12);
    }

    [Fact]
    public void The_printed_scores_are_those_of_the_written_predictions()
    {
        double training = fit.Predictions.Fit("air_temperature", "training");
        double heldOut = fit.Predictions.Fit("air_temperature", "held-out");

        (double printedTraining, double printedHeldOut) = Scores("linear RNN, h = 8");
        printedTraining.Should().BeApproximately(training, 0.0051);
        printedHeldOut.Should().BeApproximately(heldOut, 0.0051);
        HeldOutFit(fit.Result.Output).Should().Be(printedHeldOut);
    }

    [Fact]
    public void Predicting_the_training_mean_scores_0_in_training_and_less_on_the_held_out_part()
    {
        double[] y = Measured("air_temperature");
        double[] heldOut = y[Training..];
        double mean = y[..Training].Average();
        double expected = 100.0 * (1.0 - Math.Sqrt(
            heldOut.Sum(v => Math.Pow(v - mean, 2)) / heldOut.Sum(v => Math.Pow(v - heldOut.Average(), 2))));

        (double training, double printed) = Scores("training mean");

        training.Should().Be(0);
        printed.Should().BeApproximately(expected, 0.0051);
    }

    [Fact]
    public void The_least_squares_baseline_fits_the_hair_dryer_as_textbooks_tell()
    {
        (double training, double heldOut) = Scores(@"ARX\(\d+\) least squares");

        training.Should().BeInRange(85, 92);
        heldOut.Should().BeInRange(84, 90);
    }

    [Fact]
    public void One_free_run_of_1000_steps_carries_its_state_into_the_held_out_part()
    {
        double[] input = Scaled("inputs", 0);
        double[] expected = fit.Model.Run(input, (double[])fit.Model.InitialState.Clone());
        double[] atRest = fit.Model.Run(input[Training..], new double[8]);

        double[] predicted = Predicted();

        predicted.Should().Equal(expected, (left, right) => Math.Abs(left - right) < 1e-11);
        predicted[Training].Should().NotBeApproximately(atRest[0], 1e-3, "a run that starts anew is another one");
    }

    [Fact]
    public void The_scaling_in_the_model_file_is_that_of_the_training_part()
    {
        (string name, double mean, double scale) = fit.Model.Channel("outputs", 0);
        double[] training = Measured("air_temperature")[..Training];

        name.Should().Be("air_temperature");
        mean.Should().BeApproximately(training.Average(), 1e-12);
        scale.Should().BeApproximately(Math.Sqrt(training.Average(v => Math.Pow(v - training.Average(), 2))), 1e-12);
    }

    [Fact]
    public void The_norms_of_the_state_gradients_are_those_of_the_recursion()
    {
        double[] target = Scaled("outputs", 0);
        double[] predicted = Predicted();

        // ∂L/∂h_T = W_qhᵀ ∂L/∂o_T, then ∂L/∂h_t = W_hhᵀ ∂L/∂h_{t+1} + W_qhᵀ ∂L/∂o_t, with ∂L/∂o_t = (o_t − y_t)/T
        double[] gradient = new double[8];
        double atT = 0.0;
        for (int t = Training - 1; t >= 0; t--)
        {
            double outputGradient = (predicted[t] - target[t]) / Training;
            gradient = Enumerable.Range(0, 8).Select(j =>
                Enumerable.Range(0, 8).Sum(i => fit.Model.Whh[i][j] * gradient[i])
                + fit.Model.Wqh[0][j] * outputGradient).ToArray();
            atT = t == Training - 1 ? Math.Sqrt(ModelFile.Dot(gradient, gradient)) : atT;
        }

        Number(@"‖∂L/∂h_T‖: (\S+) \(T = 600\)").Should().BeApproximately(atT, 0.0051 * atT);
        double at1 = Math.Sqrt(ModelFile.Dot(gradient, gradient));
        Number(@"‖∂L/∂h_1‖: (\S+)").Should().BeApproximately(at1, 0.0051 * at1);
    }

    [Fact]
    public void The_spectral_radius_is_the_growth_rate_of_powers_of_W_hh()
    {
        // ρ = lim ‖Wᵏ‖^(1/k), with k = 2⁴⁰ by repeated squaring, scaled each time.
        double[][] power = fit.Model.Whh;
        double logarithm = 0.0;
        for (int i = 0; i < 40; i++)
        {
            double norm = Math.Sqrt(power.Sum(row => ModelFile.Dot(row, row)));
            logarithm += Math.Log(norm) / Math.Pow(2, i);
            double[][] scaled = power.Select(row => row.Select(v => v / norm).ToArray()).ToArray();
            power = scaled.Select(row => Enumerable.Range(0, 8)
                .Select(j => Enumerable.Range(0, 8).Sum(k => row[k] * scaled[k][j])).ToArray()).ToArray();
        }

        Number(@"spectral radius of W_hh: (\S+)").Should().BeApproximately(Math.Exp(logarithm), 0.00006);
    }

    [Theory]
    [InlineData("before")]
    [InlineData("after")]
    public void The_gradients_are_checked_and_pass(string when)
    {
        Number($@"gradient check {when} training: passed \(worst relative error (\S+), 216 entries\)")
            .Should().BeLessThan(1e-8);
    }

    [Fact]
    public void Progress_is_told_in_plain_lines_from_the_first_epoch_to_the_last()
    {
        string[] lines = fit.Result.Output.Split('\n')
            .Where(l => l.StartsWith("epoch ", StringComparison.Ordinal)).ToArray();

        lines.Should().HaveCountGreaterThanOrEqualTo(2)
            .And.OnlyContain(l => l.Contains("/60  loss ", StringComparison.Ordinal));
        lines[0].Should().StartWith("epoch 0/60 ");
        lines[^1].Should().StartWith("epoch 60/60 ");
    }

    [Fact]
    public async Task Predict_repeats_the_predictions_of_the_fit_digit_by_digit()
    {
        using var folder = new TemporaryFolder();
        double[] power = Measured("heater_power");
        double[] temperature = Measured("air_temperature");
        double[,] table = new double[1000, 2];
        for (int t = 0; t < 1000; t++)
        {
            (table[t, 0], table[t, 1]) = (temperature[t], power[t]);
        }
        string csv = folder.File("again.csv", Tables.Csv(["air_temperature", "heater_power"], table));

        CommandResult result = await CommandRunner.RunAsync("predict", fit.At("model.json"), csv);

        result.ExitCode.Should().Be(0);
        var predictions = new PredictionsFile(result.Output);
        predictions.Header.Should().Equal("row", "air_temperature measured", "air_temperature predicted");
        foreach (string column in predictions.Header)
        {
            predictions.Text(column).Should().Equal(fit.Predictions.Text(column));
        }
        result.Error.Should().MatchRegex(@"^fit: \d+\.\d\d %, RMSE \S+\s*$");
    }

    private (double Training, double HeldOut) Scores(string row)
    {
        Match match = Row(row);
        return (Parse(match.Groups[1].Value), Parse(match.Groups[2].Value));
    }

    private Match Row(string row)
    {
        Match match = Regex.Match(
            fit.Result.Output, $@"^ +{row} +(\S+) % +(\S+) % +(\S+) *\r?$", RegexOptions.Multiline);
        match.Success.Should().BeTrue("the table has a row '{0}'", row);
        return match;
    }

    [Fact]
    public void The_printed_errors_are_those_of_the_written_predictions_in_the_unit_of_the_data()
    {
        double[] measured = fit.Predictions.Numbers("air_temperature measured")[Training..];
        double[] predicted = fit.Predictions.Numbers("air_temperature predicted")[Training..];
        double expected = Math.Sqrt(measured.Zip(predicted, (y, o) => (y - o) * (y - o)).Average());

        Error("linear RNN, h = 8").Should().BeApproximately(expected, 1e-4 * expected);
        double mean = Measured("air_temperature")[..Training].Average();
        double ofMean = Math.Sqrt(measured.Average(y => (y - mean) * (y - mean)));
        Error("training mean").Should().BeApproximately(ofMean, 1e-4 * ofMean);
    }

    private double Error(string row) => Parse(Row(row).Groups[3].Value);

    private double Number(string pattern)
    {
        Match match = Regex.Match(fit.Result.Output, $@"^{pattern}\r?$", RegexOptions.Multiline);
        match.Success.Should().BeTrue("there is a line '{0}'", pattern);
        return Parse(match.Groups[1].Value);
    }

    private double[] Predicted() => Normalized("outputs", fit.Predictions.Numbers("air_temperature predicted"));

    private double[] Scaled(string kind, int index) => Normalized(kind, Measured(fit.Model.Channel(kind, index).Name));

    private double[] Normalized(string kind, double[] values)
    {
        (_, double mean, double scale) = fit.Model.Channel(kind, 0);
        return Array.ConvertAll(values, v => (v - mean) / scale);
    }

    private static double[] Measured(string column) =>
        Sample.All.Single(s => s.Name == "hair-dryer").Read().Numbers(column);

    private static double HeldOutFit(string output)
    {
        Match line = Regex.Match(output, @"^held-out fit: (-?\d+\.\d\d) %\r?$", RegexOptions.Multiline);
        line.Success.Should().BeTrue("one line tells the held-out fit");
        return Parse(line.Groups[1].Value);
    }

    private static double Parse(string number) => double.Parse(number, CultureInfo.InvariantCulture);
}
