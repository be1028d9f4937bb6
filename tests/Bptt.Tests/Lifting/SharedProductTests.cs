// Products in strips of columns against plain loops: every size around the width of a strip, either operand transposed,
// with distances between the columns.

using Bptt.Kernels;
using Bptt.Lifting;
using Bptt.LinearRecurrence;

namespace Bptt.Tests.Lifting;

public class SharedProductTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 5, 64)]
    [InlineData(3, 5, 65)]
    [InlineData(7, 2, 128)]
    [InlineData(66, 67, 129)]
    public void Products_are_those_of_plain_loops(int rows, int inner, int columns)
    {
        var random = new Random(rows + inner + columns);
        foreach (int threads in new[] { 1, 2 })
        {
            var context = PassContext.Alone(new PassSettings(
                KernelChoice.Supported[^1], threads, PlanTuning.Default with { WorthSharing = 1.0 }));
            for (int way = 0; way < 8; way++)
            {
                StoredMatrix a = (way & 1) == 0 ? Stored(rows, inner) : Stored(inner, rows).T;
                StoredMatrix b = (way & 2) == 0 ? Stored(inner, columns) : Stored(columns, inner).T;
                StoredMatrix c = Stored(rows, columns);
                double[,] expected = new double[rows, columns];
                for (int i = 0; i < rows; i++)
                {
                    for (int j = 0; j < columns; j++)
                    {
                        expected[i, j] = (way & 4) == 0 ? 0.0 : Entry(c, i, j);
                        for (int k = 0; k < inner; k++)
                        {
                            expected[i, j] += Entry(a, i, k) * Entry(b, k, j);
                        }
                    }
                }
                double[] before = [.. c.Values];
                if ((way & 4) == 0)
                {
                    SharedProduct.Multiply(context, a, b, c);
                }
                else
                {
                    SharedProduct.MultiplyAdd(context, a, b, c);
                }
                for (int at = 0; at < before.Length; at++)
                {
                    (int j, int i) = Math.DivRem(at, c.LeadingDimension);
                    double wanted = i < rows ? expected[i, j] : before[at];
                    c.Values[at].Should().BeApproximately(
                        wanted, i < rows ? 1e-13 * inner : 0.0, "way {0}, row {1}, column {2}", way, i, j);
                }
            }
        }

        StoredMatrix Stored(int storedRows, int storedColumns)
        {
            int length = (storedRows + 3) * storedColumns;
            double[] values = [.. Enumerable.Range(0, length).Select(_ => random.NextDouble())];
            return new StoredMatrix(values, storedRows, storedColumns, storedRows + 3);
        }
    }

    private static double Entry(StoredMatrix matrix, int i, int j)
    {
        (int row, int column) = matrix.IsTransposed ? (j, i) : (i, j);
        return matrix.Values[row + (column * matrix.LeadingDimension)];
    }
}
