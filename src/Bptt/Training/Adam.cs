// The Adam optimiser. Turns a gradient into a new model; computes no gradient itself.

using Bptt.Kernels;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Training;

/// <summary>
/// Adam (Kingma &amp; Ba 2015, algorithm 1): each parameter moves by −α m̂ / (√v̂ + ε), where m̂ and v̂ are bias-corrected
/// running means of its gradient and of the gradient's square.
/// </summary>
/// <remarks>
/// One instance follows one set of parameters: the sizes of the first step are kept. The update works entry by entry,
/// so separate instances for W and for h_0 are exactly one instance for both. Not for use from several threads.
/// </remarks>
public sealed class Adam
{
    private readonly double _beta1;
    private readonly double _beta2;
    private readonly double _epsilon;
    private double _learningRate;
    private string _shape = "";
    private double[] _firstMoment = [];
    private double[] _secondMoment = [];

    /// <summary>Creates an optimiser whose moments are zero.</summary>
    /// <param name="learningRate">α, above 0.</param>
    /// <param name="beta1">β₁, the decay of the mean, from 0 to below 1.</param>
    /// <param name="beta2">β₂, the decay of the mean square, from 0 to below 1.</param>
    /// <param name="epsilon">ε, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range.</exception>
    public Adam(double learningRate = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8)
    {
        Guard.Decay(beta1, nameof(beta1));
        Guard.Decay(beta2, nameof(beta2));
        Guard.Positive(epsilon, nameof(epsilon));
        Guard.Positive(learningRate, nameof(learningRate));
        _learningRate = learningRate;
        _beta1 = beta1;
        _beta2 = beta2;
        _epsilon = epsilon;
    }

    /// <summary>α, which a schedule may change between steps.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a finite number above 0.</exception>
    public double LearningRate
    {
        get => _learningRate;
        set
        {
            Guard.Positive(value, nameof(LearningRate));
            _learningRate = value;
        }
    }

    /// <summary>The number of steps taken.</summary>
    public int StepCount { get; private set; }

    /// <summary>One training step.</summary>
    /// <param name="model">The weights to move; stays as it is.</param>
    /// <param name="gradients">Their gradients.</param>
    /// <returns>The model after the step. Cost O(h(h + d + q)).</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">Sizes differ from the model's or from those of the first step, or a gradient
    /// is NaN or infinite: weights and moments then stay as they were.</exception>
    /// <exception cref="ArithmeticException">A weight or a moment would overflow: moments then stay as they were.</exception>
    public LinearRnn Step(LinearRnn model, Gradients gradients)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(gradients);
        if (!model.Weights.HasShapeOf(gradients.Entries))
        {
            throw Guard.Error(
                nameof(gradients),
                $"expected the shapes of the model ({model.Weights.ShapeText}), got {gradients.Entries.ShapeText}.");
        }
        gradients.RequireFinite(nameof(gradients));
        RequireShape(model.Weights.ShapeText, nameof(model));
        ParameterArray weights = model.Weights.Copy();
        Step(weights.Values, gradients.Entries.Values, model.Weights.ShapeText);
        return new LinearRnn(weights);
    }

    /// <summary>One step of parameters that are no model, such as a learned h_0.</summary>
    /// <param name="parameters">The parameters to move; stay as they are.</param>
    /// <param name="gradient">Their gradient.</param>
    /// <returns>The parameters after the step, fresh. Cost O(length).</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">Lengths differ from each other or from those of the first step, or a number is
    /// NaN or infinite: parameters and moments then stay as they were.</exception>
    /// <exception cref="ArithmeticException">A parameter or a moment would overflow: moments then stay as they were.</exception>
    public Vector<double> Step(Vector<double> parameters, Vector<double> gradient)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(gradient);
        Guard.Length(gradient.Count, parameters.Count, "as parameters", nameof(gradient));
        Guard.Finite(parameters.Entries(), nameof(parameters));
        Guard.Finite(gradient.Entries(), nameof(gradient));
        string shape = $"a vector of length {parameters.Count}";
        RequireShape(shape, nameof(parameters));
        double[] moved = parameters.ToArray();
        Step(moved, gradient.Entries(), shape);
        return Vector<double>.Build.Dense(moved);
    }

    private void Step(Span<double> parameters, ReadOnlySpan<double> gradient, string shape)
    {
        if (StepCount == 0)
        {
            _firstMoment = new double[parameters.Length];
            _secondMoment = new double[parameters.Length];
        }

        // m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,  w ← w − α m̂ / (√v̂ + ε)
        int step = StepCount + 1;
        double correction1 = 1.0 - Math.Pow(_beta1, step);
        double correction2 = 1.0 - Math.Pow(_beta2, step);
        double[] first = new double[parameters.Length];
        double[] second = new double[parameters.Length];
        for (int i = 0; i < parameters.Length; i++)
        {
            double g = gradient[i];
            first[i] = _beta1 * _firstMoment[i] + (1.0 - _beta1) * g;
            second[i] = _beta2 * _secondMoment[i] + (1.0 - _beta2) * g * g;
            parameters[i] -= _learningRate * (first[i] / correction1) / (Math.Sqrt(second[i] / correction2) + _epsilon);
        }

        // An infinite moment would hold its parameter still for ever.
        if (VectorMath.FirstNonFinite(parameters) >= 0 || VectorMath.FirstNonFinite(second) >= 0)
        {
            throw new ArithmeticException(
                "A step of Adam overflows: expected finite parameters and moments, got NaN or infinity. Clip the gradient or take a smaller learning rate.");
        }
        (_firstMoment, _secondMoment, _shape, StepCount) = (first, second, shape, step);
    }

    private void RequireShape(string shape, string name)
    {
        if (StepCount > 0 && shape != _shape)
        {
            throw Guard.Error(name, $"expected {_shape}, as at the first step, got {shape}.");
        }
    }
}
