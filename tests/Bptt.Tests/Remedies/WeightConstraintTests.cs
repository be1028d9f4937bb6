// The three constraints: in the set, nearest, idempotent, at every scale.

using Bptt.Diagnostics;
using Bptt.Remedies;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Remedies;

public class WeightConstraintTests
{
    public static TheoryData<int, int> SizesAndSeeds()
    {
        var data = new TheoryData<int, int>();
        foreach (int h in new[] { 1, 2, 5, 16 })
        {
            data.Add(h, 100 + h);
            data.Add(h, 200 + h);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(SizesAndSeeds))]
    public void The_result_is_in_the_set_and_applying_again_changes_nothing(int h, int seed)
    {
        foreach (double scale in new[] { 1.0, 1e150, 1e-150, 1e300, 1e-300 })
        {
            foreach (double bound in new[] { 0.1 * scale, 1.0, 1e-150, 1e150 })
            {
                LinearRnn model = Model(h, seed, scale);
                string because = $"seed {seed}, scale {scale}, bound {bound}";
                foreach (WeightConstraint constraint in new WeightConstraint[]
                {
                    new SpectralNormConstraint(bound), new SpectralRadiusConstraint(bound), new OrthogonalConstraint(),
                })
                {
                    LinearRnn result = constraint.Apply(model);
                    result.Whx.Should().Be(model.Whx);
                    result.Wqh.Should().Be(model.Wqh);
                    constraint.Apply(result).Should().BeSameAs(result, $"{constraint}, {because}");
                    var spectrum = Spectrum.Of(result);
                    switch (constraint)
                    {
                        case SpectralNormConstraint:
                            spectrum.Norm.Should().BeLessThanOrEqualTo(bound * (1 + (1e-14 * h)), because);
                            break;
                        case SpectralRadiusConstraint:
                            spectrum.SpectralRadius.Should().BeLessThanOrEqualTo(bound * (1 + (1e-14 * h)), because);
                            break;
                        default:
                            DistanceFromOrthogonal(result.Whh).Should().BeLessThan(1e-15 * h, because);
                            break;
                    }
                }
            }
        }
    }

    [Fact]
    public void What_is_in_the_set_is_returned_itself()
    {
        LinearRnn model = Initializer.Orthogonal(2, 6, 1, seed: 3);
        new OrthogonalConstraint().Apply(model).Should().BeSameAs(model);
        new SpectralNormConstraint(1.0).Apply(model).Should().BeSameAs(model);
        new SpectralRadiusConstraint(1.0).Apply(model).Should().BeSameAs(model);
        LinearRnn zero = WithWhh(Matrix<double>.Build.Dense(3, 3));
        new SpectralNormConstraint(1e-300).Apply(zero).Should().BeSameAs(zero);
        new SpectralRadiusConstraint(1e-300).Apply(zero).Should().BeSameAs(zero);
    }

    [Fact]
    public void A_bound_that_holds_by_little_or_is_missed_by_little_is_told_apart()
    {
        LinearRnn model = Initializer.Orthogonal(1, 4, 1, seed: 5, spectralRadius: 2.0);
        new SpectralNormConstraint(2.000001).Apply(model).Should().BeSameAs(model);
        Spectrum.Of(new SpectralNormConstraint(1.999999).Apply(model)).Norm.Should().BeApproximately(1.999999, 1e-13);
        new SpectralRadiusConstraint(2.000001).Apply(model).Should().BeSameAs(model);
        Spectrum.Of(new SpectralRadiusConstraint(1.999999).Apply(model)).SpectralRadius
            .Should().BeApproximately(1.999999, 1e-13);
        Matrix<double> nearly = Initializer.Orthogonal(1, 4, 1, seed: 6, spectralRadius: 1.000001).Whh;
        (new OrthogonalConstraint().Apply(WithWhh(nearly)).Whh - (nearly / 1.000001)).FrobeniusNorm()
            .Should().BeLessThan(1e-13);
    }

    [Theory]
    [MemberData(nameof(SizesAndSeeds))]
    public void No_candidate_in_the_set_is_nearer(int h, int seed)
    {
        var examples = new Examples(seed);
        Matrix<double> whh = examples.Matrix(h, h, 2.0);
        Matrix<double> bounded = new SpectralNormConstraint(0.7).Apply(WithWhh(whh)).Whh;
        Matrix<double> orthogonal = new OrthogonalConstraint().Apply(WithWhh(whh)).Whh;
        for (int i = 0; i < 200; i++)
        {
            // Nearer and nearer to the projection, where only the boundary tells.
            double distance = Math.Pow(10.0, -i / 50.0);
            Matrix<double> candidate = bounded + (distance * examples.Matrix(h, h));
            candidate *= Math.Min(1.0, 0.7 / candidate.Svd().L2Norm);
            (candidate - whh).FrobeniusNorm().Should().BeGreaterThanOrEqualTo(
                (bounded - whh).FrobeniusNorm() - 1e-12, $"seed {seed}, candidate {i}");

            Matrix<double> turned = Turned(orthogonal, examples, distance);
            (turned - whh).FrobeniusNorm().Should().BeGreaterThanOrEqualTo(
                (orthogonal - whh).FrobeniusNorm() - 1e-12, $"seed {seed}, candidate {i}");
        }
    }

    [Fact]
    public void Only_singular_values_above_the_bound_are_moved()
    {
        Matrix<double> u = Initializer.Orthogonal(1, 4, 1, seed: 8).Whh;
        Matrix<double> v = Initializer.Orthogonal(1, 4, 1, seed: 9).Whh;
        Matrix<double> Of(params double[] singular) => u * Matrix<double>.Build.DiagonalOfDiagonalArray(singular) * v;
        Matrix<double> result = new SpectralNormConstraint(1.0).Apply(WithWhh(Of(3, 1.5, 0.8, 0))).Whh;
        (result - Of(1, 1, 0.8, 0)).FrobeniusNorm().Should().BeLessThan(1e-14);
    }

    [Fact]
    public void A_singular_matrix_becomes_one_of_the_nearest_orthogonal_ones()
    {
        Matrix<double> u = Initializer.Orthogonal(1, 3, 1, seed: 8).Whh;
        Matrix<double> singular = u * Matrix<double>.Build.DiagonalOfDiagonalArray([2.0, 0.5, 0.0]);
        Matrix<double> result = new OrthogonalConstraint().Apply(WithWhh(singular)).Whh;
        DistanceFromOrthogonal(result).Should().BeLessThan(1e-15);
        (result - singular).FrobeniusNorm()
            .Should().BeApproximately(Math.Sqrt(1 + 0.25 + 1), 1e-13, "that of U Vᵀ for any U, V");

        new OrthogonalConstraint().Apply(WithWhh(Matrix<double>.Build.Dense(3, 3))).Whh
            .Should().Be(Matrix<double>.Build.DenseIdentity(3));
        new OrthogonalConstraint().Apply(WithWhh(Matrix<double>.Build.Dense(1, 1, -1e-310))).Whh[0, 0].Should().Be(-1);
    }

    [Fact]
    public void The_radius_is_scaled_and_nothing_else()
    {
        LinearRnn model = Model(6, 31, 1.0);
        double radius = Spectrum.Of(model).SpectralRadius;
        Matrix<double> result = new SpectralRadiusConstraint(0.25 * radius).Apply(model).Whh;
        (result - (0.25 * model.Whh)).FrobeniusNorm().Should().BeLessThan(1e-13);

        // A nilpotent matrix has radius 0, whatever its norm.
        LinearRnn nilpotent = WithWhh(Matrix<double>.Build.DenseOfArray(new double[,] { { 0, 1e100 }, { 0, 0 } }));
        new SpectralRadiusConstraint(1e-10).Apply(nilpotent).Should().BeSameAs(nilpotent);
    }

    [Fact]
    public void A_defective_matrix_ends_within_the_bound()
    {
        Matrix<double> jordan = Matrix<double>.Build.Dense(8, 8, (i, j) => i == j ? 1.2 : j == i + 1 ? 3.0 : 0.0);
        Matrix<double> q = Initializer.Orthogonal(1, 8, 1, seed: 21).Whh;
        LinearRnn result = new SpectralRadiusConstraint(0.9).Apply(WithWhh(q * jordan * q.Transpose()));
        Spectrum.Of(result).SpectralRadius.Should().BeLessThanOrEqualTo(0.9 * (1 + 1e-13)).And.BeGreaterThan(0.7);
        new SpectralRadiusConstraint(0.9).Apply(result).Should().BeSameAs(result);
    }

    [Fact]
    public void Constraints_print_their_settings()
    {
        new SpectralNormConstraint(0.99).ToString().Should().Be("SpectralNormConstraint(norm 0.99)");
        new SpectralRadiusConstraint(0.5).ToString().Should().Be("SpectralRadiusConstraint(radius 0.5)");
        new OrthogonalConstraint().ToString().Should().Be("OrthogonalConstraint()");
    }

    private static double DistanceFromOrthogonal(Matrix<double> matrix) =>
        (matrix.TransposeThisAndMultiply(matrix) - Matrix<double>.Build.DenseIdentity(matrix.RowCount)).Enumerate().Max(
            Math.Abs);

    /// <summary>Turned by a random rotation of about the given angle, or mirrored.</summary>
    private static Matrix<double> Turned(Matrix<double> orthogonal, Examples examples, double angle)
    {
        int h = orthogonal.RowCount;
        Matrix<double> skew = examples.Matrix(h, h);
        skew = angle * (skew - skew.Transpose());
        var identity = Matrix<double>.Build.DenseIdentity(h);
        Matrix<double> rotation = (identity - skew).Inverse() * (identity + skew); // Cayley
        return h == 1 && angle > 0.5 ? -orthogonal : orthogonal * rotation;
    }

    private static LinearRnn Model(int h, int seed, double scale)
    {
        var examples = new Examples(seed);
        return new LinearRnn(examples.Matrix(h, 2), scale * examples.Matrix(h, h), examples.Matrix(3, h));
    }

    private static LinearRnn WithWhh(Matrix<double> whh) => new(
        Matrix<double>.Build.Dense(whh.RowCount, 1, 1.0), whh, Matrix<double>.Build.Dense(1, whh.RowCount, 1.0));
}
