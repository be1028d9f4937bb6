// Eigenvalues and the condition of the eigenvectors of a scaled matrix, by MathNet, with what MathNet leaves out:
// scaling, order, and what is defective to rounding.

using System.Numerics;
using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;
using MathNet.Numerics.Random;

namespace Bptt.LinearAlgebra;

/// <summary>A V = V Λ, for A = M·2ᵉ.</summary>
internal sealed class Eigensystem
{
    /// <summary>Rounding moves a matrix of h rows by about this many times h ε, relative to its Frobenius
    /// norm.</summary>
    private const double RoundingOfMatrix = 10.0;

    /// <summary>The least condition of an eigenvalue that belongs to a Jordan block: 1/√ε for one of order 2, less
    /// where its coupling is weak. Below it, eigenvalues that lie close together have eigenvectors of their
    /// own.</summary>
    private const double LeastConditionOfDefect = 1e5;

    private readonly Matrix<double> _vectors; // of a pair of complex ones the real and the imaginary part

    private readonly double _norm;            // ‖M‖ in the Frobenius norm

    private Eigensystem(Complex[] values, Matrix<double> vectors, double norm)
    {
        Values = values;
        _norm = norm;
        _vectors = vectors;
    }

    /// <summary>The eigenvalues of M, conjugate pairs adjacent, the one with the positive imaginary part
    /// first.</summary>
    public Complex[] Values { get; }

    /// <summary>The eigenvalues of a matrix of finite numbers, in the order of <see cref="Values"/>; of the zero matrix
    /// zeros.</summary>
    /// <exception cref="ArithmeticException">See <see cref="Of"/>.</exception>
    public static Complex[] ValuesOf(MatrixView matrix)
    {
        var scaled = ScaledMatrix.Of(matrix);
        double scale = Math.ScaleB(1.0, (int)scaled.Exponent);
        return Array.ConvertAll(Of(scaled).Values, value => scale * value);
    }

    /// <summary>Cost about 25h³.</summary>
    /// <exception cref="ArithmeticException">The iteration does not converge, not even in other
    /// coordinates.</exception>
    public static Eigensystem Of(ScaledMatrix a)
    {
        int[] order = BlockOrder.UpperTriangular(a);
        ScaledMatrix ordered = a.Part(order, order);
        var mantissa = Matrix<double>.Build.Dense(a.Rows, a.Rows, ordered.Values.ToArray());
        for (int seed = 0; seed < 4; seed++)
        {
            Matrix<double> similar = mantissa;
            if (seed > 0)
            {
                var random = new MersenneTwister(seed, threadSafe: false);
                Matrix<double> q =
                    Matrix<double>.Build.Dense(a.Rows, a.Rows, (_, _) => random.NextDouble() - 0.5).QR().Q;
                similar = q * mantissa * q.Transpose();
            }
            try
            {
                Evd<double> evd = similar.Evd();
                Complex[] values = evd.EigenValues.ToArray();
                if (values.All(Complex.IsFinite)
                    && VectorMath.FirstNonFinite(evd.EigenVectors.ToColumnMajorArray()) < 0)
                {
                    return new Eigensystem(values, evd.EigenVectors, VectorMath.Norm(a.Values));
                }
            }
            catch (NonConvergenceException)
            {
                // In other coordinates it does.
            }
        }
        throw new ArithmeticException(
            $"The eigenvalues of a {a.Rows}×{a.Rows} matrix: the iteration does not converge.");
    }

    /// <summary>κ₂(V) with eigenvectors of length 1; +∞ where A is defective to rounding. Cost O(h³).</summary>
    public double Condition()
    {
        int size = Values.Length;
        Matrix<double> vectors = UnitVectors();
        MathNet.Numerics.LinearAlgebra.Vector<double> singular = vectors.Svd(computeVectors: false).S;
        double smallest = singular[size - 1];
        if (!(smallest > size * MachineEpsilon.OfDouble * singular[0]))
        {
            return double.PositiveInfinity;
        }
        return IsDefective(vectors) ? double.PositiveInfinity : singular[0] / smallest;
    }

    /// <summary>
    /// Whether rounding of A alone can make two eigenvalues meet whose eigenvectors meet too: an eigenvalue moves by up
    /// to ‖E‖ ‖row of V⁻¹‖ where A moves by E (Bauer and Fike 1960; Wilkinson 1965, chapter 2).
    /// </summary>
    private bool IsDefective(Matrix<double> vectors)
    {
        int size = Values.Length;
        double rounding = RoundingOfMatrix * size * MachineEpsilon.OfDouble * _norm;
        Matrix<double> inverse = vectors.Inverse();
        double[] conditions = new double[size];
        for (int i = 0; i < size; i++)
        {
            // Of a pair the rows of the complex inverse have the norm of the two real ones together, over √2.
            conditions[i] = !IsPair(i) ? inverse.Row(i).L2Norm()
                : new Complex(inverse.Row(First(i)).L2Norm(), inverse.Row(First(i) + 1).L2Norm()).Magnitude
                    / Math.Sqrt(2.0);
        }
        for (int i = 0; i < size; i++)
        {
            if (!(conditions[i] >= LeastConditionOfDefect))
            {
                continue;
            }
            double gap = Enumerable.Range(0, size).Where(j => j != i)
                .Min(j => Complex.Abs(Values[i] - Values[j]));
            if (rounding * conditions[i] >= gap)
            {
                return true;
            }
        }
        return false;
    }

    private bool IsPair(int index) => Values[index].Imaginary != 0.0;

    /// <summary>The first of the pair that an eigenvalue belongs to.</summary>
    private int First(int index) => Values[index].Imaginary < 0.0 ? index - 1 : index;

    /// <summary>Columns of length 1, but √2 Re v and √2 Im v for a pair v, v̄: these differ from the complex matrix by
    /// a unitary factor, so the singular values are the same.</summary>
    private Matrix<double> UnitVectors()
    {
        Matrix<double> vectors = _vectors.Clone();
        for (int j = 0; j < Values.Length; j++)
        {
            bool isPair = IsPair(j);
            double norm = VectorMath.Norm(
                isPair ? [vectors.Column(j).L2Norm(), vectors.Column(j + 1).L2Norm()] : [vectors.Column(j).L2Norm()]);
            double scale = (isPair ? Math.Sqrt(2.0) : 1.0) / norm;
            vectors.SetColumn(j, scale * vectors.Column(j));
            if (isPair)
            {
                vectors.SetColumn(j + 1, scale * vectors.Column(j + 1));
                j++;
            }
        }
        return vectors;
    }
}
