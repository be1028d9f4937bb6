// Candidates of an estimation: averages, states left out, what a record begins with; and regressions of the right
// length, which can be ended.

using Bptt.Identification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Identification;

public class FittedCandidateTests
{
    private const int Steps = 200;

    [Fact]
    public void An_average_gives_the_mean_of_the_outputs_of_its_members()
    {
        var examples = new Examples(8100);
        Matrix<double> inputs = examples.Matrix(2, 30);
        FittedCandidate[] members = [Candidate(examples, 2, 3, 2), Candidate(examples, 2, 1, 2)];

        Matrix<double> outputs = FittedCandidate.AverageOf(members).Run(inputs, 0);

        Matrix<double> mean = 0.5 * (members[0].Run(inputs, 0) + members[1].Run(inputs, 0));
        (outputs - mean).FrobeniusNorm().Should().BeLessThan(1e-12 * mean.FrobeniusNorm(), "seed 8100");
    }

    [Fact]
    public void States_that_matter_less_than_what_is_missed_are_left_out()
    {
        var examples = new Examples(8200);
        FittedCandidate plant = Candidate(examples, 1, 2, 1);
        Matrix<double> inputs = examples.Matrix(1, Steps);
        Matrix<double> targets = plant.Run(inputs, 0) + 0.05 * examples.Matrix(1, Steps);
        EstimationData data = DataOf(inputs, targets);
        FittedCandidate scaled = InUnitsOf(data, plant);
        // Twice the same plant, and a mode that does next to nothing.
        FittedCandidate faint = Candidate(examples, 1, 1, 1) with { Offset = scaled.Offset };
        var all = FittedCandidate.AverageOf([scaled, scaled]);
        faint = faint with { C = 1e-6 * faint.C, D = 0.0 * faint.D, Offset = 0.0 * faint.Offset };
        all = all with
        {
            A = all.A.DiagonalStack(faint.A),
            B = all.B.Stack(faint.B),
            C = all.C.Append(faint.C),
            States = all.States.Stack(faint.States),
        };

        FittedCandidate fewer = all.Reduced(data, data.Weights);

        fewer.A.RowCount.Should().BeLessThanOrEqualTo(2, "seed 8200");
        Matrix<double> before = all.Run(data.Inputs[0], 0);
        double missed = (before - data.Targets[0]).FrobeniusNorm();
        (fewer.Run(data.Inputs[0], 0) - before).FrobeniusNorm().Should().BeLessThan(0.03 * missed, "seed 8200");
    }

    [Fact]
    public void What_a_record_begins_with_and_its_offset_are_found_for_given_dynamics()
    {
        var examples = new Examples(8300);
        FittedCandidate plant = Candidate(examples, 1, 2, 1);
        Matrix<double> inputs = examples.Matrix(1, Steps);
        EstimationData data = DataOf(inputs, plant.Run(inputs, 0));
        FittedCandidate scaled = InUnitsOf(data, plant);
        FittedCandidate unknown = scaled with { States = 0.0 * scaled.States, Offset = 0.0 * scaled.Offset };

        FittedCandidate found = unknown.WithBestStates(
            data, data.Weights, new FreeParts(States: true, Offset: true, Direct: false), smallness: 1e-12);

        (found.States - scaled.States).FrobeniusNorm().Should().BeLessThan(1e-5, "seed 8300");
        (found.Offset - scaled.Offset).L2Norm().Should().BeLessThan(1e-6, "seed 8300");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void The_criterion_finds_the_number_of_lags(int lags)
    {
        int seed = 8400 + lags;
        IdentificationData data = Autoregression(seed, lags);

        ArxModel.Lags(data, 8).Should().BeInRange(lags, lags + 2, $"seed {seed}");
    }

    [Fact]
    public void Regressions_and_starts_can_be_ended()
    {
        IdentificationData data = Autoregression(8500, 2);
        var ended = new CancellationToken(canceled: true);
        var inputs = SequenceBatch.Pack(data.Inputs);
        var targets = SequenceBatch.Pack(data.Targets);

        Action regression = () => LaggedRegression.Model(data, 5, 5, ended);
        Action start = () => SubspaceIdentification.Estimate(inputs, targets, null, ended);

        regression.Should().Throw<OperationCanceledException>();
        start.Should().Throw<OperationCanceledException>();
    }

    [Fact]
    public void Models_are_averaged_where_that_is_allowed_only()
    {
        bool averaged = false;
        for (int seed = 8600; seed < 8612 && !averaged; seed++)
        {
            (SequenceBatch inputs, SequenceBatch targets) = Drifting(seed);
            IdentifiedSystem found = SystemIdentification.Estimate(
                inputs, targets, new SystemIdentificationOptions { MaxOrder = 4, MayAverage = true });
            IdentificationCandidate chosen = found.Candidates.Single(c => c.IsChosen);
            if (!IsAverage(chosen))
            {
                continue;
            }
            averaged = true;
            found.IsStable.Should().BeTrue($"seed {seed}");
            found.Simulate(inputs.Sequence(0), found.InitialStates.Column(0)).Enumerate()
                .Should().OnlyContain(o => double.IsFinite(o), $"seed {seed}");
            SystemIdentification.Estimate(inputs, targets, new SystemIdentificationOptions { MaxOrder = 4 })
                .Candidates.Should().NotContain(c => IsAverage(c), $"seed {seed}");
        }
        averaged.Should().BeTrue("of a dozen plants that drift some are predicted best by an average");
    }

    private static bool IsAverage(IdentificationCandidate candidate) =>
        candidate.Name.StartsWith("average", StringComparison.Ordinal);

    private static FittedCandidate Candidate(Examples examples, int d, int n, int q)
    {
        LinearRnn model = examples.Model(d, n, q, 0.8);
        return FittedCandidate.Of(new FreeSystem(
            model, examples.Matrix(n, 1), examples.Matrix(q, d), examples.Vector(q))) with
        {
            System = null,
        };
    }

    private static EstimationData DataOf(Matrix<double> inputs, Matrix<double> targets) => new(
        SequenceBatch.Pack([inputs]), SequenceBatch.Pack([targets]), [[.. Enumerable.Repeat(1.0, inputs.ColumnCount)]]);

    private static FittedCandidate InUnitsOf(EstimationData data, FittedCandidate plant) => plant with
    {
        B = plant.B * data.InputScale[0],
        C = plant.C / data.TargetScale[0],
        D = plant.D * data.InputScale[0] / data.TargetScale[0],
        Offset = plant.Offset / data.TargetScale[0],
    };

    /// <summary>y_t = 0.5 y_{t−1} … with a last lag of −0.4, driven by inputs and white noise.</summary>
    private static IdentificationData Autoregression(int seed, int lags)
    {
        var examples = new Examples(seed);
        Matrix<double> inputs = examples.Matrix(1, 4 * Steps);
        Matrix<double> targets = 0.3 * examples.Matrix(1, 4 * Steps);
        for (int t = 0; t < targets.ColumnCount; t++)
        {
            targets[0, t] += inputs[0, t] + (t >= lags ? -0.4 * targets[0, t - lags] + 0.5 * inputs[0, t - lags] : 0.0);
        }
        return new IdentificationData([inputs], [targets]);
    }

    private static (SequenceBatch Inputs, SequenceBatch Targets) Drifting(int seed)
    {
        var examples = new Examples(seed);
        LinearRnn plant = examples.Model(1, 2, 1, 0.9);
        Matrix<double> inputs = examples.Matrix(1, Steps);
        Matrix<double> targets = ForwardPass.Run(plant, inputs).Outputs();
        double size = targets.FrobeniusNorm() / Math.Sqrt(Steps);
        Matrix<double> noise = examples.Matrix(1, Steps);
        double drift = 0.0;
        for (int t = 0; t < Steps; t++)
        {
            targets[0, t] += drift += 0.2 * size * noise[0, t];
        }
        return (SequenceBatch.Pack([inputs]), SequenceBatch.Pack([targets]));
    }
}
