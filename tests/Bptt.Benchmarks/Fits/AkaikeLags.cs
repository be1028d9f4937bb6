// How many lags a regression takes by Akaike's criterion. Fits none.

using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Benchmarks.Fits;

internal static class AkaikeLags
{
    /// <summary>The number of lags with the least criterion of Akaike (1974), N Σ_outputs ln(variance of residuals) +
    /// 2·unknowns, over the rows that have the past of the most lags; 1 where none has.</summary>
    /// <param name="data">Stretches that all count.</param>
    /// <param name="mostLags">The most lags; fewer where the data do not determine as many.</param>
    public static int Of(IdentificationData data, int mostLags)
    {
        (int d, int q) = (data.InputSize, data.OutputSize);
        int most = mostLags;
        while (most > 1 && (!LaggedRegression.IsDetermined(data, most, most)
            || LaggedRegression.Unknowns(data, most, most) > IdentificationSearch.MaxUnknowns))
        {
            most--;
        }
        // The columns of p lags come before those of more: the triangle holds what each number of lags leaves over.
        int unknowns = LaggedRegression.Unknowns(data, most, most);
        var factor = new TriangularFactor(unknowns + q, rightSides: 0);
        double[] row = new double[unknowns + q];
        for (int b = 0; b < data.Inputs.Length; b++)
        {
            for (int t = most; t < data.Inputs[b].ColumnCount; t++)
            {
                data.Inputs[b].Column(t).AsArray().CopyTo(row, 0);
                for (int k = 1, at = d; k <= most; k++, at += d + q)
                {
                    data.Targets[b].Column(t - k).AsArray().CopyTo(row, at);
                    data.Inputs[b].Column(t - k).AsArray().CopyTo(row, at + q);
                }
                data.Targets[b].Column(t).AsArray().CopyTo(row, unknowns);
                factor.Add(row);
            }
        }
        Matrix<double> triangle = factor.Triangle();
        long rows = LaggedRegression.Rows(data, most, most);
        double CriterionOf(int lags)
        {
            int used = LaggedRegression.Unknowns(data, lags, lags);
            double sum = 2.0 * q * used;
            for (int i = unknowns; i < unknowns + q; i++)
            {
                Vector<double> left = triangle.Column(i, used, unknowns + q - used);
                sum += rows * Math.Log(Math.Max(left.DotProduct(left), double.Epsilon));
            }
            return sum;
        }
        return Enumerable.Range(1, most).MinBy(CriterionOf);
    }
}
