// Scaling of measured values against its definition, there and back, at every size, and refused where it cannot be.

using Bptt.Files;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests.Files;

public class StandardizerTests(ITestOutputHelper output)
{
    [Fact]
    public void Each_channel_gets_mean_0_and_standard_deviation_1_over_all_steps_together()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var examples = new Examples(seed);
        var data = SequenceBatch.Pack([
            examples.Matrix(2, 7, scale: 5.0) + 100.0, examples.Matrix(2, 3), examples.Matrix(2, 12) - 3.0]);

        var standardizer = Standardizer.Fit(data, "power", "temperature");
        SequenceBatch scaled = standardizer.Apply(data);

        standardizer.Channels.Select(c => c.Name).Should().Equal("power", "temperature");
        scaled.Lengths.Should().Equal(data.Lengths);
        for (int i = 0; i < 2; i++)
        {
            double[] row = [.. Enumerable.Range(0, 3).SelectMany(b => scaled.Sequence(b).Row(i))];
            row.Average().Should().BeApproximately(0.0, 1e-13);
            row.Average(v => v * v).Should().BeApproximately(1.0, 1e-13);
        }
        SequenceBatch back = standardizer.Invert(scaled);
        for (int b = 0; b < 3; b++)
        {
            (back.Sequence(b) - data.Sequence(b)).FrobeniusNorm().Should().BeLessThan(1e-12);
            standardizer.Apply(data.Sequence(b)).Should().Be(scaled.Sequence(b));
            standardizer.Invert(scaled.Sequence(b)).Should().Be(back.Sequence(b));
        }
    }

    [Fact]
    public void Mean_and_scale_are_those_of_the_plain_formulas_to_the_last_bit()
    {
        double[] values = [.. new Examples(seed: 5).Vector(50).Select(v => 20.0 + v)];
        double mean = values.Average();

        Channel channel = Standardizer.Fit(Row(values)).Channels[0];

        channel.Should().Be(
            new Channel("channel 1", mean, Math.Sqrt(values.Average(v => (v - mean) * (v - mean)))));
    }

    [Theory]
    [InlineData(1e-320)]
    [InlineData(1e-200)]
    [InlineData(1e200)]
    [InlineData(4e307)]
    public void The_unit_does_not_matter(double unit)
    {
        Channel channel = Standardizer.Fit(Row(unit, -unit, unit, -unit, 2 * unit, -2 * unit)).Channels[0];
        channel.Mean.Should().Be(0.0);
        (channel.Scale / unit).Should().BeApproximately(Math.Sqrt(2.0), 1e-3);
        channel.Normalize(unit).Should().BeApproximately(Math.Sqrt(0.5), 1e-3);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(0)]
    [InlineData(0.1)]
    [InlineData(-1e200)]
    public void A_constant_channel_gets_the_scale_1(double constant)
    {
        var standardizer = Standardizer.Fit(Matrix<double>.Build.Dense(1, 60, constant), "y");
        standardizer.Channels.Should().Equal(new Channel("y", constant));
        standardizer.Apply(Row(constant, constant + 1.0))[0, 0].Should().Be(0.0);

        double[] rounded = [0.1, 0.1 + 1e-17, 0.3 - 0.2];
        Standardizer.Fit(Row(rounded)).Channels[0].Scale.Should().Be(1.0, "that is rounding");
        Standardizer.Fit(Row(1e9, 1e9 + 1.0)).Channels[0].Should().Be(new Channel("channel 1", 1e9 + 0.5, 0.5));
    }

    [Fact]
    public void Values_that_are_not_measured_stay_so()
    {
        var standardizer = new Standardizer([new Channel("y", 1.0, 2.0)]);
        standardizer.Apply(Row(3.0, double.NaN)).Row(0).Should().Equal(1.0, double.NaN);
        standardizer.Apply(SequenceBatch.Pack([Row(double.NaN, 5.0)])).Sequence(0).Row(0).Should()
            .Equal(double.NaN, 2.0);
        standardizer.Invert(Row(2.0)).Row(0).Should().Equal(5.0);
    }

    [Fact]
    public void What_cannot_be_scaled_is_refused()
    {
        Matrix<double> two = Matrix<double>.Build.Dense(2, 5, (i, t) => i + t);
        var standardizer = Standardizer.Fit(two, "a", "b");
        Refused(() => Standardizer.Fit(two, "a"), "names: expected length 2 (a name for each row of data), got 1*");
        Refused(() => Standardizer.Fit(two, "a", ""), "names: expected names that are not empty*");
        Refused(() => Standardizer.Fit(Row(1.0, double.NaN)), "data: *NaN at sequence 0, step 2*");
        Refused(() => Standardizer.Fit(Row(1.0, 1.7e308), "a"), "data: *'a' whose differences are finite*1.7E+308*");
        Refused(() => Standardizer.Fit(Matrix<double>.Build.Dense(1, 1).RemoveColumn(0)), "data: *");
        Refused(() => new Standardizer([]), "channels: expected at least one*");
        Refused(() => new Standardizer([null!]), "channels: expected at least one*");
        Refused(() => standardizer.Apply(Row(1.0)), "measured: expected 2 rows, one for each channel (a, b), got 1*");
        Refused(() => standardizer.Invert(two.Transpose()), "scaled: *got 5; columns are steps*transposed*");
        Refused(() => standardizer.Apply(SequenceBatch.Pack([Row(1.0)])), "measured: expected 2 rows*");
        FluentActions.Invoking(() => standardizer.Apply((SequenceBatch)null!)).Should().Throw<ArgumentNullException>();
        standardizer.ToString().Should().Be("Standardizer (a: 2 ± 1.41421; b: 3 ± 1.41421)");

        static void Refused(Func<object> action, string message) =>
            action.Should().Throw<ArgumentException>().WithMessage(message);
    }

    [Fact]
    public void A_model_file_predicts_in_the_units_of_its_channels()
    {
        var examples = new Examples(seed: 72);
        LinearRnn model = examples.Model(2, 3, 1);
        Vector<double> state = examples.Vector(3);
        Matrix<double> measured = (10.0 * examples.Matrix(2, 9)) + 50.0;
        Matrix<double> other = (10.0 * examples.Matrix(2, 4)) + 50.0;
        var inputs = Standardizer.Fit(measured, "a", "b");
        Channel y = new("y", mean: -7.0, scale: 0.5);
        var file = new LinearRnnFile(model, state, inputs.Channels, [y], stepsAhead: 1);

        Matrix<double> predicted = file.Predict(measured);

        var forward = ForwardPass.Run(model, inputs.Apply(measured), state);
        predicted.Should().Be(forward.Outputs().Map(y.Denormalize));
        SequenceBatch both = file.Predict(SequenceBatch.Pack([other, measured]));
        RelativeError.Frobenius(both.Sequence(1).ToArray(), predicted.ToArray()).Should().BeLessThan(1e-14);
        RelativeError.Frobenius(both.Sequence(0).ToArray(), file.Predict(other).ToArray()).Should().BeLessThan(1e-14);
        file.InitialState.Should().Equal(state);

        file.Invoking(f => f.Predict(measured.Transpose())).Should().Throw<ArgumentException>()
            .WithMessage("*expected 2 rows, one for each channel (a, b)*");
        measured[1, 2] = double.NaN;
        file.Invoking(f => f.Predict(measured)).Should().Throw<ArgumentException>().WithMessage("inputs: *NaN*");
        file.Invoking(f => f.Predict(SequenceBatch.Pack([measured]))).Should().Throw<ArgumentException>();
        var tiny = new LinearRnnFile(model, state, [y, new Channel("tiny", 0.0, 1e-308)], [y]);
        tiny.Invoking(f => f.Predict(other)).Should().Throw<ArgumentException>().WithMessage("inputs: *");
    }

    private static Matrix<double> Row(params double[] values) => Matrix<double>.Build.Dense(1, values.Length, values);
}
