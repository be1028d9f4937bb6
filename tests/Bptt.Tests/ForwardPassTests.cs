// What a forward pass records, and where it can be read.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class ForwardPassTests
{
    private readonly Examples _examples = new(seed: 11);

    [Fact]
    public void A_pass_with_other_outputs_is_the_same_in_everything_else()
    {
        var forward = ForwardPass.Run(_examples.Model(2, 3, 1), _examples.Matrix(2, 5), _examples.Vector(3));
        ForwardPass other = forward.WithOutputs(new(1, forward.Layout, (double[])[1.0, 2.0, 3.0, 4.0, 5.0]));
        other.Outputs().ToRowMajorArray().Should().Equal(1.0, 2.0, 3.0, 4.0, 5.0);
        other.HiddenStates().Should().Be(forward.HiddenStates());
        other.InputColumns.All.Values.ToArray().Should().Equal(forward.InputColumns.All.Values.ToArray());
        other.Record.Inputs.All.Values.ToArray().Should().Equal(forward.InputColumns.All.Values.ToArray());
        other.Model.Should().BeSameAs(forward.Model);
    }

    /// <summary>o_t overflows where two large numbers meet; every state and any other output is finite.</summary>
    [Fact]
    public void The_step_at_which_an_output_alone_overflows_is_named()
    {
        var model = new LinearRnn(
            Matrix<double>.Build.Dense(1, 1, 1.0),
            Matrix<double>.Build.Dense(1, 1),
            Matrix<double>.Build.Dense(1, 1, 1e200));
        for (int step = 1; step <= 5; step++)
        {
            for (int sequence = 0; sequence < 2; sequence++)
            {
                Matrix<double>[] inputs = [Matrix<double>.Build.Dense(1, 5), Matrix<double>.Build.Dense(1, 6)];
                inputs[sequence][0, step - 1] = 1e200;
                ForwardPass.Run(model, SequenceBatch.Pack(inputs)).FirstNonFiniteStep.Should().Be(step);
            }
        }
    }

    [Fact]
    public void States_and_outputs_satisfy_the_model_equations()
    {
        LinearRnn model = _examples.Model(2, 3, 4);
        Matrix<double> x = _examples.Matrix(2, 6);
        Vector<double> h0 = _examples.Vector(3);

        var forward = ForwardPass.Run(model, x, h0);

        forward.HiddenState(0).Should().Equal(h0);
        for (int t = 1; t <= 6; t++)
        {
            Vector<double> expected = model.Whx * x.Column(t - 1) + model.Whh * forward.HiddenState(t - 1);
            (forward.HiddenState(t) - expected).L2Norm().Should().BeLessThan(1e-14);
            (forward.Output(t) - model.Wqh * forward.HiddenState(t)).L2Norm().Should().BeLessThan(1e-14);
        }
    }

    [Fact]
    public void Matrices_hold_the_steps_as_columns()
    {
        var forward = ForwardPass.Run(_examples.Model(2, 3, 4), _examples.Batch(2, 3, 5, 1));

        for (int b = 0; b < 3; b++)
        {
            int length = forward.Lengths[b];
            forward.HiddenStates(b).ColumnCount.Should().Be(length + 1);
            forward.Outputs(b).ColumnCount.Should().Be(length);
            for (int t = 0; t <= length; t++)
            {
                forward.HiddenStates(b).Column(t).Should().Equal(forward.HiddenState(t, b));
            }
            for (int t = 1; t <= length; t++)
            {
                forward.Outputs(b).Column(t - 1).Should().Equal(forward.Output(t, b));
            }
            forward.FinalStates.Column(b).Should().Equal(forward.HiddenState(length, b));
            forward.InitialStates.Column(b).Should().Equal(forward.HiddenState(0, b));
        }
    }

    [Theory]
    [InlineData(new[] { 4 })]
    [InlineData(new[] { 1, 1 })]
    [InlineData(new[] { 2, 7, 1, 7, 3 })]
    [InlineData(new[] { 1, 2, 3, 4, 5, 6 })]
    public void A_batch_gives_what_its_sequences_give_alone(int[] lengths)
    {
        LinearRnn model = _examples.Model(3, 5, 2);
        SequenceBatch batch = _examples.Batch(3, lengths);
        Matrix<double> h0 = _examples.Matrix(5, lengths.Length);

        var forward = ForwardPass.Run(model, batch, h0);

        for (int b = 0; b < lengths.Length; b++)
        {
            var alone = ForwardPass.Run(model, batch.Sequence(b), h0.Column(b));
            (forward.HiddenStates(b) - alone.HiddenStates()).FrobeniusNorm()
                .Should().BeLessThan(1e-14 * alone.HiddenStates().FrobeniusNorm(), "sequence {0}", b);
            (forward.Outputs(b) - alone.Outputs()).FrobeniusNorm()
                .Should().BeLessThan(1e-14 * alone.Outputs().FrobeniusNorm(), "sequence {0}", b);
        }
    }

    [Fact]
    public void Layers_stack_on_a_batch_with_gradients_through_both()
    {
        LinearRnn lower = _examples.Model(2, 3, 4);
        LinearRnn upper = _examples.Model(4, 2, 1);
        SequenceBatch inputs = _examples.Batch(2, 5, 1, 7);
        var objective = Objective.SquaredError(_examples.Batch(1, 5, 1, 7));
        double Loss(LinearRnn first) =>
            objective.Loss(ForwardPass.Run(upper, ForwardPass.Run(first, inputs).OutputBatch()));

        var lowerForward = ForwardPass.Run(lower, inputs);
        var upperBackward = BackwardThroughTime.Run(ForwardPass.Run(upper, lowerForward.OutputBatch()), objective);
        var lowerBackward = BackwardThroughTime.Run(lowerForward, upperBackward.InputGradientBatch());

        for (int b = 0; b < 3; b++)
        {
            lowerForward.OutputBatch().Sequence(b).Should().Be(lowerForward.Outputs(b));
            upperBackward.InputGradientBatch().Sequence(b).Should().Be(upperBackward.InputGradients(b));
        }
        // L is quadratic in each entry of the lower W_qh, so central differences are exact at any step.
        Matrix<double> wqh = lower.Wqh;
        for (int i = 0; i < 4; i++)
        {
            wqh[i, 1] += 1.0;
            double above = Loss(new LinearRnn(lower.Whx, lower.Whh, wqh));
            wqh[i, 1] -= 2.0;
            double below = Loss(new LinearRnn(lower.Whx, lower.Whh, wqh));
            wqh[i, 1] += 1.0;
            lowerBackward.Gradients.Wqh[i, 1].Should().BeApproximately(0.5 * (above - below), 1e-12);
        }
    }

    [Fact]
    public void Inputs_and_initial_state_are_copied()
    {
        LinearRnn model = _examples.Model(2, 3, 1);
        Matrix<double> x = _examples.Matrix(2, 4);
        Vector<double> h0 = _examples.Vector(3);
        Matrix<double> ones = Matrix<double>.Build.Dense(1, 4, 1.0);
        Gradients expected = BackwardThroughTime.Run(ForwardPass.Run(model, x, h0), ones).Gradients;

        var forward = ForwardPass.Run(model, x, h0);
        x.Clear();
        h0.Clear();
        Gradients actual = BackwardThroughTime.Run(forward, ones).Gradients;

        actual.Whx.Should().Be(expected.Whx);
        actual.Whh.Should().Be(expected.Whh);
    }

    [Fact]
    public void What_is_read_is_a_copy()
    {
        var forward = ForwardPass.Run(_examples.Model(2, 3, 1), _examples.Matrix(2, 4));
        Vector<double> state = forward.HiddenState(2);
        Vector<double> before = state.Clone();

        state.Clear();
        forward.HiddenStates().Clear();
        forward.FinalStates.Clear();
        forward.Outputs().Clear();

        forward.HiddenState(2).Should().Equal(before);
    }

    [Fact]
    public void Sparse_and_diagonal_matrices_are_read_like_dense_ones()
    {
        Matrix<double> dense = Matrix<double>.Build.DenseOfArray(
            new double[,] { { 0.5, 0, 0 }, { 0, -0.25, 0 }, { 0, 0, 2 } });
        Matrix<double> w = _examples.Matrix(3, 3);
        Matrix<double> expected = ForwardPass.Run(new LinearRnn(w, dense, w), w).Outputs();

        foreach (Matrix<double> stored in new[]
        {
            Matrix<double>.Build.SparseOfMatrix(dense), Matrix<double>.Build.DiagonalOfDiagonalVector(dense.Diagonal()),
        })
        {
            ForwardPass.Run(new LinearRnn(w, stored, w), Matrix<double>.Build.SparseOfMatrix(w)).Outputs()
                .Should().Be(expected);
        }
    }

    [Fact]
    public void Steps_one_by_one_give_the_states_of_a_pass()
    {
        LinearRnn model = _examples.Model(2, 5, 3);
        Matrix<double> x = _examples.Matrix(2, 20);
        var forward = ForwardPass.Run(model, x);
        Vector<double> state = Vector<double>.Build.Dense(5);
        double[] spanState = new double[5];
        double[] spanNext = new double[5];
        double[] spanOutput = new double[3];

        for (int t = 1; t <= 20; t++)
        {
            (state, Vector<double> output) = model.Step(state, x.Column(t - 1));
            model.Step(spanState, x.Column(t - 1).ToArray(), spanNext, spanOutput);
            (spanState, spanNext) = (spanNext, spanState);

            (state - forward.HiddenState(t)).L2Norm().Should().BeLessThan(1e-13);
            (output - forward.Output(t)).L2Norm().Should().BeLessThan(1e-13);
            spanState.Should().Equal(state); // the two forms are one
            spanOutput.Should().Equal(output);
        }
    }

    [Fact]
    public void The_span_form_of_a_step_allocates_nothing()
    {
        LinearRnn model = _examples.Model(2, 5, 3);
        double[] state = new double[5];
        double[] next = new double[5];
        double[] input = [1, 2];
        double[] output = new double[3];
        model.Step(state, input, next, output);

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            model.Step(state, input, next, output);
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }

    [Fact]
    public void The_first_step_that_overflows_is_named_and_nothing_is_hidden()
    {
        var one = Matrix<double>.Build.Dense(1, 1, 1.0);
        var model = new LinearRnn(one, 1e100 * one, one);

        // h_t = 1e100^t from h_0 = 1: h_3 = 1e300, h_4 overflows.
        var forward = ForwardPass.Run(model, Matrix<double>.Build.Dense(1, 6), Vector<double>.Build.Dense(1, 1.0));

        forward.FirstNonFiniteStep.Should().Be(4);
        forward.HiddenState(3)[0].Should().BeApproximately(1e300, 1e286);
        forward.HiddenState(4)[0].Should().Be(double.PositiveInfinity);
        Objective.SquaredError(Matrix<double>.Build.Dense(1, 6)).Loss(forward).Should().Be(double.PositiveInfinity);
    }

    [Fact]
    public void The_first_non_finite_step_is_searched_in_every_sequence_and_in_outputs_too()
    {
        var one = Matrix<double>.Build.Dense(1, 1, 1.0);
        var model = new LinearRnn(one, one, 1e308 * one);
        var inputs = SequenceBatch.Pack([Row(1, 0, 0), Row(1, 0, 0, 0, 0, 9)]);

        ForwardPass.Run(model, inputs).FirstNonFiniteStep.Should().Be(6, "10·1e308 overflows in the output only");
        ForwardPass.Run(model, Row(1, 0)).FirstNonFiniteStep.Should().BeNull();
    }

    /// <summary>The first state overflows and the other does not; of outputs that are given none shows it.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_state_that_is_not_finite_is_found_whatever_the_outputs_are(int row)
    {
        var model = new LinearRnn(
            Matrix<double>.Build.Dense(2, 1, (i, _) => i == row ? 1.0 : 0.0),
            Matrix<double>.Build.Dense(2, 2, (i, j) => i == row && j == row ? 1e200 : 0.0),
            Matrix<double>.Build.Dense(1, 2, 1.0));
        var forward = ForwardPass.Run(model, Row(1, 0, 0, 0));
        var zeros = new PackedColumns(1, forward.Layout, new double[4]);
        forward.WithOutputs(zeros).FirstNonFiniteStep.Should().Be(3, "10⁴⁰⁰ overflows");
    }

    [Fact]
    public void States_too_small_to_matter_become_zero_and_a_given_initial_state_stays()
    {
        var one = Matrix<double>.Build.Dense(1, 1, 1.0);
        var model = new LinearRnn(one, 1e-100 * one, one);
        var h0 = Vector<double>.Build.Dense(1, 1e-300);

        ForwardPass.Run(model, Row(0, 0), h0).HiddenStates().Should().Be(Row(1e-300, 0, 0));
        ForwardPass.Run(model, Row(1, 0, 0, 0, 0)).HiddenStates().ToRowMajorArray()
            .Should().Equal(0, 1, 1e-100, 1e-200, 0, 0);
        model.Step(h0, Row(0).Column(0)).State[0].Should().Be(0);
    }

    private static Matrix<double> Row(params double[] values) => Matrix<double>.Build.Dense(1, values.Length, values);
}
