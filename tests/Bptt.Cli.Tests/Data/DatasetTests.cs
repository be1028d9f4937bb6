// How a table becomes inputs and targets: the cut in time, the scaling by the training part alone, and forecasting.

using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Files;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Tests.Data;

public class DatasetTests
{
    [Theory]
    [InlineData(10, 0.6, 6)]
    [InlineData(10, 0.69, 6)]
    [InlineData(10, 0.7, 7)]
    [InlineData(1000, 0.6, 600)]
    [InlineData(5, 0.5, 2)]
    [InlineData(100, 0.29, 29)] // 0.29·100 is a little less than 29 in floating point
    [InlineData(100, 0.57, 57)]
    public void The_first_rows_train_and_the_others_are_held_out(int rows, double fraction, int training)
    {
        double[] a = Column(rows, t => t);
        Dataset data = Of(fraction, predictNext: false, ["a"], ["y"], ("a", a), ("y", Column(rows, t => -t)));

        data.Count.Should().Be(rows);
        data.TrainingCount.Should().Be(training);
        Measured(data.InputChannels[0], data.Training.Inputs.Sequence(0).Row(0)).Should().Equal(a[..training], Near);
        Measured(data.InputChannels[0], data.HeldOut(Dataset.Joined(data.Inputs)).Row(0))
            .Should().Equal(a[training..], Near);
        data.RowOf(0).Should().Be(1);
    }

    [Fact]
    public void Columns_keep_the_order_in_which_they_are_named()
    {
        Dataset data = Of(0.5, predictNext: false, ["c", "a"], ["y", "b"],
            ("a", Column(8, t => t)),
            ("b", Column(8, t => t * t)),
            ("c", Column(8, t => -t)),
            ("y", Column(8, t => t % 3)));

        data.InputChannels.Select(c => c.Name).Should().Equal("c", "a");
        data.OutputChannels.Select(c => c.Name).Should().Equal("y", "b");
        Measured(data.InputChannels[0], Dataset.Joined(data.Inputs).Row(0)).Should().Equal(Column(8, t => -t), Near);
        Measured(data.OutputChannels[1], data.JoinedTargets.Row(1)).Should().Equal(Column(8, t => t * t), Near);
    }

    [Fact]
    public void The_training_part_has_mean_0_and_standard_deviation_1()
    {
        Dataset data = Of(0.6, predictNext: false, ["a"], ["y"],
            ("a", Column(10, t => 1000 + t * t)), ("y", Column(10, t => 1e-3 * (t % 4))));

        foreach (SequenceBatch batch in new[] { data.Training.Inputs, data.Training.Targets })
        {
            double[] part = batch.Sequence(0).Row(0).ToArray();
            part.Average().Should().BeApproximately(0, 1e-12);
            part.Average(v => v * v).Should().BeApproximately(1, 1e-12);
        }
        data.InputChannels[0].Mean.Should().BeApproximately(1000 + 55.0 / 6, 1e-9); // 0 + 1 + 4 + 9 + 16 + 25 = 55
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Held_out_rows_change_no_scaling_and_nothing_of_the_training_part(bool predictNext)
    {
        const int Training = 6;
        Dataset Data(double heldOut) => Of(0.5, predictNext, ["a"], ["y"],
            ("a", Column(13, t => t < Training ? Math.Sin(t) : heldOut * t)),
            ("y", Column(13, t => t < Training + (predictNext ? 1 : 0) ? Math.Cos(t) : heldOut - t)));

        (Dataset one, Dataset other) = (Data(5), Data(-1000));

        one.TrainingCount.Should().Be(Training);
        other.InputChannels.Should().Equal(one.InputChannels);
        other.OutputChannels.Should().Equal(one.OutputChannels);
        other.Training.Inputs.Sequence(0).Should().Be(one.Training.Inputs.Sequence(0));
        other.Training.Targets.Sequence(0).Should().Be(one.Training.Targets.Sequence(0));
        Dataset.Joined(other.Inputs).Should().NotBe(Dataset.Joined(one.Inputs));
    }

    [Fact]
    public void Held_out_values_are_scaled_as_the_training_part_is()
    {
        Dataset data = Of(0.5, predictNext: false, ["a"], ["y"],
            ("a", [1, 3, 1, 3, 100, 2, 3, 1]), ("y", [0, 1, 2, 3, 4, 5, 6, 7]));

        Dataset.Joined(data.Inputs).Row(0).Should().Equal(-1, 1, -1, 1, 98, 0, 1, -1); // mean 2, standard deviation 1
    }

    [Fact]
    public void With_predict_next_the_target_is_one_row_below_its_inputs()
    {
        double[] a = Column(11, t => t * t);
        double[] y = Column(11, t => 100 + t);
        Dataset data = Of(0.5, predictNext: true, ["a", "y"], ["y"], ("a", a), ("y", y));

        data.StepsAhead.Should().Be(1);
        data.Count.Should().Be(10);
        data.TrainingCount.Should().Be(5);
        data.RowOf(0).Should().Be(2, "the first target stands in the second row");
        Measured(data.InputChannels[0], Dataset.Joined(data.Inputs).Row(0)).Should().Equal(a[..^1], Near);
        Measured(data.InputChannels[1], Dataset.Joined(data.Inputs).Row(1)).Should().Equal(y[..^1], Near);
        Measured(data.OutputChannels[0], data.JoinedTargets.Row(0)).Should().Equal(y[1..], Near);
        data.InputChannels[1].Mean.Should().BeApproximately(102, 1e-9, "100 … 104 are inputs in training");
        data.OutputChannels[0].Mean.Should().BeApproximately(103, 1e-9, "101 … 105 are outputs in training");
    }

    [Theory]
    [InlineData(7)]
    [InlineData(0)]
    [InlineData(0.1)] // whose mean is 0.1 up to rounding only
    [InlineData(-1e200)]
    public void A_constant_column_is_refused(double constant)
    {
        Action input = () => Of(0.5, predictNext: false, ["a"], ["y"],
            ("a", Column(60, _ => constant)), ("y", Column(60, t => t)));
        Action output = () => Of(0.5, predictNext: false, ["a"], ["y"],
            ("a", Column(60, t => t)), ("y", Column(60, _ => constant)));

        input.Should().Throw<DataFaultException>().WithMessage("data.csv: *column 'a'*");
        output.Should().Throw<DataFaultException>().WithMessage("data.csv: *column 'y'*");
    }

    [Fact]
    public void A_small_variation_about_a_large_value_is_no_constant()
    {
        Dataset data = Of(0.5, predictNext: false, ["a"], ["y"],
            ("a", Column(8, t => 1e9 + t % 2)), ("y", Column(8, t => t)));

        Dataset.Joined(data.Inputs).Row(0).Should().Equal(-1, 1, -1, 1, -1, 1, -1, 1);
    }

    [Fact]
    public void An_input_may_be_constant_in_the_held_out_part_an_output_may_not()
    {
        (string, double[]) late = ("late", Column(8, t => t < 4 ? t : 3));
        (string, double[]) other = ("other", Column(8, t => t * t));

        Of(0.5, predictNext: false, ["late"], ["other"], late, other)
            .HeldOut(Matrix<double>.Build.Dense(1, 8)).ColumnCount.Should().Be(4);
        FluentActions.Invoking(() => Of(0.5, predictNext: false, ["other"], ["late"], late, other))
            .Should().Throw<DataFaultException>().WithMessage("*'late'*held-out part*3 throughout*");
    }

    [Theory]
    [InlineData(3, 0.5, false)]
    [InlineData(4, 0.5, true)]
    [InlineData(4, 0.2, false)]
    [InlineData(100, 0.99, false)]
    [InlineData(1, 0.5, true)]
    public void Each_part_needs_two_rows(int rows, double fraction, bool predictNext)
    {
        FluentActions.Invoking(
            () => Of(fraction, predictNext, ["a"], ["y"], ("a", Column(rows, t => t)), ("y", Column(rows, t => t))))
            .Should().Throw<DataFaultException>().WithMessage($"data.csv: expected at least 2 rows*got {rows} rows*");
    }

    private static bool Near(double left, double right) =>
        Math.Abs(left - right) <= 1e-9 * Math.Max(1, Math.Abs(right));

    private static double[] Measured(Channel channel, IEnumerable<double> scaled) =>
        scaled.Select(channel.Denormalize).ToArray();

    private static double[] Column(int rows, Func<int, double> value) =>
        Enumerable.Range(0, rows).Select(t => value(t)).ToArray();

    private static Dataset Of(
        double trainingFraction,
        bool predictNext,
        string[] inputs,
        string[] outputs,
        params (string Name, double[] Values)[] columns) =>
        Tables.Dataset(trainingFraction, predictNext, inputs, outputs, columns);
}
