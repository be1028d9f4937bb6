// The recurrence in parallel over time: the same as step by step to rounding, and given up where powers mislead.

using Bptt.LinearRecurrence;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class TimeParallelTests
{
    private readonly Examples _examples = new(seed: 12);

    [Theory]
    [InlineData(0.5, 2)]
    [InlineData(0.99, 4)]
    [InlineData(0.99, 16)]
    [InlineData(1.0, 64)]
    [InlineData(1.02, 32)]
    public void It_agrees_with_step_by_step_to_rounding(double radius, int chunkLength)
    {
        foreach (int h in new[] { 1, 5, 16, 33 })
        {
            LinearRnn model = _examples.Model(3, h, 2, radius);
            SequenceBatch inputs = _examples.Batch(3, 700, 300, 1, 150);
            SequenceBatch targets = _examples.Batch(2, 700, 300, 1, 150);
            BackwardThroughTime sequential = Run(model, inputs, targets, Recurrence.Sequential, 1);
            BackwardThroughTime parallel = Run(model, inputs, targets, Recurrence.TimeParallel, chunkLength);
            parallel.Forward.Record.Chunking.Length.Should().Be(chunkLength, "powers do not mislead here, h = {0}", h);
            for (int b = 0; b < inputs.Count; b++)
            {
                Distance(parallel.Forward.HiddenStates(b), sequential.Forward.HiddenStates(b))
                    .Should().BeLessThan(1e-12);
                Distance(parallel.HiddenStateGradients(b), sequential.HiddenStateGradients(b))
                    .Should().BeLessThan(1e-12);
            }
            Distance(parallel.Gradients.Whh, sequential.Gradients.Whh).Should().BeLessThan(1e-12);
        }
    }

    [Fact]
    public void A_spectral_radius_of_3_falls_back_and_gives_the_bits_of_step_by_step()
    {
        // 3^700 is 1e334: the states overflow in the middle.
        LinearRnn model = _examples.Model(2, 8, 2, 3.0);
        SequenceBatch inputs = _examples.Batch(2, 900);
        SequenceBatch targets = _examples.Batch(2, 900);
        BackwardThroughTime sequential = Run(model, inputs, targets, Recurrence.Sequential, 1);
        BackwardThroughTime parallel = Run(model, inputs, targets, Recurrence.TimeParallel, 32);
        parallel.Forward.Record.Chunking.Length.Should().Be(1, "it fell back");
        parallel.Forward.FirstNonFiniteStep.Should().Be(sequential.Forward.FirstNonFiniteStep).And.NotBeNull();
        SameBits(parallel.Forward.HiddenStates(), sequential.Forward.HiddenStates());
        SameBits(parallel.HiddenStateGradients(), sequential.HiddenStateGradients());
        SameBits(parallel.Gradients.Whh, sequential.Gradients.Whh);
    }

    [Fact]
    public void A_power_that_overflows_falls_back()
    {
        // The states stay finite, since what would grow is never excited: h_t = (x_t, 0), but W_hh^64 is not.
        var whh = Matrix<double>.Build.DenseOfArray(new[,] { { 0.0, 0.0 }, { 0.0, 1e6 } });
        var model = new LinearRnn(Column(1, 0), whh, Matrix<double>.Build.DenseOfArray(new[,] { { 1.0, 0.0 } }));
        SequenceBatch inputs = _examples.Batch(1, 400);
        BackwardThroughTime parallel = Run(model, inputs, _examples.Batch(1, 400), Recurrence.TimeParallel, 64);
        parallel.Forward.Record.Chunking.Length.Should().Be(1);
        parallel.Forward.FirstNonFiniteStep.Should().BeNull();
        parallel.Gradients.IsFinite.Should().BeTrue();
    }

    [Theory]
    [InlineData(8)]
    [InlineData(32)]
    public void A_strongly_non_normal_matrix_agrees_all_the_same(int chunkLength)
    {
        // Spectral radius 0.5, and powers that grow to 1e9 first: A^S is full of cancellation.
        const int h = 12;
        Matrix<double> whh = Matrix<double>.Build.Dense(h, h, (i, j) => i == j ? 0.5 : j == i + 1 ? 8.0 : 0.0);
        Matrix<double> turn = _examples.Matrix(h, h).QR().Q;
        var model = new LinearRnn(_examples.Matrix(h, 2), turn * whh * turn.Transpose(), _examples.Matrix(2, h));
        SequenceBatch inputs = _examples.Batch(2, 600);
        SequenceBatch targets = _examples.Batch(2, 600);
        BackwardThroughTime sequential = Run(model, inputs, targets, Recurrence.Sequential, 1);
        BackwardThroughTime parallel = Run(model, inputs, targets, Recurrence.TimeParallel, chunkLength);
        Distance(parallel.Forward.HiddenStates(), sequential.Forward.HiddenStates()).Should().BeLessThan(1e-12);
        Distance(parallel.HiddenStateGradients(), sequential.HiddenStateGradients()).Should().BeLessThan(1e-12);
        Distance(parallel.Gradients.Whh, sequential.Gradients.Whh).Should().BeLessThan(1e-11);
    }

    [Fact]
    public void A_backward_pass_that_falls_back_is_run_again_without_counting_twice()
    {
        // Forward the states are zero, so nothing disagrees; backward gradients grow by 1e8 in each step and overflow.
        var whh = Matrix<double>.Build.DenseOfArray(new[,] { { 1e8 } });
        var model = new LinearRnn(Column(1), whh, Column(1));
        var zero = SequenceBatch.Pack([Matrix<double>.Build.Dense(1, 100)]);
        SequenceBatch gradients = _examples.Batch(1, 100);
        var parallel = BackwardThroughTime.Run(
            ForwardPass.Run(model, zero, options: Options(Recurrence.TimeParallel, 4)), gradients);
        parallel.Forward.Record.Chunking.Length.Should().Be(4, "the forward pass held");
        var sequential = BackwardThroughTime.Run(
            ForwardPass.Run(model, zero, options: Options(Recurrence.Sequential, 1)), gradients);
        SameBits(parallel.HiddenStateGradients(), sequential.HiddenStateGradients());
        SameBits(parallel.Gradients.Whx, sequential.Gradients.Whx);
        SameBits(parallel.Gradients.Whh, sequential.Gradients.Whh);
    }

    [Fact]
    public void An_objective_is_asked_once_for_each_step_even_where_the_backward_pass_falls_back()
    {
        var model = new LinearRnn(Column(1), Matrix<double>.Build.Dense(1, 1, 1e8), Column(1));
        var zero = SequenceBatch.Pack([Matrix<double>.Build.Dense(1, 100)]);
        var counting = new Counting();
        BackwardThroughTime.Run(ForwardPass.Run(model, zero, options: Options(Recurrence.TimeParallel, 4)), counting);
        counting.Calls.Should().Be(100);
    }

    [Fact]
    public void The_choice_depends_on_shapes_only()
    {
        foreach (int threads in new[] { 1, 2, -1 })
        {
            Chunks(h: 8, steps: 4000, threads).Should().Be(Chunks(h: 8, steps: 4000, 1));
            Chunks(h: 64, steps: 200, threads).Should().Be(Chunks(h: 64, steps: 200, 1));
        }

        int Chunks(int h, int steps, int threads) => ForwardPass.Run(
            _examples.Model(1, h, 1),
            _examples.Batch(1, steps),
            options: new ExecutionOptions { MaxDegreeOfParallelism = threads }).Record.Chunking.Length;
    }

    [Fact]
    public void The_cost_model_takes_chunks_where_steps_alone_would_leave_a_core_waiting()
    {
        // A matrix that fits no cache, over a long time: waiting for memory at every step is worse than twice the work.
        Choose(512, 1, [8192]).Should().BeGreaterThan(1);
        // One that fits the first-level cache runs step by step nearly at full speed.
        Choose(64, 1, [1024]).Should().Be(1);
        // A batch has columns enough.
        Choose(256, 1, [.. Enumerable.Repeat(1024, 32)]).Should().Be(1);
        // The powers of a large matrix cost more than a few steps.
        Choose(1024, 1, [256]).Should().Be(1);
        // One long sequence among short ones decides.
        Choose(512, 1, [.. Enumerable.Repeat(10, 20), 100_000]).Should().BeGreaterThan(1);
        // Asked for, it chunks in any case, but not where there are too few steps.
        Choose(64, 2, [1024]).Should().BeGreaterThan(1);
        Choose(64, 2, [1, 1024]).Should().BeGreaterThan(1);
        Choose(64, 2, [3, 3]).Should().Be(1);

        static int Choose(int h, int atLeast, int[] lengths) =>
            CostModel.ChunkLength(h, new BatchLayout(lengths).Segments, 6.0 * h * h, atLeast);
    }

    /// <summary>2h² + 4hd + 6hq operations of both passes at each step do not wait for the step before.</summary>
    [Fact]
    public void Chunks_are_taken_as_the_work_beside_the_recurrence_says()
    {
        var found = new HashSet<(int, int)>();
        foreach (int h in new[] { 128, 384 })
        {
            foreach (int d in new[] { 1, 30, 300, 1500 })
            {
                foreach (int q in new[] { 1, 20, 200, 1000 })
                {
                    var model = new LinearRnn(
                        Matrix<double>.Build.Dense(h, d),
                        Matrix<double>.Build.Dense(h, h),
                        Matrix<double>.Build.Dense(q, h));
                    foreach (int steps in new[] { 300, 1000, 8192 })
                    {
                        var layout = new BatchLayout([steps]);
                        double work = ((2.0 * h * h) + (4.0 * h * d) + (6.0 * h * q)) / 2;
                        int expected = CostModel.ChunkLength(h, layout.Segments, work, atLeast: 1);
                        RecurrenceMethod.ChunkLengthFor(model, layout, ExecutionOptions.Default).Should().Be(expected);
                        RecurrenceMethod.ChunkLengthFor(
                            model, layout, new ExecutionOptions { Recurrence = Recurrence.TimeParallel }).Should()
                            .Be(CostModel.ChunkLength(h, layout.Segments, work, atLeast: 2));
                        found.Add((h, expected));
                    }
                }
            }
        }
        found.Count.Should().BeGreaterThan(3, "the work decides");
    }

    [Theory]
    [InlineData(8, 0.99, 64)]
    [InlineData(16, 0.9, 64)]
    [InlineData(8, 0.7, 64)]
    [InlineData(8, 0.95, 8)]
    public void States_and_gradients_that_decay_to_nothing_are_no_reason_to_fall_back(
        int h, double radius, int chunkLength)
    {
        // Through 1e-290, below which steps set to zero what a power does not.
        int steps = (int)(700 / -Math.Log(radius));
        Matrix<double> whh = radius * _examples.Matrix(h, h).QR().Q;
        var model = new LinearRnn(_examples.Matrix(h, 1), whh, _examples.Matrix(1, h));
        var zero = SequenceBatch.Pack([Matrix<double>.Build.Dense(1, steps)]);
        Matrix<double> last = Matrix<double>.Build.Dense(1, steps, (_, t) => t == steps - 1 ? 1.0 : 0.0);
        Matrix<double> initial = _examples.Matrix(h, 1);

        var forward = ForwardPass.Run(model, zero, initial, Options(Recurrence.TimeParallel, chunkLength));
        var expected = ForwardPass.Run(model, zero, initial, Options(Recurrence.Sequential, 1));
        forward.Record.Chunking.Length.Should().Be(chunkLength);
        forward.FinalStates.FrobeniusNorm().Should().Be(0.0);
        Distance(forward.HiddenStates(), expected.HiddenStates()).Should().BeLessThan(1e-12);

        var counting = new Counting();
        BackwardThroughTime.Run(forward, SequenceBatch.Pack([last])).HiddenStateGradient(0).L2Norm().Should().Be(0.0);
        BackwardThroughTime.Run(forward, counting).Gradients.IsFinite.Should().BeTrue();
        counting.Calls.Should().Be(steps);
    }

    [Fact]
    public void A_state_that_overflows_inside_a_chunk_is_not_hidden_by_a_carry_that_does_not()
    {
        // h_1 = 1.7e308 / 2 + 1.7e308 overflows; the carry of two steps, 1.7e308 / 4 + 1.7e308 / 2, does not.
        var model = new LinearRnn(Column(1), Matrix<double>.Build.Dense(1, 1, 0.5), Column(1));
        Matrix<double> inputs = Matrix<double>.Build.Dense(1, 16, (_, t) => t == 0 ? 1.7e308 : 0.0);
        var initial = Vector<double>.Build.Dense(1, 1.7e308);
        var parallel = ForwardPass.Run(model, inputs, initial, Options(Recurrence.TimeParallel, 2));
        parallel.FirstNonFiniteStep.Should().Be(1);
        parallel.FinalStates[0, 0].Should().Be(double.PositiveInfinity, "as it is step by step");
    }

    private static BackwardThroughTime Run(
        LinearRnn model, SequenceBatch inputs, SequenceBatch targets, Recurrence recurrence, int chunkLength) =>
        BackwardThroughTime.Run(
            ForwardPass.Run(model, inputs, options: Options(recurrence, chunkLength)), Objective.SquaredError(targets));

    private static ExecutionOptions Options(Recurrence recurrence, int chunkLength) => new()
    {
        Recurrence = recurrence,
        Tuning = PlanTuning.Default with { ChunkLength = chunkLength },
    };

    private static Matrix<double> Column(params double[] entries) =>
        Matrix<double>.Build.Dense(entries.Length, 1, entries);

    private static double Distance(Matrix<double> actual, Matrix<double> expected) =>
        RelativeError.Frobenius(actual.ToArray(), expected.ToArray());

    private static void SameBits(Matrix<double> actual, Matrix<double> expected) =>
        actual.ToColumnMajorArray().AsSpan().SequenceEqual(expected.ToColumnMajorArray()).Should().BeTrue();

    private sealed class Counting : Objective
    {
        private int _calls;

        public int Calls => _calls;

        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
        {
            Interlocked.Increment(ref _calls);
            return 0.0;
        }

        protected override void StepGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient) => gradient[0] = 1.0;
    }
}
