// The fit in percent, by hand.

using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Tests.Fitting;

public class FitScoreTests
{
    [Fact]
    public void A_perfect_prediction_scores_100_and_the_mean_of_the_scored_part_scores_0()
    {
        FitScore.Of(Row(1, 2, 6), Row(1, 2, 6)).Should().Be(100);
        FitScore.Of(Row(1, 2, 6), Row(3, 3, 3)).Should().Be(0);
    }

    [Fact]
    public void The_score_is_one_minus_the_error_over_the_spread()
    {
        // ȳ = 2; ‖y − ŷ‖ = ‖(1, 0, −1, 1)‖ = √3; ‖y − ȳ‖ = ‖(−2, −1, 1, 2)‖ = √10
        FitScore.Of(Row(0, 1, 3, 4), Row(-1, 1, 4, 3))
            .Should().BeApproximately(100 * (1 - Math.Sqrt(3.0 / 10.0)), 1e-12);
    }

    [Fact]
    public void Several_outputs_are_scored_together_each_about_its_own_mean()
    {
        Matrix<double> targets = Row(1, 3).Stack(Row(101, 103));
        Matrix<double> predictions = Row(1, 3).Stack(Row(101, 105));

        // ‖Y − Ŷ‖ = 2; ‖Y − Ȳ‖ = ‖(−1, 1, −1, 1)‖ = 2
        FitScore.Of(targets, predictions).Should().Be(0);
    }

    [Theory]
    [InlineData(85.954, "85.95 %")]
    [InlineData(100, "100.00 %")]
    [InlineData(-0.001, "0.00 %")]
    [InlineData(-12.345678, "-12.35 %")]
    [InlineData(-1.25634e133, "-1.3E+133 %")]
    [InlineData(double.NaN, "diverged")]
    [InlineData(double.NegativeInfinity, "diverged")]
    public void A_score_is_printed_in_percent_with_two_digits(double fit, string text)
    {
        FitScore.Text(fit).Should().Be(text);
    }

    [Fact]
    public void The_loss_of_the_held_out_rows_is_half_their_squared_error_in_the_mean()
    {
        double[] x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        double[] y = [0, 2, 0, 2, 0, 2, 0, 2, 0, double.NaN];
        Dataset data = Tables.Dataset(0.6, false, ["x"], ["y"], ("x", x), ("y", y));
        Dataset all = Tables.Dataset(1.0, false, ["x"], ["y"], ("x", x), ("y", x));
        // The training mean of y is 1 and its spread one unit; rows 7 to 9 are 0, 2, 0.
        double scale = data.OutputChannels[0].Denormalize(1.0) - data.OutputChannels[0].Denormalize(0.0);

        FitScore.LossOfHeldOut(data, Row(new double[10])).Should().BeApproximately(0.5 / (scale * scale), 1e-12);
        FitScore.LossOfHeldOut(all, Row(new double[10])).Should().BeNull("nothing is held out");
    }

    private static Matrix<double> Row(params double[] values) => Matrix<double>.Build.Dense(1, values.Length, values);
}
