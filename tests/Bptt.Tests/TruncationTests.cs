// Truncated back-propagation through time against its definition, in every way of running a pass.
//
//   lags k      ∂L/∂h_t = Σ_{j=0..k−1} (W_hhᵀ)ʲ u_{t+j}                    u_t = W_qhᵀ ∂L/∂o_t (+ e_b at t = T_b), u_0
//   = 0
//   windows k   ∂L/∂h_t = W_hhᵀ ∂L/∂h_{t+1} + u_t, without the first term at t = k, 2k, …

using Bptt.Edge;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests;

public class TruncationTests(ITestOutputHelper output)
{
    private const double Tolerance = 1e-12;

    public static TheoryData<bool, int> KindsAndSteps()
    {
        var data = new TheoryData<bool, int>();
        foreach (bool windows in new[] { false, true })
        {
            foreach (int k in new[] { 1, 2, 3, 4, 5, 7, 8, 12, 100 })
            {
                data.Add(windows, k);
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(KindsAndSteps))]
    public void Truncated_gradients_are_those_of_the_definition_in_every_way(bool windows, int k)
    {
        Truncation truncation = windows ? Truncation.Windows(k) : Truncation.Lags(k);
        var worst = new WorstError();
        for (int seed = 0; seed < 8; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            foreach (Way way in Ways.InBothPrecisions)
            {
                BackwardThroughTime backward = Run(scenario, truncation, way);
                var own = new WorstError();
                own.Add(backward.ToArrays(), ByDefinition(backward, truncation), $"{scenario.Settings}");
                worst.Add(own, way);
            }
        }
        output.WriteLine($"Worst relative error for {truncation}: {worst}");
        worst.Value.Should().BeLessThan(Tolerance, worst.Where);
    }

    [Fact]
    public void As_many_lags_or_as_long_a_window_as_there_are_steps_cut_nothing()
    {
        for (int seed = 100; seed < 130; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            ForwardPass forward = scenario.Problem.RunForward();
            int longest = forward.Lengths.Max();
            ScalarGradients<double> full = scenario.RunBackward().ToArrays();
            foreach (Truncation truncation in new[]
            {
                Truncation.Lags(longest + 1), Truncation.Lags(int.MaxValue),
                Truncation.Windows(longest), Truncation.Windows(int.MaxValue),
            })
            {
                var worst = new WorstError();
                worst.Add(
                    BackwardThroughTime.Run(forward, scenario.Objective, Options(scenario, truncation)).ToArrays(),
                    full,
                    $"{scenario.Settings}, {truncation}");
                worst.Value.Should().BeLessThan(Tolerance, worst.Where);
            }
        }
    }

    [Fact]
    public void One_lag_leaves_the_own_output_of_each_state()
    {
        RandomScenario scenario = ScenarioTable.Random(7);
        ForwardPass forward = scenario.Problem.RunForward();
        var backward = BackwardThroughTime.Run(
            forward, scenario.Objective, new BackwardOptions { Truncation = Truncation.Lags(1) });
        Matrix<double> wqh = forward.Model.Wqh;
        for (int b = 0; b < forward.SequenceCount; b++)
        {
            backward.HiddenStateGradient(0, b).Enumerate().Should().OnlyContain(v => v == 0.0);
            for (int t = 1; t <= forward.Lengths[b]; t++)
            {
                Vector<double> expected = wqh.TransposeThisAndMultiply(backward.OutputGradient(t, b));
                (backward.HiddenStateGradient(t, b) - expected).L2Norm()
                    .Should().BeLessThanOrEqualTo(1e-14 * expected.L2Norm());
            }
        }
    }

    [Fact]
    public void Lags_keep_their_digits_where_powers_grow_before_they_fall()
    {
        // Far from normal: ‖W_hhᵏ‖ reaches 1e6 although the spectral radius is ½, so powers lose their digits when they
        // are squared.
        Matrix<double> jordan = Matrix<double>.Build.Dense(10, 10, (i, j) => i == j ? 0.5 : j == i + 1 ? 2.0 : 0.0);
        Matrix<double> q = new Examples(seed: 8).Matrix(10, 10).QR().Q;
        CompareAtHardModel(q * jordan * q.Transpose(), steps: 150, lags: [3, 17, 64, 128]);
    }

    [Theory]
    [InlineData(48)]
    [InlineData(69)]
    public void Lags_lose_no_more_digits_far_from_normal_than_the_recursion_itself(int seed)
    {
        // W_hhᵏ grows by many powers of ten within h steps and keeps an error that its norm hides.
        var random = new Random(seed);
        int h = random.Next(4, 9);
        int steps = random.Next(20, 60);
        int lags = random.Next(8, steps);
        Matrix<double> basis = Normal(h, h).QR().Q;
        Matrix<double> triangular = Matrix<double>.Build.Dense(
            h, h, (i, j) => i == j ? random.NextDouble() - 0.5 : j > i ? 30.0 * Sample() : 0.0);
        var model = new LinearRnn(Normal(h, 2), basis * triangular * basis.Transpose(), Normal(2, h));
        var forward = ForwardPass.Run(model, Normal(2, steps));
        Matrix<double> gradients = Normal(2, steps);
        var backward = BackwardThroughTime.Run(
            forward, gradients, new BackwardOptions { Truncation = Truncation.Lags(lags) });

        double worst = 0.0;
        double worstOfRecursion = 0.0;
        for (int t = 1; t <= steps; t++)
        {
            double[] exact = [.. Recursion<decimal>(t).Select(v => (double)v)];
            var expected = Vector<double>.Build.Dense(exact);
            double size = expected.L2Norm();
            worst = Math.Max(worst, (backward.HiddenStateGradient(t) - expected).L2Norm() / size);
            worstOfRecursion = Math.Max(
                worstOfRecursion, (Vector<double>.Build.Dense(Recursion<double>(t)) - expected).L2Norm() / size);
        }
        worst.Should().BeLessThan(1e3 * worstOfRecursion, "seed {0}", seed);

        // V_k(t), one lag after the other.
        T[] Recursion<T>(int t)
            where T : System.Numerics.INumber<T>
        {
            var sum = new T[h];
            for (int s = Math.Min(steps, t + lags - 1); s >= t; s--)
            {
                T[] later = sum;
                sum = [.. Enumerable.Range(0, h).Select(i =>
                    Enumerable.Range(0, h).Select(j => Exactly(model.Weights.Whh.Column(i)[j]) * later[j])
                        .Concat(Enumerable.Range(0, 2).Select(
                            j => Exactly(model.Weights.Wqh.Column(i)[j]) * Exactly(gradients[j, s - 1])))
                        .Aggregate(T.Zero, (total, term) => total + term))];
            }
            return sum;

            // The conversion to decimal keeps 15 digits; the rest comes in a second one.
            static T Exactly(double value) => T.CreateChecked(value)
                + T.CreateChecked(value - double.CreateChecked(T.CreateChecked(value)));
        }

        Matrix<double> Normal(int rows, int columns) => Matrix<double>.Build.Dense(rows, columns, (_, _) => Sample());

        double Sample()
        {
            double u = 1.0 - random.NextDouble();
            return Math.Sqrt(-2.0 * Math.Log(u)) * Math.Cos(2.0 * Math.PI * random.NextDouble());
        }
    }

    [Fact]
    public void Lags_are_right_where_powers_overflow_but_gradients_do_not()
    {
        // The last output has no weight in the loss, so no gradient travels 300 steps back.
        var whh = Matrix<double>.Build.DenseIdentity(2) * 20.0;
        var model = new LinearRnn(Matrix<double>.Build.Dense(2, 1), whh, Matrix<double>.Build.Dense(1, 2, 1.0));
        var forward = ForwardPass.Run(model, Matrix<double>.Build.Dense(1, 600, 1.0));
        var outputGradients = Matrix<double>.Build.Dense(1, 600, (_, t) => t < 20 ? 1.0 : 0.0);
        var backward = BackwardThroughTime.Run(
            forward, outputGradients, new BackwardOptions { Truncation = Truncation.Lags(512) });
        backward.HiddenStateGradient(1)[0].Should().BeApproximately((Math.Pow(20, 20) - 1) / 19, 1e10);
        backward.HiddenStateGradients().ForAll(double.IsFinite).Should().BeTrue();
    }

    [Fact]
    public void A_truncation_is_bit_identical_for_every_number_of_threads()
    {
        var examples = new Examples(seed: 3);
        LinearRnn model = examples.Model(5, 40, 6, 0.99);
        SequenceBatch batch = examples.Batch(5, 300, 120, 299, 7);
        SequenceBatch gradients = examples.Batch(6, 300, 120, 299, 7);
        foreach (Truncation truncation in
            new[] { Truncation.Lags(23), Truncation.Windows(23), Truncation.Randomized(23, seed: 1) })
        {
            Gradients[] runs = [.. Enumerable.Range(1, 3).Select(threads => BackwardThroughTime.Run(
                ForwardPass.Run(model, batch, options: new ExecutionOptions { MaxDegreeOfParallelism = threads }),
                gradients,
                new BackwardOptions { Truncation = truncation }).Gradients)];
            runs[1].Whh.Should().Be(runs[0].Whh);
            runs[2].Whh.Should().Be(runs[0].Whh);
        }
    }

    [Fact]
    public void Truncated_passes_share_a_workspace_with_full_ones()
    {
        var examples = new Examples(seed: 4);
        LinearRnn model = examples.Model(2, 6, 3);
        SequenceBatch inputs = examples.Batch(2, 40, 9, 33);
        SequenceBatch targets = examples.Batch(3, 40, 9, 33);
        var objective = Objective.SquaredError(targets);
        var options = new ExecutionOptions { Workspace = new Workspace() };
        var truncated = new BackwardOptions { Truncation = Truncation.Lags(5) };
        for (int i = 0; i < 3; i++)
        {
            var forward = ForwardPass.Run(model, inputs, options: options);
            var fresh = ForwardPass.Run(model, inputs);
            BackwardThroughTime.Run(forward, objective).Gradients.Whh
                .Should().Be(BackwardThroughTime.Run(fresh, objective).Gradients.Whh);
            BackwardThroughTime.Run(forward, objective, truncated).Gradients.Whh
                .Should().Be(BackwardThroughTime.Run(fresh, objective, truncated).Gradients.Whh);
        }
    }

    [Fact]
    public void The_options_can_be_read_from_the_pass_and_are_its_own()
    {
        var examples = new Examples(seed: 5);
        var forward = ForwardPass.Run(examples.Model(1, 2, 1), examples.Matrix(1, 4));
        Matrix<double> final = Matrix<double>.Build.Dense(2, 1, 1.0);
        var backward = BackwardThroughTime.Run(
            forward,
            examples.Matrix(1, 4),
            new BackwardOptions { FinalStateGradients = final, Truncation = Truncation.Windows(3) });
        final[0, 0] = 7;
        backward.Options.FinalStateGradients![1, 0] = 8;
        backward.Options.FinalStateGradients!.Enumerate().Should().Equal(1.0, 1.0);
        backward.Options.Truncation.Should().Be(Truncation.Windows(3));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-3)]
    public void Fewer_than_one_step_is_refused(int k)
    {
        FluentActions.Invoking(() => Truncation.Lags(k))
            .Should().Throw<ArgumentOutOfRangeException>().WithMessage($"*at least 1, got {k}*");
        FluentActions.Invoking(() => Truncation.Windows(k))
            .Should().Throw<ArgumentOutOfRangeException>().WithMessage($"*at least 1, got {k}*");
    }

    private static void CompareAtHardModel(Matrix<double> whh, int steps, int[] lags)
    {
        var examples = new Examples(seed: 6);
        var model = new LinearRnn(examples.Matrix(whh.RowCount, 2), whh, examples.Matrix(2, whh.RowCount));
        var forward = ForwardPass.Run(model, examples.Matrix(2, steps));
        Matrix<double> outputGradients = examples.Matrix(2, steps);
        foreach (int k in lags)
        {
            var backward = BackwardThroughTime.Run(
                forward, outputGradients, new BackwardOptions { Truncation = Truncation.Lags(k) });
            var worst = new WorstError();
            worst.Add(backward.ToArrays(), ByDefinition(backward, Truncation.Lags(k)), $"{k} lags");
            worst.Value.Should().BeLessThan(1e-7, worst.Where); // step by step, rounding is amplified to 2e-8 as well
        }
    }

    private static BackwardThroughTime Run(RandomScenario scenario, Truncation truncation, Way way)
    {
        int[] lengths = Array.ConvertAll(scenario.Problem.Inputs, inputs => inputs.GetLength(1));
        ForwardPass forward = scenario.Problem.RunForward(way.For(scenario.Problem.HiddenSize, lengths));
        return BackwardThroughTime.Run(forward, scenario.Objective, Options(scenario, truncation));
    }

    private static BackwardOptions Options(RandomScenario scenario, Truncation truncation) =>
        LibraryConversions.Options(scenario.FinalStateGradients) with { Truncation = truncation };

    /// <summary>The definition, term by term, from ∂L/∂o_t and h_t as the pass records them.</summary>
    private static ScalarGradients<double> ByDefinition(BackwardThroughTime backward, Truncation truncation)
    {
        ForwardPass forward = backward.Forward;
        LinearRnn model = forward.Model;
        Matrix<double> transposed = model.Whh.Transpose();
        Matrix<double>? final = backward.Options.FinalStateGradients;
        Matrix<double> whx = model.Whx * 0.0, whh = model.Whh * 0.0, wqh = model.Wqh * 0.0;
        double[][,] states = new double[forward.SequenceCount][,];
        double[][,] inputs = new double[forward.SequenceCount][,];
        for (int b = 0; b < forward.SequenceCount; b++)
        {
            int length = forward.Lengths[b];
            Vector<double> Source(int t)
            {
                Vector<double> u = t == 0
                    ? Vector<double>.Build.Dense(model.HiddenSize)
                    : model.Wqh.TransposeThisAndMultiply(backward.OutputGradient(t, b));
                return t == length && final is not null ? u + final.Column(b) : u;
            }

            var d = Matrix<double>.Build.Dense(model.HiddenSize, length + 1);
            for (int t = 0; t <= length; t++)
            {
                long reached = truncation.Kind == TruncationKind.Windows
                    ? (Math.Max(t, 1) + (long)truncation.Steps - 1) / truncation.Steps * truncation.Steps
                    : (long)t + truncation.Steps - 1;
                int last = (int)Math.Min(length, reached);
                Vector<double> sum = Source(last);
                for (int s = last - 1; s >= t; s--)
                {
                    sum = transposed * sum + Source(s); // Horner, from the last term
                }
                d.SetColumn(t, sum);
            }
            Matrix<double> h = forward.HiddenStates(b);
            Matrix<double> ofSteps = d.SubMatrix(0, model.HiddenSize, 1, length);
            Matrix<double> x = SequenceOf(forward, b);
            whx += ofSteps * x.Transpose();
            whh += ofSteps * h.SubMatrix(0, model.HiddenSize, 0, length).Transpose();
            wqh += backward.OutputGradients(b) * h.SubMatrix(0, model.HiddenSize, 1, length).Transpose();
            states[b] = d.ToArray();
            inputs[b] = (model.Whx.Transpose() * ofSteps).ToArray();
        }
        return new(whx.ToArray(), whh.ToArray(), wqh.ToArray(), states, inputs);
    }

    private static Matrix<double> SequenceOf(ForwardPass forward, int sequence) =>
        forward.InputColumns.ToMatrix(sequence);
}
