// The gradients of the three weight matrices: each has its matrix's own name and shape. Owns its numbers, and belongs
// to no pass.
//
//   d  inputs      h  hidden units      q  outputs

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

/// <summary>
/// ∂L/∂W_hx, ∂L/∂W_hh and ∂L/∂W_qh (total derivatives). Immutable, independent of the pass and of any workspace. A
/// batch gradient is a sum over sequences, so gradients add.
/// </summary>
public sealed class Gradients
{
    /// <summary>Gradients from elsewhere; the matrices are copied and may hold NaN or infinities.</summary>
    /// <param name="whx">∂L/∂W_hx, h×d.</param>
    /// <param name="whh">∂L/∂W_hh, h×h.</param>
    /// <param name="wqh">∂L/∂W_qh, q×h.</param>
    /// <exception cref="ArgumentNullException">A matrix is null.</exception>
    /// <exception cref="ArgumentException">A matrix is empty, or the shapes do not fit each other.</exception>
    public Gradients(Matrix<double> whx, Matrix<double> whh, Matrix<double> wqh)
        : this(new ParameterArray(whx, whh, wqh))
    {
    }

    /// <summary>Takes an array that nobody else writes to.</summary>
    internal Gradients(ParameterArray entries)
    {
        Entries = entries;
    }

    /// <summary>∂L/∂W_hx, h×d. Every call makes an independent copy, at cost O(hd).</summary>
    public Matrix<double> Whx => Entries.Whx.ToMatrix();

    /// <summary>∂L/∂W_hh, h×h. Every call makes an independent copy, at cost O(h²).</summary>
    public Matrix<double> Whh => Entries.Whh.ToMatrix();

    /// <summary>∂L/∂W_qh, q×h. Every call makes an independent copy, at cost O(qh).</summary>
    public Matrix<double> Wqh => Entries.Wqh.ToMatrix();

    /// <summary>Whether no entry is NaN or infinite.</summary>
    public bool IsFinite => VectorMath.FirstNonFinite(Entries.Values) < 0;

    internal ParameterArray Entries { get; }

    /// <summary>The sum of two gradients of the same shapes. Cost O(h(h + d + q)).</summary>
    /// <exception cref="ArgumentNullException">A side is null.</exception>
    /// <exception cref="ArgumentException">Shapes differ.</exception>
    public static Gradients operator +(Gradients left, Gradients right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        return left.Add(right);
    }

    /// <summary>A gradient multiplied by a number. Cost O(h(h + d + q)).</summary>
    /// <exception cref="ArgumentNullException">The gradient is null.</exception>
    public static Gradients operator *(double factor, Gradients gradients)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        return gradients.Multiply(factor);
    }

    /// <summary>The sum of any number of gradients of the same shapes, added in the order given. Cost O(h(h + d + q))
    /// for each.</summary>
    /// <param name="gradients">At least one.</param>
    /// <exception cref="ArgumentNullException">The collection is null.</exception>
    /// <exception cref="ArgumentException">The collection is empty or holds null, or shapes differ.</exception>
    public static Gradients Sum(IEnumerable<Gradients> gradients)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        ParameterArray? sum = null;
        foreach (Gradients term in gradients)
        {
            if (term is null)
            {
                throw Guard.Error(nameof(gradients), "expected gradients, got null among them.");
            }
            if (sum is null)
            {
                sum = term.Entries.Copy();
            }
            else
            {
                RequireShape(sum, term.Entries, nameof(gradients));
                VectorMath.AddScaled(1.0, term.Entries.Values, sum.Values);
            }
        }
        return new Gradients(
            sum ?? throw Guard.Error(nameof(gradients), "expected at least one, got an empty collection."));
    }

    /// <summary>This plus another gradient of the same shapes. Cost O(h(h + d + q)).</summary>
    /// <exception cref="ArgumentNullException">The other is null.</exception>
    /// <exception cref="ArgumentException">Shapes differ.</exception>
    public Gradients Add(Gradients other)
    {
        ArgumentNullException.ThrowIfNull(other);
        RequireShape(Entries, other.Entries, nameof(other));
        return Sum([this, other]);
    }

    /// <summary>This multiplied by a number. Cost O(h(h + d + q)).</summary>
    public Gradients Multiply(double factor)
    {
        ParameterArray product = Entries.Copy();
        VectorMath.Scale(factor, product.Values);
        return new Gradients(product);
    }

    /// <summary>The global norm: the Euclidean norm of all entries of the three matrices together. Neither overflows
    /// nor underflows where the result does not. Cost O(h(h + d + q)).</summary>
    public double GlobalNorm() => VectorMath.Norm(Entries.Values);

    /// <summary>The Frobenius norm ‖∂L/∂W_hx‖.</summary>
    public double WhxNorm() => VectorMath.Norm(Entries.Whx.Values);

    /// <summary>The Frobenius norm ‖∂L/∂W_hh‖.</summary>
    public double WhhNorm() => VectorMath.Norm(Entries.Whh.Values);

    /// <summary>The Frobenius norm ‖∂L/∂W_qh‖.</summary>
    public double WqhNorm() => VectorMath.Norm(Entries.Wqh.Values);

    /// <summary>The sizes and the norm, for a debugger.</summary>
    public override string ToString() => $"Gradients ({Entries.ShapeText}), norm {NumberText.Exact(GlobalNorm())}";

    /// <summary>Refuses gradients of other shapes than a model's weights.</summary>
    internal void RequireShapeOf(LinearRnn model, string name) => RequireShape(model.Weights, Entries, name);

    /// <summary>Refuses gradients that are not finite, naming the matrix: weights are never updated by such.</summary>
    internal void RequireFinite(string name)
    {
        Guard.Finite(Entries.Whx, $"{name}.{nameof(Whx)}");
        Guard.Finite(Entries.Whh, $"{name}.{nameof(Whh)}");
        Guard.Finite(Entries.Wqh, $"{name}.{nameof(Wqh)}");
    }

    private static void RequireShape(ParameterArray expected, ParameterArray actual, string name)
    {
        if (!expected.HasShapeOf(actual))
        {
            throw Guard.Error(
                name, $"expected gradients of the same shapes ({expected.ShapeText}), got {actual.ShapeText}.");
        }
    }
}
