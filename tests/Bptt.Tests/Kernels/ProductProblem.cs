// Random A, B and D with a reference for A B + D that shares nothing with the kernels: a triple loop whose sums keep
// the digits that rounding takes off (Ogita, Rump and Oishi, "Accurate sum and dot product", 2005), so that it is exact
// but for about one rounding.
//
// What a kernel computes may differ from the exact result by γ(|A||B| + |D|) with γ = (k + 2)·2^-53 for k columns of A,
// in whatever order it adds, with fused multiply-adds or without (Higham, Accuracy and Stability of Numerical
// Algorithms, chapter 3). Twice as much is allowed, for the roundings of the reference. So no test fails by bad luck.

using Bptt.Kernels;

namespace Bptt.Tests.Kernels;

/// <summary>A, B and D. Every upper left part of them, of the same depth, is a problem of its own.</summary>
internal sealed class ProductProblem
{
    private readonly int _seed;
    private readonly double[,] _a;
    private readonly double[,] _b;
    private readonly double[,] _d;
    private readonly double[,] _product;
    private readonly double[,] _magnitudes;
    private readonly GuardedMemory _memory;

    /// <param name="a">A, m×k.</param>
    /// <param name="b">B, k×n.</param>
    /// <param name="d">D, m×n.</param>
    /// <param name="seed">Where they come from; for the places in memory and the messages.</param>
    public ProductProblem(double[,] a, double[,] b, double[,] d, int seed)
    {
        _a = a;
        _b = b;
        _d = d;
        _seed = seed;
        _memory = new GuardedMemory(seed);
        (_product, _magnitudes) = Product(a, b);
    }

    /// <summary>Each entry as <paramref name="entry"/> draws it.</summary>
    public static ProductProblem Random(int rows, int columns, int depth, int seed, Func<Random, double> entry)
    {
        var random = new Random(seed);
        return new ProductProblem(
            Matrix(rows, depth, random, entry),
            Matrix(depth, columns, random, entry),
            Matrix(rows, columns, random, entry),
            seed);
    }

    /// <summary>Entries uniform on (−1, 1).</summary>
    public static ProductProblem Random(int rows, int columns, int depth, int seed) =>
        Random(rows, columns, depth, seed, Uniform);

    public int Depth => _a.GetLength(1);

    public static double Uniform(Random random) => 2.0 * random.NextDouble() - 1.0;

    public static double[,] Matrix(int rows, int columns, Random random, Func<Random, double> entry)
    {
        double[,] matrix = new double[rows, columns];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                matrix[i, j] = entry(random);
            }
        }
        return matrix;
    }

    public GuardedMatrix PlaceA(int rows, bool isTransposed = false, int leadingDimension = 0) =>
        _memory.Place(rows, Depth, _a, isTransposed, leadingDimension);

    public GuardedMatrix PlaceB(int columns, bool isTransposed = false) =>
        _memory.Place(Depth, columns, _b, isTransposed);

    public GuardedMatrix PlaceD(int rows, int columns) => _memory.Place(rows, columns, _d);

    /// <summary>Room for C, filled with guards: none of it may be read.</summary>
    public GuardedMatrix PlaceC(int rows, int columns) => _memory.Place(rows, columns, null);

    public PackedMatrix Pack(KernelSet set, int rows, PackedFor uses, bool isTransposed = false) =>
        _memory.Pack(set, PlaceA(rows, isTransposed), uses, Where(set, $"Pack {uses}", rows, 0));

    /// <summary>What a message says of a case.</summary>
    public string Where(KernelSet set, string operation, int rows, int columns) =>
        $"{set.Name}, {operation}, A {rows}×{Depth}, B {Depth}×{columns}, seed {_seed}";

    /// <summary>That <paramref name="c"/> is A B, and that nothing else was written.</summary>
    public void AssertProduct(GuardedMatrix c, string where) => AssertProduct(c, addend: null, where);

    /// <summary>That <paramref name="c"/> is A B + D, and that nothing else was written.</summary>
    public void AssertProductPlusD(GuardedMatrix c, string where) => AssertProduct(c, _d, where);

    private void AssertProduct(GuardedMatrix c, double[,]? addend, string where)
    {
        double gamma = Math.ScaleB(Depth + 2, -53);
        for (int j = 0; j < c.Columns; j++)
        {
            for (int i = 0; i < c.Rows; i++)
            {
                double d = addend is null ? 0.0 : addend[i, j];
                double expected = _product[i, j] + d;
                double allowed = 2.0 * gamma * (_magnitudes[i, j] + Math.Abs(d));
                double actual = c[i, j];
                bool agrees = double.IsFinite(expected)
                    ? Math.Abs(actual - expected) <= allowed
                    : actual.Equals(expected);
                if (!agrees)
                {
                    Assert.Fail($"{where}: entry ({i}, {j}) is {actual}, expected {expected} ± {allowed:0.0e-0}.");
                }
            }
        }
        c.AssertUnchangedOutside(where);
    }

    /// <summary>A B and |A||B|. Where A B is not finite, it is what plain sums make of it.</summary>
    private static (double[,] Product, double[,] Magnitudes) Product(double[,] a, double[,] b)
    {
        double[,] product = new double[a.GetLength(0), b.GetLength(1)];
        double[,] magnitudes = new double[a.GetLength(0), b.GetLength(1)];
        for (int i = 0; i < a.GetLength(0); i++)
        {
            for (int j = 0; j < b.GetLength(1); j++)
            {
                double sum = 0.0;
                double lost = 0.0;
                double magnitude = 0.0;
                for (int p = 0; p < a.GetLength(1); p++)
                {
                    double term = a[i, p] * b[p, j];
                    double next = sum + term;
                    double part = next - sum;
                    lost += Math.FusedMultiplyAdd(a[i, p], b[p, j], -term) + (sum - (next - part)) + (term - part);
                    sum = next;
                    magnitude += Math.Abs(term);
                }
                product[i, j] = double.IsFinite(sum) ? sum + lost : sum;
                magnitudes[i, j] = magnitude;
            }
        }
        return (product, magnitudes);
    }
}
