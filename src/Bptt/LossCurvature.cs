// Second derivatives of L as products with directions: the Hessian and the Gauss–Newton matrix, never formed. The
// derivative of a backward pass, as TangentPass is that of a forward pass.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences      N = ΣT_b

using Bptt.Edge;
using Bptt.Lifting;
using Bptt.Passes;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt;

/// <summary>
/// Products of the Hessian of L, and of its Gauss–Newton part, with any number of directions of the weights and of h_0
/// at one point. The Hessian product is exact: every line of the forward and of the backward pass is differentiated in
/// the direction, by the R-operator of Pearlmutter, "Fast exact multiplication by the Hessian" (1994). The Gauss–Newton
/// product Jᵀ (∂²L/∂o²) J v, with J the derivative of all outputs, is a backward pass from (∂²L/∂o²) ȯ (Schraudolph,
/// "Fast curvature matrix-vector products for second-order gradient descent", 2002); it is positive semi-definite where
/// ℓ is convex, and equals the Hessian where ∂L/∂o = 0.
/// </summary>
/// <remarks>
/// <para>With δ_t = ∂L/∂h_t, G_t = ∂L/∂o_t and the direction V: ḣ_t and ȯ_t as in <see cref="TangentPass"/>,
/// Ġ_t = ∂²L/∂o_t² ȯ_t, δ̇_t = W_hhᵀ δ̇_{t+1} + V_hhᵀ δ_{t+1} + W_qhᵀ Ġ_t + V_qhᵀ G_t, and the products are Σ Ġ_t h_tᵀ
/// + G_t ḣ_tᵀ, Σ δ̇_t x_tᵀ + δ_t ẋ_tᵀ, Σ δ̇_t h_{t−1}ᵀ + δ_t ḣ_{t−1}ᵀ and W_hhᵀ δ̇_1 + V_hhᵀ δ_1.</para>
/// <para>A product costs N·(12h² + 4hd + 12qh) operations, about twice a forward and backward pass; a Gauss–Newton
/// product N·(8h² + 4hd + 8qh). The memory, 16N·(h + q) bytes, is taken once and reused from product to product. Within
/// a memory budget one window of ḣ_t and δ̇_t is held beside the one of the passes, which is computed again for each
/// product. Products are bit-identical for every number of threads. Two threads that ask for products of one object
/// take turns.</para>
/// <para>Entries below 1e-290 in magnitude are set to zero in the recursions. Where the passes are not finite, the
/// products are not either.</para>
/// </remarks>
public sealed class LossCurvature
{
    private readonly Lock _gate = new();
    private readonly PassContext _context;
    private readonly Objective _objective;
    private readonly double[] _factors;
    private readonly TangentRecord _tangent;
    private readonly PackedColumns _outputCurvature; // Ġ, q×N
    private readonly LiftedCurvature? _lifted;
    private CurvatureRecord? _bySteps;

    private LossCurvature(BackwardThroughTime backward, Objective objective)
    {
        Backward = backward;
        _objective = objective;
        ForwardPass forward = backward.Forward;
        _factors = objective.SequenceFactors(forward.Layout);
        _context = forward.Context.AloneForManyPasses();
        LiftedTangent? chunks = backward.Lifted is null ? null : new LiftedTangent(forward.Lifted!, _context);
        _tangent = new TangentRecord(forward.Record, _context, chunks);
        _outputCurvature = _context.Columns(forward.Model.OutputSize, forward.Layout);
        if (chunks is null)
        {
            _bySteps = new CurvatureRecord(forward.Record, backward.Record, _tangent, _context);
        }
        else
        {
            _lifted = new LiftedCurvature(backward.Lifted!, chunks, _context);
        }
    }

    /// <summary>The backward pass at the point where the derivatives are taken.</summary>
    public BackwardThroughTime Backward { get; }

    /// <summary>Prepares products at the point of a backward pass. Final-state gradients that it was given count as a
    /// part of L that is linear in h_T.</summary>
    /// <param name="backward">A backward pass run from an objective, without truncation.</param>
    /// <exception cref="ArgumentNullException">The pass is null.</exception>
    /// <exception cref="ArgumentException">The pass was run from output gradients, so that ∂²L/∂o² is unknown, or it
    /// was truncated: a truncated gradient is not the derivative of anything, and its own derivative is no
    /// Hessian.</exception>
    /// <exception cref="NotSupportedException">The objective does not give its second derivatives.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the pass serves a newer one.</exception>
    public static LossCurvature Of(BackwardThroughTime backward)
    {
        ArgumentNullException.ThrowIfNull(backward);
        backward.Forward.RequireDouble(nameof(backward));
        Objective objective = backward.Objective ?? throw Guard.Error(
            nameof(backward), "expected a backward pass run from an objective, got one run from output gradients.");
        if (backward.Options.Truncation is Truncation truncation)
        {
            throw Guard.Error(
                nameof(backward), $"expected a backward pass without truncation, got one truncated to {truncation}.");
        }
        objective.RequireCurvature();
        return backward.Forward.Context.Read(() => new LossCurvature(backward, objective));
    }

    /// <summary>H v, exactly: the derivative of ∂L/∂W and ∂L/∂h_0 in the direction v.</summary>
    /// <param name="direction">v. Where it moves the inputs too, the product is that of the mixed second
    /// derivatives.</param>
    /// <exception cref="ArgumentNullException">The direction is null.</exception>
    /// <exception cref="ArgumentException">The direction is empty, a part has another shape than what it moves, or
    /// holds NaN or infinities.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the passes serves newer ones.</exception>
    public CurvatureProduct HessianProduct(TangentDirection direction) => Product(MultiplyByHessian, direction);

    /// <summary>Jᵀ (∂²L/∂o²) J v.</summary>
    /// <inheritdoc cref="HessianProduct"/>
    public CurvatureProduct GaussNewtonProduct(TangentDirection direction) => Product(MultiplyByGaussNewton, direction);

    /// <summary>H v into memory of the caller's.</summary>
    /// <param name="direction">v.</param>
    /// <param name="weights">Receives the rows of the weights.</param>
    /// <param name="initialStates">Receives those of h_0, h×B in the order of the sequences; empty where not
    /// wanted.</param>
    internal void MultiplyByHessian(FlatDirection direction, ParameterArray weights, Span<double> initialStates) =>
        Product(
                direction,
                chunks => chunks.HessianProduct(_outputCurvature, weights),
                (steps, evaluation) => steps.HessianProduct(direction, _outputCurvature, evaluation, weights))
            .AsSpan(0, initialStates.Length)
            .CopyTo(initialStates);

    /// <summary>Jᵀ (∂²L/∂o²) J v into memory of the caller's.</summary>
    /// <inheritdoc cref="MultiplyByHessian"/>
    internal void MultiplyByGaussNewton(
        FlatDirection direction, ParameterArray weights, Span<double> initialStates) =>
        Product(
                direction,
                chunks => chunks.GaussNewtonProduct(_outputCurvature, weights),
                (steps, evaluation) => steps.GaussNewtonProduct(_outputCurvature, evaluation, weights))
            .AsSpan(0, initialStates.Length)
            .CopyTo(initialStates);

    /// <summary>A product in several steps at once where that is possible, else by steps.</summary>
    /// <returns>That of h_0, h×B.</returns>
    private double[] Product(
        FlatDirection direction,
        Func<LiftedCurvature, double[]?> inChunks,
        Func<CurvatureRecord, IOutputTask?, double[]> bySteps)
    {
        lock (_gate)
        {
            return Backward.Forward.Context.Read(() =>
            {
                int mark = _context.Mark();
                _tangent.Run(direction);

                // Ġ_t = ∂²L/∂o_t² ȯ_t
                IOutputTask? evaluation = new Objective.CurvatureEvaluation(
                    _objective, Backward.Forward.OutputColumns, _factors, _tangent.Outputs, _outputCurvature);
                double[]? initialStates = null;
                if (_lifted is not null && _tangent.IsOtherWay)
                {
                    _context.Evaluate(evaluation);
                    evaluation = null;
                    initialStates = inChunks(_lifted);
                    if (initialStates is null)
                    {
                        _context.FallBacks.Add("several steps at once, a curvature product: step by step");
                    }
                }
                initialStates ??= bySteps(BySteps(), evaluation);
                _context.Release(mark);
                return initialStates;
            });
        }
    }

    private CurvatureRecord BySteps() => _bySteps ??= new CurvatureRecord(
        Backward.Forward.Record, Backward.Record, _tangent, _context.AloneForManyPasses());

    private CurvatureProduct Product(CurvatureMultiplication multiply, TangentDirection direction)
    {
        ArgumentNullException.ThrowIfNull(direction);
        ForwardPass forward = Backward.Forward;
        LinearRnn model = forward.Model;
        FlatDirection flat = direction.Checked(forward, nameof(direction));
        var weights = new ParameterArray(model.InputSize, model.HiddenSize, model.OutputSize);
        double[] initialStates = new double[model.HiddenSize * forward.SequenceCount];
        multiply(flat, weights, initialStates);
        return new CurvatureProduct(weights, initialStates);
    }
}

/// <summary>H v for one direction v, in the shape of what it belongs to: the derivative of the gradient in that
/// direction, or its Gauss–Newton part. Independent of the passes.</summary>
/// <example>
/// <code>
/// // How the gradient changes where W_hh does: H v, by one pass more than the gradient itself.
/// var direction = new TangentDirection { Whh = Matrix&lt;double&gt;.Build.DenseIdentity(model.HiddenSize) };
/// CurvatureProduct product = LossCurvature.Of(backward).HessianProduct(direction);
/// Console.WriteLine($"‖H v‖ over all weights: {product.Weights.GlobalNorm():G4}");
/// </code>
/// </example>
public sealed class CurvatureProduct
{
    private readonly double[] _initialStates;

    internal CurvatureProduct(ParameterArray weights, double[] initialStates)
    {
        Weights = new Gradients(weights);
        _initialStates = initialStates;
    }

    /// <summary>The rows that belong to W_hx (h×d), W_hh (h×h) and W_qh (q×h).</summary>
    public Gradients Weights { get; }

    /// <summary>The rows that belong to h_0 of every sequence, h×B. Every call makes an independent copy, at cost
    /// O(hB).</summary>
    public Matrix<double> InitialStates =>
        ((double[])_initialStates.Clone()).ToColumns(Weights.Entries.HiddenSize);
}
