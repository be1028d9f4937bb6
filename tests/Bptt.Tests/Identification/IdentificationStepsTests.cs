// The steps of an identification, each on its own, where the search over many of them would hide a fault.

using Bptt.Identification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Identification;

public class IdentificationStepsTests
{
    private readonly Examples _examples = new(seed: 2800);

    [Theory]
    [InlineData(2, 3)]
    [InlineData(0, 3)]
    [InlineData(2, 0)]
    public void The_impulse_response_of_a_regression_goes_on_for_ever(int outputLags, int inputLags)
    {
        // y_t = Φ_1 y_{t−1} + Φ_2 y_{t−2} + Σ_k Θ_k u_{t−k}, so that each coefficient counts.
        Matrix<double>[] phi = [.. Enumerable.Range(0, outputLags).Select(_ => _examples.Matrix(2, 2, 0.4))];
        Matrix<double>[] theta = [.. Enumerable.Range(0, inputLags + 1).Select(_ => _examples.Matrix(2, 1))];
        Matrix<double> Run(Matrix<double> u)
        {
            var y = Matrix<double>.Build.Dense(2, u.ColumnCount);
            for (int t = 0; t < u.ColumnCount; t++)
            {
                for (int k = 0; k <= Math.Min(inputLags, t); k++)
                {
                    y.SetColumn(t, y.Column(t) + theta[k] * u.Column(t - k));
                }
                for (int k = 1; k <= Math.Min(outputLags, t); k++)
                {
                    y.SetColumn(t, y.Column(t) + phi[k - 1] * y.Column(t - k));
                }
            }
            return y;
        }
        Matrix<double> inputs = _examples.Matrix(1, 60);
        IdentificationData data = Data(inputs, Run(inputs));

        Matrix<double>[] response = LaggedRegression.ImpulseResponse(data, outputLags, inputLags, 12, default);

        Matrix<double> expected = Run(Matrix<double>.Build.Dense(1, 12, (_, t) => t == 0 ? 1.0 : 0.0));
        for (int k = 0; k < 12; k++)
        {
            LinearRnn unscaled = data.Unscaled(
                Matrix<double>.Build.Dense(1, 1), Matrix<double>.Build.Dense(1, 1, 1), response[k]);
            ((unscaled.Wqh * unscaled.Whx).Column(0) - expected.Column(k)).InfinityNorm().Should().BeLessThan(1e-11);
        }
    }

    [Fact]
    public void A_readout_of_given_states_is_the_best()
    {
        Matrix<double> states = _examples.Matrix(3, 40);
        IdentificationData data = Data(_examples.Matrix(1, 40), _examples.Matrix(2, 40));

        Matrix<double> wqh = OutputErrorFit.Outputs(data, [states]);

        ((wqh * states - data.Targets[0]) * states.Transpose()).InfinityNorm().Should().BeLessThan(1e-12);
    }

    [Fact]
    public void Several_outputs_gain_from_a_readout_that_is_fitted_too()
    {
        LinearRnn truth = _examples.Model(2, 4, 3, 0.9);
        Matrix<double> inputs = _examples.Matrix(2, 200);
        IdentificationData data = Data(inputs, ForwardPass.Run(truth, inputs).Outputs() + _examples.Matrix(3, 200));
        var realization = new HankelRealization(
            LaggedRegression.ImpulseResponse(data, 5, 5, 19, default), HankelRealization.InputWeight(data, 10));
        (Matrix<double> whh, Matrix<double> wqh) = realization.OfOrder(4);
        (Matrix<double> whx, Matrix<double> start) = OutputErrorFit.Inputs(data, whh, wqh, withInitialStates: true);
        Matrix<double> left = wqh * OutputErrorFit.States(data, whh, whx, start)[0] - data.Targets[0];

        FreeRunFit fit = FreeRunFit.Of(data, realization, 4, withInitialStates: true)!;

        fit.MeanSquaredError.Should().BeLessThan(0.999 * Math.Pow(left.FrobeniusNorm(), 2) / 200);
        fit.Whx.FrobeniusNorm().Should().BeApproximately(fit.Wqh.FrobeniusNorm(), 1e-12);
    }

    [Fact]
    public void Regressions_and_starts_can_be_ended()
    {
        Matrix<double> inputs = _examples.Matrix(1, 200);
        Matrix<double> targets = _examples.Matrix(1, 200);
        IdentificationData data = Data(inputs, targets);
        var ended = new CancellationToken(canceled: true);

        Action regression = () => LaggedRegression.Model(data, 5, 5, ended);
        Action start = () => SubspaceIdentification.Estimate(
            SequenceBatch.Pack([inputs]), SequenceBatch.Pack([targets]), null, ended);

        regression.Should().Throw<OperationCanceledException>();
        start.Should().Throw<OperationCanceledException>();
    }

    [Theory]
    [InlineData(90)]
    [InlineData(101)]
    [InlineData(250)]
    public void Fewer_late_steps_of_a_prior_weigh_as_much_as_all(int steps)
    {
        double[] all = [.. Enumerable.Range(0, steps).Select(k => Math.Pow(1.02, k))];

        double[] fewer = ImpulseResponsePrior.Thinned([.. all]);

        fewer.Sum().Should().BeApproximately(all.Sum(), 1e-9 * all.Sum());
        fewer.Take(100).Should().Equal(all.Take(100));
        fewer.Skip(100).Count(w => w > 0.0).Should().BeLessThanOrEqualTo(Math.Max(0, (steps - 98) / 3));
    }

    private static IdentificationData Data(Matrix<double> inputs, Matrix<double> targets) =>
        new(SequenceBatch.Pack([inputs]), SequenceBatch.Pack([targets]));
}
