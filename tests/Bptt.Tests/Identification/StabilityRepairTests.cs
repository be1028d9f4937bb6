// Eigenvalues before and after the repair of matrices that are stable, unstable, marginal and defective.

using Bptt.Identification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Identification;

public class StabilityRepairTests
{
    [Fact]
    public void A_stable_matrix_stays_as_it_is()
    {
        Matrix<double> matrix = Matrix<double>.Build.DenseOfRowArrays([0.999, 50], [0, -0.5]);

        StabilityRepair.Stable(matrix).Should().BeSameAs(matrix);
    }

    [Fact]
    public void Eigenvalues_outside_the_circle_are_reflected_and_others_stay()
    {
        Matrix<double> similar = new Examples(seed: 3).Matrix(4, 4);
        Matrix<double> blocks = Matrix<double>.Build.DenseOfRowArrays(
            [1.25, 0, 0, 0], [0, 0.5, 0, 0], [0, 0, 1.2, 1.6], [0, 0, -1.6, 1.2]);

        Matrix<double> repaired = StabilityRepair.Stable(similar * blocks * similar.Inverse());

        Matrix<double> expected = Matrix<double>.Build.DenseOfRowArrays(
            [0.8, 0, 0, 0], [0, 0.5, 0, 0], [0, 0, 0.3, 0.4], [0, 0, -0.4, 0.3]);
        StateSpaceTests.Difference(repaired, similar * expected * similar.Inverse()).Should().BeLessThan(1e-12);
    }

    [Fact]
    public void An_eigenvalue_on_the_circle_is_held_just_inside()
    {
        Matrix<double> repaired = StabilityRepair.Stable(Matrix<double>.Build.Dense(1, 1, -1.0));

        repaired[0, 0].Should().BeApproximately(-1.0, 2e-6).And.BeGreaterThan(-1.0);
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(1.3)]
    public void A_matrix_without_eigenvectors_enough_is_shrunk(double eigenvalue)
    {
        Matrix<double> jordan = Matrix<double>.Build.Dense(
            3, 3, (i, j) => i == j ? eigenvalue : j == i + 1 ? 1.0 : 0.0);

        Matrix<double> repaired = StabilityRepair.Stable(jordan);

        repaired.Diagonal().Maximum().Should().BeLessThan(1.0).And.BeGreaterThan(0.99);
    }
}
