// Inputs and targets in the form that identification works on: one pair of matrices per sequence, every channel of size
// 1.
//
//   d  inputs      q  outputs      T_b  steps of sequence b      m  columns

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Identification;

/// <summary>The data of an identification, each channel divided by its root mean square (by 1 where it is zero
/// throughout), so that neither ranks nor weights hang on units. Means stay: a network without bias has to produce
/// them.</summary>
internal sealed class IdentificationData
{
    private readonly Vector<double> _inputScale;
    private readonly Vector<double> _targetScale;

    public IdentificationData(SequenceBatch inputs, SequenceBatch targets)
    {
        _inputScale = RootMeanSquares(inputs);
        _targetScale = RootMeanSquares(targets);
        Inputs = Scaled(inputs, _inputScale);
        Targets = Scaled(targets, _targetScale);
        TotalLength = inputs.TotalLength;
        LongestLength = inputs.Lengths.Max();
    }

    /// <summary>Data whose channels are of size 1 already.</summary>
    public IdentificationData(Matrix<double>[] inputs, Matrix<double>[] targets)
    {
        _inputScale = Vector<double>.Build.Dense(inputs[0].RowCount, 1.0);
        _targetScale = Vector<double>.Build.Dense(targets[0].RowCount, 1.0);
        (Inputs, Targets) = (inputs, targets);
        TotalLength = inputs.Sum(u => u.ColumnCount);
        LongestLength = inputs.Max(u => u.ColumnCount);
    }

    /// <summary>d×T_b for each sequence.</summary>
    public Matrix<double>[] Inputs { get; }

    /// <summary>q×T_b for each sequence.</summary>
    public Matrix<double>[] Targets { get; }

    public int InputSize => _inputScale.Count;

    public int OutputSize => _targetScale.Count;

    public int TotalLength { get; }

    public int LongestLength { get; }

    /// <summary>A network for scaled data as one for the data given.</summary>
    public LinearRnn Unscaled(Matrix<double> whh, Matrix<double> whx, Matrix<double> wqh) =>
        new(whx * Matrix<double>.Build.DenseOfDiagonalVector(1.0 / _inputScale),
            whh,
            Matrix<double>.Build.DenseOfDiagonalVector(_targetScale) * wqh);

    /// <summary>Of each row over all steps; 1 where it is zero throughout.</summary>
    public static Vector<double> RootMeanSquares(SequenceBatch batch)
    {
        double[] norms = new double[batch.RowCount];
        for (int i = 0; i < norms.Length; i++)
        {
            double[] each =
                [.. Enumerable.Range(0, batch.Count).Select(b => VectorMath.Norm(batch.Sequence(b).Row(i).Entries()))];
            double size = VectorMath.Norm(each) / Math.Sqrt(batch.TotalLength);
            norms[i] = size > 0.0 && double.IsFinite(1.0 / size) ? size : 1.0;
        }
        return Vector<double>.Build.Dense(norms);
    }

    private static Matrix<double>[] Scaled(SequenceBatch batch, Vector<double> scale)
    {
        var inverse = Matrix<double>.Build.DenseOfDiagonalVector(1.0 / scale);
        return [.. Enumerable.Range(0, batch.Count).Select(b => inverse * batch.Sequence(b))];
    }
}
