// Powers of W_hh against exact rational numbers.

using Bptt.Kernels;
using Bptt.Lifting;
using Bptt.LinearRecurrence;
using Bptt.Tests.Reference;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Lifting;

public class LiftedPowersTests
{
    private readonly Examples _examples = new(seed: 64);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Exact_powers_are_right_to_the_last_bit_of_the_largest_entry(int h)
    {
        const int levels = 6;
        Matrix<double> whh = _examples.Matrix(h, h);
        foreach (KernelSet kernels in KernelChoice.Supported)
        {
            var context = PassContext.Alone(new PassSettings(kernels, 1, PlanTuning.Default));
            double[] entries = whh.ToColumnMajorArray();
            var powers = new LiftedPowers(context, new MatrixView(entries, h, h, h), levels, areExact: true);
            Rational[,] exact = whh.ToArray().Map(Rational.FromDouble);
            for (int level = 0; level <= levels; level++)
            {
                double largest = exact.Cast<Rational>().Max(x => Math.Abs(x.ToDouble()));
                for (int i = 0; i < h; i++)
                {
                    for (int j = 0; j < h; j++)
                    {
                        double actual = powers[level].Values[j * h + i];
                        double error = Math.Abs((Rational.FromDouble(actual) - exact[i, j]).ToDouble());
                        error.Should().BeLessThanOrEqualTo(1.2e-16 * largest, "m = 2^{0}, h = {1}", level, h);
                    }
                }
                exact = Square(exact);
            }
        }
    }

    private static Rational[,] Square(Rational[,] a)
    {
        int h = a.GetLength(0);
        var square = new Rational[h, h];
        for (int i = 0; i < h; i++)
        {
            for (int j = 0; j < h; j++)
            {
                for (int k = 0; k < h; k++)
                {
                    square[i, j] += a[i, k] * a[k, j];
                }
            }
        }
        return square;
    }
}
