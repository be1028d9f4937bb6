// A training loss as MathNet's minimisers want it. Minimises nothing.

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;

namespace Bptt.Optimization;

/// <summary>
/// L(θ) and ∂L/∂θ for any minimiser of <c>MathNet.Numerics.Optimization</c>: quasi-Newton, conjugate gradients, Nelder
/// and Mead. The vector is that of <see cref="Parameters.ToVector"/>.
/// </summary>
/// <remarks>
/// Evaluated when asked, at most once for each point; at first the loss alone, and with its gradient from the time on
/// that a gradient was asked for. A loss that is NaN or infinite counts as +∞, and so does a point that is not finite,
/// so that line searches turn back. Copies by <see cref="Fork"/> and <see cref="CreateNew"/> share the loss, so they
/// are not for several threads at once.
/// </remarks>
public sealed class LossObjectiveFunction : IObjectiveFunction
{
    private readonly Source _source;
    private Vector<double>? _point;
    private double? _value;
    private Vector<double>? _gradient;

    /// <summary>Creates a function without a point.</summary>
    /// <param name="loss">L.</param>
    /// <param name="shapes">Parameters of the shapes that vectors stand for.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public LossObjectiveFunction(TrainingLoss loss, Parameters shapes)
        : this(new Source(
            shapes ?? throw new ArgumentNullException(nameof(shapes)),
            (loss ?? throw new ArgumentNullException(nameof(loss))).Loss,
            loss.Evaluate))
    {
    }

    internal LossObjectiveFunction(Source source)
    {
        _source = source;
    }

    /// <summary>Where values come from, shared by copies.</summary>
    internal sealed class Source(
        Parameters shapes, Func<Parameters, double> loss, Func<Parameters, TrainingPoint> evaluate)
    {
        public Parameters Shapes { get; } = shapes;

        public Func<Parameters, double> Loss { get; } = loss;

        public Func<Parameters, TrainingPoint> Evaluate { get; } = evaluate;

        /// <summary>Whether a gradient has been asked for.</summary>
        public bool WantsGradient { get; set; }
    }

    /// <summary>The point evaluated, a copy.</summary>
    /// <exception cref="InvalidOperationException">There is none yet.</exception>
    public Vector<double> Point => At.Clone();

    /// <summary>L; +∞ where it is NaN or infinite.</summary>
    /// <inheritdoc cref="Point" path="/exception"/>
    public double Value
    {
        get
        {
            if (_value is null)
            {
                if (_source.WantsGradient)
                {
                    Evaluate();
                }
                else
                {
                    _value = IsFinite(At) ? Finite(_source.Loss(ParametersAt)) : double.PositiveInfinity;
                }
            }
            return _value!.Value;
        }
    }

    /// <summary>Whether there is a gradient: always.</summary>
    public bool IsGradientSupported => true;

    /// <summary>∂L/∂θ, a copy; NaN where the point is not finite.</summary>
    /// <inheritdoc cref="Point" path="/exception"/>
    public Vector<double> Gradient
    {
        get
        {
            if (_gradient is null)
            {
                Evaluate();
            }
            return _gradient!.Clone();
        }
    }

    /// <summary>Whether there is a matrix of second derivatives: never.</summary>
    public bool IsHessianSupported => false;

    /// <summary>Not supported.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public Matrix<double> Hessian => throw new NotSupportedException(
        "The training loss gives no Hessian matrix: expected a minimiser that needs values and gradients only.");

    private Vector<double> At => _point ?? throw new InvalidOperationException(
        "Expected EvaluateAt before values are read, but no point has been given.");

    private Parameters ParametersAt => _source.Shapes.With(At);

    /// <summary>Takes a point; evaluation waits until a value is read.</summary>
    /// <param name="point">θ as a vector. Copied.</param>
    /// <exception cref="ArgumentNullException">The point is null.</exception>
    /// <exception cref="ArgumentException">Its length is not the number of parameters.</exception>
    public void EvaluateAt(Vector<double> point)
    {
        ArgumentNullException.ThrowIfNull(point);
        Guard.Length(point.Count, _source.Shapes.Count, "the number of parameters", nameof(point));
        (_point, _value, _gradient) = (point.Clone(), null, null);
    }

    /// <summary>A copy with the same point and what is known of it.</summary>
    public IObjectiveFunction Fork() =>
        new LossObjectiveFunction(_source) { _point = _point, _value = _value, _gradient = _gradient };

    /// <summary>The same function without a point.</summary>
    public IObjectiveFunction CreateNew() => new LossObjectiveFunction(_source);

    private void Evaluate()
    {
        _source.WantsGradient = true;
        if (IsFinite(At))
        {
            TrainingPoint evaluated = _source.Evaluate(ParametersAt);
            _value = Finite(evaluated.Loss);
            _gradient = evaluated.GradientVector();
        }
        else
        {
            _value = double.PositiveInfinity;
            _gradient = Vector<double>.Build.Dense(At.Count, double.NaN);
        }
    }

    private static bool IsFinite(Vector<double> point) => VectorMath.FirstNonFinite(point.Entries()) < 0;

    private static double Finite(double loss) => double.IsFinite(loss) ? loss : double.PositiveInfinity;
}
