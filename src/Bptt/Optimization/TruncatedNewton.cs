// The truncated Newton method: a trust region on exact Hessian products, by conjugate gradients. Forms no matrix.
//
//   n  parameters

using Bptt.Edge;
using Bptt.LinearAlgebra;

namespace Bptt.Optimization;

/// <summary>
/// Newton's method in a trust region, its systems solved by conjugate gradients that stop early (Steihaug 1983; Toint
/// 1981; Nocedal &amp; Wright, <i>Numerical Optimization</i>, 2006, algorithms 4.1 and 7.2): along a direction of
/// negative curvature the step goes to the border of the region, so saddle points do not hold it. Every product is one
/// with the exact Hessian (<see cref="LossCurvature"/>).
/// </summary>
/// <remarks>
/// <para>For losses that <see cref="LevenbergMarquardt"/> models badly, such as large residuals or an ℓ that is not
/// convex, and for many parameters: it takes memory for a few vectors. One step is one accepted change of θ, at the
/// cost of up to <see cref="MaxProducts"/> products of about two passes each for every region that is tried.</para>
/// <para>Works on whole batches. The objective must give its second derivatives, penalties may be of the form ½λ‖W‖²,
/// and the gradient must not be truncated: <see cref="NotSupportedException"/> where not.</para>
/// </remarks>
public sealed class TruncatedNewton : Optimizer
{
    private const double LeastRatio = 1e-4;

    private readonly double _initialRadius;
    private readonly StoppingTest _stop;
    private double _radius; // 0 before the first step
    private double _firstSlope;

    /// <summary>Creates the method without history.</summary>
    /// <param name="initialRadius">The first radius of the trust region, as a multiple of ‖θ‖; above 0.</param>
    /// <param name="maxProducts">The most Hessian products for a step; at least 1.</param>
    /// <param name="gradientTolerance">Converged where ‖∂L/∂θ‖‖θ‖ is at most this times L; at least 0.</param>
    /// <param name="stepTolerance">Converged where a step is at most this times ‖θ‖; at least 0.</param>
    /// <param name="reductionTolerance">Converged where the actual and the predicted reduction are at most this times
    /// L; at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range.</exception>
    public TruncatedNewton(
        double initialRadius = 0.1,
        int maxProducts = 200,
        double gradientTolerance = 1e-10,
        double stepTolerance = 1e-12,
        double reductionTolerance = 1e-12)
    {
        Guard.Positive(initialRadius, nameof(initialRadius));
        Guard.AtLeastOne(maxProducts, nameof(maxProducts));
        _initialRadius = initialRadius;
        MaxProducts = maxProducts;
        _stop = new StoppingTest(gradientTolerance, stepTolerance, reductionTolerance);
    }

    /// <summary>The most Hessian products for a step.</summary>
    public int MaxProducts { get; }

    /// <summary>The radius of the next step; 0 before the first one.</summary>
    public double Radius => _radius;

    internal override bool TakesGradients => false;

    /// <inheritdoc/>
    public override string ToString() =>
        $"TruncatedNewton(initial radius {NumberText.Exact(_initialRadius)}, at most {MaxProducts} products, "
        + $"{_stop.Settings})";

    internal override IReadOnlyDictionary<string, double[]> State =>
        new Dictionary<string, double[]> { ["region"] = [_radius, _firstSlope] };

    internal override Optimizer Fresh() =>
        new TruncatedNewton(_initialRadius, MaxProducts, _stop.Gradient, _stop.Step, _stop.Reduction);

    internal override void Restore(IReadOnlyDictionary<string, double[]> state)
    {
        double[] values = OnlyEntry(
            state,
            "region",
            "a radius and the first gradient's norm",
            v => v is [>= 0.0, >= 0.0],
            nameof(TruncatedNewton));
        (_radius, _firstSlope) = (values[0], values[1]);
    }

    internal override OptimizerStep Step(TrainingLoss loss, TrainingPoint at, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        double penalty = DampedSystem.PenaltyOf(loss, nameof(TruncatedNewton));
        if (_stop.Holds(at))
        {
            return StoppingTest.Stay(at, StoppingTest.SmallGradient);
        }
        var hessian = CurvatureOperator.Hessian(at, penalty);
        double slope = VectorMath.Norm(at.Gradient);
        double size = VectorMath.Norm(at.Parameters.Values);
        double firstSlope = _firstSlope > 0.0 ? _firstSlope : slope;
        double radius = _radius > 0.0 ? _radius : _initialRadius * (size > 0.0 ? size : 1.0);
        double enough = Math.Min(0.5, Math.Sqrt(slope / firstSlope)) * slope; // converges faster than linearly
        while (true)
        {
            (double[] step, double predicted) = TrustedStep(at.Gradient, hessian, radius, enough, cancellation);
            double length = VectorMath.Norm(step);
            TrainingPoint? point = StoppingTest.Try(loss, at, step, Math.Max(0.0, LeastRatio * predicted));
            double ratio = point is null ? -1.0 : (at.Loss - point.Loss) / predicted;
            double next = ratio < 0.25
                ? 0.25 * length
                : ratio > 0.75 && length > 0.999 * radius ? 2.0 * radius : radius;
            if (point is not null)
            {
                (_radius, _firstSlope) = (next, firstSlope);
                string note = _stop.NoteOn(at, point, length, predicted);
                return new OptimizerStep(point.Parameters, point, note.Length > 0, note);
            }
            bool isFinite = double.IsFinite(length);
            if (_stop.IsSmall(at, isFinite ? length : radius))
            {
                return StoppingTest.Stay(at, StoppingTest.NoBetterStep);
            }
            radius = isFinite ? next : 0.25 * radius;
        }
    }

    /// <summary>About the minimum of gᵀp + ½pᵀHp with ‖p‖ ≤ Δ: algorithm 7.2.</summary>
    /// <returns>p, and the reduction of that model.</returns>
    private (double[] Step, double Reduction) TrustedStep(
        ReadOnlySpan<double> gradient,
        CurvatureOperator hessian,
        double radius,
        double enough,
        CancellationToken cancellation)
    {
        int n = gradient.Length;
        double[] step = new double[n];
        double unit = VectorMath.PowerOfTwoNear(gradient); // of the model: that of the loss does not matter
        double[] curved = new double[n]; // H p
        double[] residual = gradient.ToArray();
        VectorMath.Scale(1.0 / unit, residual);
        double[] direction = new double[n];
        double[] product = new double[n];
        VectorMath.AddScaled(-1.0, residual, direction);
        double square = VectorMath.Dot(residual, residual);
        for (int i = 0; i < MaxProducts; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            hessian.Multiply(direction, product);
            VectorMath.Scale(1.0 / unit, product);
            double curvature = VectorMath.Dot(direction, product);
            double length = square / curvature;
            double toBorder = ToBorder(step, direction, radius);
            bool leaves = !(curvature > 0.0) || !(length < toBorder);
            length = leaves ? toBorder : length;
            VectorMath.AddScaled(length, direction, step);
            VectorMath.AddScaled(length, product, curved);
            VectorMath.AddScaled(length, product, residual);
            double after = VectorMath.Dot(residual, residual);
            if (leaves || Math.Sqrt(after) <= enough / unit)
            {
                break;
            }
            VectorMath.Scale(after / square, direction);
            VectorMath.AddScaled(-1.0, residual, direction);
            square = after;
        }
        return (step, -(VectorMath.Dot(gradient, step) + 0.5 * unit * VectorMath.Dot(step, curved)));
    }

    /// <summary>τ ≥ 0 with ‖p + τd‖ = Δ.</summary>
    private static double ToBorder(double[] step, double[] direction, double radius)
    {
        double a = VectorMath.Dot(direction, direction);
        double b = VectorMath.Dot(step, direction);
        double c = VectorMath.Dot(step, step) - radius * radius; // at most 0
        double root = Math.Sqrt(Math.Max(0.0, b * b - a * c));
        return b > 0.0 ? -c / (b + root) : (root - b) / a;
    }
}
