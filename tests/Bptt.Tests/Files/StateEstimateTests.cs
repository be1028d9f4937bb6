// States estimated from measured outputs, and predictions from them.

using Bptt.Files;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Files;

public class StateEstimateTests
{
    private static readonly LinearRnn Model = new(
        Matrix<double>.Build.DenseOfRowArrays([1.0, 0.2], [0.0, -0.5], [0.3, 0.1]),
        Matrix<double>.Build.DenseOfRowArrays([0.9, 0.2, 0.0], [-0.2, 0.8, 0.1], [0.0, 0.0, 0.6]),
        Matrix<double>.Build.DenseOfRowArrays([1.0, 0.0, 0.5], [0.0, 1.0, 0.0]));

    private static readonly Channel[] Inputs = [new("u", 3.0, 2.0), new("v", -1.0, 0.5)];
    private static readonly Channel[] Outputs = [new("y", 10.0, 4.0), new("z", 0.0, 0.1)];
    private static readonly LinearRnnFile File = new(Model, null, Inputs, Outputs);

    [Fact]
    public void The_state_that_made_the_outputs_is_found_also_where_values_are_missing()
    {
        (Matrix<double> inputs, Vector<double> state, Matrix<double> outputs) = Measured(40);
        Matrix<double> holed = outputs.MapIndexed((i, t, y) => (t + i) % 3 == 0 ? double.NaN : y);

        (File.EstimateInitialState(inputs, outputs) - state).L2Norm().Should().BeLessThan(1e-9);
        (File.EstimateInitialState(inputs, holed) - state).L2Norm().Should().BeLessThan(1e-9);
        Matrix<double> again = File.Predict(inputs, File.EstimateInitialState(inputs, holed));
        (again - outputs).Enumerate().Max(Math.Abs).Should().BeLessThan(1e-9);
    }

    [Fact]
    public void Where_many_states_explain_the_outputs_the_shortest_is_taken()
    {
        (Matrix<double> inputs, _, Matrix<double> outputs) = Measured(1); // two numbers for three units

        Vector<double> state = File.EstimateInitialState(inputs, outputs);

        (File.Predict(inputs, state) - outputs).Enumerate().Max(Math.Abs).Should().BeLessThan(1e-9);
        Matrix<double> reach = Model.Wqh * Model.Whh;
        Matrix<double> projector = reach.Transpose() * (reach * reach.Transpose()).Inverse() * reach;
        (projector * state - state).L2Norm().Should().BeLessThan(1e-9, "nothing of it is unseen");
    }

    [Fact]
    public void Predictions_ahead_know_what_their_horizon_allows_and_no_more()
    {
        (Matrix<double> inputs, _, Matrix<double> outputs) = Measured(30);

        Matrix<double> ahead = File.PredictAhead(inputs, outputs, horizon: 4, window: 5);

        ahead.SubMatrix(0, 2, 0, 8).Enumerate().Should().OnlyContain(y => double.IsNaN(y));
        (ahead.SubMatrix(0, 2, 8, 22) - outputs.SubMatrix(0, 2, 8, 22)).Enumerate().Max(Math.Abs)
            .Should().BeLessThan(1e-8, "the outputs are the model's own");

        // Step 20 (from 0) knows outputs up to step 16, from step 12 on.
        for (int changed = 0; changed < 30; changed++)
        {
            Matrix<double> other = outputs.Clone();
            other[0, changed] += 1.0;
            Matrix<double> moved = File.PredictAhead(inputs, other, horizon: 4, window: 5);
            (Math.Abs(moved[0, 20] - ahead[0, 20]) > 1e-6).Should().Be(changed is >= 12 and <= 16, "step {0}", changed);
        }
    }

    [Fact]
    public void The_final_state_is_written_and_read()
    {
        var state = Vector<double>.Build.Dense([0.1, 1.0 / 3.0, -2.5e-17]);
        using var stream = new MemoryStream();

        new LinearRnnFile(Model, finalState: state).Save(stream);
        stream.Position = 0;
        var read = LinearRnnFile.Load(stream);

        read.FinalState.Should().Equal(state);
        File.FinalState.Should().BeNull();
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        (Matrix<double> inputs, Vector<double> state, Matrix<double> outputs) = Measured(5);
        Matrix<double> unknown = outputs.Map(_ => double.NaN);
        var forecasting = new LinearRnnFile(Model, stepsAhead: 1);

        Refused<ArgumentException>(() => File.EstimateInitialState(inputs, unknown), "at least one measured");
        Refused<ArgumentException>(() => File.EstimateInitialState(inputs, outputs.SubMatrix(0, 2, 0, 4)), "T");
        Refused<ArgumentException>(() => File.EstimateInitialState(inputs, outputs.SubMatrix(0, 1, 0, 5)), "q");
        Refused<ArgumentException>(
            () => File.EstimateInitialState(inputs, outputs.Map(_ => double.PositiveInfinity)), "infinity");
        Refused<ArgumentNullException>(() => File.EstimateInitialState(inputs, null!), "");
        Refused<InvalidOperationException>(
            () => forecasting.EstimateInitialState(inputs, outputs), "forecasts 1 ahead");
        Refused<InvalidOperationException>(() => forecasting.PredictAhead(inputs, outputs, 1, 1), "forecasts 1 ahead");
        Refused<ArgumentOutOfRangeException>(() => File.PredictAhead(inputs, outputs, 0, 1), "at least 1");
        Refused<ArgumentOutOfRangeException>(() => File.PredictAhead(inputs, outputs, 1, 0), "at least 1");
        Refused<ArgumentException>(() => File.Predict(inputs, state.SubVector(0, 2)), "h");
        Refused<ArgumentException>(() => _ = new LinearRnnFile(Model, finalState: state.SubVector(0, 2)), "h");
    }

    private static void Refused<T>(Action act, string text)
        where T : Exception => act.Should().Throw<T>().WithMessage($"*{text}*");

    private static (Matrix<double> Inputs, Vector<double> State, Matrix<double> Outputs) Measured(int steps)
    {
        var random = new Random(6);
        var inputs = Matrix<double>.Build.Dense(2, steps, (_, _) => 4.0 * random.NextDouble() - 1.0);
        var state = Vector<double>.Build.Dense([2.0, -1.0, 0.5]);
        return (inputs, state, File.Predict(inputs, state));
    }
}
