// The block order against components found by plain reachability.

using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.LinearAlgebra;

public class BlockOrderTests
{
    [Fact]
    public void Components_stay_together_and_follow_what_depends_on_them()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            int size = random.Next(1, 9);
            double density = random.NextDouble();
            var matrix = Matrix<double>.Build.Dense(
                size, size, (_, _) => random.NextDouble() < density * density ? 1 : 0);

            int[] order = BlockOrder.UpperTriangular(ScaledMatrix.Take(matrix.ToColumnMajorArray(), size));

            order.Should().BeEquivalentTo(Enumerable.Range(0, size), "seed {0}", seed);
            bool[,] reaches = Reachability(matrix);
            for (int i = 0; i < size; i++)
            {
                for (int j = i + 1; j < size; j++)
                {
                    bool together = reaches[order[i], order[j]] && reaches[order[j], order[i]];
                    (reaches[order[j], order[i]] && !together)
                        .Should().BeFalse("seed {0}: below the blocks all is zero", seed);
                    for (int between = i + 1; together && between < j; between++)
                    {
                        (reaches[order[i], order[between]] && reaches[order[between], order[i]])
                            .Should().BeTrue("seed {0}: a block is not torn apart", seed);
                    }
                }
            }
        }
    }

    /// <summary>Whether a unit depends on another over any number of nonzero entries.</summary>
    private static bool[,] Reachability(Matrix<double> matrix)
    {
        int size = matrix.RowCount;
        bool[,] reaches = new bool[size, size];
        for (int step = 0; step <= size; step++)
        {
            for (int i = 0; i < size; i++)
            {
                for (int j = 0; j < size; j++)
                {
                    reaches[i, j] |= i == j || matrix[i, j] != 0.0
                        || Enumerable.Range(0, size).Any(k => reaches[i, k] && reaches[k, j]);
                }
            }
        }
        return reaches;
    }
}
