// The spectrum of W_hh: against matrices whose answers are known, and against powers taken one by one with MathNet.

using System.Numerics;
using Bptt.Diagnostics;
using MathNet.Numerics.LinearAlgebra;
using static Bptt.Tests.Diagnostics.SpectrumModels;

namespace Bptt.Tests.Diagnostics;

public class SpectrumTests
{
    private readonly Examples _examples = new(seed: 91);

    [Fact]
    public void A_diagonal_matrix_shows_each_entry_as_a_mode()
    {
        var spectrum = Spectrum.Of(Model(Diagonal(0.5, -0.25, 2, 0, 1)));
        spectrum.Modes.Select(m => m.Eigenvalue).Should().Equal(2, 1, 0.5, -0.25, 0);
        spectrum.Modes.Select(m => m.Magnitude).Should().Equal(2, 1, 0.5, 0.25, 0);
        spectrum.Modes.Select(m => m.HalfLife).Should().Equal(null, null, 1.0, 0.5, 0.0);
        spectrum.Modes.Select(m => m.DoublingTime).Should().Equal(1.0, null, null, null, null);
        spectrum.Modes.Select(m => m.Period).Should().Equal(null, null, null, 2.0, null);
        (spectrum.SpectralRadius, spectrum.Norm, spectrum.EigenvectorCondition).Should().Be((2.0, 2.0, 1.0));
        spectrum.ToString().Should().Be("spectral radius 2, norm 2: the fastest mode doubles in 1 step");
        spectrum.Modes.Select(m => m.ToString()).Should().Equal(
            "2: doubles in 1 step",
            "1: keeps its size",
            "0.5: halves in 1 step",
            "-0.25: halves in 0.5 steps, oscillates in 2 steps",
            "0: gone after a step");
    }

    [Fact]
    public void A_rotation_has_a_pair_with_its_period_and_powers_of_its_own_size()
    {
        var spectrum = Spectrum.Of(Model(0.9 * Rotation(2 * Math.PI / 7)));
        spectrum.Modes.Select(m => Math.Sign(m.Eigenvalue.Imaginary)).Should().Equal(1, -1);
        foreach (SpectralMode mode in spectrum.Modes)
        {
            mode.Magnitude.Should().BeApproximately(0.9, 1e-15);
            mode.Period.Should().BeApproximately(7, 1e-13);
            mode.HalfLife.Should().BeApproximately(Math.Log(0.5) / Math.Log(0.9), 1e-12);
        }
        spectrum.PowerNorm(0).Should().Be(1);
        spectrum.PowerNorm(20).Should().BeApproximately(Math.Pow(0.9, 20), 1e-15);
        spectrum.EigenvectorCondition.Should().BeApproximately(1, 1e-14);
        (spectrum.TransientGrowth, spectrum.TransientPeakLag, spectrum.IsTransientGrowthCertain).Should().Be((1.0, 0, true));
    }

    [Fact]
    public void Conjugate_pairs_stay_together_among_equal_magnitudes()
    {
        foreach (Matrix<double> whh in new[] { Blocks(Rotation(0.3), Rotation(0.3), Rotation(1.1), Diagonal(1, -1)), Shift(7, cyclic: true) })
        {
            Complex[] values = [.. Spectrum.Of(Model(whh)).Modes.Select(mode => mode.Eigenvalue)];
            values.Should().HaveCount(whh.RowCount);
            for (int i = 0; i < values.Length; i++)
            {
                if (values[i].Imaginary > 0)
                {
                    values[++i].Should().Be(Complex.Conjugate(values[i - 1]));
                }
                else
                {
                    values[i].Imaginary.Should().Be(0);
                }
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    public void Norms_of_powers_are_those_of_products(int h)
    {
        Matrix<double> whh = _examples.Matrix(h, h);
        var spectrum = Spectrum.Of(Model(whh));
        Matrix<double> power = Matrix<double>.Build.DenseIdentity(h);
        for (int k = 0; k <= 70; k++)
        {
            spectrum.PowerNorm(k).Should().BeApproximately(power.L2Norm(), 1e-12 * power.L2Norm(), "k = {0}", k);
            power *= whh;
        }
        spectrum.Norm.Should().BeApproximately(whh.L2Norm(), 1e-14 * whh.L2Norm());
    }

    [Fact]
    public void A_Jordan_block_is_defective_however_it_is_turned()
    {
        for (int h = 2; h <= 9; h++)
        {
            foreach (double eigenvalue in new[] { 0.5, 0.9, 1.0, 0.0 })
            {
                Matrix<double> block = Jordan(eigenvalue, h);
                Matrix<double> q = _examples.Matrix(h, h).QR().Q;
                foreach (Matrix<double> whh in new[] { block, block.Transpose(), q * block * q.Transpose() })
                {
                    Spectrum.Of(Model(whh)).EigenvectorCondition.Should().Be(double.PositiveInfinity, "λ = {0}, h = {1}", eigenvalue, h);
                }
                Spectrum.Of(Model(block)).SpectralRadius.Should().Be(eigenvalue);
            }
        }
    }

    [Fact]
    public void Equal_eigenvalues_with_eigenvectors_of_their_own_are_not_defective()
    {
        Spectrum.Of(Model(Diagonal(1, 1, 1))).EigenvectorCondition.Should().Be(1);
        for (int seed = 1; seed <= 20; seed++)
        {
            Matrix<double> v = new Examples(seed).Matrix(5, 5) + 2 * Matrix<double>.Build.DenseIdentity(5);
            Matrix<double> whh = v * Diagonal(0.5, 0.5, 0.9, 0.9, -0.9) * v.Inverse();
            Spectrum.Of(Model(whh)).EigenvectorCondition.Should().BeLessThan(1e5, "seed {0}", seed);
        }
    }

    [Fact]
    public void The_condition_of_the_eigenvectors_is_that_of_the_complex_matrix()
    {
        for (int seed = 1; seed <= 20; seed++)
        {
            Matrix<double> whh = new Examples(seed).Matrix(6, 6);
            // λ_i v_i from the complex eigenproblem of the same matrix, which MathNet solves in another way.
            Matrix<Complex> vectors = whh.ToComplex().Evd().EigenVectors.NormalizeColumns(2);
            MathNet.Numerics.LinearAlgebra.Vector<Complex> singular = vectors.Svd(false).S;
            double expected = singular[0].Real / singular[5].Real;
            Spectrum.Of(Model(whh)).EigenvectorCondition.Should().BeApproximately(expected, 1e-8 * expected, "seed {0}", seed);
        }
    }

    [Fact]
    public void A_nilpotent_matrix_has_radius_zero_and_is_gone_after_h_steps_however_units_are_numbered()
    {
        for (int h = 1; h <= 9; h++)
        {
            int[] order = [.. Enumerable.Range(0, h).Select(i => (i * 7 + 3) % 11 * 100 + i)];
            Array.Sort([.. order], order = [.. Enumerable.Range(0, h)]);
            Matrix<double> whh = Shift(h, cyclic: false).PermutedTo(order);
            var spectrum = Spectrum.Of(Model(whh));
            spectrum.SpectralRadius.Should().Be(0);
            (spectrum.TransientGrowth, spectrum.IsTransientGrowthCertain).Should().Be((1.0, true));
            (spectrum.StateVanishStep, spectrum.GradientVanishLag).Should().Be((h + 1, h), "h = {0}", h);
            (spectrum.StateOverflowStep, spectrum.GradientOverflowLag).Should().Be((null, null));
            spectrum.Summary.Should().Contain("nilpotent");
        }
    }

    [Fact]
    public void A_triangular_matrix_shows_its_diagonal_exactly_however_units_are_numbered()
    {
        for (int seed = 1; seed <= 20; seed++)
        {
            var random = new Random(seed);
            int h = random.Next(2, 9);
            double[] diagonal = [.. Enumerable.Range(0, h).Select(_ => 0.5 * random.Next(-2, 3))];
            var triangular = Matrix<double>.Build.Dense(h, h, (i, j) => i == j ? diagonal[i] : i < j ? random.Next(-2, 3) : 0);
            int[] order = [.. Enumerable.Range(0, h)];
            random.Shuffle(order);
            Spectrum.Of(Model(triangular.PermutedTo(order))).Modes.Select(mode => mode.Eigenvalue.Real).Order()
                .Should().Equal(diagonal.Order(), "seed {0}", seed);
        }
    }

    [Fact]
    public void A_peak_that_is_climbed_slowly_is_found()
    {
        // ‖Jᵏ‖ of a Jordan block of 0.99 is largest where k 0.99^(k−1) nearly is, at k = 1/ln(1/0.99) = 99.5.
        var spectrum = Spectrum.Of(Model(Jordan(0.99, 2)));
        spectrum.TransientPeakLag.Should().BeOneOf(99, 100);
        spectrum.TransientGrowth.Should().BeApproximately(Jordan(0.99, 2).Power(spectrum.TransientPeakLag).L2Norm(), 1e-10);
        spectrum.TransientGrowth.Should().BeGreaterThanOrEqualTo(Jordan(0.99, 2).Power(99).L2Norm() * (1 - 1e-12));
        spectrum.TransientGrowth.Should().BeGreaterThanOrEqualTo(Jordan(0.99, 2).Power(100).L2Norm() * (1 - 1e-12));
    }

    [Fact]
    public void Growth_before_fading_is_the_largest_norm_of_any_power()
    {
        for (int seed = 1; seed <= 40; seed++)
        {
            var random = new Examples(seed);
            int h = 1 + seed % 6;
            Matrix<double> whh = random.Model(1, h, 1, 0.3 + 0.65 * (seed % 7) / 6.0).Whh;
            whh = seed % 2 == 0 ? whh : whh + whh.L2Norm() * 3 * whh.StrictlyUpperTriangle();
            double radius = whh.Evd().EigenValues.Max(Complex.Abs);
            whh *= Math.Min(1.0, 0.97 / radius);
            Matrix<double> power = Matrix<double>.Build.DenseIdentity(h);
            double largest = 0;
            int peak = 0;
            for (int k = 0; k < 2000; k++, power *= whh)
            {
                if (power.L2Norm() > largest * (1 + 1e-13))
                {
                    (largest, peak) = (power.L2Norm(), k);
                }
            }
            var spectrum = Spectrum.Of(Model(whh));
            spectrum.TransientGrowth.Should().BeApproximately(largest, 1e-10 * largest, "seed {0}", seed);
            (spectrum.TransientPeakLag, spectrum.IsTransientGrowthCertain).Should().Be((peak, true), "seed {0}", seed);
        }
    }

    [Fact]
    public void A_peak_beyond_reach_is_bounded_from_below_by_powers_of_two()
    {
        // The corner of the k-th power is 0.5 (aᵏ − bᵏ)/(a − b), largest at k = 549 307: 96 225.
        Matrix<double> whh = Matrix<double>.Build.DenseOfArray(new[,] { { 1 - 1e-6, 0.5 }, { 0, 1 - 3e-6 } });
        var spectrum = Spectrum.Of(Model(whh));
        spectrum.IsTransientGrowthCertain.Should().BeFalse();
        spectrum.TransientPeakLag.Should().Be(1 << 19);
        spectrum.TransientGrowth.Should().BeInRange(96_000, 96_226);
    }

    [Fact]
    public void At_radius_one_powers_are_bounded_unless_a_mode_is_defective()
    {
        foreach (int h in new[] { 1, 2, 5, 16 })
        {
            Matrix<double> q = _examples.Matrix(h, h).QR().Q;
            var orthogonal = Spectrum.Of(Model(q));
            orthogonal.TransientGrowth.Should().BeApproximately(1, 1e-13);
            (orthogonal.TransientPeakLag, orthogonal.IsTransientGrowthCertain).Should().Be((0, true));
            (orthogonal.StateOverflowStep, orthogonal.StateVanishStep).Should().Be((null, null));
            (orthogonal.GradientOverflowLag, orthogonal.GradientVanishLag).Should().Be((null, null));
            orthogonal.Summary.Should().Contain("keeps its size");
        }
        foreach (double coupling in new[] { 1.0, 1e-3, 1e-8 })
        {
            Spectrum.Of(Model(Jordan(1, 2, coupling))).TransientGrowth.Should().Be(double.PositiveInfinity);
            Spectrum.Of(Model(Jordan(-1, 3, coupling))).TransientGrowth.Should().Be(double.PositiveInfinity);
        }
        // Oblique, but each of the modes ±1 has its own eigenvector: bounded, at least by the norm itself.
        Matrix<double> reflection = Matrix<double>.Build.DenseOfArray(new double[,] { { 1, 5 }, { 0, -1 } });
        var bounded = Spectrum.Of(Model(reflection));
        bounded.TransientGrowth.Should().BeApproximately(reflection.L2Norm(), 1e-12);
        Spectrum.Of(Model(Diagonal(1.0000001))).TransientGrowth.Should().Be(double.PositiveInfinity);
    }

    [Theory]
    [InlineData(660)]
    [InlineData(-660)]
    public void Scaling_by_a_power_of_two_scales_the_eigenvalues_and_nothing_else(int exponent)
    {
        Matrix<double> whh = _examples.Matrix(5, 5);
        var plain = Spectrum.Of(Model(whh));
        var scaled = Spectrum.Of(Model(whh.Map(value => Math.ScaleB(value, exponent))));
        scaled.Modes.Select(mode => mode.Eigenvalue).Should().Equal(
            plain.Modes.Select(mode => new Complex(
                Math.ScaleB(mode.Eigenvalue.Real, exponent), Math.ScaleB(mode.Eigenvalue.Imaginary, exponent))));
        scaled.Norm.Should().Be(Math.ScaleB(plain.Norm, exponent));
        scaled.EigenvectorCondition.Should().Be(plain.EigenvectorCondition);
        double perStep = exponent * Math.Log(2) + Math.Log(plain.SpectralRadius);
        (exponent > 0 ? scaled.Modes[0].DoublingTime : scaled.Modes[0].HalfLife)
            .Should().BeApproximately(Math.Log(2) / Math.Abs(perStep), 1e-12);
    }

    [Fact]
    public void Nothing_is_NaN_for_awkward_matrices_and_eigenvalues_add_up_to_the_trace()
    {
        var random = new Random(4711);
        List<Matrix<double>> matrices =
        [
            Matrix<double>.Build.Dense(1, 1), Matrix<double>.Build.Dense(4, 4), Matrix<double>.Build.Dense(3, 3, 1.5e308),
            Matrix<double>.Build.Dense(2, 2, 1e-320), Matrix<double>.Build.Dense(1, 1, double.Epsilon),
            1e200 * _examples.Matrix(4, 4), 1e-200 * _examples.Matrix(4, 4), Jordan(1e-300, 2, 1e300), Shift(6, cyclic: true),
        ];
        for (int i = 0; i < 40; i++)
        {
            int h = random.Next(1, 7);
            matrices.Add(Matrix<double>.Build.Dense(h, h, (_, _) => random.Next(3) == 0 ? random.Next(-1, 2) : 0));
        }
        foreach (Matrix<double> whh in matrices)
        {
            var spectrum = Spectrum.Of(Model(whh));
            spectrum.Modes.Should().HaveCount(whh.RowCount);
            foreach (double value in new[]
            {
                spectrum.SpectralRadius, spectrum.Norm, spectrum.EigenvectorCondition, spectrum.TransientGrowth,
                spectrum.PowerNorm(3), spectrum.PowerNorm(1_000_000_000),
            }.Concat(spectrum.Modes.SelectMany(m => new[] { m.Magnitude, m.HalfLife ?? 0, m.DoublingTime ?? 0, m.Period ?? 0 })))
            {
                value.Should().BeGreaterThanOrEqualTo(0, "{0}", whh); // NaN is not
            }
            spectrum.TransientGrowth.Should().BeGreaterThanOrEqualTo(1);
            double norm = spectrum.Norm;
            spectrum.SpectralRadius.Should().BeLessThanOrEqualTo(norm * (1 + 1e-12), "{0}", whh);
            if (double.IsFinite(norm) && norm < 1e300)
            {
                spectrum.Modes.Sum(m => m.Eigenvalue.Real).Should().BeApproximately(whh.Trace(), 1e-10 * norm, "{0}", whh);
            }
            _ = (spectrum.StateOverflowStep, spectrum.StateVanishStep, spectrum.GradientOverflowLag, spectrum.GradientVanishLag);
            spectrum.Summary.Should().NotContain("NaN");
        }
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        FluentActions.Invoking(() => Spectrum.Of(null!)).Should().Throw<ArgumentNullException>();
        Spectrum.Of(Model(Diagonal(1))).Invoking(s => s.PowerNorm(-1)).Should().Throw<ArgumentOutOfRangeException>()
            .WithMessage("k: expected at least 0, got -1.*");
    }
}

/// <summary>Matrices whose powers are known.</summary>
internal static class SpectrumModels
{
    /// <summary>W_hx and W_qh are all ones, d = q = 1.</summary>
    public static LinearRnn Model(Matrix<double> whh) =>
        new(Matrix<double>.Build.Dense(whh.RowCount, 1, 1), whh, Matrix<double>.Build.Dense(1, whh.RowCount, 1));

    public static Matrix<double> Diagonal(params double[] entries) => Matrix<double>.Build.DenseOfDiagonalArray(entries);

    public static Matrix<double> Rotation(double angle) => Matrix<double>.Build.DenseOfArray(
        new[,] { { Math.Cos(angle), -Math.Sin(angle) }, { Math.Sin(angle), Math.Cos(angle) } });

    /// <summary>Ones above the diagonal.</summary>
    public static Matrix<double> Shift(int size, bool cyclic) =>
        Matrix<double>.Build.Dense(size, size, (i, j) => j == i + 1 || (cyclic && j == 0 && i == size - 1) ? 1 : 0);

    public static Matrix<double> Jordan(double eigenvalue, int size, double coupling = 1) =>
        eigenvalue * Matrix<double>.Build.DenseIdentity(size) + coupling * Shift(size, cyclic: false);

    public static Matrix<double> Blocks(params Matrix<double>[] blocks) =>
        blocks.Aggregate((left, right) => left.DiagonalStack(right));

    public static Matrix<double> PermutedTo(this Matrix<double> matrix, int[] order) =>
        Matrix<double>.Build.Dense(order.Length, order.Length, (i, j) => matrix[order[i], order[j]]);
}
