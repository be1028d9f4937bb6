// The directions of the parameters that change outputs: coordinates in which a Gauss-Newton problem is small.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences      n  parameters      m  coordinates
//
//   h_t → P h_t changes no output, whatever the invertible P = I + εX: the weights move by
//   V_hx = X W_hx      V_hh = X W_hh − W_hh X      V_qh = −W_qh X      and a learned h_0 by X h_0

using Bptt.Edge;
using Bptt.LinearAlgebra;
using Bptt.Passes;
using Bptt.Sharding;

namespace Bptt.Optimization;

/// <summary>
/// p = D^{−½} Q z, with orthonormal columns Q: where it pays, those of the complement of the directions above, in D's
/// inner product. Then Jp is reached with m = n − h² coordinates in the place of n, and a damping λ‖z‖² is λ pᵀDp:
/// data-driven local coordinates (McKelvey, Helmersson &amp; Ribarits, "Data driven local coordinates for multivariable
/// linear systems and their application to system identification", 2004). For d = q = 2 and h = 32 these are 128 in the
/// place of 1,152. Where an h_0 that is given is not zero, only those X count that keep it.
/// </summary>
internal sealed class LocalCoordinates
{
    private readonly (int Inputs, int Hidden, int Outputs) _sizes;
    private readonly double[] _basis; // Q, n×m
    private readonly double[] _roots; // D^{½}

    private LocalCoordinates((int, int, int) sizes, double[] roots, double[] basis, bool areFewer)
    {
        _sizes = sizes;
        _basis = basis;
        _roots = roots;
        AreFewer = areFewer;
    }

    private LocalCoordinates(TrainingPoint at, ReadOnlySpan<double> metric, double[] basis, bool areFewer)
        : this(SizesOf(at.Parameters.Model), [.. metric], basis, areFewer)
    {
        for (int i = 0; i < _roots.Length; i++)
        {
            _roots[i] = Math.Sqrt(_roots[i]);
        }
    }

    /// <summary>m.</summary>
    public int Count => _basis.Length / _roots.Length;

    /// <summary>Whether directions that change no output are left out.</summary>
    public bool AreFewer { get; }

    /// <summary>The coordinates at one point.</summary>
    /// <param name="at">The point.</param>
    /// <param name="metric">The diagonal of D.</param>
    /// <param name="mayLeaveOut">Whether nothing but the outputs depends on the parameters, or does so alike in every
    /// direction.</param>
    public static LocalCoordinates At(TrainingPoint at, ReadOnlySpan<double> metric, bool mayLeaveOut)
    {
        int n = at.Parameters.Count;
        ParameterArray weights = at.Parameters.Model.Weights;
        double[] kept = at.Parameters.StateCount > 0 ? [] : NotZero(at.GivenStates);
        double[] rows = OrthogonalComplement.Of(kept, weights.HiddenSize);
        int leftOut = rows.Length;
        double steps = at.Lengths.Sum(length => (double)length);
        double reduction = 2.0 * n * leftOut * leftOut + 4.0 * n * leftOut * (n - leftOut);
        if (mayLeaveOut && leftOut > 0 && steps * Work(n - leftOut) + reduction < steps * Work(n))
        {
            double[] unseen = Unseen(at.Parameters, rows, metric);
            return new LocalCoordinates(at, metric, OrthogonalComplement.Of(unseen, n), areFewer: true);
        }
        return new LocalCoordinates(at, metric, OrthogonalComplement.Of([], n), areFewer: false);

        // Of the triangle and of the derivatives, for each step.
        double Work(double m) => 2.0 * m * (weights.OutputSize * m
            + weights.HiddenSize * (weights.InputSize + 2.0 * weights.HiddenSize));
    }

    /// <summary>The coordinates that a task gives.</summary>
    public static LocalCoordinates Given(ShardTask task)
    {
        int n = task.Parameters.Length;
        Guard.Length(task.Metric.Length, n, "the number of parameters", nameof(task));
        bool areFewer = task.Direction.Length > 0;
        double[] basis = areFewer ? task.Direction.ToArray() : OrthogonalComplement.Of([], n);
        return new LocalCoordinates(
            (task.InputSize, task.HiddenSize, task.OutputSize), task.Metric.ToArray(), basis, areFewer);
    }

    /// <summary>The task of the factor in these coordinates.</summary>
    /// <param name="at">θ.</param>
    /// <param name="penalty">λ of the penalties.</param>
    public ShardTask Task(Parameters at, double penalty) => new(
        ShardQuantity.JacobianFactor,
        _sizes.Inputs,
        _sizes.Hidden,
        _sizes.Outputs,
        at.Memory,
        AreFewer ? _basis : default(ReadOnlyMemory<double>),
        _roots,
        penalty);

    /// <summary>The part of the weights of coordinate k, as a direction.</summary>
    public FlatDirection Direction(int k) => FlatDirection.Of(
        new ParameterArray(
            _sizes.Inputs,
            _sizes.Hidden,
            _sizes.Outputs,
            _ => new ArraySegment<double>(_basis, k * _roots.Length, WeightCount)),
        initialStates: null);

    private int WeightCount => _sizes.Hidden * (_sizes.Inputs + _sizes.Hidden + _sizes.Outputs);

    private static (int, int, int) SizesOf(LinearRnn model) => (model.InputSize, model.HiddenSize, model.OutputSize);

    /// <summary>How h_0 of a sequence moves with the coordinates, h×m; zero where it is not learned.</summary>
    public double[] InitialStates(int sequence)
    {
        int h = _sizes.Hidden;
        double[] states = new double[h * Count];
        if (_roots.Length > WeightCount)
        {
            int first = WeightCount + sequence * h;
            for (int k = 0; k < Count; k++)
            {
                for (int i = 0; i < h; i++)
                {
                    states[k * h + i] = _basis[k * _roots.Length + first + i] / _roots[first + i];
                }
            }
        }
        return states;
    }

    /// <summary>(D^{−½} Q)ᵀ g.</summary>
    public double[] Reduce(ReadOnlySpan<double> gradient)
    {
        double[] scaled = new double[gradient.Length];
        for (int i = 0; i < scaled.Length; i++)
        {
            scaled[i] = gradient[i] / _roots[i];
        }
        double[] reduced = new double[Count];
        for (int k = 0; k < reduced.Length; k++)
        {
            reduced[k] = VectorMath.Dot(Column(k), scaled);
        }
        return reduced;
    }

    /// <summary>D^{−½} Q z.</summary>
    public double[] Expand(ReadOnlySpan<double> coordinates)
    {
        double[] expanded = new double[_roots.Length];
        for (int k = 0; k < coordinates.Length; k++)
        {
            VectorMath.AddScaled(coordinates[k], Column(k), expanded);
        }
        for (int i = 0; i < expanded.Length; i++)
        {
            expanded[i] /= _roots[i];
        }
        return expanded;
    }

    /// <summary>The diagonal of H, n entries, where H = D^{½} Q RᵀR Qᵀ D^{½}.</summary>
    /// <param name="triangle">R, m×m.</param>
    public double[] DiagonalOf(TriangularFactor triangle)
    {
        double[] diagonal = new double[_roots.Length];
        for (int j = 0; j < Count; j++)
        {
            // Row j of R Qᵀ
            ReadOnlySpan<double> row = triangle.Row(j);
            double[] entries = new double[_roots.Length];
            for (int k = j; k < Count; k++)
            {
                if (AreFewer)
                {
                    VectorMath.AddScaled(row[k], Column(k), entries);
                }
                else
                {
                    entries[k] = row[k]; // Q = I
                }
            }
            for (int i = 0; i < entries.Length; i++)
            {
                diagonal[i] += entries[i] * entries[i];
            }
        }
        for (int i = 0; i < diagonal.Length; i++)
        {
            diagonal[i] *= _roots[i] * _roots[i];
        }
        return diagonal;
    }

    private ReadOnlySpan<double> Column(int k) => _basis.AsSpan(k * _roots.Length, _roots.Length);

    /// <summary>D^{½} times the directions that change no output, side by side: one for each X = e_i vᵀ.</summary>
    /// <param name="parameters">Where.</param>
    /// <param name="rows">v, side by side.</param>
    /// <param name="metric">The diagonal of D.</param>
    public static double[] Unseen(Parameters parameters, double[] rows, ReadOnlySpan<double> metric)
    {
        ParameterArray weights = parameters.Model.Weights;
        (int d, int h, int q) = (weights.InputSize, weights.HiddenSize, weights.OutputSize);
        int n = parameters.Count;
        double[] unseen = new double[(long)n * rows.Length];
        for (int c = 0; c < rows.Length; c++)
        {
            (int which, int i) = Math.DivRem(c, h);
            ReadOnlySpan<double> v = rows.AsSpan(which * h, h);
            Span<double> direction = unseen.AsSpan(c * n, n);
            for (int a = 0; a < d; a++)
            {
                direction[a * h + i] = VectorMath.Dot(v, weights.Whx.Column(a)); // e_i vᵀ W_hx
            }
            Span<double> whh = direction.Slice(h * d, h * h);
            for (int j = 0; j < h; j++)
            {
                whh[j * h + i] = VectorMath.Dot(v, weights.Whh.Column(j)); // e_i vᵀ W_hh
            }
            Span<double> wqh = direction.Slice(h * (d + h), h * q);
            for (int j = 0; j < h; j++)
            {
                VectorMath.AddScaled(-v[j], weights.Whh.Column(i), whh.Slice(j * h, h)); // W_hh e_i vᵀ
                VectorMath.AddScaled(-v[j], weights.Wqh.Column(i), wqh.Slice(j * q, q)); // W_qh e_i vᵀ
            }
            for (int b = 0; b < parameters.StateCount; b++)
            {
                int at = parameters.WeightCount + b * h + i;
                direction[at] = Math.Sqrt(metric[at])
                    * VectorMath.Dot(v, parameters.InitialStateValues.Slice(b * h, h)); // e_i vᵀ h_0
            }
        }
        return unseen;
    }

    private static double[] NotZero(double[] entries) => Array.TrueForAll(entries, x => x == 0.0) ? [] : entries;
}
