using Bptt.Identification;
using Bptt.Remedies;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Identification;

public class ImpulseResponsePriorTests
{
    private static readonly double[] Decays = [0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.96, 0.98];

    public static TheoryData<int, int, int, int> Shapes => new()
    {
        // d, q, sequences, seed
        { 1, 1, 1, 1 },
        { 2, 3, 2, 2 },
        { 3, 1, 4, 3 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void The_extended_loss_is_that_of_the_data_plus_the_prior_by_its_definition(
        int d, int q, int count, int seed)
    {
        var random = new Random(seed);
        SequenceBatch inputs = Batch(random, d, count);
        SequenceBatch targets = Like(random, inputs, q);
        double[][] weights =
            [.. inputs.Lengths.Select(n => Enumerable.Range(0, n).Select(t => (double)(t % 3)).ToArray())];
        LinearRnn model = Initializer.Orthogonal(d, 3, q, seed, 0.8);
        const double Decay = 0.7;
        const double Scale = 2.5;
        var prior = new ImpulseResponsePrior(inputs, q, Decay, Scale);

        (SequenceBatch allInputs, Objective all) = prior.Extend(inputs, targets, weights);
        double extended = all.Loss(ForwardPass.Run(model, allInputs));
        double data = Objective.SquaredError(targets).WithStepWeights(weights).Loss(ForwardPass.Run(model, inputs));

        // ½ Σ (s_j g_ij)ᵀ (cK)⁻¹ (s_j g_ij) / W with K_kl = a^{max(k,l)+1}
        int n = prior.LagCount;
        var precision = Matrix<double>.Build.Dense(
            n, n, (k, l) => Scale * Math.Pow(Decay, Math.Max(k, l) + 1)).Inverse();
        double penalty = 0.0;
        for (int j = 0; j < d; j++)
        {
            int row = j;
            double squares = Enumerable.Range(0, count).Sum(
                b => inputs.Sequence(b).Row(row).DotProduct(inputs.Sequence(b).Row(row)));
            double size = Math.Sqrt(squares / inputs.TotalLength);
            for (int i = 0; i < q; i++)
            {
                var g = Vector<double>.Build.Dense(n);
                Vector<double> state = model.Whx.Column(j);
                for (int k = 0; k < n; k++)
                {
                    g[k] = size * model.Wqh.Row(i).DotProduct(state);
                    state = model.Whh * state;
                }
                penalty += 0.5 * g.DotProduct(precision * g);
                for (int k = n; k < inputs.Lengths.Max(); k++) // the tail
                {
                    double beyond = size * model.Wqh.Row(i).DotProduct(state);
                    penalty += 0.5 * beyond * beyond / (Scale * Math.Max(1e-8, Math.Pow(Decay, k + 1)));
                    state = model.Whh * state;
                }
            }
        }
        // The inverse of K loses half of the digits.
        extended.Should().BeApproximately(data + penalty / weights.Sum(w => w.Sum()), 1e-5 * extended, $"seed {seed}");
        penalty.Should().BeGreaterThan(1e-3);
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(2, 2, 2)]
    [InlineData(1, 2, 3)]
    public void The_estimate_is_the_most_probable_of_the_grid_by_the_dense_covariance(int d, int q, int seed)
    {
        var random = new Random(seed);
        LinearRnn truth = Initializer.Orthogonal(d, 2, q, seed, 0.85);
        var inputs = SequenceBatch.Pack([Noise(random, d, 37), Noise(random, d, 20)]);
        SequenceBatch clean = ForwardPass.Run(truth, inputs).OutputBatch();
        var targets = SequenceBatch.Pack(
            [clean.Sequence(0) + 0.3 * Noise(random, q, 37), clean.Sequence(1) + 0.3 * Noise(random, q, 20)]);
        double[][] weights =
            [[.. Enumerable.Range(0, 37).Select(t => t is > 10 and < 15 ? 0.0 : 1.0)], [.. Enumerable.Repeat(1.0, 20)]];

        var found = ImpulseResponsePrior.Estimate(inputs, targets, weights);

        double best = Surprise(inputs, targets, weights, found.Decay, found.Scale, found.LagCount);
        foreach (double decay in Decays)
        {
            for (double exponent = -2.0; exponent <= 4.0; exponent += 0.25)
            {
                var other = new ImpulseResponsePrior(inputs, q, decay, Math.Pow(10.0, exponent));
                Surprise(inputs, targets, weights, other.Decay, other.Scale, other.LagCount)
                    .Should().BeGreaterThan(best - 1e-6, $"seed {seed}, {other} against {found}");
            }
        }
    }

    [Fact]
    public void Data_without_noise_are_believed_and_noise_alone_is_not()
    {
        var random = new Random(5);
        LinearRnn truth = Initializer.Orthogonal(1, 3, 1, 5, 0.8);
        Matrix<double> x = Noise(random, 1, 200);
        Matrix<double> y = ForwardPass.Run(truth, x).Outputs();

        Estimate(x, y).Scale.Should().BeGreaterThan(1e6);
        Estimate(x, Noise(random, 1, 200)).Scale.Should().BeLessThan(0.1);

        static ImpulseResponsePrior Estimate(Matrix<double> x, Matrix<double> y) =>
            ImpulseResponsePrior.Estimate(SequenceBatch.Pack([x]), SequenceBatch.Pack([y]));
    }

    [Fact]
    public void Units_of_the_inputs_do_not_matter()
    {
        var random = new Random(6);
        Matrix<double> x = Noise(random, 2, 60);
        Matrix<double> y = Noise(random, 1, 60);
        var plain = ImpulseResponsePrior.Estimate(SequenceBatch.Pack([x]), SequenceBatch.Pack([y]));
        var scaled = ImpulseResponsePrior.Estimate(SequenceBatch.Pack([1024.0 * x]), SequenceBatch.Pack([y]));

        scaled.Decay.Should().Be(plain.Decay);
        scaled.Scale.Should().BeApproximately(plain.Scale, 1e-9 * plain.Scale);
    }

    [Fact]
    public void One_step_and_inputs_that_are_zero_throughout_are_served()
    {
        var one = SequenceBatch.Pack([Matrix<double>.Build.Dense(1, 1)]);
        var prior = ImpulseResponsePrior.Estimate(one, one);
        (SequenceBatch inputs, Objective objective) = prior.Extend(one, one);
        LinearRnn model = Initializer.Orthogonal(1, 2, 1, 1, 0.9);

        inputs.Count.Should().Be(3);
        double.IsFinite(objective.Loss(ForwardPass.Run(model, inputs))).Should().BeTrue();
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var random = new Random(7);
        var x = SequenceBatch.Pack([Noise(random, 2, 10)]);
        var y = SequenceBatch.Pack([Noise(random, 1, 10)]);
        Matrix<double> hole = Noise(random, 1, 10);
        hole[0, 3] = double.NaN;

        Invoking(() => new ImpulseResponsePrior(x, 1, 1.0, 1.0))
            .Should().Throw<ArgumentOutOfRangeException>().WithMessage("*decay*between 0 and 1*");
        Invoking(() => new ImpulseResponsePrior(x, 1, 0.8, 0.0))
            .Should().Throw<ArgumentOutOfRangeException>().WithMessage("*scale*");
        Invoking(() => new ImpulseResponsePrior(x, 0, 0.8, 1.0))
            .Should().Throw<ArgumentOutOfRangeException>().WithMessage("*outputSize*");
        Invoking(() => ImpulseResponsePrior.Estimate(x, SequenceBatch.Pack([Noise(random, 1, 9)])))
            .Should().Throw<ArgumentException>().WithMessage("*targets*10 steps*9*");
        Invoking(() => ImpulseResponsePrior.Estimate(x, SequenceBatch.Pack([hole])))
            .Should().Throw<ArgumentException>().WithMessage("*targets*NaN*step 4*");
        Invoking(() => ImpulseResponsePrior.Estimate(x, y, [new double[10]]))
            .Should().Throw<ArgumentException>().WithMessage("*stepWeights*above 0*");
        Invoking(() => new ImpulseResponsePrior(y, 1, 0.8, 1.0).Extend(x, y))
            .Should().Throw<ArgumentException>().WithMessage("*expected 1 input*got 2*");

        double[] mask = [1, 1, 1, 0, 1, 1, 1, 1, 1, 1];
        ImpulseResponsePrior.Estimate(x, SequenceBatch.Pack([hole]), [mask]).LagCount.Should().BePositive();
    }

    [Theory]
    [InlineData(1e160)]
    [InlineData(1e-165)]
    [InlineData(1e300)]
    public void The_unit_of_the_targets_changes_no_prior(double unit)
    {
        var random = new Random(31);
        SequenceBatch x = Batch(random, 1, 3);
        SequenceBatch y = Like(random, x, 2);
        var scaled = SequenceBatch.Pack([.. Enumerable.Range(0, y.Count).Select(b => unit * y.Sequence(b))]);
        ImpulseResponsePrior.Estimate(x, scaled).ToString().Should().Be(ImpulseResponsePrior.Estimate(x, y).ToString());
    }

    [Fact]
    public void A_prior_without_room_for_its_variances_is_refused()
    {
        var x = SequenceBatch.Pack([Noise(new Random(32), 1, 50)]);
        Invoking(() => new ImpulseResponsePrior(x, 1, 0.9, 1e-320))
            .Should().Throw<ArgumentOutOfRangeException>().WithMessage("scale*at least 1E-300*");
        Invoking(() => new ImpulseResponsePrior(x, 1, 1e-310, 1.0))
            .Should().Throw<ArgumentOutOfRangeException>().WithMessage("scale*");

        // Beside 1 the decay is one rounding: aᵏ − aᵏ⁺¹ must not be taken as a difference.
        double decay = Math.BitDecrement(1.0);
        (SequenceBatch inputs, Objective objective) = new ImpulseResponsePrior(x, 1, decay, 1.0).Extend(x, x);
        LinearRnn model = new(
            Matrix<double>.Build.Dense(1, 1, 1.0),
            Matrix<double>.Build.Dense(1, 1, 0.5),
            Matrix<double>.Build.Dense(1, 1, 1.0));
        double size = Math.Sqrt(x.Sequence(0).Enumerate().Sum(v => v * v) / 50.0);
        double steps = Enumerable.Range(1, 49).Sum(k => Math.Pow(0.25, k)); // (g_k − g_{k−1})² with g_k = 2⁻ᵏ
        double expected = 0.5 * size * size * steps / (1.0 - decay) / 50.0;
        objective.Loss(ForwardPass.Run(model, inputs)).Should().BeApproximately(expected, 1e-9 * expected);
    }

    private static Func<T> Invoking<T>(Func<T> call) => call;

    /// <summary>−2 ln p by the covariance of the targets themselves, N×N, up to the constants of the method.</summary>
    private static double Surprise(
        SequenceBatch inputs, SequenceBatch targets, double[][] weights, double decay, double scale, int lags)
    {
        List<Vector<double>> rows = [];
        List<Vector<double>> outputs = [];
        double[] sizes = [.. Enumerable.Range(0, inputs.RowCount).Select(j => Math.Sqrt(
            Enumerable.Range(0, inputs.Count).Sum(b => inputs.Sequence(b).Row(j).DotProduct(inputs.Sequence(b).Row(j)))
                / inputs.TotalLength))];
        for (int b = 0; b < inputs.Count; b++)
        {
            for (int t = 0; t < inputs.Lengths[b]; t++)
            {
                if (weights[b][t] == 0.0)
                {
                    continue;
                }
                int sequence = b;
                int step = t;
                rows.Add(Vector<double>.Build.Dense(
                    lags * sizes.Length,
                    i => step >= i % lags
                        ? inputs.Sequence(sequence)[i / lags, step - i % lags] / sizes[i / lags]
                        : 0.0));
                outputs.Add(targets.Sequence(b).Column(t));
            }
        }
        var phi = Matrix<double>.Build.DenseOfRowVectors(rows);
        var prior = Matrix<double>.Build.Dense(
            phi.ColumnCount,
            phi.ColumnCount,
            (i, j) => i / lags == j / lags ? Math.Pow(decay, Math.Max(i % lags, j % lags) + 1) : 0.0);
        var covariance = Matrix<double>.Build.DenseIdentity(rows.Count) + scale * phi * prior * phi.Transpose();
        var cholesky = covariance.Cholesky();
        var y = Matrix<double>.Build.DenseOfRowVectors(outputs);
        double squares = Enumerable.Range(0, y.ColumnCount).Sum(
            i => y.Column(i).DotProduct(cholesky.Solve(y.Column(i))));
        double n = rows.Count * (double)y.ColumnCount;
        return n * Math.Log(squares / n) + y.ColumnCount * cholesky.DeterminantLn;
    }

    private static SequenceBatch Batch(Random random, int rows, int count) =>
        SequenceBatch.Pack([.. Enumerable.Range(0, count).Select(b => Noise(random, rows, 7 + 29 * b))]);

    private static SequenceBatch Like(Random random, SequenceBatch batch, int rows) =>
        SequenceBatch.Pack([.. batch.Lengths.Select(length => Noise(random, rows, length))]);

    private static Matrix<double> Noise(Random random, int rows, int columns) =>
        Matrix<double>.Build.Dense(rows, columns, (_, _) => random.NextDouble() + random.NextDouble() - 1.0);
}
