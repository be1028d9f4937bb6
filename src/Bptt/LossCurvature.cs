// Second derivatives of L as products with directions: the Hessian and the Gauss–Newton matrix, never formed. The
// derivative of a backward pass, as TangentPass is that of a forward pass.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences      N = ΣT_b

using Bptt.LinearRecurrence;

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
    private readonly TangentRun _tangent;
    private readonly PackedColumns _outputCurvature; // Ġ, q×N
    private readonly Trajectory _derivatives;        // δ̇_0 … δ̇_T
    private int _chunkLength;

    private LossCurvature(BackwardThroughTime backward, Objective objective)
    {
        Backward = backward;
        _objective = objective;
        ForwardPass forward = backward.Forward;
        _context = PassContext.BeginForward(forward.Context.Options with { Workspace = new Workspace() });
        try
        {
            _context.TakeOver();
            _factors = objective.SequenceFactors(forward.Layout);
            _tangent = new TangentRun(forward, _context);
            _outputCurvature = _context.Columns(forward.Model.OutputSize, forward.Layout);
            _derivatives = new Trajectory(
                forward.Model.HiddenSize,
                forward.Layout,
                forward.States.Windows,
                TimeDirection.Backward,
                _context.Storage);
            _chunkLength = forward.ChunkLength;
        }
        finally
        {
            _context.End();
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
    public CurvatureProduct HessianProduct(TangentDirection direction) => Product(direction, isHessian: true);

    /// <summary>Jᵀ (∂²L/∂o²) J v.</summary>
    /// <inheritdoc cref="HessianProduct"/>
    public CurvatureProduct GaussNewtonProduct(TangentDirection direction) => Product(direction, isHessian: false);

    /// <summary>A product into memory of the caller's.</summary>
    /// <param name="direction">v.</param>
    /// <param name="isHessian">Whether it is the Hessian's; else the Gauss–Newton matrix's.</param>
    /// <param name="weights">Receives the rows of the weights.</param>
    /// <param name="initialStates">Receives those of h_0, h×B in the order of the sequences; empty where not
    /// wanted.</param>
    internal void Multiply(PassDirection direction, bool isHessian, ParameterArray weights, Span<double> initialStates)
    {
        lock (_gate)
        {
            Run(direction, isHessian, weights);
            if (!initialStates.IsEmpty)
            {
                _derivatives.StepOfEach(_ => 0).CopyTo(initialStates);
            }
        }
    }

    private CurvatureProduct Product(TangentDirection direction, bool isHessian)
    {
        ArgumentNullException.ThrowIfNull(direction);
        ForwardPass forward = Backward.Forward;
        LinearRnn model = forward.Model;
        var checkedDirection = PassDirection.Checked(forward, direction);
        var weights = new ParameterArray(model.InputSize, model.HiddenSize, model.OutputSize);
        double[] initialStates = new double[model.HiddenSize * forward.SequenceCount];
        Multiply(checkedDirection, isHessian, weights, initialStates);
        return new CurvatureProduct(weights, initialStates);
    }

    private void Run(
        PassDirection direction, bool isHessian, ParameterArray weights) => Backward.Forward.Context.Read(() =>
    {
        _context.BeginBackward();
        try
        {
            _tangent.Run(direction);
            var evaluation = new CurvatureEvaluation(
                _objective, Backward.Forward.OutputColumns, _factors, _tangent.Outputs, _outputCurvature);
            bool isWhole = _derivatives.Windows.Count == 1;
            if (!isWhole)
            {
                evaluation.EvaluateAll();
            }
            for (int window = _derivatives.Windows.Count - 1; window >= 0; window--)
            {
                if (!RunWindow(window, direction, isHessian, isWhole ? evaluation : null, weights))
                {
                    _chunkLength = 1;
                    window = _derivatives.Windows.Count;
                }
            }
            return 0;
        }
        finally
        {
            _context.End();
        }
    });

    /// <summary>A window with what it needs of the passes: states first and gradients after them, as whoever reads both
    /// does.</summary>
    /// <returns>Whether the product can be used.</returns>
    private bool RunWindow(
        int window, PassDirection direction, bool isHessian, CurvatureEvaluation? evaluation, ParameterArray product)
    {
        PackedColumns derivatives = _derivatives.Begin(window);
        return Backward.Forward.States.Read(window, states =>
        {
            if (!isHessian)
            {
                return RunWindow(window, derivatives, states, null, evaluation, product);
            }
            return Backward.StateGradients.Read(window, gradients =>
            {
                var hessian = new HessianOperands(
                    direction,
                    gradients,
                    Backward.OutputGradientColumns,
                    _tangent.States.Read(window, columns => columns));
                return RunWindow(window, derivatives, states, hessian, evaluation, product);
            });
        });
    }

    private bool RunWindow(
        int window,
        PackedColumns derivatives,
        PackedColumns states,
        HessianOperands? hessian,
        CurvatureEvaluation? evaluation,
        ParameterArray product)
    {
        ForwardPass forward = Backward.Forward;
        ParameterArray weights = forward.Model.Weights;
        int first = _derivatives.Windows.FirstStep(window);
        BatchLayout steps = forward.Layout.Window(first, _derivatives.Windows.LastStep(window));
        int chunkLength = forward.Power is null ? 1 : _chunkLength;
        int objectiveColumns = evaluation is null ? 0 : ObjectiveEvaluation.ColumnsOfPart(weights.OutputSize);
        var schedule = BackwardSchedule.For(_context, steps, window == 0, weights, chunkLength, objectiveColumns);
        var operands = new CurvatureOperands(
            forward.InputColumns,
            states,
            _outputCurvature,
            evaluation,
            hessian,
            derivatives,
            product,
            AddsToProduct: window < _derivatives.Windows.Count - 1);
        int mark = _context.Mark();
        try
        {
            var tasks = new CurvatureTasks(
                _context, weights, schedule, first, operands, chunkLength > 1 ? forward.Power : null);
            _context.Run(schedule.Graph, tasks, 8.0 * weights.Values.Length * derivatives.Layout.ColumnCount);
            return tasks.Holds;
        }
        finally
        {
            _context.Release(mark);
        }
    }
}
