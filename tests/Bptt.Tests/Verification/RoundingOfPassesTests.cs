// What rounding alone may part in a certificate and in an adjoint test, against the same sums written out step by step
// from what the passes show.

using Bptt.Edge;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Verification;

public class RoundingOfPassesTests
{
    private const double Epsilon = 2.220446049250313e-16;
    private const double Smallest = 4.9406564584124654e-324;
    private const double Flushed = 1e-290;

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(0, 12)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void The_rounding_of_a_certificate_is_that_of_every_line_of_both_passes(int seed)
    {
        Truncation?[] truncations =
            [null, Truncation.Lags(1), Truncation.Lags(3), Truncation.Lags(1000), Truncation.Windows(3),
                Truncation.Randomized(4, seed: 7)];
        (BackwardThroughTime pass, Matrix<double> final) = Pass(seed, truncations[seed % truncations.Length]);
        ForwardPass forward = pass.Forward;
        double factor = seed % 2 == 0 ? 1.0 : 0.25;
        double carry = pass.Options.Truncation?.CarryFactor ?? 1.0;
        var terms = new CertificateTerms(
            forward, pass, factor * pass.Gradients, pass.InitialStateGradients, pass.Options, factor);

        double whh = carry * forward.Model.Whh.FrobeniusNorm();
        double whx = forward.Model.Whx.FrobeniusNorm();
        double wqh = forward.Model.Wqh.FrobeniusNorm();
        (double gauge, double euler, double eulerTerms, double norms) = (0.0, 0.0, 0.0, 0.0);
        for (int b = 0; b < forward.SequenceCount; b++)
        {
            int last = forward.Lengths[b];
            for (int t = 1; t <= last; t++)
            {
                double h = forward.HiddenState(t, b).L2Norm();
                double d = pass.HiddenStateGradient(t, b).L2Norm();
                double g = pass.OutputGradient(t, b).L2Norm();
                double later = t < last ? whh * pass.HiddenStateGradient(t + 1, b).L2Norm() : final.Column(b).L2Norm();
                gauge += d * whh * forward.HiddenState(t - 1, b).L2Norm();
                gauge += d * whx * Input(forward, b, t).L2Norm();
                gauge += d * h;
                gauge += later * h;
                gauge += wqh * g * h;
                euler += wqh * g * h;
                eulerTerms += g * forward.Output(t, b).L2Norm();
                norms += d + h;
            }
            gauge += whh * pass.HiddenStateGradient(1, b).L2Norm() * forward.HiddenState(0, b).L2Norm();
        }
        if (pass.Options.Truncation is { Kind: TruncationKind.Lags } lags)
        {
            gauge += OfLags(pass, final, Math.Min(lags.Steps, forward.Lengths.Max() + 1));
        }
        int hidden = forward.Model.HiddenSize;
        int steps = forward.Lengths.Sum();
        double unit = factor * Epsilon
            * ((32.0 * Math.Sqrt(hidden + forward.Model.InputSize + forward.Model.OutputSize))
                + (2.0 * Math.Sqrt(steps)));
        double underflow = 8.0 * Smallest * hidden * steps;

        (double actualGauge, double actualEuler, double actualTerms) = terms.RoundingOfSums();
        Near(actualGauge, (unit * gauge) + (factor * 8.0 * Flushed * hidden * norms)
            + (underflow * (1.0 + whh + whx + wqh)));
        Near(actualEuler, (unit * euler) + (underflow * (1.0 + wqh)));
        Near(actualTerms, factor * eulerTerms);
    }

    /// <summary>Where nothing but zeros meets, what is left is what underflow and what set to zero could
    /// take.</summary>
    [Theory]
    [InlineData(0.0)]
    [InlineData(1e-160)]
    public void What_underflow_may_take_is_counted_where_products_vanish(double size)
    {
        var examples = new Examples(seed: 3);
        var model = new LinearRnn(examples.Matrix(3, 2), 2.0 * examples.Matrix(3, 3), examples.Matrix(1, 3));
        var forward = ForwardPass.Run(model, size * examples.Matrix(2, 9));
        var pass = BackwardThroughTime.Run(forward, size * examples.Matrix(1, 9));
        (double gauge, double euler, double _) =
            new CertificateTerms(forward, pass, pass.Gradients, pass.InitialStateGradients, pass.Options, 1.0)
                .RoundingOfSums();
        double underflow = 8.0 * Smallest * 3 * 9;
        double wqh = model.Wqh.FrobeniusNorm();
        euler.Should().BeInRange(
            underflow * (1.0 + wqh) * 0.999, underflow * (1.0 + wqh) * 1.001);
        double norms = size == 0.0 ? 0.0 : Enumerable.Range(1, 9).Sum(t =>
            forward.HiddenState(t).L2Norm() + pass.HiddenStateGradient(t).L2Norm());
        gauge.Should().BeGreaterThanOrEqualTo(8.0 * Flushed * 3 * norms * 0.999).And.BeGreaterThanOrEqualTo(
            underflow * (1.0 + model.Whh.FrobeniusNorm() + model.Whx.FrobeniusNorm() + wqh) * 0.999);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void The_rounding_of_an_adjoint_test_is_that_of_every_line_of_both_passes(int seed)
    {
        (BackwardThroughTime pass, Matrix<double> _) = Pass(seed, null);
        ForwardPass forward = pass.Forward;
        bool isTiny = seed % 4 == 3; // then what is set to zero weighs as much
        var direction = new RandomDirection(
            forward, seed, movesInitialStates: seed % 2 == 0, movesInputs: seed % 3 > 0);
        TangentDirection v = direction.Direction;
        var tangent = TangentPass.Run(forward, v);
        double rounding = isTiny ? 1e-290 : 1e-14;

        double whh = forward.Model.Whh.FrobeniusNorm();
        double whx = forward.Model.Whx.FrobeniusNorm();
        double wqh = forward.Model.Wqh.FrobeniusNorm();
        double size = 0.0;
        double norms = 0.0;
        for (int b = 0; b < forward.SequenceCount; b++)
        {
            for (int t = 1; t <= forward.Lengths[b]; t++)
            {
                double d = pass.HiddenStateGradient(t, b).L2Norm();
                double moved = Moved(t, b);
                size += d * whh * Moved(t - 1, b);
                size += d * v.Whx!.FrobeniusNorm() * Input(forward, b, t).L2Norm();
                size += d * v.Whh!.FrobeniusNorm() * forward.HiddenState(t - 1, b).L2Norm();
                size += v.Inputs is null ? 0.0 : d * whx * v.Inputs.Sequence(b).Column(t - 1).L2Norm();
                // Behind the last step nothing is known of what comes from beyond, but that it is part of ∂L/∂h_T.
                size += moved * (t < forward.Lengths[b] ? whh * pass.HiddenStateGradient(t + 1, b).L2Norm() : d);
                size += moved * wqh * pass.OutputGradient(t, b).L2Norm();
                norms += d + moved;
            }
            size += whh * pass.HiddenStateGradient(1, b).L2Norm() * Moved(0, b);
            norms += Moved(0, b);
        }
        int hidden = forward.Model.HiddenSize;
        double expected = (rounding * size) + (8.0 * Flushed * hidden * norms);
        Near(AdjointTest.RoundingOfSteps(tangent, direction, pass, rounding), expected);

        // Where nothing moves, what underflow may take is left.
        var still = ForwardPass.Run(forward.Model, SequenceBatch.Pack([.. forward.Lengths.Select(length =>
            Matrix<double>.Build.Dense(forward.Model.InputSize, length))]));
        var none = BackwardThroughTime.Run(still, SequenceBatch.Pack([.. forward.Lengths.Select(length =>
            Matrix<double>.Build.Dense(forward.Model.OutputSize, length))]));
        var weights = new RandomDirection(still, seed, movesInitialStates: false, movesInputs: false);
        double ofWeights = 1.0 + weights.Direction.Whx!.FrobeniusNorm() + weights.Direction.Whh!.FrobeniusNorm()
            + weights.Direction.Wqh!.FrobeniusNorm();
        double left = AdjointTest.RoundingOfSteps(
            TangentPass.Run(still, weights.Direction), weights, none, rounding: 1.0);
        (left / Smallest).Should().BeApproximately(8.0 * hidden * forward.Lengths.Sum() * ofWeights, 1.0);

        double Moved(int t, int b) => tangent.HiddenStates(b).Column(t).L2Norm();
    }

    [Fact]
    public void Both_sides_of_the_adjoint_identity_are_shown()
    {
        (BackwardThroughTime pass, Matrix<double> final) = Pass(5, null);
        foreach (AdjointPair pair in AdjointTest.Run(pass, directionCount: 4).Pairs)
        {
            pair.Forward.Should().NotBe(0.0).And.BeApproximately(pair.Backward, 1e-10 * Math.Abs(pair.Backward));
        }
        final.FrobeniusNorm().Should().BePositive();
    }

    /// <summary>Each names its own parameter.</summary>
    [Fact]
    public void Passes_in_single_precision_and_no_directions_are_refused_by_name()
    {
        var examples = new Examples(seed: 4);
        LinearRnn model = examples.Model(2, 3, 1);
        Matrix<double> inputs = examples.Matrix(2, 6);
        Matrix<double> targets = examples.Matrix(1, 6);
        var objective = Objective.SquaredError(targets);
        var single = ForwardPass.Run(model, inputs, options: new ExecutionOptions { Precision = Precision.Single });
        var backward = BackwardThroughTime.Run(single, objective);
        Gradients gradients = backward.Gradients;
        var outputGradients = SequenceBatch.Pack([targets]);
        foreach ((string name, Action run) in (ReadOnlySpan<(string, Action)>)
            [
                ("forward", () => GradientCheck.Run(single, objective)),
                ("forward", () => GradientCheck.Run(single, objective, gradients)),
                ("forward", () => TaylorTest.Run(single, objective)),
                ("forward", () => TaylorTest.Run(single, objective, gradients)),
                ("backward", () => AdjointTest.Run(backward)),
                ("forward", () => AdjointTest.Run(single, outputGradients, gradients)),
                ("backward", () => GradientCertificate.Run(backward)),
                ("backward", () => GradientCertificate.Run(backward, gradients)),
                ("forward", () => GradientCertificate.Run(single, outputGradients, gradients)),
                ("forward", () => TangentPass.Run(single, new TangentDirection { Whh = model.Whh })),
                ("backward", () => LossCurvature.Of(backward)),
            ])
        {
            run.Should().Throw<ArgumentException>().WithParameterName(name).WithMessage("*in double precision*");
        }

        var forward = ForwardPass.Run(model, inputs);
        foreach (Action run in (ReadOnlySpan<Action>)
            [
                () => GradientCertificate.Run(BackwardThroughTime.Run(forward, objective), null!),
                () => GradientCertificate.Run(forward, outputGradients, null!),
                () => AdjointTest.Run(forward, outputGradients, null!),
                () => TaylorTest.Run(forward, objective, (Gradients)null!),
                () => GradientCheck.Run(forward, objective, (Gradients)null!),
            ])
        {
            run.Should().Throw<ArgumentNullException>().WithParameterName("gradients");
        }
        foreach (Action run in (ReadOnlySpan<Action>)
            [
                () => AdjointTest.Run(BackwardThroughTime.Run(forward, objective), directionCount: 0),
                () => AdjointTest.Run(forward, outputGradients, gradients, directionCount: 0),
            ])
        {
            run.Should().Throw<ArgumentOutOfRangeException>().WithParameterName("directionCount");
        }
    }

    /// <summary>A pass over three sequences with h_0 and gradients from beyond the ends.</summary>
    private static (BackwardThroughTime Pass, Matrix<double> Final) Pass(int seed, Truncation? truncation)
    {
        var examples = new Examples(seed);
        int h = 1 + (seed % 5);
        int[] lengths = [4 + (seed % 3), 9, 1];
        var forward = ForwardPass.Run(
            examples.Model(2, h, 3), examples.Batch(2, lengths), examples.Matrix(h, lengths.Length));
        Matrix<double> final = examples.Matrix(h, lengths.Length);
        return (
            BackwardThroughTime.Run(
                forward,
                examples.Batch(3, lengths),
                new BackwardOptions { FinalStateGradients = final, Truncation = truncation }),
            final);
    }

    /// <summary>Σ ‖Aⁱ‖‖A‖‖Aʲ‖‖u‖ over i + j &lt; k, powers by a vector in no particular direction.</summary>
    private static double OfLags(BackwardThroughTime pass, Matrix<double> final, int k)
    {
        ForwardPass forward = pass.Forward;
        int h = forward.Model.HiddenSize;
        double[] powers = new double[k];
        var start = Vector<double>.Build.Dense(h, i => 1.0 + (0.5 * Math.Sin(1.0 + (3.0 * i))));
        Vector<double> moved = start;
        for (int j = 0; j < k; j++)
        {
            powers[j] = moved.L2Norm() / start.L2Norm() * Math.Sqrt(h);
            moved = forward.Model.Whh.TransposeThisAndMultiply(moved);
        }
        double pairs = 0.0;
        for (int i = 0; i < k; i++)
        {
            for (int j = 0; i + j < k; j++)
            {
                pairs += powers[i] * powers[j];
            }
        }
        double whh = forward.Model.Whh.FrobeniusNorm();
        double sum = 0.0;
        for (int b = 0; b < forward.SequenceCount; b++)
        {
            double most = pass.OutputGradients(b).EnumerateColumns().Max(column => column.L2Norm());
            double source = (forward.Model.Wqh.FrobeniusNorm() * most) + final.Column(b).L2Norm();
            for (int t = 1; t <= forward.Lengths[b]; t++)
            {
                sum += source * (2.0 * whh * forward.HiddenState(t - 1, b).L2Norm());
                sum += source * forward.Model.Whx.FrobeniusNorm() * Input(forward, b, t).L2Norm();
                sum += source * forward.HiddenState(t, b).L2Norm();
            }
        }
        return whh * pairs * sum;
    }

    private static Vector<double> Input(ForwardPass forward, int b, int t) =>
        forward.InputColumns.ToMatrix(b).Column(t - 1);

    private static void Near(double actual, double expected) =>
        actual.Should().BeApproximately(expected, 1e-10 * expected);
}
