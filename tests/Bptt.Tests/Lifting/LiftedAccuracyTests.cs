// A lifted pass is as exact as one step by step, measured against numbers of 106 bits, over families of transition
// matrices: normal and far from normal, decaying, on the unit circle and growing.

using MathNet.Numerics.LinearAlgebra;
using Xunit.Abstractions;

namespace Bptt.Tests.Lifting;

public class LiftedAccuracyTests(ITestOutputHelper output)
{
    private readonly Examples _examples = new(seed: 63);

    public static TheoryData<string, double, int> Families
    {
        get
        {
            var families = new TheoryData<string, double, int>();
            foreach (string kind in new[]
            {
                "gaussian", "orthogonal", "symmetric", "rotation", "jordan", "scaled identity", "upper", "low rank",
                "block of oscillators", "positive", "companion",
            })
            {
                foreach (double radius in new[] { 0.5, 0.9, 0.99, 1.0, 1.01 })
                {
                    families.Add(kind, radius, 16);
                }
                families.Add(kind, 0.95, 4);
                families.Add(kind, 0.95, 64);
            }
            return families;
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Errors_are_at_most_ten_times_those_of_steps(string kind, double radius, int steps)
    {
        const int h = 16;
        const int length = 1200;
        var model = new LinearRnn(_examples.Matrix(h, 2), Transition(kind, h, radius), _examples.Matrix(2, h));
        var error = LiftedError.Of(model, _examples.Matrix(2, length), _examples.Matrix(2, length), steps);
        (double mine, double theirs) = (error.Lifted, error.BySteps);
        output.WriteLine($"{kind}, {radius}, S = {steps}: {mine:E1} beside {theirs:E1}; {error.Method}");
        mine.Should().BeLessThanOrEqualTo(Math.Max(10.0 * theirs, 2e-15));
        mine.Should().BeLessThan(1e-13);
        if (kind is not ("jordan" or "upper" or "companion"))
        {
            error.Method.Recurrence.Should().Be(Recurrence.Lifted, "the powers of these matrices grow little");
        }
    }

    private Matrix<double> Transition(string kind, int h, double radius)
    {
        Matrix<double> random = _examples.Matrix(h, h);
        Matrix<double> identity = Matrix<double>.Build.DenseIdentity(h);
        switch (kind)
        {
            case "orthogonal":
                return radius * random.QR().Q;
            case "symmetric":
                return Scaled(random + random.Transpose());
            case "rotation":
                return Matrix<double>.Build.Dense(h, h, (i, j) =>
                {
                    double angle = 0.1 + i / 2;
                    double entry = i == j ? Math.Cos(angle) : Math.Sign(i - j) * Math.Sin(angle);
                    return i / 2 == j / 2 ? radius * entry : 0.0;
                });
            case "jordan":
                return radius * identity + Matrix<double>.Build.Dense(h, h, (i, j) => j == i + 1 ? 0.1 : 0.0);
            case "scaled identity":
                return radius * identity;
            case "upper":
                return Matrix<double>.Build.Dense(h, h, (i, j) => i == j ? radius : j > i ? 0.05 * random[i, j] : 0.0);
            case "low rank":
                return Scaled(_examples.Matrix(h, 3) * _examples.Matrix(3, h));
            case "block of oscillators":
                Matrix<double> basis = random.QR().Q;
                return basis * Transition("rotation", h, radius) * basis.Transpose();
            case "positive":
                return Scaled(random.PointwiseAbs());
            case "companion":
                return Scaled(Matrix<double>.Build.Dense(
                    h, h, (i, j) => j == h - 1 ? random[i, 0] : i == j + 1 ? 1.0 : 0.0));
            default:
                return Scaled(random);
        }

        Matrix<double> Scaled(Matrix<double> a) => radius / a.Evd().EigenValues.AbsoluteMaximum().Magnitude * a;
    }
}
