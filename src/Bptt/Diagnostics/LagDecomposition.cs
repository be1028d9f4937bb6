// The gradient of the recurrent weights, split by how far back in time it has travelled. Computes no gradient anew: it
// adds up the terms of the general term.
//
//   h  hidden units      q  outputs      T_b  steps of sequence b      u_t = W_qhᵀ ∂L/∂o_t, with e_b added at t = T_b

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Diagnostics;

/// <summary>
/// ∂L/∂W_hh = Σ_k C_k with C_k = Σ_t (W_hhᵀ)ᵏ u_{t+k} h_{t−1}ᵀ, the part of the losses k steps after the state that
/// they reach: the general term (4) of <i>Dive into Deep Learning</i>, "Back-propagation through time", put into (5).
/// Its sum over k &lt; n is the gradient of <see cref="Truncation.Lags"/>(n), so the errors of all truncations follow
/// at once: which window is long enough can be read off.
/// </summary>
/// <remarks>Immutable plain data, but for <see cref="Contribution"/>, which computes a matrix when asked, from copies
/// of its own.</remarks>
public sealed class LagDecomposition
{
    private readonly int _hiddenSize;
    private readonly double[] _transposed;     // W_hhᵀ
    private readonly double[] _sources;        // [W_qhᵀ, e_b …], h×m
    private readonly double[][] _correlations; // by lag: [Σ_t ∂L/∂o_{t+k} h_{t−1}ᵀ; h_{T_b−k−1}ᵀ …], m×h
    private readonly KernelSet _kernels;
    private readonly int _columns;             // m

    private LagDecomposition(BackwardThroughTime backward, int lagCount)
    {
        ForwardPass forward = backward.Forward;
        LinearRnn model = forward.Model;
        int h = model.HiddenSize;
        int q = model.OutputSize;
        _hiddenSize = h;
        _kernels = forward.Context.Kernels;
        _transposed = model.Whh.Transpose().ToColumnMajorArray();
        Matrix<double>? final = backward.Options.FinalStateGradients;
        Matrix<double> sources = final is null
            ? model.Wqh.Transpose()
            : model.Wqh.Transpose().Append(final);
        _columns = sources.ColumnCount;
        _sources = sources.ToColumnMajorArray();

        _correlations = LagCorrelations.Of(forward.Record, backward.OutputGradientColumns, first: 1, lagCount);
        if (final is not null)
        {
            AddFinalStates(forward, q);
        }
        Decompose(backward.Gradients.Whh, lagCount, h);
    }

    /// <summary>Lags 0 … LagCount − 1 are split off; what travelled further is their remainder.</summary>
    public int LagCount => ContributionNorms.Count;

    /// <summary>Whether every lag is split off, so that there is no remainder.</summary>
    public bool IsComplete { get; private init; }

    /// <summary>By lag: ‖C_k‖, Frobenius.</summary>
    public IReadOnlyList<double> ContributionNorms { get; private set; } = [];

    /// <summary>By lag: ⟨C_k, G⟩/‖G‖² with G = ∂L/∂W_hh; over all lags they sum to 1. All 0 where G is.</summary>
    public IReadOnlyList<double> ContributionShares { get; private set; } = [];

    /// <summary>Entry k − 1, for k = 1 … LagCount: ‖G − G_k‖/‖G‖, the relative error of the gradient G_k truncated to k
    /// lags. All 0 where G is 0 and so is G_k; +∞ where only G is.</summary>
    public IReadOnlyList<double> TruncationErrors { get; private set; } = [];

    /// <summary>Entry k − 1, for k = 1 … LagCount: the cosine of the angle between G_k and G; 0 where one of them is
    /// 0.</summary>
    public IReadOnlyList<double> TruncationCosines { get; private set; } = [];

    /// <summary>Splits the gradient of a backward pass.</summary>
    /// <param name="backward">The backward pass, not truncated.</param>
    /// <param name="maxLag">The largest lag that is split off, at least 0; null for all of them.</param>
    /// <returns>The split. Cost for each lag 2qh·ΣT_b operations for the products over time and 4h²(q + B) more, where
    /// B counts sequences with a final-state gradient; 8qh bytes for each lag.</returns>
    /// <exception cref="ArgumentNullException">The pass is null.</exception>
    /// <exception cref="ArgumentException">The pass is truncated.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The largest lag is negative.</exception>
    /// <exception cref="ArithmeticException">The gradient or its norm is not finite, so nothing is a part of it, or a
    /// part overflows though the sum does not.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the passes serves a newer one.</exception>
    public static LagDecomposition Of(BackwardThroughTime backward, int? maxLag = null)
    {
        ArgumentNullException.ThrowIfNull(backward);
        ForwardPass forward = backward.Forward;
        if (backward.Options.Truncation is Truncation truncation)
        {
            throw Guard.Error(nameof(backward), $"expected a pass that is not truncated, got one of {truncation}.");
        }
        if (maxLag < 0)
        {
            throw Guard.Range(nameof(maxLag), $"expected at least 0, got {maxLag}.");
        }
        if (!double.IsFinite(backward.Gradients.WhhNorm()))
        {
            throw new ArithmeticException(
                "The lag decomposition: expected a finite ∂L/∂W_hh with a finite norm, got one that overflows or "
                + "holds NaN (first non-finite state or output: "
                + $"{(forward.FirstNonFiniteStep is int step ? $"step {step}" : "none")}).");
        }
        int all = forward.Layout.LastStep;
        int count = (int)Math.Min(all, (maxLag ?? all) + 1L);
        return forward.Context.Read(() =>
            new LagDecomposition(backward, count) { IsComplete = count == all });
    }

    /// <summary>C_k, h×h, fresh. Computed at each call, at cost O(k·h²(q + B)).</summary>
    /// <param name="lag">k, from 0 to LagCount − 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The lag is not among those split off.</exception>
    public Matrix<double> Contribution(int lag)
    {
        Guard.Step(lag, 0, LagCount - 1, nameof(lag));
        double[] pulled = (double[])_sources.Clone();
        double[] next = new double[pulled.Length];
        for (int k = 0; k < lag; k++)
        {
            PullBack(pulled, next);
            (pulled, next) = (next, pulled);
        }
        double[] contribution = new double[_hiddenSize * _hiddenSize];
        Multiply(pulled, lag, contribution);
        return contribution.ToColumns(_hiddenSize);
    }

    /// <summary>The smallest k from which on every truncation to k lags or more, as far as lags are split off, has an
    /// error within the tolerance: the truncation window that is long enough.</summary>
    /// <param name="tolerance">The relative error, above 0.</param>
    /// <returns>k, at least 1; null where even LagCount lags are not enough.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The tolerance is not a finite number above 0.</exception>
    public int? SmallestWindow(double tolerance = 0.01)
    {
        Guard.Positive(tolerance, nameof(tolerance));
        int k = LagCount;
        while (k > 0 && TruncationErrors[k - 1] <= tolerance)
        {
            k--;
        }
        return k < LagCount ? k + 1 : IsComplete ? k : null; // all lags are the gradient itself
    }

    /// <summary>e_b is pulled back to the states before the end of its sequence: a row of the correlations for
    /// each.</summary>
    private void AddFinalStates(ForwardPass forward, int q)
    {
        int h = _hiddenSize;
        for (int lag = 0; lag < _correlations.Length; lag++)
        {
            double[] rows = new double[_columns * h];
            for (int j = 0; j < h; j++)
            {
                _correlations[lag].AsSpan(j * q, q).CopyTo(rows.AsSpan(j * _columns));
            }
            _correlations[lag] = rows;
        }
        for (int b = 0; b < forward.SequenceCount; b++)
        {
            int length = forward.Lengths[b];
            for (int step = Math.Max(0, length - _correlations.Length); step < length; step++)
            {
                ReadOnlySpan<double> state = forward.HiddenState(step, b).Entries();
                for (int j = 0; j < h; j++)
                {
                    _correlations[length - step - 1][q + b + j * _columns] = state[j];
                }
            }
        }
    }

    private void Decompose(Matrix<double> whhGradient, int lagCount, int h)
    {
        double[] whole = whhGradient.ToColumnMajorArray();
        double norm = VectorMath.Norm(whole);
        double[] rest = (double[])whole.Clone(); // G − G_k
        double[] truncated = new double[h * h];  // G_k
        double[] term = new double[h * h];
        double[] pulled = (double[])_sources.Clone();
        double[] next = new double[pulled.Length];
        double[] norms = new double[lagCount];
        double[] shares = new double[lagCount];
        double[] errors = new double[lagCount];
        double[] cosines = new double[lagCount];
        for (int lag = 0; lag < lagCount; lag++)
        {
            if (lag > 0)
            {
                PullBack(pulled, next);
                (pulled, next) = (next, pulled);
            }
            Multiply(pulled, lag, term);
            VectorMath.AddScaled(-1.0, term, rest);
            VectorMath.AddScaled(1.0, term, truncated);
            norms[lag] = VectorMath.Norm(term);
            shares[lag] = Cosine(term, norms[lag], whole, norm) * (norm == 0.0 ? 0.0 : norms[lag] / norm);
            double error = VectorMath.Norm(rest);
            errors[lag] = error == 0.0 ? 0.0 : error / norm;
            cosines[lag] = Cosine(truncated, VectorMath.Norm(truncated), whole, norm);
        }
        ContributionNorms = Array.AsReadOnly(norms);
        ContributionShares = Array.AsReadOnly(shares);
        TruncationErrors = Array.AsReadOnly(errors);
        TruncationCosines = Array.AsReadOnly(cosines);
    }

    /// <summary>⟨a, b⟩/(‖a‖‖b‖), by unit vectors, so that nothing overflows; 0 where one of them is 0.</summary>
    private static double Cosine(double[] a, double aNorm, double[] b, double bNorm)
    {
        if (aNorm == 0.0 || bNorm == 0.0)
        {
            return 0.0;
        }
        double sum = 0.0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] / aNorm * (b[i] / bNorm);
        }
        return Math.Clamp(sum, -1.0, 1.0);
    }

    /// <summary>The sources one step further back: W_hhᵀ times them.</summary>
    private void PullBack(double[] pulled, double[] next)
    {
        int h = _hiddenSize;
        _kernels.Multiply(
            new MatrixView(_transposed, h, h, h),
            new MatrixView(pulled, h, _columns, h),
            new MatrixSpan(next, h, _columns, h));
        KernelSet.FlushTiny(next);
    }

    /// <summary>C_k from the sources pulled back k steps. One that no state stands against is left out: it may have
    /// overflowed.</summary>
    private void Multiply(double[] pulled, int lag, double[] term)
    {
        int h = _hiddenSize;
        double[] correlation = _correlations[lag];
        double[] used = (double[])pulled.Clone();
        for (int column = 0; column < _columns; column++)
        {
            bool isZero = true;
            for (int j = 0; j < h && isZero; j++)
            {
                isZero = correlation[column + j * _columns] == 0.0;
            }
            if (isZero)
            {
                used.AsSpan(column * h, h).Clear();
            }
        }
        _kernels.Multiply(
            new MatrixView(used, h, _columns, h),
            new MatrixView(correlation, _columns, h, _columns),
            new MatrixSpan(term, h, h, h));
        if (VectorMath.FirstNonFinite(term) >= 0)
        {
            throw new ArithmeticException(
                $"The lag decomposition: expected parts that are finite as their sum is, but the part of lag {lag} "
                + "overflows.");
        }
    }
}
