// Batches from and to flat memory: every order against entries picked one by one, ragged and padded, and what is
// refused.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class TensorTests
{
    private readonly Examples _examples = new(seed: 91);

    public static TheoryData<int, int, int, TensorOrder> Shapes
    {
        get
        {
            var shapes = new TheoryData<int, int, int, TensorOrder>();
            foreach (TensorOrder order in Enum.GetValues<TensorOrder>())
            {
                shapes.Add(1, 1, 1, order);
                shapes.Add(1, 17, 3, order);
                shapes.Add(5, 1, 2, order);
                shapes.Add(4, 9, 1, order);
                shapes.Add(3, 33, 7, order);
            }
            return shapes;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_tensor_becomes_a_batch_and_the_batch_the_tensor(int count, int steps, int features, TensorOrder order)
    {
        double[] values = [.. Enumerable.Range(0, count * steps * features).Select(i => 0.5 + i)];
        float[] floats = Array.ConvertAll(values, x => (float)x);
        double[,,] axes = order == TensorOrder.TimeBatchFeature
            ? new double[steps, count, features]
            : new double[count, steps, features];
        Buffer.BlockCopy(values, 0, axes, 0, values.Length * sizeof(double));
        foreach (SequenceBatch batch in new[]
        {
            SequenceBatch.FromTensor(values, count, steps, features, order),
            SequenceBatch.FromTensor(floats, count, steps, features, order),
            SequenceBatch.FromTensor(axes, order),
        })
        {
            batch.Lengths.Should().Equal(Enumerable.Repeat(steps, count));
            for (int b = 0; b < count; b++)
            {
                Matrix<double> sequence = batch.Sequence(b);
                for (int t = 0; t < steps; t++)
                {
                    for (int i = 0; i < features; i++)
                    {
                        int at = (order == TensorOrder.TimeBatchFeature ? t * count + b : b * steps + t) * features + i;
                        sequence[i, t].Should().Be(values[at]);
                    }
                }
            }
            batch.TensorLength.Should().Be(values.Length);
            double[] back = new double[values.Length];
            float[] backFloats = new float[values.Length];
            batch.CopyTo(back, order);
            batch.CopyTo(backFloats, order);
            back.Should().Equal(values);
            backFloats.Should().Equal(floats);
        }
    }

    [Theory]
    [InlineData(TensorOrder.TimeBatchFeature)]
    [InlineData(TensorOrder.BatchTimeFeature)]
    public void Padding_is_neither_read_nor_left_out(TensorOrder order)
    {
        int[] lengths = [3, 7, 1, 7];
        SequenceBatch ragged = _examples.Batch(2, lengths);
        double[] padded = new double[ragged.TensorLength];
        ragged.CopyTo(padded, order, double.NaN);
        padded.Count(double.IsNaN).Should().Be(2 * (4 * 7 - lengths.Sum()));
        var back = SequenceBatch.FromTensor(padded, 4, 7, 2, order, lengths);
        for (int b = 0; b < lengths.Length; b++)
        {
            back.Sequence(b).Should().Be(ragged.Sequence(b));
        }
        float[] zeros = new float[ragged.TensorLength];
        ragged.CopyTo(zeros, order);
        zeros.Count(x => x == 0.0f).Should().Be(2 * (4 * 7 - lengths.Sum()));
    }

    [Fact]
    public void Packed_sequences_and_arrays_of_arrays_are_taken_as_they_are()
    {
        // Lengths 3, 2, 2: (b, t) in the order of PyTorch's PackedSequence.
        double[] data = [11, 21, 31, 12, 22, 32, 13];
        var packed = SequenceBatch.FromPacked(data, [3, 3, 1], features: 1);
        packed.Lengths.Should().Equal(3, 2, 2);
        packed.Sequence(0).Row(0).Should().Equal(11, 12, 13);
        packed.Sequence(2).Row(0).Should().Equal(31, 32);
        SequenceBatch.FromPacked(Array.ConvertAll(data, x => (float)x), [3, 3, 1], 1).Sequence(1).Row(0)
            .Should().Equal(21, 22);

        var jagged = SequenceBatch.FromSteps([[[1, 2], [3, 4], [5, 6]], [[7, 8]]]);
        jagged.Lengths.Should().Equal(3, 1);
        jagged.Sequence(0).Column(2).Should().Equal(5, 6);
        jagged.Sequence(1).Column(0).Should().Equal(7, 8);
        SequenceBatch.FromSteps([[[1.5f], [2.5f]]]).Sequence(0).Row(0).Should().Equal(1.5, 2.5);
    }

    [Fact]
    public void Faulty_tensors_are_refused()
    {
        Refused(() => SequenceBatch.FromTensor(new double[5], 1, 2, 3), "expected 6 numbers*got 5*");
        Refused(() => SequenceBatch.FromTensor(new float[6], 0, 2, 3), "*count*");
        Refused(() => SequenceBatch.FromTensor(new float[6], 1, 2, 3, (TensorOrder)9), "*TimeBatchFeature*");
        Refused(() => SequenceBatch.FromTensor(new float[6], 1, 2, 3, lengths: [3]), "*from 1 to 2 steps*got 3*");
        Refused(() => SequenceBatch.FromTensor(new float[6], 1, 2, 3, lengths: [1, 1]), "*each of 1 sequences*");
        Refused(() => SequenceBatch.FromPacked(new double[3], [1, 2], 1), "*from 1 to 1*got 2*");
        Refused(() => SequenceBatch.FromPacked(new double[3], [], 1), "*at least one sequence*");
        Refused(() => SequenceBatch.FromPacked(new double[3], [1, 1], 1), "*expected 2 numbers*");
        Refused(() => SequenceBatch.FromSteps([[[1.0, 2.0], [3.0]]]), "*2 features at step 2 of sequence 0*got 1*");
        Refused(() => SequenceBatch.FromSteps([[[1.0]], []]), "*sequence 1*none*");
        Refused(() => _examples.Batch(2, 3).CopyTo(new double[5]), "*expected 6 numbers*");

        static void Refused(Action act, string message) =>
            act.Should().Throw<ArgumentException>().WithMessage($"*{message}");
    }

    [Fact]
    public void A_matrix_with_a_row_for_each_step_is_told_from_one_of_another_size()
    {
        LinearRnn model = _examples.Model(2, 4, 3);
        Matrix<double> steps = _examples.Matrix(2, 50);
        Refused(() => ForwardPass.Run(model, steps.Transpose()), "*got 50×2; columns are steps*transposed*");
        Refused(() => ForwardPass.Run(model, SequenceBatch.Pack([steps.Transpose()])), "*columns are steps*");
        Refused(() => ForwardPass.Run(model, _examples.Matrix(5, 50)), "*2*5×50*").Message
            .Should().NotContain("columns are steps");
        var forward = ForwardPass.Run(model, steps);
        Refused(() => Objective.SquaredError(_examples.Matrix(50, 3)).Loss(forward), "*columns are steps*");

        static ArgumentException Refused(Action act, string message) =>
            act.Should().Throw<ArgumentException>().WithMessage(message).Which;
    }

    [Theory]
    [InlineData(TensorOrder.TimeBatchFeature, false, null)]
    [InlineData(TensorOrder.BatchTimeFeature, false, null)]
    [InlineData(TensorOrder.BatchTimeFeature, true, null)]
    [InlineData(TensorOrder.BatchTimeFeature, false, 1100L)]
    [InlineData(TensorOrder.TimeBatchFeature, false, 1100L)]
    public void Passes_write_to_tensors_what_they_hold(TensorOrder order, bool isLifted, long? budget)
    {
        int[] lengths = [6, 9, 2];
        LinearRnn model = _examples.Model(2, 4, 3);
        var options = new ExecutionOptions
        {
            Recurrence = isLifted ? Recurrence.Lifted : Recurrence.Sequential,
            MemoryBudget = budget,
            Tuning = Reference.Ways.SmallPieces with { LiftedLength = isLifted ? 4 : null },
        };
        var forward = ForwardPass.Run(model, _examples.Batch(2, lengths), _examples.Matrix(4, 3), options);
        (forward.MemoryPlan.WindowCount > 1).Should().Be(budget is not null);
        var backward = BackwardThroughTime.Run(forward, Objective.SquaredError(_examples.Batch(3, lengths)));
        Check(3, t => forward.CopyOutputsTo(t, order), t => forward.CopyOutputsTo(t, order), forward.Outputs);
        Check(
            4,
            t => forward.CopyHiddenStatesTo(t, order),
            t => forward.CopyHiddenStatesTo(t, order),
            b => forward.HiddenStates(b).SubMatrix(0, 4, 1, lengths[b]));
        Check(
            4,
            t => backward.CopyHiddenStateGradientsTo(t, order),
            t => backward.CopyHiddenStateGradientsTo(t, order),
            b => backward.HiddenStateGradients(b).SubMatrix(0, 4, 1, lengths[b]));
        Check(
            2,
            t => backward.CopyInputGradientsTo(t, order),
            t => backward.CopyInputGradientsTo(t, order),
            backward.InputGradients);

        void Check(int rows, Action<double[]> write, Action<float[]> writeFloats, Func<int, Matrix<double>> expected)
        {
            double[] tensor = [.. Enumerable.Repeat(double.NaN, rows * 3 * 9)];
            float[] floats = new float[tensor.Length];
            write(tensor);
            writeFloats(floats);
            for (int b = 0; b < 3; b++)
            {
                for (int t = 0; t < 9; t++)
                {
                    for (int i = 0; i < rows; i++)
                    {
                        int at = (order == TensorOrder.TimeBatchFeature ? t * 3 + b : b * 9 + t) * rows + i;
                        double value = t < lengths[b] ? expected(b)[i, t] : 0.0;
                        tensor[at].Should().Be(value);
                        floats[at].Should().Be((float)value);
                    }
                }
            }
            FluentActions.Invoking(() => write(new double[5])).Should().Throw<ArgumentException>();
        }
    }

    [Theory]
    [InlineData(TensorOrder.TimeBatchFeature, Precision.Double)]
    [InlineData(TensorOrder.BatchTimeFeature, Precision.Double)]
    [InlineData(TensorOrder.BatchTimeFeature, Precision.Single)]
    public void Passes_run_where_only_spans_are_at_hand(TensorOrder order, Precision precision)
    {
        const int B = 3, T = 7, D = 2, H = 4, Q = 3;
        LinearRnn model = _examples.Model(D, H, Q);
        SequenceBatch inputs = _examples.Batch(D, T, T, T);
        SequenceBatch outputGradients = _examples.Batch(Q, T, T, T);
        Matrix<double> initial = _examples.Matrix(H, B);
        Matrix<double> final = _examples.Matrix(H, B);
        var options = new ExecutionOptions { Precision = precision };
        double[] x = new double[B * T * D];
        double[] g = new double[B * T * Q];
        inputs.CopyTo(x, order);
        outputGradients.CopyTo(g, order);
        double[] h0 = initial.ToColumnMajorArray(); // one sequence after the other
        double[] e = final.ToColumnMajorArray();

        var expected = BackwardThroughTime.Run(
            ForwardPass.Run(model, inputs, initial, options),
            outputGradients,
            new BackwardOptions { FinalStateGradients = final });
        ForwardPass forward = model.Forward(x, B, T, order, h0, options);
        BackwardThroughTime backward = forward.Backward(g, order, e);
        backward.Gradients.Whh.Should().Be(expected.Gradients.Whh);
        backward.InputGradients(2).Should().Be(expected.InputGradients(2));
        double[] columns = new double[B * H];
        forward.CopyFinalStatesTo(columns);
        columns.Should().Equal(expected.Forward.FinalStates.ToColumnMajorArray());
        backward.CopyInitialStateGradientsTo(columns);
        columns.Should().Equal(expected.InitialStateGradients.ToColumnMajorArray());

        static float[] Singles(double[] values) => Array.ConvertAll(values, value => (float)value);
        ForwardPass ofFloats = model.Forward(Singles(x), B, T, order, Singles(h0), options);
        BackwardThroughTime backwardOfFloats = ofFloats.Backward(Singles(g), order, Singles(e));
        (backwardOfFloats.Gradients.Whh - expected.Gradients.Whh).FrobeniusNorm()
            .Should().BeLessThan(1e-5 * expected.Gradients.WhhNorm());
        float[] floats = new float[B * H];
        ofFloats.CopyFinalStatesTo(floats);
        floats.Should().Equal(Singles(ofFloats.FinalStates.ToColumnMajorArray()));
        backwardOfFloats.CopyInitialStateGradientsTo(floats);
        floats.Should().Equal(Singles(backwardOfFloats.InitialStateGradients.ToColumnMajorArray()));

        model.Forward(x, B, T, order).InitialStates.FrobeniusNorm().Should().Be(0.0);
        foreach (Action act in new Action[]
        {
            () => model.Forward(x.AsSpan(1), B, T, order),
            () => model.Forward(x, B, T, order, h0.AsSpan(1)),
            () => forward.Backward(g.AsSpan(1), order),
            () => forward.Backward(g, order, e.AsSpan(1)),
            () => forward.CopyFinalStatesTo(new double[1]),
            () => backward.CopyInitialStateGradientsTo(new float[1]),
        })
        {
            act.Should().Throw<ArgumentException>().WithMessage("*expected*numbers*got*");
        }
    }

    [Theory]
    [InlineData(TensorOrder.TimeBatchFeature, Precision.Double)]
    [InlineData(TensorOrder.BatchTimeFeature, Precision.Double)]
    [InlineData(TensorOrder.TimeBatchFeature, Precision.Single)]
    [InlineData(TensorOrder.BatchTimeFeature, Precision.Single)]
    public void Spans_give_truncated_gradients_and_those_of_inputs(TensorOrder order, Precision precision)
    {
        var options = new ExecutionOptions { Precision = precision, Workspace = new Workspace() };
        var forward = ForwardPass.Run(_examples.Model(2, 4, 3), _examples.Batch(2, 5, 7, 1), null, options);
        SequenceBatch outputGradients = _examples.Batch(3, 5, 7, 1);
        double[] g = new double[outputGradients.TensorLength];
        outputGradients.CopyTo(g, order, padding: double.NaN);
        var truncation = Truncation.Lags(2);
        var expected = BackwardThroughTime.Run(
            forward, outputGradients, new BackwardOptions { Truncation = truncation });
        double[] expectedInputs = new double[3 * 7 * 2];
        expected.InputGradientBatch().CopyTo(expectedInputs, order);

        BackwardThroughTime backward = forward.Backward(g, order, truncation: truncation);

        backward.Gradients.Whh.Should().Be(expected.Gradients.Whh);
        double[] inputs = new double[expectedInputs.Length];
        backward.CopyInputGradientsTo(inputs, order);
        inputs.Should().Equal(expectedInputs);
        float[] singles = new float[expectedInputs.Length];
        backward.CopyInputGradientsTo(singles, order);
        singles.Should().Equal(Array.ConvertAll(expectedInputs, value => (float)value));

        g[Array.FindIndex(g, double.IsFinite)] = double.PositiveInfinity;
        forward.Invoking(f => f.Backward(g, order)).Should().Throw<ArgumentException>()
            .WithMessage("outputGradients*sequence 0, step 1, row 0*");
        forward.Backward(Array.ConvertAll(g, value => double.IsFinite(value) ? value : 0.0), order)
            .Gradients.WhhNorm().Should().BePositive("a call that is refused leaves the workspace free");
    }

    [Theory]
    [InlineData(TensorOrder.TimeBatchFeature)]
    [InlineData(TensorOrder.BatchTimeFeature)]
    public void Tensors_of_any_sizes_come_back(TensorOrder order)
    {
        foreach ((int count, int steps, int features) in new[]
        {
            (1, 1, 1), (1, 40, 3), (40, 1, 3), (17, 33, 1), (5, 16, 7), (3, 35, 8), (2, 50, 31), (33, 17, 2),
        })
        {
            float[] floats = [.. Enumerable.Range(0, count * steps * features).Select(i => (float)i)];
            double[] doubles = Array.ConvertAll(floats, x => (double)x);
            var ofFloats = SequenceBatch.FromTensor(floats, count, steps, features, order);
            var ofDoubles = SequenceBatch.FromTensor(doubles, count, steps, features, order);
            float[] toFloats = new float[floats.Length];
            double[] toDoubles = new double[floats.Length];
            foreach (SequenceBatch batch in new[] { ofFloats, ofDoubles, ofFloats.Select([.. Numbers(count)]) })
            {
                batch.CopyTo(toFloats, order);
                batch.CopyTo(toDoubles, order);
                toFloats.Should().Equal(floats);
                toDoubles.Should().Equal(doubles);
                int at = order == TensorOrder.BatchTimeFeature
                    ? ((count - 1) * steps + steps / 2) * features
                    : (steps / 2 * count + count - 1) * features;
                batch.Sequence(count - 1)[features - 1, steps / 2].Should().Be(floats[at + features - 1]);
            }
        }

        static IEnumerable<int> Numbers(int count) => Enumerable.Range(0, count);
    }

    [Fact]
    public void Weights_and_gradients_go_to_flat_memory_and_back()
    {
        LinearRnn model = _examples.Model(2, 4, 3);
        foreach (MatrixOrder order in Enum.GetValues<MatrixOrder>())
        {
            double[] whx = new double[8];
            double[] whh = new double[16];
            double[] wqh = new double[12];
            model.CopyTo(whx, whh, wqh, order);
            whh.Should().Equal(order == MatrixOrder.RowMajor
                ? model.Whh.ToRowMajorArray()
                : model.Whh.ToColumnMajorArray());
            LinearRnn back = FlatMemory.CreateModel(whx, whh, wqh, 4, order);
            back.Whx.Should().Be(model.Whx);
            back.Whh.Should().Be(model.Whh);
            back.Wqh.Should().Be(model.Wqh);

            float[] floats = new float[12];
            model.CopyTo(new float[8], new float[16], floats, order);
            floats.Should().Equal(Array.ConvertAll(wqh, x => (float)x));
            FlatMemory.CreateModel(
                Array.ConvertAll(whx, x => (float)x), Array.ConvertAll(whh, x => (float)x), floats, 4, order)
                .Wqh[1, 2].Should().Be((float)model.Wqh[1, 2]);

            var gradients = new Gradients(model.Whx, model.Whh, model.Wqh);
            double[] again = new double[16];
            gradients.CopyTo(new double[8], again, new double[12], order);
            again.Should().Equal(whh);
            gradients.CopyTo(new float[8], new float[16], floats, order);
            gradients.ToVector().Should().Equal(model.ToVector());
        }
        model.WithWeights(model.ToVector()).Whh.Should().Be(model.Whh);
        FluentActions.Invoking(() => model.WithWeights(new double[5])).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => FlatMemory.CreateModel(new double[7], new double[16], new double[12], 4))
            .Should().Throw<ArgumentException>().WithMessage("*multiple of h = 4*");
        FluentActions.Invoking(() => model.CopyTo(new double[8], new double[15], new double[12]))
            .Should().Throw<ArgumentException>().WithMessage("*expected 16 numbers, got 15*");
    }
}
