// Estimated systems: generated plants come back, with what records of real ones have. Nothing of how they are found.

using Bptt.Diagnostics;
using Bptt.Identification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Identification;

public class SystemIdentificationTests
{
    private static readonly int[] ThreadCounts = [1, 3];

    [Theory]
    [InlineData(1, 1, 1, 0.8)]
    [InlineData(2, 1, 1, 0.95)]
    [InlineData(3, 2, 1, 0.9)]
    [InlineData(2, 1, 2, 0.9)]
    public void A_plant_with_noise_comes_back(int n, int d, int q, double radius)
    {
        var plant = new Plant(seed: 7000 + 10 * n + q, d, n, q, radius, noise: 0.05, steps: 240);

        IdentifiedSystem found = SystemIdentification.Estimate(plant.Inputs, plant.Targets);

        found.IsStable.Should().BeTrue();
        found.Order.Should().BeLessThanOrEqualTo(n + 2);
        found.Candidates.Should().ContainSingle(c => c.IsChosen);
        plant.ErrorOf(found).Should().BeLessThan(0.05, plant.Seed);
    }

    [Fact]
    public void What_happens_at_the_start_and_an_offset_are_no_dynamics()
    {
        var plant = new Plant(seed: 7100, 1, 2, 1, 0.97, noise: 0.02, steps: 200, start: 5.0, offset: 3.0);
        var options = new SystemIdentificationOptions
        {
            Order = 2,
            EstimateInitialStates = true,
            EstimateOffset = true,
        };

        IdentifiedSystem found = SystemIdentification.Estimate(plant.Inputs, plant.Targets, options);

        found.Offset[0].Should().BeApproximately(3.0, 0.1, plant.Seed);
        found.InitialStates.Column(0).L2Norm().Should().BeGreaterThan(0.0);
        plant.ErrorOf(found).Should().BeLessThan(0.05, plant.Seed);
    }

    [Fact]
    public void Several_sequences_share_their_weights_and_masked_targets_mean_nothing()
    {
        var plant = new Plant(seed: 7200, 1, 2, 1, 0.9, noise: 0.02, steps: 80, sequences: 3, start: 2.0);
        double[][] weights = [.. plant.Targets.Lengths.Select(length => Enumerable.Repeat(1.0, length).ToArray())];
        Matrix<double>[] targets = [.. Enumerable.Range(0, 3).Select(plant.Targets.Sequence)];
        for (int t = 30; t < 40; t++)
        {
            weights[1][t] = 0.0;
            targets[1][0, t] = double.NaN;
        }
        var options = new SystemIdentificationOptions { Order = 2, StepWeights = weights };

        IdentifiedSystem found = SystemIdentification.Estimate(plant.Inputs, SequenceBatch.Pack(targets), options);

        found.InitialStates.ColumnCount.Should().Be(3);
        plant.ErrorOf(found).Should().BeLessThan(0.06, plant.Seed);
    }

    [Fact]
    public void A_direct_term_costs_units_and_no_order()
    {
        var plant = new Plant(seed: 7300, 1, 2, 1, 0.9, noise: 0.01, steps: 150, direct: 2.0);
        var options = new SystemIdentificationOptions { Order = 2, EstimateDirectTerm = true };

        IdentifiedSystem found = SystemIdentification.Estimate(plant.Inputs, plant.Targets, options);

        found.Order.Should().Be(2);
        found.Model.HiddenSize.Should().Be(3);
        plant.ErrorOf(found).Should().BeLessThan(0.05, plant.Seed);
    }

    [Fact]
    public void A_plant_on_the_border_of_stability_gives_a_stable_model()
    {
        var plant = new Plant(seed: 7400, 1, 2, 1, 1.0, noise: 0.1, steps: 150);

        IdentifiedSystem found = SystemIdentification.Estimate(
            plant.Inputs, plant.Targets, new SystemIdentificationOptions { MaxOrder = 3 });

        found.IsStable.Should().BeTrue();
        Spectrum.Of(found.Model).SpectralRadius.Should().BeLessThan(1.0);
    }

    [Theory]
    [InlineData(IdentificationMethods.OutputError)]
    [InlineData(IdentificationMethods.PredictionError)]
    [InlineData(IdentificationMethods.Regression)]
    public void Every_kind_of_model_can_be_asked_for(IdentificationMethods methods)
    {
        var plant = new Plant(seed: 7500, 1, 2, 1, 0.9, noise: 0.02, steps: 150);
        var options = new SystemIdentificationOptions { Methods = methods, MaxOrder = 4 };

        IdentifiedSystem found = SystemIdentification.Estimate(plant.Inputs, plant.Targets, options);

        found.Candidates.Should().NotBeEmpty();
        plant.ErrorOf(found).Should().BeLessThan(0.1, plant.Seed);
    }

    [Fact]
    public void The_number_of_threads_changes_nothing()
    {
        var plant = new Plant(seed: 7600, 1, 2, 1, 0.9, noise: 0.05, steps: 120);

        IdentifiedSystem[] found = [.. ThreadCounts.Select(threads => SystemIdentification.Estimate(
            plant.Inputs,
            plant.Targets,
            new SystemIdentificationOptions { MaxOrder = 3, Execution = new() { MaxDegreeOfParallelism = threads } }))];

        found[1].Model.Whh.Should().BeEquivalentTo(found[0].Model.Whh);
        found[1].Candidates.Should().Equal(found[0].Candidates);
    }

    [Fact]
    public void Data_that_determine_next_to_nothing_give_a_model_all_the_same()
    {
        foreach (int steps in new[] { 3, 5, 9, 17 })
        {
            var plant = new Plant(seed: 7700 + steps, 1, 1, 1, 0.5, noise: 0.1, steps);

            IdentifiedSystem found = SystemIdentification.Estimate(plant.Inputs, plant.Targets);

            found.IsStable.Should().BeTrue();
            found.Simulate(plant.Inputs.Sequence(0)).Enumerate().Should().OnlyContain(o => double.IsFinite(o));
        }
        var still = SequenceBatch.Pack([Matrix<double>.Build.Dense(1, 40)]);
        SystemIdentification.Estimate(still, still).IsStable.Should().BeTrue();
    }

    [Fact]
    public void It_reports_and_can_be_ended()
    {
        var plant = new Plant(seed: 7800, 1, 2, 1, 0.9, noise: 0.05, steps: 120);
        var reports = new Reports();
        SystemIdentification.Estimate(
            plant.Inputs, plant.Targets, new SystemIdentificationOptions { MaxOrder = 2 }, reports);
        reports.All.Should().NotBeEmpty();
        reports.All[^1].Fraction.Should().Be(1.0);
        reports.All.Select(r => r.Fraction).Should().BeInAscendingOrder();

        using var source = new CancellationTokenSource();
        var ending = new Reports { Then = source.Cancel };
        Action run = () => SystemIdentification.Estimate(plant.Inputs, plant.Targets, null, ending, source.Token);
        run.Should().Throw<OperationCanceledException>();
    }

    [Fact]
    public void Bad_input_is_refused()
    {
        var plant = new Plant(seed: 7900, 1, 1, 1, 0.5, noise: 0.1, steps: 20);
        var other = SequenceBatch.Pack([Matrix<double>.Build.Dense(1, 19)]);
        var two = SequenceBatch.Pack([Matrix<double>.Build.Dense(1, 2)]);
        var bad = SequenceBatch.Pack([Matrix<double>.Build.Dense(1, 20, double.NaN)]);

        Refused(() => SystemIdentification.Estimate(null!, plant.Targets));
        Refused(() => SystemIdentification.Estimate(plant.Inputs, null!));
        Refused(() => SystemIdentification.Estimate(plant.Inputs, other));
        Refused(() => SystemIdentification.Estimate(two, two));
        Refused(() => SystemIdentification.Estimate(bad, plant.Targets));
        Refused(() => SystemIdentification.Estimate(plant.Inputs, bad));
        Refused(() => SystemIdentification.Estimate(
            plant.Inputs, plant.Targets, new SystemIdentificationOptions { StepWeights = [new double[20]] }));
        Refused(() => _ = new SystemIdentificationOptions { Order = 0 });
        Refused(() => _ = new SystemIdentificationOptions { MaxOrder = 0 });
        Refused(() => _ = new SystemIdentificationOptions { Folds = 1 });
        Refused(() => _ = new SystemIdentificationOptions { Methods = IdentificationMethods.None });
    }

    private static void Refused(Action action) => action.Should().Throw<ArgumentException>();

    private sealed class Reports : IProgress<IdentificationProgress>
    {
        public List<IdentificationProgress> All { get; } = [];

        public Action? Then { get; init; }

        public void Report(IdentificationProgress value)
        {
            All.Add(value);
            Then?.Invoke();
        }
    }

    /// <summary>A random plant with white noise on its outputs.</summary>
    private sealed class Plant
    {
        private readonly LinearRnn _truth;
        private readonly double _direct;
        private readonly double _offset;

        public Plant(
            int seed,
            int d,
            int n,
            int q,
            double radius,
            double noise,
            int steps,
            int sequences = 1,
            double start = 0.0,
            double offset = 0.0,
            double direct = 0.0)
        {
            var examples = new Examples(seed);
            Seed = $"seed {seed}";
            (_direct, _offset) = (direct, offset);
            _truth = examples.Model(d, n, q, radius);
            List<Matrix<double>> inputs = [];
            List<Matrix<double>> targets = [];
            for (int b = 0; b < sequences; b++)
            {
                Matrix<double> u = examples.Matrix(d, steps);
                Matrix<double> clean = Clean(u, start * examples.Vector(n));
                double size = clean.FrobeniusNorm() / Math.Sqrt(q * steps);
                inputs.Add(u);
                targets.Add(clean + noise * size * examples.Matrix(q, steps));
            }
            Inputs = SequenceBatch.Pack(inputs);
            Targets = SequenceBatch.Pack(targets);
            Unseen = examples.Matrix(d, 100);
        }

        public string Seed { get; }

        public SequenceBatch Inputs { get; }

        public SequenceBatch Targets { get; }

        private Matrix<double> Unseen { get; }

        /// <summary>On inputs that were not seen, from rest, relative to the outputs.</summary>
        public double ErrorOf(IdentifiedSystem found)
        {
            Matrix<double> truth = Clean(Unseen, null);
            return (found.Simulate(Unseen) - truth).FrobeniusNorm() / truth.FrobeniusNorm();
        }

        private Matrix<double> Clean(Matrix<double> inputs, Vector<double>? state) =>
            ForwardPass.Run(_truth, inputs, state).Outputs() + _direct * Direct(inputs) + _offset;

        private Matrix<double> Direct(Matrix<double> inputs) => Matrix<double>.Build.Dense(
            _truth.OutputSize, inputs.ColumnCount, (_, t) => inputs[0, t]);
    }
}
