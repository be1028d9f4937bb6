// Written models in ONNX Runtime: the outputs and final states of Bptt, in every precision, operator and order.

using Bptt.Files;
using Bptt.Tests;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Onnx.Tests;

public class OnnxRuntimeTests
{
    /// <summary>What rounding leaves, relative to the largest number: in double, and in float.</summary>
    private static readonly Dictionary<Precision, double> Tolerance = new()
    {
        [Precision.Double] = 1e-14,
        [Precision.Single] = 5e-6,
    };

    public static TheoryData<Precision, OnnxRecurrence, TensorOrder> Ways()
    {
        var ways = new TheoryData<Precision, OnnxRecurrence, TensorOrder>();
        foreach (TensorOrder order in Enum.GetValues<TensorOrder>())
        {
            ways.Add(Precision.Double, OnnxRecurrence.Automatic, order);
            ways.Add(Precision.Double, OnnxRecurrence.Scan, order);
            ways.Add(Precision.Single, OnnxRecurrence.Automatic, order);
            ways.Add(Precision.Single, OnnxRecurrence.Rnn, order);
            ways.Add(Precision.Single, OnnxRecurrence.Scan, order);
        }
        return ways;
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Outputs_and_final_states_are_those_of_Bptt(
        Precision precision, OnnxRecurrence recurrence, TensorOrder order)
    {
        foreach ((int d, int h, int q, int count, int steps) in new[]
        {
            (1, 1, 1, 1, 1), (2, 3, 1, 1, 7), (3, 8, 2, 4, 50), (1, 16, 3, 2, 10_000), (4, 33, 4, 3, 129),
        })
        {
            int seed = 1000 * h + steps;
            var examples = new Examples(seed);
            var file = new LinearRnnFile(examples.Model(d, h, q, spectralRadius: 0.95), examples.Vector(h));
            Matrix<double>[] inputs = [.. Enumerable.Range(0, count).Select(_ => examples.Matrix(d, steps))];
            using var session = new Session(file, Options(precision, recurrence, order));

            (Matrix<double>[] outputs, Matrix<double> states) = session.Run(inputs);

            ShouldBeAsPredicted(file, inputs, outputs, Tolerance[precision], $"seed {seed}");
            var forward = ForwardPass.Run(
                file.Model,
                SequenceBatch.Pack(inputs),
                Matrix<double>.Build.Dense(h, count, (i, _) => file.InitialState[i]));
            Error(states, forward.FinalStates).Should().BeLessThan(Tolerance[precision], "seed {0}", seed);
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_scaled_model_takes_and_gives_the_units_of_the_data(
        Precision precision, OnnxRecurrence recurrence, TensorOrder order)
    {
        LinearRnnFile file = Scaled();
        Matrix<double>[] inputs = [.. Enumerable.Range(0, 3).Select(b => Matrix<double>.Build.Dense(
            2, 300, (i, t) => i == 0 ? 500.0 + 300.0 * Math.Cos(0.1 * t * t + b) : 0.002 * Math.Sin(t + b)))];
        using var session = new Session(file, Options(precision, recurrence, order));

        (Matrix<double>[] outputs, _) = session.Run(inputs);

        ShouldBeAsPredicted(file, inputs, outputs, Tolerance[precision], "");
        outputs[0].Row(0).Average().Should().BeInRange(20.0, 60.0, "the outputs are temperatures");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_single_scale_is_kept_in_full(Precision precision, OnnxRecurrence recurrence, TensorOrder order)
    {
        LinearRnnFile file = ScaledOnce();
        Matrix<double>[] inputs = [new Examples(seed: 11).Matrix(1, 100)];
        using var session = new Session(file, Options(precision, recurrence, order));

        (Matrix<double>[] outputs, _) = session.Run(inputs);

        ShouldBeAsPredicted(file, inputs, outputs, Tolerance[precision], "");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_stream_goes_on_from_the_final_state(Precision precision, OnnxRecurrence recurrence, TensorOrder order)
    {
        LinearRnnFile file = Scaled();
        var examples = new Examples(seed: 9);
        Matrix<double>[] inputs = [.. Enumerable.Range(0, 2).Select(_ => 100.0 * examples.Matrix(2, 60))];
        using var session = new Session(file, Options(precision, recurrence, order));
        Matrix<double>[] joined = [.. inputs.Select(_ => Matrix<double>.Build.Dense(1, 60))];
        Matrix<double>? states = null;
        int at = 0;
        foreach (int steps in new[] { 1, 1, 25, 33 })
        {
            (Matrix<double>[] part, states) = session.Run(
                [.. inputs.Select(input => input.SubMatrix(0, 2, at, steps))], states);
            for (int b = 0; b < 2; b++)
            {
                joined[b].SetSubMatrix(0, at, part[b]);
            }
            at += steps;
        }

        at.Should().Be(60);
        ShouldBeAsPredicted(file, inputs, joined, Tolerance[precision], "");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void One_initial_state_serves_all_sequences(
        Precision precision, OnnxRecurrence recurrence, TensorOrder order)
    {
        var examples = new Examples(seed: 4);
        LinearRnn model = examples.Model(2, 5, 2);
        Matrix<double> start = examples.Matrix(5, 1);
        Matrix<double>[] inputs = [.. Enumerable.Range(0, 3).Select(_ => examples.Matrix(2, 20))];
        using var session = new Session(new LinearRnnFile(model), Options(precision, recurrence, order));

        (Matrix<double>[] outputs, _) = session.Run(inputs, start);

        ShouldBeAsPredicted(
            new LinearRnnFile(model, start.Column(0)), inputs, outputs, Tolerance[precision], "");
    }

    [Fact]
    public void The_model_says_what_it_takes_and_gives()
    {
        LinearRnnFile file = Scaled();
        using var session = new Session(file, new OnnxOptions());

        session.Inputs.Keys.Should().Equal("inputs");
        session.Inputs["inputs"].SymbolicDimensions.Should().Equal("time", "batch", "");
        session.Inputs["inputs"].Dimensions.Should().Equal(-1, -1, 2);
        session.Inputs["inputs"].ElementType.Should().Be<double>();
        session.Overridable.Keys.Should().Contain("initial_state");
        session.Outputs.Keys.Should().Equal("outputs", "final_state");
        session.Outputs["outputs"].Dimensions.Should().Equal(-1, -1, 1);
        session.Metadata.ProducerName.Should().Be("Bptt");
        session.Metadata.CustomMetadataMap["bptt"].Should().Contain("power").And.Contain("\"stepsAhead\":1");
    }

    private static LinearRnnFile Scaled()
    {
        var examples = new Examples(seed: 8);
        return new LinearRnnFile(
            examples.Model(2, 4, 1, spectralRadius: 0.9),
            examples.Vector(4),
            [new Channel("power, W", 500.0, 212.7), new Channel("flow", 0.0, 0.001)],
            [new Channel("temperature", 40.0, 6.3)],
            stepsAhead: 1);
    }

    /// <summary>One channel on each side: ONNX Runtime joins operators there that it does not join elsewhere.</summary>
    private static LinearRnnFile ScaledOnce()
    {
        var examples = new Examples(seed: 10);
        return new LinearRnnFile(
            examples.Model(1, 4, 1, spectralRadius: 0.9),
            null,
            [new Channel("u", 0.0, 0.3)],
            [new Channel("y", 0.0, 6.3)]);
    }

    private static OnnxOptions Options(Precision precision, OnnxRecurrence recurrence, TensorOrder order) =>
        new() { Precision = precision, Recurrence = recurrence, Order = order };

    private static void ShouldBeAsPredicted(
        LinearRnnFile file, Matrix<double>[] inputs, Matrix<double>[] outputs, double tolerance, string because)
    {
        for (int b = 0; b < inputs.Length; b++)
        {
            Error(outputs[b], file.Predict(inputs[b])).Should().BeLessThan(tolerance, because);
        }
    }

    private static double Error(Matrix<double> actual, Matrix<double> expected) =>
        (actual - expected).Enumerate().Max(Math.Abs) / expected.Enumerate().Max(Math.Abs);
}
