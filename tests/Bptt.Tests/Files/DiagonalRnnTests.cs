// Diagonal layers of complex numbers as real networks: the same outputs as the recurrence itself, computed with complex
// numbers here.

using Bptt.Files;
using MathNet.Numerics.LinearAlgebra;
using Complex = System.Numerics.Complex;

namespace Bptt.Tests.Files;

public class DiagonalRnnTests
{
    [Theory]
    [InlineData(1, 1, 1, "none", 2)]
    [InlineData(4, 2, 3, "none", 8)]
    [InlineData(4, 2, 3, "full", 10)]
    [InlineData(3, 3, 2, "full", 8)]
    [InlineData(4, 3, 3, "one row", 9)]
    [InlineData(4, 3, 3, "one column", 9)]
    [InlineData(5, 3, 3, "diagonal", 13)]
    public void The_real_network_has_the_outputs_of_the_complex_layer(int n, int d, int q, string through, int h)
    {
        int seed = 100 + n + d + q;
        var random = new Random(seed);
        var eigenvalues = Vector<Complex>.Build.Dense(
            n, _ => Complex.FromPolarCoordinates(0.99 * random.NextDouble(), 6.0 * random.NextDouble()));
        Matrix<Complex> b = Build(n, d, (_, _) => Any(random));
        Matrix<Complex> c = Build(q, n, (_, _) => Any(random));
        Matrix<double>? pass = through == "none" ? null : Matrix<double>.Build.Dense(q, d, (i, j) =>
            through switch
            {
                "one row" => i == 1 ? 1.0 + j : 0.0,
                "one column" => j == 1 ? 1.0 + i : 0.0,
                "diagonal" => i == j ? 0.3 + i : 0.0,
                _ => random.NextDouble(),
            });
        var layer = new DiagonalRnn(eigenvalues, b, c, pass);
        Matrix<double> inputs = new Examples(seed).Matrix(d, 200);

        var real = layer.ToLinearRnn();

        real.HiddenSize.Should().Be(h);
        Matrix<double> expected = Outputs(eigenvalues, b, c, pass, inputs);
        (ForwardPass.Run(real, inputs).Outputs() - expected).InfinityNorm()
            .Should().BeLessThan(1e-13 * expected.InfinityNorm(), "seed {0}", seed);
    }

    [Fact]
    public void Weights_are_copied_bit_for_bit_and_a_real_state_is_one_unit()
    {
        var layer = new DiagonalRnn(
            Vector<Complex>.Build.Dense([new Complex(0.1, 0.7), new Complex(0.9, 0.0)]),
            Build(2, 1, (k, _) => k == 0 ? new Complex(1.0 / 3, 2.0) : new Complex(5.0, 0.0)),
            Build(1, 2, (_, k) => new Complex(0.1 + k, 0.3)));

        var real = layer.ToLinearRnn();

        real.Whh.Should().Be(Matrix<double>.Build.DenseOfArray(
            new[,] { { 0.1, -0.7, 0.0 }, { 0.7, 0.1, 0.0 }, { 0.0, 0.0, 0.9 } }));
        real.Whx.Column(0).Should().Equal(1.0 / 3, 2.0, 5.0);
        real.Wqh.Row(0).Should().Equal(0.1, -0.3, 1.1);
        layer.Eigenvalues[0].Should().Be(new Complex(0.1, 0.7));
        layer.B[1, 0].Should().Be(new Complex(5.0, 0.0));
        layer.C[0, 1].Should().Be(new Complex(1.1, 0.3));
        layer.D[0, 0].Should().Be(0.0);
    }

    [Fact]
    public void A_layer_of_LRU_is_read_by_its_definition()
    {
        var random = new Random(7);
        Dictionary<string, StoredTensor> tensors = Lru(random, n: 3, width: 2, "seq.");
        double[] nu = tensors["seq.nu_log"].Values.ToArray();
        double[] theta = tensors["seq.theta_log"].Values.ToArray();
        double[] gamma = tensors["seq.gamma_log"].Values.ToArray();

        var layer = DiagonalRnn.OfLru(tensors, "seq.");

        for (int k = 0; k < 3; k++)
        {
            layer.Eigenvalues[k].Magnitude.Should().BeApproximately(Math.Exp(-Math.Exp(nu[k])), 1e-15);
            layer.Eigenvalues[k].Phase.Should().BeApproximately(Math.Exp(theta[k]), 1e-15);
            layer.B[k, 1].Real.Should().Be(Math.Exp(gamma[k]) * tensors["seq.B_re"].ToMatrix()[k, 1]);
            layer.C[1, k].Imaginary.Should().Be(tensors["seq.C_im"].ToMatrix()[1, k]);
        }
        layer.D.Diagonal().Should().Equal(tensors["seq.D"].Values.ToArray());
        layer.D[0, 1].Should().Be(0.0);
        layer.ToLinearRnn().HiddenSize.Should().Be(8);
    }

    [Theory]
    [InlineData(S5Discretization.ZeroOrderHold, true)]
    [InlineData(S5Discretization.ZeroOrderHold, false)]
    [InlineData(S5Discretization.Bilinear, true)]
    public void A_layer_of_S5_is_read_by_its_definition(S5Discretization discretization, bool half)
    {
        var value = new Complex(-0.5, 3.0);
        var b = new Complex(0.7, -0.2);
        var c = new Complex(0.4, 1.5);
        const double step = 2.0 * 0.1;
        var tensors = new Dictionary<string, StoredTensor>
        {
            ["Lambda_re"] = new([1], [value.Real]),
            ["Lambda_im"] = new([1], [value.Imaginary]),
            ["log_step"] = new([1, 1], [Math.Log(0.1)]),
            ["B"] = new([1, 1, 2], [b.Real, b.Imaginary]),
            ["C"] = new([1, 1, 2], [c.Real, c.Imaginary]),
            ["D"] = new([1], [0.25]),
        };
        var options = new S5Options { Discretization = discretization, HasConjugateHalf = half, StepScale = 2.0 };

        var layer = DiagonalRnn.OfS5(tensors, options);

        (Complex expected, Complex drive) = discretization == S5Discretization.ZeroOrderHold
            ? (Complex.Exp(step * value), (Complex.Exp(step * value) - 1.0) / value * b)
            : ((1.0 + step / 2 * value) / (1.0 - step / 2 * value), step / (1.0 - step / 2 * value) * b);
        (layer.Eigenvalues[0] - expected).Magnitude.Should().BeLessThan(1e-15);
        (layer.B[0, 0] - drive).Magnitude.Should().BeLessThan(1e-15);
        layer.C[0, 0].Should().Be((half ? 2.0 : 1.0) * c);
        layer.D[0, 0].Should().Be(0.25);
        DiagonalRnn.OfS5(tensors, options with { ClipsEigenvalues = true }).Eigenvalues[0]
            .Should().Be(layer.Eigenvalues[0], "its real part is below the bound");
    }

    [Fact]
    public void Eigenvalues_of_S5_are_clipped_where_the_layer_did()
    {
        var tensors = new Dictionary<string, StoredTensor>
        {
            ["Lambda_re"] = new([1], [0.5]),
            ["Lambda_im"] = new([1], [0.0]),
            ["log_step"] = new([1], [0.0]),
            ["B"] = new([1, 1, 2], [1.0, 0.0]),
            ["C"] = new([1, 1, 2], [1.0, 0.0]),
            ["D"] = new([1], [0.0]),
        };

        DiagonalRnn.OfS5(tensors).Eigenvalues[0].Real.Should().BeApproximately(Math.Exp(0.5), 1e-15);
        DiagonalRnn.OfS5(tensors, new S5Options { ClipsEigenvalues = true }).Eigenvalues[0].Real
            .Should().BeApproximately(Math.Exp(-1e-4), 1e-15);
        tensors["Lambda_re"] = new([1], [0.0]);
        DiagonalRnn.OfS5(tensors).B[0, 0].Should().Be(Complex.One, "the limit of (exp(λΔ) − 1)/λ is Δ");
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        Refuse("D", null, "expected a tensor 'D', got none*");
        Refuse("nu_log", new StoredTensor([], [1.0]), "nu_log: expected the shape n, got of a single number*");
        Refuse("gamma_log", new StoredTensor([2], [1.0, 2.0]), "gamma_log: expected the shape 3, got 2*");
        Refuse("B_im", new StoredTensor([3, 1], new double[3]), "B_im: expected the shape 3×2, got 3×1*");
        Refuse("C_re", new StoredTensor([2, 4], new double[8]), "C_re: expected the shape q×3, got 2×4*");
        Refuse("D", new StoredTensor([3], new double[3]), "D: expected the shape 2, got 3*");
        Refuse("theta_log", new StoredTensor([3], [1.0, double.NaN, 0.0]), "*finite numbers*");
        FluentActions.Invoking(() => new DiagonalRnn(
            Vector<Complex>.Build.Dense(2), Build(1, 1, (_, _) => 1.0), Build(1, 2, (_, _) => 1.0)))
            .Should().Throw<ArgumentException>().WithMessage("*n×d with 2 rows*");
        FluentActions.Invoking(() => new S5Options { StepScale = 0.0 }).Should().Throw<ArgumentOutOfRangeException>();

        static void Refuse(string name, StoredTensor? tensor, string message)
        {
            Dictionary<string, StoredTensor> tensors = Lru(new Random(1), n: 3, width: 2, "");
            tensors.Remove(name);
            if (tensor is not null)
            {
                tensors.Add(name, tensor);
            }
            FluentActions.Invoking(() => DiagonalRnn.OfLru(tensors))
                .Should().Throw<InvalidDataException>().WithMessage(message);
        }
    }

    private static Dictionary<string, StoredTensor> Lru(Random random, int n, int width, string prefix)
    {
        return new Dictionary<string, StoredTensor>
        {
            [$"{prefix}nu_log"] = Random(n),
            [$"{prefix}theta_log"] = Random(n),
            [$"{prefix}gamma_log"] = Random(n),
            [$"{prefix}B_re"] = Random(n, width),
            [$"{prefix}B_im"] = Random(n, width),
            [$"{prefix}C_re"] = Random(width, n),
            [$"{prefix}C_im"] = Random(width, n),
            [$"{prefix}D"] = Random(width),
        };

        StoredTensor Random(params int[] shape) => new(
            shape,
            [.. Enumerable.Range(0, shape.Aggregate(1, (a, b) => a * b)).Select(_ => random.NextDouble() - 0.5)]);
    }

    /// <summary>The recurrence itself.</summary>
    private static Matrix<double> Outputs(
        Vector<Complex> eigenvalues, Matrix<Complex> b, Matrix<Complex> c, Matrix<double>? d, Matrix<double> inputs)
    {
        var outputs = Matrix<double>.Build.Dense(c.RowCount, inputs.ColumnCount);
        var state = Vector<Complex>.Build.Dense(eigenvalues.Count);
        for (int t = 0; t < inputs.ColumnCount; t++)
        {
            Vector<double> input = inputs.Column(t);
            state = eigenvalues.PointwiseMultiply(state) + b * input.ToComplex();
            Vector<double> output = (c * state).Real();
            outputs.SetColumn(t, d is null ? output : output + d * input);
        }
        return outputs;
    }

    private static Complex Any(Random random) => new(random.NextDouble() - 0.5, random.NextDouble() - 0.5);

    private static Matrix<Complex> Build(int rows, int columns, Func<int, int, Complex> entry) =>
        Matrix<Complex>.Build.Dense(rows, columns, entry);
}
