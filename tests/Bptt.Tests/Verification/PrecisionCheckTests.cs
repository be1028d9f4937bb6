// What single precision costs: every error is that of the same passes run in double beside it.

using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Verification;

public class PrecisionCheckTests
{
    private readonly Examples _examples = new(seed: 85);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Errors_are_those_against_passes_in_double(bool hasObjective)
    {
        LinearRnn model = _examples.Model(2, 5, 3, 0.9);
        SequenceBatch inputs = _examples.Batch(2, 30, 7);
        SequenceBatch targets = _examples.Batch(3, 30, 7);
        Matrix<double> initial = _examples.Matrix(5, 2).Map(x => (double)(float)x);
        var options = new BackwardOptions { FinalStateGradients = _examples.Matrix(5, 2) };
        BackwardThroughTime Pass(Precision precision)
        {
            var forward = ForwardPass.Run(model, inputs, initial, new ExecutionOptions { Precision = precision });
            return hasObjective
                ? BackwardThroughTime.Run(forward, Objective.SquaredError(targets), options)
                : BackwardThroughTime.Run(forward, targets, options);
        }
        BackwardThroughTime single = Pass(Precision.Single);
        BackwardThroughTime exact = Pass(Precision.Double);

        var check = PrecisionCheck.Run(single);
        Near(check.OutputError, Error(Side(single.Forward.Outputs), Side(exact.Forward.Outputs)), 1e-6);
        Near(check.WhxError, Error(single.Gradients.Whx, exact.Gradients.Whx), 1e-6);
        Near(check.WhhError, Error(single.Gradients.Whh, exact.Gradients.Whh), 1e-6);
        Near(check.WqhError, Error(single.Gradients.Wqh, exact.Gradients.Wqh), 1e-6);
        Near(check.InitialStateError, Error(single.InitialStateGradients, exact.InitialStateGradients), 1e-6);
        check.GradientError.Should().Be(new[] { check.WhxError, check.WhhError, check.WqhError }.Max());
        Near(check.LossError, hasObjective ? Math.Abs(single.Loss - exact.Loss) / exact.Loss : 0.0, 1e-6);
        check.OutputError.Should().BeInRange(1e-9, 1e-6);

        static Matrix<double> Side(Func<int, Matrix<double>> of) => of(0).Append(of(1));
    }

    [Fact]
    public void What_is_zero_in_both_has_no_error()
    {
        var model = new LinearRnn(_examples.Matrix(2, 1), _examples.Matrix(2, 2), _examples.Matrix(1, 2));
        var forward = ForwardPass.Run(
            model, Matrix<double>.Build.Dense(1, 4), options: new ExecutionOptions { Precision = Precision.Single });
        var check = PrecisionCheck.Run(BackwardThroughTime.Run(forward, Matrix<double>.Build.Dense(1, 4)));
        new[] { check.OutputError, check.LossError, check.GradientError, check.InitialStateError }
            .Should().OnlyContain(error => error == 0.0);
    }

    [Fact]
    public void A_pass_in_double_is_refused()
    {
        var backward = BackwardThroughTime.Run(
            ForwardPass.Run(_examples.Model(1, 2, 1), _examples.Matrix(1, 3)), _examples.Matrix(1, 3));
        FluentActions.Invoking(() => PrecisionCheck.Run(backward))
            .Should().Throw<ArgumentException>().WithParameterName("backward").WithMessage("*single precision*");
        FluentActions.Invoking(() => PrecisionCheck.Run(null!)).Should().Throw<ArgumentNullException>();
    }

    private static double Error(Matrix<double> actual, Matrix<double> exact) =>
        (actual - exact).FrobeniusNorm() / exact.FrobeniusNorm();

    private static void Near(double actual, double expected, double tolerance) =>
        actual.Should().BeApproximately(expected, tolerance * expected);
}
