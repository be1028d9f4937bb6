// The rows of output-error least squares: JᵀJ and Jᵀr against differences of residuals. Nothing of a search.

using Bptt.Identification;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Random;

namespace Bptt.Tests.Identification;

public class OutputErrorProblemTests
{
    private const double Step = 1e-6;

    /// <summary>Sequences of data of different lengths, one shorter than the filters are many, a pulse as of a prior
    /// whose other input is silent, and copies without input for h_0.</summary>
    [Theory]
    [InlineData(1, 1, 1, false, false, false, "random")]
    [InlineData(3, 2, 2, false, false, false, "random")]
    [InlineData(4, 2, 3, true, true, true, "random")]
    [InlineData(5, 1, 2, true, false, false, "random")]
    [InlineData(3, 2, 1, false, true, true, "started")]
    [InlineData(3, 2, 2, true, true, false, "Jordan")]
    [InlineData(4, 1, 1, true, true, false, "delays")]
    [InlineData(4, 2, 2, false, true, false, "slow")]
    public void The_rows_are_the_derivatives_of_the_residuals(
        int h, int d, int q, bool states, bool offset, bool direct, string dynamics)
    {
        int seed = 8100 + 100 * h + 10 * d + q;
        var random = new MersenneTwister(seed, threadSafe: false);
        Matrix<double> Draw(int rows, int columns) =>
            Matrix<double>.Build.Dense(rows, columns, (_, _) => 2.0 * random.NextDouble() - 1.0);

        int[] lengths = [40, 3, 25];
        List<Matrix<double>> inputs = [.. lengths.Select(length => Draw(d, length))];
        var pulse = Matrix<double>.Build.Dense(d, 30);
        (pulse[0, 0], pulse[0, 1]) = (1.0, -1.0);
        inputs.Add(pulse);
        if (states)
        {
            inputs.AddRange(lengths.Select(length => Matrix<double>.Build.Dense(d, length + 1)));
        }
        List<Matrix<double>> targets = [.. inputs.Select(u => Draw(q, u.ColumnCount))];
        double[][] weights =
            [.. inputs.Select(u => Enumerable.Range(0, u.ColumnCount).Select(t => t % 4 == 2 ? 0.0 : 0.5 + t % 3)
                .ToArray())];
        var problem = new OutputErrorProblem(
            SequenceBatch.Pack(inputs),
            SequenceBatch.Pack(targets),
            weights,
            lengths.Length,
            new FreeParts(states, offset, direct),
            ExecutionOptions.Default);
        Matrix<double> whh = Transition(dynamics, Draw(h, h));
        var model = new LinearRnn(Draw(h, d), whh, Draw(q, h));
        bool starts = states || dynamics == "started";
        var system = new FreeSystem(
            model,
            starts ? Draw(h, lengths.Length) : Matrix<double>.Build.Dense(h, lengths.Length),
            direct ? Draw(q, d) : Matrix<double>.Build.Dense(q, d),
            offset ? Draw(q, 1).Column(0) : Vector<double>.Build.Dense(q));
        int stride = h * (d + h + q) + (states ? h * lengths.Length : 0);
        double[] directions = Draw(stride, Math.Min(stride, 7)).ToColumnMajorArray();

        OutputErrorPoint at = problem.Evaluate(system);
        TriangularFactor rows = problem.Rows(at, directions, default);

        int unknowns = rows.Unknowns;
        double[] residuals = [.. at.Residuals.SelectMany(r => r)];
        var jacobian = Matrix<double>.Build.Dense(residuals.Length, unknowns);
        for (int k = 0; k < unknowns; k++)
        {
            jacobian.SetColumn(k, (Moved(k, Step) - Moved(k, -Step)) / (2.0 * Step));
        }
        Matrix<double> found = rows.Triangle();
        Matrix<double> gram = found.TransposeThisAndMultiply(found);
        Matrix<double> wanted = jacobian.TransposeThisAndMultiply(jacobian);
        string why = $"seed {seed}";
        (gram - wanted).FrobeniusNorm().Should().BeLessThan(1e-7 * wanted.FrobeniusNorm(), why);
        Vector<double> gradient = jacobian.TransposeThisAndMultiply(Vector<double>.Build.Dense(residuals));
        (found.TransposeThisAndMultiply(rows.RightSides()).Column(0) - gradient).L2Norm()
            .Should().BeLessThan(1e-7 * wanted.FrobeniusNorm(), why);

        Vector<double> Moved(int k, double by)
        {
            double[] step = new double[unknowns];
            step[k] = by;
            return Vector<double>.Build.Dense(
                [.. problem.Evaluate(problem.Moved(system, directions, step)!).Residuals.SelectMany(r => r)]);
        }
    }

    /// <summary>Of a Jordan block, whose eigenvectors meet, of delays, whose powers vanish, and of a mode that lasts
    /// longer than any record.</summary>
    private static Matrix<double> Transition(string dynamics, Matrix<double> random)
    {
        int h = random.RowCount;
        return dynamics switch
        {
            "Jordan" => Matrix<double>.Build.Dense(h, h, (i, j) => i == j ? 0.9 : j == i + 1 ? 1.0 : 0.0),
            "delays" => Matrix<double>.Build.Dense(h, h, (i, j) => j == i + 1 ? 1.0 : 0.0),
            "slow" => Matrix<double>.Build.DenseDiagonal(h, h, i => i == 0 ? 1.0 - 1e-7 : i == 1 ? -0.9999 : 0.5),
            _ => random * (0.95 / random.L2Norm()),
        };
    }
}
