// How far powers grow, against singular values and eigenvalues; and what is decided by it.

using Bptt.Kernels;
using Bptt.Lifting;
using Bptt.LinearRecurrence;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Lifting;

public class TransitionGrowthTests
{
    private readonly Examples _examples = new(seed: 67);

    [Fact]
    public void Powers_are_taken_as_far_as_they_stay_within_the_growth_that_is_allowed()
    {
        const int levels = 7;
        var seen = new HashSet<int>();
        for (int round = 0; round < 150; round++)
        {
            int h = 2 + (round % 7);
            double above = Math.Pow(10.0, -1.5 + (round % 11 * 0.25));
            double radius = 0.4 + (0.7 * (round % 13) / 13);
            Matrix<double> whh = _examples.Matrix(h, h);
            whh.MapIndexedInplace((i, j, x) => i == j ? i == 0 ? radius : radius * x : j > i ? above : 0.0);
            Matrix<double> basis = _examples.Matrix(h, h).QR().Q;
            whh = basis * whh * basis.Transpose();

            // ‖W_hh^m‖₂ is estimated from below, and ρ by the growth of a vector: within a factor of 2.
            double[] growth = new double[levels + 1];
            Matrix<double> power = whh;
            for (int k = 0; k <= levels; k++)
            {
                growth[k] = power.L2Norm() / Math.Max(1.0, Math.Pow(radius, 1 << k));
                power *= power;
            }
            int level = LargestLevel(whh, levels);
            level.Should().BeInRange(Last(TransitionGrowth.Allowed / 2), Last(TransitionGrowth.Allowed * 2),
                "h = {0}, radius {1}, above {2}", h, radius, above);
            seen.Add(level);

            int Last(double allowed) => Math.Max(0, growth.TakeWhile(x => x <= allowed).Count() - 1);
        }
        seen.Should().HaveCountGreaterThan(3);
    }

    [Theory]
    [InlineData(1e-60, 0)] // its square is below the smallest norm, 1e-100
    [InlineData(1e-40, 1)]
    [InlineData(1e-20, 2)]
    [InlineData(1e100, 0)] // higher powers overflow, and with them what the radius is seen from
    [InlineData(1e200, 0)]
    [InlineData(4.0, 5)]
    [InlineData(0.0, 0)]
    [InlineData(1.0, 5)]
    public void Powers_that_are_too_small_or_overflow_are_not_taken(double entry, int expected) =>
        LargestLevel(entry * Matrix<double>.Build.DenseIdentity(2), 5).Should().Be(expected);

    [Fact]
    public void The_radius_is_that_of_the_eigenvalues()
    {
        for (int round = 0; round < 40; round++)
        {
            int h = 1 + (round % 9);
            double radius = Math.Pow(10.0, -2.0 + (0.1 * round));
            // One eigenvalue stands out, so that a vector is soon along its own.
            Matrix<double> q = _examples.Matrix(h, h).QR().Q;
            Matrix<double> whh = q * Matrix<double>.Build.Diagonal(h, h, i => i == 0 ? radius : 0.5 * radius / i)
                * q.Transpose();
            foreach (int steps in new[] { 1, 64, 500 })
            {
                RadiusOf(whh, steps).Should().BeApproximately(radius, (steps > 1 ? 1e-6 : 0.2) * radius, "h = {0}", h);
            }
        }
        RadiusOf(Matrix<double>.Build.Dense(3, 3), 64).Should().Be(0.0);
        RadiusOf(1e200 * Matrix<double>.Build.DenseIdentity(3), 64).Should().Be(double.PositiveInfinity);
        double[,] nilpotent = { { 0.0, 5.0 }, { 0.0, 0.0 } };
        RadiusOf(Matrix<double>.Build.DenseOfArray(nilpotent), 64).Should().Be(0.0);
    }

    [Fact]
    public void Plain_squaring_is_enough_where_a_few_last_places_are_soon_forgotten()
    {
        for (double radius = 0.02; radius < 1.5; radius += 0.0173)
        {
            for (int steps = 2; steps <= 1024; steps *= 2)
            {
                bool isOff = false;
                for (int m = 2; m < steps; m *= 2)
                {
                    isOff |= m * Math.Pow(radius, m) > 4.0;
                }
                double forgotten = 1.0 - Math.Pow(radius, steps);
                isOff |= forgotten <= 0.0 || steps * Math.Pow(radius, steps) / forgotten > 4.0;
                TransitionGrowth.NeedsExactPowers(radius, steps).Should().Be(isOff, "ρ = {0}, S = {1}", radius, steps);
            }
        }
    }

    /// <summary>States that grow by more than e¹⁴ over more than forty chunks, or past e⁶⁹⁰, are not for
    /// chunks.</summary>
    [Theory]
    [InlineData(640, 14.5, null)]
    [InlineData(655, 14.5, null)]
    [InlineData(656, 14.5, "states explode")]
    [InlineData(656, 13.5, null)]
    [InlineData(320, 680.0, null)]
    [InlineData(320, 700.0, "overflow")]
    [InlineData(16, 1.0, null)]
    [InlineData(15, 1.0, "no sequence is as long as a chunk")]
    [InlineData(2, 0.1, "no sequence is as long as a chunk")]
    [InlineData(1, 0.1, "no sequence has two steps")]
    public void Chunks_of_16_are_taken_as_far_as_states_allow(int steps, double logarithmOfGrowth, string? whyNot)
    {
        Matrix<double> whh = Math.Exp(logarithmOfGrowth / steps) * Matrix<double>.Build.DenseIdentity(3);
        var model = new LinearRnn(_examples.Matrix(3, 1), whh, _examples.Matrix(1, 3));
        RecurrenceMethod method =
            ForwardPass.Run(model, _examples.Matrix(1, steps), options: LiftedPassTests.Lifted(16)).Method;
        (method.Recurrence, method.ChunkLength).Should().Be(
            whyNot is null ? (Recurrence.Lifted, 16) : (Recurrence.Sequential, 1), method.WhyNotLifted);
        (method.WhyNotLifted is null).Should().Be(whyNot is null);
        (method.WhyNotLifted ?? "").Contains(whyNot ?? "", StringComparison.Ordinal).Should().BeTrue(
            method.WhyNotLifted);
    }

    [Theory]
    [InlineData(2, 3, 2, true)]
    [InlineData(3, 3, 1, false)]
    [InlineData(1, 3, 3, false)]
    [InlineData(4, 3, 1, false)]
    public void As_many_inputs_or_outputs_as_hidden_units_leave_nothing_to_save(int d, int h, int q, bool isLifted)
    {
        RecurrenceMethod method = ForwardPass.Run(
            _examples.Model(d, h, q, 0.9),
            _examples.Matrix(d, 300),
            options: new ExecutionOptions { Recurrence = Recurrence.Lifted }).Method;
        (method.Recurrence == Recurrence.Lifted).Should().Be(isLifted, method.WhyNotLifted);
        (method.WhyNotLifted ?? "as many inputs or outputs").Should().Contain("as many inputs or outputs");
    }

    /// <summary>W_hh⁴ is within what is allowed, W_hh⁸ is not: S = 4 is taken, not none, with powers as exact as
    /// where it is asked for.</summary>
    [Fact]
    public void Where_powers_grow_fewer_steps_are_taken_at_once()
    {
        Matrix<double> normal = 0.88 * Matrix<double>.Build.DenseIdentity(24);
        Matrix<double> whh = normal.Clone();
        whh[0, 1] = 10.9;
        (LargestLevel(whh, 6), LargestLevel(normal, 6)).Should().Be((2, 6));
        var model = new LinearRnn(_examples.Matrix(24, 1), whh, _examples.Matrix(1, 24));
        Matrix<double> inputs = _examples.Matrix(1, 20_000);
        var options = new ExecutionOptions { Recurrence = Recurrence.Lifted };
        var forward = ForwardPass.Run(model, inputs, options: options);
        forward.Method.ChunkLength.Should().Be(4, forward.Method.WhyNotLifted);
        forward.Outputs().Equals(ForwardPass.Run(model, inputs, options: LiftedPassTests.Lifted(4)).Outputs())
            .Should().BeTrue("the same powers, bit for bit");
        ForwardPass.Run(new LinearRnn(model.Whx, normal, model.Wqh), inputs, options: options)
            .Method.ChunkLength.Should().BeGreaterThan(8);
    }

    /// <summary>The shortest chunks of 4, 8, 16 … steps whose ends fit are taken.</summary>
    [Fact]
    public void A_budget_makes_chunks_longer_until_their_ends_fit()
    {
        LinearRnn model = _examples.Model(1, 6, 1, 0.9);
        SequenceBatch inputs = _examples.Batch(1, 900, 350);
        var seen = new HashSet<int>();
        for (long budget = MemoryPlan.SmallestBudget(6, 1, inputs.Columns.Layout); budget < 200_000; budget += 1000)
        {
            var forward = ForwardPass.Run(
                model, inputs, options: LiftedPassTests.Lifted(4) with { MemoryBudget = budget });
            forward.MemoryPlan.HeldBytes.Should().BeLessThanOrEqualTo(budget);
            var plan = new MemoryPlan(budget, 6, 1, inputs.Columns.Layout);
            int[] fitting = [.. Enumerable.Range(2, 8).Select(k => 1 << k).Where(s => plan.ForLifted(s) is not null)];
            int expected = fitting.FirstOrDefault(s => s <= 900, 1);
            forward.Method.ChunkLength.Should().Be(expected, "budget {0}", budget);
            (forward.Method.WhyNotLifted ?? "budget").Should().Contain("budget");
            seen.Add(expected);
        }
        seen.Should().Contain(4).And.HaveCountGreaterThan(2);
    }

    private static int LargestLevel(Matrix<double> whh, int levels)
    {
        PassContext context = Context();
        double[] entries = whh.ToColumnMajorArray();
        var powers = new LiftedPowers(
            context, new MatrixView(entries, whh.RowCount, whh.RowCount, whh.RowCount), levels, areExact: false);
        return TransitionGrowth.LargestLevel(context, powers, LiftedNumbers.Double.SmallestNorm);
    }

    private static double RadiusOf(Matrix<double> whh, int steps)
    {
        double[] entries = whh.ToColumnMajorArray();
        return TransitionGrowth.RadiusOf(
            Context(), new MatrixView(entries, whh.RowCount, whh.RowCount, whh.RowCount), steps);
    }

    private static PassContext Context() =>
        PassContext.Alone(new PassSettings(KernelChoice.Supported[^1], 1, PlanTuning.Default));
}
