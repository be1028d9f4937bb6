// The objective function L, and where 1/T lives. Knows outputs; no targets (its cases do), no weights of a model, no
// time order.
//
//   q  outputs      T_b  steps of sequence b      w_bt  step weights, 1 unless given

using System.Numerics;
using Bptt.Edge;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;

namespace Bptt;

/// <summary>
/// L = 1/T Σ_t ℓ(o_t, y_t), generalised to batches, step weights and three reductions. Derive from it for a loss of
/// your own: supply ℓ and ∂ℓ/∂o, and the reduction, the weights and the normaliser are taken care of here.
/// </summary>
/// <remarks>Objectives never change. A subclass must be safe to call from many threads at once.</remarks>
public abstract partial class Objective
{
    private double? _normalizer;

    /// <summary>Creates an objective with the given reduction.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The reduction is none of the named ones.</exception>
    protected Objective(Reduction reduction = Reduction.MeanPerStep)
    {
        if (!Enum.IsDefined(reduction))
        {
            throw Guard.Range(
                nameof(reduction), $"expected MeanPerStep, MeanPerSequence or Sum, got {reduction}.");
        }
        Reduction = reduction;
    }

    /// <summary>How step losses become L.</summary>
    public Reduction Reduction { get; }

    /// <summary>Whether ℓ is a polynomial of degree two at most in o_t, so that central differences of L are exact in
    /// whatever the outputs depend on linearly. Override it where that holds: a gradient check is then sharper and
    /// faster.</summary>
    protected internal virtual bool IsQuadratic => false;

    /// <summary>Whether ℓ is also given in complex numbers, as an analytic function near the outputs: override it
    /// together with <see cref="StepLoss(ReadOnlySpan{Complex}, int, int)"/>. A gradient check then differentiates by a
    /// complex step, which subtracts nothing and so is as exact as the gradient itself.</summary>
    protected internal virtual bool IsAnalytic => false;

    /// <summary>Whether ∂²ℓ/∂o_t² is given: override it together with <see cref="StepCurvature"/>. Products with the
    /// Hessian of L, and the optimisers that are built on them, need it.</summary>
    protected internal virtual bool IsTwiceDifferentiable => false;

    /// <summary>The same objective with a divisor given from outside, for a part of a batch that does not know the
    /// rest. It takes the place of ΣT_b (or the sum of the weights) in <see cref="Reduction.MeanPerStep"/>, of the
    /// number of sequences in <see cref="Reduction.MeanPerSequence"/>, and of 1 in
    /// <see cref="Reduction.Sum"/>.</summary>
    /// <param name="normalizer">A finite number above 0.</param>
    /// <returns>A new objective.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The normaliser is not a finite number above 0.</exception>
    public Objective WithNormalizer(double normalizer)
    {
        Guard.Positive(normalizer, nameof(normalizer));
        var copy = (Objective)MemberwiseClone();
        copy._normalizer = normalizer;
        return copy;
    }

    /// <summary>L alone, without a backward pass. NaN or infinite where an output of a step that is not masked is. Cost
    /// O(q·ΣT_b) for the objectives of this class.</summary>
    /// <param name="forward">The pass whose outputs are judged.</param>
    /// <exception cref="ArgumentNullException">The pass is null.</exception>
    /// <exception cref="ArgumentException">Targets or weights do not fit the outputs of the pass, or the weights sum
    /// to 0.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the pass serves a newer one.</exception>
    public double Loss(ForwardPass forward)
    {
        ArgumentNullException.ThrowIfNull(forward);
        return forward.Context.Read(() =>
            Begin(forward, outputGradients: null, length => new double[length]).EvaluatedLoss());
    }

    /// <summary>ℓ(o_t, y_t) of one step, before weights and reduction.</summary>
    /// <param name="output">o_t, length q.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <param name="t">The step, from 1.</param>
    protected abstract double StepLoss(ReadOnlySpan<double> output, int sequence, int t);

    /// <summary>ℓ(o_t, y_t) of one step in complex numbers, for a gradient check: the same formula as in real ones, its
    /// branches chosen by real parts, and free of |z|, conjugates and whatever else is not analytic (Squire and Trapp
    /// 1998, "Using complex variables to estimate derivatives of real functions").</summary>
    /// <param name="output">o_t, length q; the imaginary parts are tiny.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <param name="t">The step, from 1.</param>
    /// <exception cref="NotSupportedException">The objective is given in real numbers only.</exception>
    protected internal virtual Complex StepLoss(ReadOnlySpan<Complex> output, int sequence, int t) =>
        throw new NotSupportedException(
            $"{GetType().Name} says {nameof(IsAnalytic)}: expected an override of StepLoss in complex numbers, "
            + "got none.");

    /// <summary>∂ℓ(o_t, y_t)/∂o_t of one step, before weights and reduction.</summary>
    /// <param name="output">o_t, length q.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <param name="t">The step, from 1.</param>
    /// <param name="gradient">Receives the gradient, length q; zero on entry.</param>
    protected abstract void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient);

    /// <summary>ℓ and ∂ℓ/∂o_t together. Override it where the two share work.</summary>
    /// <inheritdoc cref="StepGradient"/>
    /// <returns>ℓ(o_t, y_t).</returns>
    protected virtual double StepLossAndGradient(
        ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
    {
        StepGradient(output, sequence, t, gradient);
        return StepLoss(output, sequence, t);
    }

    /// <summary>∂²ℓ(o_t, y_t)/∂o_t² · v of one step, before weights and reduction: the derivative of
    /// <see cref="StepGradient"/> in the direction v.</summary>
    /// <param name="output">o_t, length q.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <param name="t">The step, from 1.</param>
    /// <param name="direction">v, length q.</param>
    /// <param name="product">Receives the product, length q; zero on entry.</param>
    /// <exception cref="NotSupportedException">The objective does not give its second derivatives.</exception>
    protected internal virtual void StepCurvature(
        ReadOnlySpan<double> output, int sequence, int t, ReadOnlySpan<double> direction, Span<double> product) =>
        throw NoCurvature();

    /// <summary>Called before the first step of each evaluation: throw <see cref="ArgumentException"/> here where the
    /// targets do not fit the pass.</summary>
    /// <param name="forward">The pass about to be judged.</param>
    protected virtual void CheckFits(ForwardPass forward)
    {
    }

    /// <summary>Refuses targets that do not fit the outputs of a pass, or that are not finite at a step that is not masked:
    /// for subclasses to call from <see cref="CheckFits"/>.</summary>
    /// <param name="targets">Expected: sequences as long as the inputs, of q rows.</param>
    /// <param name="forward">The pass about to be judged.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The targets do not fit; the message says where.</exception>
    protected void CheckTargets(SequenceBatch targets, ForwardPass forward)
    {
        ArgumentNullException.ThrowIfNull(targets);
        ArgumentNullException.ThrowIfNull(forward);
        targets.RequireFitsOutputs(
            forward, "the targets", nameof(targets), except: (b, t) => StepWeight(b, t) == 0.0);
    }

    /// <summary>w_bt: 1 unless weights are given, 0 where the step is masked.</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <param name="t">The step, from 1.</param>
    protected double StepWeight(int sequence, int t) => _weights is null ? 1.0 : _weights[sequence, t];

    /// <summary>Checks that the objective fits a pass, and starts an evaluation.</summary>
    /// <param name="forward">The pass.</param>
    /// <param name="outputGradients">Receives ∂L/∂o_t; null where only L is asked.</param>
    /// <param name="storage">Makes memory of a length.</param>
    internal ObjectiveEvaluation Begin(
        ForwardPass forward, PackedColumns? outputGradients, Func<long, ArraySegment<double>> storage)
    {
        PackedColumns outputs = forward.OutputColumns;
        _weights?.RequireLengths(outputs.Layout, "weights");
        double[] factors = SequenceFactors(outputs.Layout);
        CheckFits(forward);
        return new ObjectiveEvaluation(this, outputs, factors, outputGradients, storage);
    }

    /// <summary>Σ c_b w_bt ℓ over some columns, and where asked ∂L/∂o_t of each.</summary>
    internal virtual double EvaluateColumns(
        PackedColumns outputs, PackedColumns? outputGradients, int first, int count, double[] factors)
    {
        var sum = default(CompensatedSum);
        foreach (BatchLayout.Place place in outputs.Layout.Places(first, count))
        {
            Span<double> output = outputs.All.Column(place.Column);
            double weight = StepWeight(place.Sequence, place.Step);
            double factor = weight * factors[place.Sequence];
            double loss = outputGradients is null
                ? LossOf(output, place.Sequence, place.Step, weight)
                : LossAndGradientOf(
                    output, place.Sequence, place.Step, weight, factor, outputGradients.All.Column(place.Column));
            sum.Add(factor * loss);
        }
        return sum.Value;
    }

    /// <summary>c_b w_bt ∂²ℓ/∂o_t² · v for some columns.</summary>
    /// <param name="outputs">O, q×N.</param>
    /// <param name="directions">v of each column, q×N.</param>
    /// <param name="products">Receives the products, q×N.</param>
    /// <param name="first">The first column.</param>
    /// <param name="count">How many.</param>
    /// <param name="factors">c_b.</param>
    internal virtual void MultiplyCurvature(
        PackedColumns outputs, PackedColumns directions, PackedColumns products, int first, int count, double[] factors)
    {
        foreach (BatchLayout.Place place in outputs.Layout.Places(first, count))
        {
            Span<double> product = products.All.Column(place.Column);
            product.Clear();
            double factor = StepFactor(place.Sequence, place.Step, factors);
            if (factor != 0.0)
            {
                StepCurvature(
                    outputs.All.Column(place.Column),
                    place.Sequence,
                    place.Step,
                    directions.All.Column(place.Column),
                    product);
                VectorMath.Scale(factor, product);
            }
        }
    }

    /// <summary>F, q×q, and r of one step with F Fᵀ = ∂²ℓ/∂o² and F r = ∂ℓ/∂o; see <see cref="CurvatureFactor"/>.</summary>
    /// <param name="output">o_t, length q.</param>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <param name="t">The step, from 1.</param>
    /// <param name="factor">Receives F, column-major.</param>
    /// <param name="residual">Receives r, length q.</param>
    /// <returns>Whether F r is all of ∂ℓ/∂o.</returns>
    internal virtual bool FactorCurvature(
        ReadOnlySpan<double> output, int sequence, int t, Span<double> factor, Span<double> residual)
    {
        double[] at = output.ToArray();
        double[] gradient = new double[at.Length];
        StepGradient(at, sequence, t, gradient);
        return CurvatureFactor.Of(
            (direction, product) => StepCurvature(at, sequence, t, direction, product), gradient, factor, residual);
    }

    /// <summary>Refuses an objective without second derivatives.</summary>
    internal void RequireCurvature()
    {
        if (!IsTwiceDifferentiable)
        {
            throw NoCurvature();
        }
    }

    private NotSupportedException NoCurvature() => new(
        $"{GetType().Name}: expected an objective that gives ∂²ℓ/∂o², by overrides of {nameof(IsTwiceDifferentiable)} and {nameof(StepCurvature)}, got one without.");

    /// <summary>c_b w_bt.</summary>
    internal double StepFactor(int sequence, int t, double[] factors) => StepWeight(sequence, t) * factors[sequence];

    /// <summary>c_b w_bt ℓ(o_t): what one step adds to L.</summary>
    internal double StepTerm(ReadOnlySpan<double> output, int sequence, int t, double[] factors) =>
        StepFactor(sequence, t, factors) * LossOf(output, sequence, t, StepWeight(sequence, t));

    /// <summary>c_b w_bt where it is the same for every step; null where not.</summary>
    internal double? CommonFactor(double[] factors) =>
        _weights is null && (Reduction != Reduction.MeanPerSequence || factors.Length == 1) ? factors[0] : null;

    /// <summary>ℓ of one step; 0 where it is masked, whatever its target.</summary>
    private double LossOf(ReadOnlySpan<double> output, int sequence, int t, double weight)
    {
        if (weight == 0.0)
        {
            return 0.0;
        }
        double loss = StepLoss(output, sequence, t);
        return VectorMath.FirstNonFinite(output) < 0 ? loss : NotFinite(loss);
    }

    /// <summary>The same, and the factor times ∂ℓ/∂o_t.</summary>
    private double LossAndGradientOf(
        ReadOnlySpan<double> output, int sequence, int t, double weight, double factor, Span<double> gradient)
    {
        gradient.Clear();
        if (weight == 0.0)
        {
            return 0.0;
        }
        double loss = StepLossAndGradient(output, sequence, t, gradient);
        VectorMath.Scale(factor, gradient);
        if (VectorMath.FirstNonFinite(output) < 0)
        {
            return loss;
        }
        if (VectorMath.FirstNonFinite(gradient) < 0)
        {
            gradient.Fill(double.NaN);
        }
        return NotFinite(loss);
    }

    /// <summary>An output that is not finite is not hidden by a loss that stays finite.</summary>
    private static double NotFinite(double loss) => double.IsFinite(loss) ? double.NaN : loss;

    /// <summary>c_b in L = Σ_b c_b Σ_t w_bt ℓ.</summary>
    internal double[] SequenceFactors(BatchLayout layout)
    {
        double[] sums = new double[layout.SequenceCount];
        for (int b = 0; b < sums.Length; b++)
        {
            sums[b] = _weights is null ? layout.Lengths[b] : _weights.Sum(b);
        }
        double total = sums.Sum();
        if (total == 0.0 && _normalizer is null)
        {
            throw Guard.Error(
                "weights", "expected a sum above 0, or a normaliser given from outside, got weights that sum to 0.");
        }

        int sequences = sums.Count(s => s > 0.0);
        double[] factors = Reduction switch
        {
            Reduction.MeanPerStep => Array.ConvertAll(sums, _ => 1.0 / (_normalizer ?? total)),
            Reduction.MeanPerSequence => Array.ConvertAll(
                sums, s => s == 0.0 ? 0.0 : 1.0 / (s * (_normalizer ?? sequences))),
            _ => Array.ConvertAll(sums, _ => 1.0 / (_normalizer ?? 1.0)),
        };
        if (!double.IsFinite(total) || VectorMath.FirstNonFinite(factors) >= 0)
        {
            throw Guard.Error(
                _normalizer is null ? "weights" : "normalizer",
                $"expected a sum and a divisor whose reciprocals are finite numbers above 0, got weights that sum to {NumberText.Exact(total)} and the normaliser {(_normalizer is double n ? NumberText.Exact(n) : "none")}.");
        }
        return factors;
    }

    private static SequenceBatch Single(Matrix<double> targets)
    {
        Guard.NotEmpty(targets, "q×T", nameof(targets));
        return SequenceBatch.Pack([targets]);
    }
}
