// The Levenberg-Marquardt method: damped Gauss-Newton steps on the whole batch. The linear algebra of a step is in
// DampedSystem.cs.
//
//   d  inputs      h  hidden units      q  outputs      n  parameters      N = ΣT_b

using Bptt.Edge;
using Bptt.LinearAlgebra;

namespace Bptt.Optimization;

/// <summary>
/// The method of Levenberg (1944) and Marquardt (1963): p = −(JᵀCJ + λD)⁻¹ ∂L/∂θ, where J is the derivative of all
/// outputs and C = ∂²L/∂o², so that JᵀCJ is the generalised Gauss–Newton matrix of a convex ℓ. λ follows the ratio of
/// the actual to the predicted reduction (Nielsen 1999; Madsen, Nielsen &amp; Tingleff, "Methods for non-linear least
/// squares problems", 2004, algorithm 3.16): a step that makes the loss larger, or not finite, is rejected and λ grows.
/// Where the outputs can fit the targets, it converges quadratically, where gradient descent takes many thousands of
/// updates.
/// </summary>
/// <remarks>
/// <para>The outputs of h → Ph are the same for every invertible P, so h² directions of θ are in the null space of J.
/// Damping with λI, not with λ·diag(JᵀCJ), makes each step orthogonal to them: data-driven local coordinates, without
/// choosing any (McKelvey, Helmersson &amp; Ribarits 2004; Wills &amp; Ninness 2008). D is I but for a learned h_0 of a
/// sequence of T_b steps, where it is 1/∛T_b: orthogonal in that inner product.</para>
/// <para>One step is one accepted change of θ. Where sequences are long, those h² directions are left out first, which
/// changes no step: m = h(d + q) coordinates remain, and hB for a learned h_0. The matrix is factored by orthogonal
/// reflections, in blocks of rows, and is never squared: N·q rows at 2m² operations, about 2hm(d + 2h) for each of N
/// derivatives, less where the passes take several steps at once, and about m³ for each λ that is tried. Beyond
/// <see cref="MaxFactoredParameters"/> parameters, p comes from conjugate gradients on Gauss–Newton products instead,
/// which cost about 1.5 passes each.</para>
/// <para>Works on whole batches. The objective must give its second derivatives, penalties may be of the form ½λ‖W‖²,
/// and the gradient must not be truncated: <see cref="NotSupportedException"/> where not.</para>
/// </remarks>
public sealed class LevenbergMarquardt : Optimizer
{
    /// <summary>1/3 in the literature; 1/5 takes about a tenth fewer steps here.</summary>
    private const double LeastChange = 0.2;

    private const double SmallestRelativeDamping = 1e-20;

    private readonly double _initialDamping;
    private readonly StoppingTest _stop;
    private double _damping; // 0 before the first step
    private double _growth = 2.0;
    private TriangularFactor? _factor;

    /// <summary>Creates the method without history.</summary>
    /// <param name="initialDamping">The first λ, as a multiple of the largest diagonal entry of JᵀCJ; above 0. Larger
    /// is more cautious.</param>
    /// <param name="gradientTolerance">Converged where ‖∂L/∂θ‖‖θ‖ is at most this times L; at least 0.</param>
    /// <param name="stepTolerance">Converged where a step is at most this times ‖θ‖; at least 0.</param>
    /// <param name="reductionTolerance">Converged where the actual and the predicted reduction are at most this times
    /// L; at least 0.</param>
    /// <param name="maxFactoredParameters">The most parameters whose matrix is factored; at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range.</exception>
    public LevenbergMarquardt(
        double initialDamping = 1e-3,
        double gradientTolerance = 1e-10,
        double stepTolerance = 1e-12,
        double reductionTolerance = 1e-12,
        int maxFactoredParameters = 1500)
    {
        Guard.Positive(initialDamping, nameof(initialDamping));
        Guard.NotNegative(maxFactoredParameters, nameof(maxFactoredParameters));
        _initialDamping = initialDamping;
        _stop = new StoppingTest(gradientTolerance, stepTolerance, reductionTolerance);
        MaxFactoredParameters = maxFactoredParameters;
    }

    /// <summary>The most parameters whose matrix is factored.</summary>
    public int MaxFactoredParameters { get; }

    /// <summary>λ of the next step; 0 before the first one.</summary>
    public double Damping => _damping;

    internal override bool TakesGradients => false;

    /// <inheritdoc/>
    public override string ToString() =>
        $"LevenbergMarquardt(initial damping {NumberText.Exact(_initialDamping)}, {_stop.Settings}, "
        + $"at most {MaxFactoredParameters} factored parameters)";

    internal override IReadOnlyDictionary<string, double[]> State =>
        new Dictionary<string, double[]> { ["damping"] = [_damping, _growth] };

    internal override Optimizer Fresh() => new LevenbergMarquardt(
        _initialDamping, _stop.Gradient, _stop.Step, _stop.Reduction, MaxFactoredParameters);

    internal override void Restore(IReadOnlyDictionary<string, double[]> state)
    {
        double[] values = OnlyEntry(
            state, "damping", "λ and its growth", v => v is [>= 0.0, > 0.0], nameof(LevenbergMarquardt));
        (_damping, _growth) = (values[0], values[1]);
    }

    internal override OptimizerStep Step(TrainingLoss loss, TrainingPoint at, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        double penalty = DampedSystem.PenaltyOf(loss, nameof(LevenbergMarquardt));
        if (_stop.Holds(at))
        {
            return StoppingTest.Stay(at, StoppingTest.SmallGradient);
        }
        DampedSystem system = SystemAt(loss, at, penalty, cancellation);
        double damping = _damping > 0.0 ? _damping : _initialDamping * system.Scale;
        double growth = _growth;
        while (true)
        {
            double[] step = system.Solve(damping, cancellation);
            double length = VectorMath.Norm(step);
            double predicted = 0.5 * (damping * system.SquareOf(step) - VectorMath.Dot(step, at.Gradient));
            cancellation.ThrowIfCancellationRequested();
            if (StoppingTest.Try(loss, at, step) is TrainingPoint point)
            {
                // λ falls by up to five where the model is right, and grows smoothly as it is not.
                double ratio = (at.Loss - point.Loss) / predicted;
                double change = Math.Max(LeastChange, 1.0 - Math.Pow(2.0 * ratio - 1.0, 3));
                _damping = Math.Max(damping * change, SmallestRelativeDamping * system.Scale);
                _growth = 2.0;
                string note = _stop.NoteOn(at, point, length, predicted);
                return new OptimizerStep(point.Parameters, point, note.Length > 0, note);
            }
            if (_stop.IsSmall(at, length) || damping > double.MaxValue / (4.0 * growth))
            {
                return StoppingTest.Stay(at, StoppingTest.NoBetterStep);
            }
            damping *= growth;
            growth *= 2.0;
        }
    }

    private DampedSystem SystemAt(
        TrainingLoss loss, TrainingPoint at, double penalty, CancellationToken cancellation)
    {
        int n = at.Parameters.Count;
        if (n > MaxFactoredParameters)
        {
            return new IterativeSystem(at, penalty);
        }
        return new FactoredSystem(loss, at, penalty, FactorOf, cancellation);
    }

    /// <summary>Memory for so many unknowns, from step to step.</summary>
    private TriangularFactor FactorOf(int unknowns)
    {
        if (_factor?.Unknowns != unknowns)
        {
            _factor = new TriangularFactor(unknowns);
        }
        return _factor;
    }
}
