// The gradient flow: against the same sums taken source by source with MathNet, and on models whose flow is known.

using Bptt.Diagnostics;
using Bptt.Edge;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;
using static Bptt.Tests.Diagnostics.FlowCases;
using static Bptt.Tests.Diagnostics.SpectrumModels;

namespace Bptt.Tests.Diagnostics;

public class GradientFlowTests
{
    private readonly Examples _examples = new(seed: 92);

    [Fact]
    public void Flows_norms_and_shares_are_those_of_plain_sums_on_random_models()
    {
        for (int seed = 0; seed < 40; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            BackwardThroughTime backward = scenario.RunBackward();
            var flow = GradientFlow.Of(backward);
            var expected = PlainFlow.Of(backward, scenario.FinalStateGradients?.ToMatrix());
            string because = $"seed {seed}: {scenario.Settings}";

            Close(flow.MeanFlow, expected.Mean, because);
            Close(flow.LastStepFlow, expected.Last, because);
            double shares = 0;
            for (int b = 0; b < backward.Forward.SequenceCount; b++)
            {
                Close(flow.HiddenStateNorms(b), Norms(backward.Forward.HiddenStates(b)), because);
                Close(flow.HiddenStateGradientNorms(b), Norms(backward.HiddenStateGradients(b)), because);
                Close(flow.OutputGradientNorms(b), Norms(backward.OutputGradients(b)), because);
                Close(flow.WhhShares(b), PlainFlow.Shares(backward, b), because);
                shares += flow.WhhShares(b).Sum();
            }
            shares.Should().BeApproximately(backward.Gradients.WhhNorm() == 0 ? 0 : 1, 1e-9, because);
            flow.FirstNonFinite.Should().BeNull(because);
            flow.PredictedEnvelope.Should().HaveSameCount(flow.MeanFlow, because);
        }
    }

    [Theory]
    [InlineData(
        0.9,
        GradientFlowVerdict.Vanishing,
        "vanishing: after 59 steps 0.002 of a step's gradient is left (0.9 per step measured, 0.9 predicted)")]
    [InlineData(
        1.0,
        GradientFlowVerdict.Stable,
        "stable: after 59 steps 1 of a step's gradient is left (1 per step measured, 1 predicted)")]
    [InlineData(
        1.2,
        GradientFlowVerdict.Exploding,
        "exploding: after 59 steps a step's gradient has grown 4.7E+04-fold (1.2 per step measured, 1.2 predicted)")]
    public void Along_a_scaled_rotation_every_flow_changes_by_its_factor(
        double factor, GradientFlowVerdict verdict, string summary)
    {
        var model = new LinearRnn(_examples.Matrix(2, 1), factor * Rotation(0.7), _examples.Matrix(1, 2));
        GradientFlow flow = Analyze(model, _examples.Matrix(1, 60), _examples.Matrix(1, 60));

        foreach (IReadOnlyList<double> curve in new[] { flow.MeanFlow, flow.LastStepFlow })
        {
            curve.Should().HaveCount(60);
            for (int k = 0; k < 60; k++)
            {
                curve[k].Should().BeApproximately(curve[0] * Math.Pow(factor, k), 1e-12 * curve[k]);
                flow.PredictedEnvelope[k].Should().BeApproximately(flow.MeanFlow[k], 1e-11 * flow.MeanFlow[k]);
            }
        }
        (flow.Verdict, flow.LastLag, flow.GrowthFromLag).Should().Be((verdict, 59, 0));
        flow.Factor.Should().BeApproximately(Math.Pow(factor, 59), 1e-11 * flow.Factor);
        flow.MeasuredGrowth.Should().BeApproximately(factor, 1e-12);
        flow.PredictedGrowth.Should().BeApproximately(factor, 1e-12);
        flow.Summary.Should().Be(summary);
        flow.ToString().Should().Be(summary);
    }

    [Theory]
    [InlineData(0.0099, GradientFlowVerdict.Vanishing)]
    [InlineData(0.01, GradientFlowVerdict.Stable)]
    [InlineData(100, GradientFlowVerdict.Stable)]
    [InlineData(101, GradientFlowVerdict.Exploding)]
    public void A_hundredth_and_a_hundredfold_are_still_stable(double factor, GradientFlowVerdict verdict)
    {
        var forward = ForwardPass.Run(Model(Diagonal(factor)), Ones(1, 1));
        var flow = GradientFlow.Of(BackwardThroughTime.Run(forward, Ones(1, 1)), maxLag: 1);
        (flow.Factor, flow.Verdict).Should().Be((factor, verdict));
    }

    [Fact]
    public void Growth_is_fitted_after_the_transient()
    {
        // The fast mode dominates at first: 1000·0.5ᵏ beside 0.95ᵏ.
        var model = new LinearRnn(
            Ones(2, 1), Diagonal(0.95, 0.5), Matrix<double>.Build.DenseOfArray(new double[,] { { 1, 1000 } }));
        GradientFlow flow = Analyze(model, _examples.Matrix(1, 100), _examples.Matrix(1, 100));
        flow.MeasuredGrowth.Should().BeApproximately(0.95, 1e-3);
        flow.GrowthFromLag.Should().BeInRange(8, 50);
        for (int k = flow.GrowthFromLag!.Value; k < 100; k++)
        {
            flow.PredictedEnvelope[k].Should().BeGreaterThanOrEqualTo(flow.MeanFlow[k] * (1 - 1e-12));
            flow.PredictedEnvelope[k].Should().BeApproximately(0.95 * flow.PredictedEnvelope[k - 1], 1e-12);
        }
    }

    [Fact]
    public void Growth_is_found_through_oscillation()
    {
        // Two modes of equal strength that beat: the norm of an oblique rotation.
        Matrix<double> oblique = Matrix<double>.Build.DenseOfArray(new double[,] { { 1, 3 }, { 0, 1 } });
        var model = new LinearRnn(Ones(2, 1), 0.9 * oblique * Rotation(0.4) * oblique.Inverse(), Ones(1, 2));
        GradientFlow flow = Analyze(model, _examples.Matrix(1, 120), Last(120));
        flow.MeanFlow.Zip(flow.MeanFlow.Skip(1)).Should().Contain(pair => pair.Second > pair.First, "it oscillates");
        flow.MeasuredGrowth.Should().BeApproximately(0.9, 2e-3);
        flow.GrowthFromLag.Should().Be(0, "an oscillation is no transient");
    }

    [Fact]
    public void Sources_that_excite_only_fading_modes_are_measured_as_they_are()
    {
        var model = new LinearRnn(
            Ones(2, 1), Diagonal(1.1, 0.5), Matrix<double>.Build.DenseOfArray(new double[,] { { 0, 1 } }));
        GradientFlow flow = Analyze(model, _examples.Matrix(1, 30), _examples.Matrix(1, 30));
        (flow.Verdict, flow.PredictedGrowth).Should().Be((GradientFlowVerdict.Vanishing, 1.1));
        flow.MeasuredGrowth.Should().BeApproximately(0.5, 1e-12);
    }

    [Fact]
    public void A_weak_source_that_lasts_shows_once_the_strong_ones_have_faded()
    {
        // All but one source are 1 along a mode of 0.01; one is 1e-12 along a mode of 1.
        var model = new LinearRnn(Ones(2, 1), Rotation(0.5) * Diagonal(0.01, 1) * Rotation(-0.5), Rotation(-0.5));
        var outputGradients = Matrix<double>.Build.Dense(2, 200, (i, t) => i == 0 ? 1 : t == 90 ? 1e-12 : 0);
        GradientFlow flow = Analyze(model, _examples.Matrix(1, 200), outputGradients);
        flow.MeanFlow[0].Should().BeApproximately(1, 1e-12);
        flow.MeanFlow[50].Should().BeApproximately(1e-12 / Math.Sqrt(200), 1e-3 * 1e-12);
    }

    [Fact]
    public void Many_sequences_are_compressed_without_loss()
    {
        // More last steps than three times the hidden units, and more outputs than hidden units.
        LinearRnn model = _examples.Model(1, 3, 5, spectralRadius: 0.9);
        int[] lengths = [.. Enumerable.Range(0, 40).Select(b => 1 + b % 6)];
        var forward = ForwardPass.Run(model, _examples.Batch(1, lengths));
        Matrix<double> final = _examples.Matrix(3, 40);
        var backward = BackwardThroughTime.Run(
            forward, _examples.Batch(5, lengths), new BackwardOptions { FinalStateGradients = final });
        var flow = GradientFlow.Of(backward);
        var expected = PlainFlow.Of(backward, final);
        Close(flow.MeanFlow, expected.Mean, "mean");
        Close(flow.LastStepFlow, expected.Last, "last");
    }

    [Fact]
    public void The_lag_from_which_little_is_left_is_where_the_curve_stays_low()
    {
        GradientFlow flow = Analyze(Model(Diagonal(0.9)), Ones(1, 60), Ones(1, 60));
        flow.LagWhereFlowFallsTo(0.01).Should().Be(44); // 0.9⁴⁴ = 0.0097
        flow.LagWhereFlowFallsTo(1.0).Should().Be(0);
        flow.LagWhereFlowFallsTo(1e-3).Should().BeNull();
        foreach (double fraction in new[] { 0.0, -1.0, double.NaN, double.PositiveInfinity })
        {
            flow.Invoking(f => f.LagWhereFlowFallsTo(fraction)).Should().Throw<ArgumentOutOfRangeException>();
        }

        // 1, 1/8, 1/2, 1/16, 1/4, …: it falls to 1/8 at first, but stays there only from lag 5 on.
        Matrix<double> seesaw = Matrix<double>.Build.DenseOfArray(new[,] { { 0, 0.125 }, { 4.0, 0 } });
        var model = new LinearRnn(Ones(2, 1), seesaw, Matrix<double>.Build.DenseOfArray(new double[,] { { 1, 0 } }));
        flow = Analyze(model, Ones(1, 12), Last(12));
        flow.LagWhereFlowFallsTo(0.125).Should().Be(5);
    }

    [Fact]
    public void Lags_are_followed_as_far_as_asked_for()
    {
        LinearRnn model = _examples.Model(1, 3, 1, spectralRadius: 0.9);
        var forward = ForwardPass.Run(model, _examples.Matrix(1, 10));
        var backward = BackwardThroughTime.Run(forward, _examples.Matrix(1, 10));
        GradientFlow.Of(backward).MeanFlow.Should().HaveCount(10);
        GradientFlow.Of(backward, maxLag: 0).MeanFlow.Should().HaveCount(1);
        var further = GradientFlow.Of(backward, maxLag: 25);
        (further.MeanFlow.Count, further.LastStepFlow.Count, further.LastLag).Should().Be((26, 26, 25));
        further.MeanFlow.Take(10).Should().Equal(GradientFlow.Of(backward).MeanFlow);
    }

    [Fact]
    public void Truncation_changes_the_gradients_but_not_the_flow()
    {
        LinearRnn model = _examples.Model(2, 4, 2, spectralRadius: 1.0);
        var forward = ForwardPass.Run(model, _examples.Batch(2, 17, 9, 4));
        SequenceBatch gradients = _examples.Batch(2, 17, 9, 4);
        var whole = GradientFlow.Of(BackwardThroughTime.Run(forward, gradients));
        foreach (Truncation truncation in new[] { Truncation.Lags(3), Truncation.Windows(4) })
        {
            var options = new BackwardOptions { Truncation = truncation };
            var cut = GradientFlow.Of(BackwardThroughTime.Run(forward, gradients, options));
            cut.MeanFlow.Should().Equal(whole.MeanFlow);
            cut.LastStepFlow.Should().Equal(whole.LastStepFlow);
            cut.HiddenStateGradientNorms().Should().NotEqual(whole.HiddenStateGradientNorms());
            Enumerable.Range(0, 3).Sum(b => cut.WhhShares(b).Sum()).Should().BeApproximately(1, 1e-10);
        }
    }

    [Fact]
    public void Memory_budgets_change_nothing()
    {
        LinearRnn model = _examples.Model(2, 4, 2, spectralRadius: 1.0);
        SequenceBatch inputs = _examples.Batch(2, 50, 9, 81, 1);
        SequenceBatch gradients = _examples.Batch(2, 50, 9, 81, 1);
        GradientFlow plain = Run(null);
        GradientFlow budgeted = Run(4096);
        budgeted.MeanFlow.Should().Equal(plain.MeanFlow);
        for (int b = 0; b < 4; b++)
        {
            budgeted.HiddenStateNorms(b).Should().Equal(plain.HiddenStateNorms(b));
            budgeted.HiddenStateGradientNorms(b).Should().Equal(plain.HiddenStateGradientNorms(b));
            for (int t = 0; t < plain.WhhShares(b).Count; t++)
            {
                budgeted.WhhShares(b)[t].Should().BeApproximately(plain.WhhShares(b)[t], 1e-13);
            }
        }

        GradientFlow Run(long? budget)
        {
            var options = new ExecutionOptions { MemoryBudget = budget, Recurrence = Recurrence.Sequential };
            var forward = ForwardPass.Run(model, inputs, null, options);
            (forward.MemoryPlan.WindowCount > 1).Should().Be(budget is not null);
            return GradientFlow.Of(BackwardThroughTime.Run(forward, gradients));
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData(2048L)]
    public void An_analysis_outlives_its_workspace_but_for_shares_not_asked_for(long? budget)
    {
        var options = new ExecutionOptions { Workspace = new Workspace(), MemoryBudget = budget };
        LinearRnn model = _examples.Model(1, 3, 1, spectralRadius: 1.0);
        (GradientFlow asked, _) = Run();
        IReadOnlyList<double> shares = asked.WhhShares();
        (GradientFlow flow, ForwardPass forward) = Run();
        (BackwardThroughTime Backward, ForwardPass Forward) stale =
            (BackwardThroughTime.Run(forward, Last(40)), forward);
        _ = ForwardPass.Run(model, Ones(1, 40), options: options);

        asked.WhhShares().Should().Equal(shares);
        flow.HiddenStateNorms().Should().HaveCount(41);
        flow.Summary.Should().NotBeEmpty();
        flow.Invoking(f => f.WhhShares()).Should().Throw<InvalidOperationException>();
        FluentActions.Invoking(() => GradientFlow.Of(stale.Backward))
            .Should().Throw<InvalidOperationException>();

        (GradientFlow, ForwardPass) Run()
        {
            var pass = ForwardPass.Run(model, Ones(1, 40), options: options);
            return (GradientFlow.Of(BackwardThroughTime.Run(pass, Last(40))), pass);
        }
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        LinearRnn model = Model(Diagonal(0.5));
        var forward = ForwardPass.Run(model, Ones(1, 3));
        var backward = BackwardThroughTime.Run(forward, Ones(1, 3));
        FluentActions.Invoking(() => GradientFlow.Of(null!)).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => GradientFlow.Of(backward, -1)).Should().Throw<ArgumentOutOfRangeException>();
        var flow = GradientFlow.Of(backward);
        foreach (Action<int> read in new Action<int>[]
        {
            b => flow.HiddenStateNorms(b), b => flow.HiddenStateGradientNorms(b), b => flow.OutputGradientNorms(b),
            b => flow.WhhShares(b),
        })
        {
            read.Invoking(r => r(1)).Should().Throw<ArgumentOutOfRangeException>();
            read.Invoking(r => r(-1)).Should().Throw<ArgumentOutOfRangeException>();
        }
    }

    private static double[] Norms(Matrix<double> columns) =>
        [.. columns.EnumerateColumns().Select(column => column.L2Norm())];

    private static void Close(IReadOnlyList<double> actual, double[] expected, string because)
    {
        actual.Should().HaveCount(expected.Length, because);
        for (int i = 0; i < actual.Count; i++)
        {
            actual[i].Should().BeApproximately(
                expected[i],
                1e-11 * Math.Max(Math.Abs(expected[i]), 1e-3 * expected.Max(Math.Abs)),
                "{0}, entry {1}",
                because,
                i);
        }
    }
}

/// <summary>Losses at given steps, and their analysis.</summary>
internal static class FlowCases
{
    public static GradientFlow Analyze(LinearRnn model, Matrix<double> inputs, Matrix<double> outputGradients)
    {
        var forward = ForwardPass.Run(model, inputs);
        return GradientFlow.Of(BackwardThroughTime.Run(forward, outputGradients));
    }

    /// <summary>A loss at the last step only.</summary>
    public static Matrix<double> Last(int steps) =>
        Matrix<double>.Build.Dense(1, steps, (_, t) => t == steps - 1 ? 1 : 0);

    public static Matrix<double> Ones(int rows, int columns) => Matrix<double>.Build.Dense(rows, columns, 1);
}
