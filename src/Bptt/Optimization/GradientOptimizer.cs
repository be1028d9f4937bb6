// Optimisers of first order: a gradient in, moved parameters out. They compute no gradient themselves.

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Optimization;

/// <summary>
/// An optimiser that moves by one gradient at a time, so that the gradient may be clipped and may belong to a part of
/// the data: <see cref="Sgd"/>, <see cref="Adam"/>.
/// </summary>
/// <remarks>
/// One instance follows one set of parameters: the sizes of the first step are kept. The updates work entry by entry,
/// so separate instances for W and for h_0 are exactly one instance for both. Not for use from several threads.
/// </remarks>
public abstract class GradientOptimizer : Optimizer
{
    private double _learningRate;
    private string _shape = "";

    private protected GradientOptimizer(double learningRate)
    {
        Guard.Positive(learningRate, nameof(learningRate));
        _learningRate = learningRate;
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
    public int StepCount { get; private protected set; }

    /// <summary>Another α, which unlike the property's may be 0, where a schedule ends.</summary>
    internal void SetRate(double learningRate) => _learningRate = learningRate;

    internal sealed override bool TakesGradients => true;

    /// <summary>One training step.</summary>
    /// <param name="model">The weights to move; stays as it is.</param>
    /// <param name="gradients">Their gradients.</param>
    /// <returns>The model after the step. Cost O(h(h + d + q)).</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">Sizes differ from each other or from those of the first step, or a number is
    /// NaN or infinite: parameters and history then stay as they were.</exception>
    /// <exception cref="ArithmeticException">A parameter or what is remembered of gradients would overflow: history
    /// then stays as it was.</exception>
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
        Move(weights.Values, gradients.Entries.Values, weights.Values.Length);
        _shape = model.Weights.ShapeText;
        return new LinearRnn(weights);
    }

    /// <summary>One step of parameters that are no model, such as a learned h_0.</summary>
    /// <param name="parameters">The parameters to move; stay as they are.</param>
    /// <param name="gradient">Their gradient.</param>
    /// <returns>The parameters after the step, fresh. Cost O(length).</returns>
    /// <inheritdoc cref="Step(LinearRnn, Gradients)" path="/exception"/>
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
        Move(moved, gradient.Entries(), moved.Length);
        _shape = shape;
        return Vector<double>.Build.Dense(moved);
    }

    internal sealed override OptimizerStep Step(TrainingLoss loss, TrainingPoint at, CancellationToken cancellation)
    {
        RequireShape(at.Parameters.ShapeText, nameof(at));
        double[] moved = at.Parameters.Values.ToArray();
        Move(moved, at.Gradient, at.Parameters.WeightCount);
        _shape = at.Parameters.ShapeText;
        return new OptimizerStep(at.Parameters.With(moved), null, false, "");
    }

    internal sealed override IReadOnlyDictionary<string, double[]> State
    {
        get
        {
            var state = new Dictionary<string, double[]> { ["steps"] = [StepCount] };
            foreach ((string name, double[] values) in Memory)
            {
                state[name] = (double[])values.Clone();
            }
            return state;
        }
    }

    internal sealed override void Restore(IReadOnlyDictionary<string, double[]> state)
    {
        (string Name, double[] Values)[] memory = Memory;
        if (state.Count != memory.Length + 1
            || !state.TryGetValue("steps", out double[]? steps)
            || steps is not [>= 0.0 and <= int.MaxValue]
            || steps[0] != Math.Floor(steps[0]))
        {
            throw new FormatException(
                "State of an optimiser: expected a count of steps and "
                + $"{string.Join(", ", memory.Select(m => m.Name))}, got {string.Join(", ", state.Keys)}.");
        }
        double[][] restored = new double[memory.Length][];
        for (int i = 0; i < memory.Length; i++)
        {
            if (!state.TryGetValue(memory[i].Name, out double[]? values)
                || values.Length != state[memory[0].Name].Length
                || VectorMath.FirstNonFinite(values) >= 0
                || values.Length == 0 != (steps[0] == 0.0))
            {
                throw new FormatException(
                    $"State of an optimiser: expected finite numbers for {memory[i].Name}, one for each parameter, "
                    + "got others.");
            }
            restored[i] = (double[])values.Clone();
        }
        StepCount = (int)steps[0];
        _shape = ""; // a trainer has compared the shapes
        Remember(restored);
    }

    /// <summary>What is remembered of gradients, by name: empty arrays before the first step.</summary>
    private protected abstract (string Name, double[] Values)[] Memory { get; }

    /// <summary>Takes over memory in the order of <see cref="Memory"/>.</summary>
    private protected abstract void Remember(double[][] memory);

    /// <summary>One update, entry by entry, which counts the step.</summary>
    /// <param name="parameters">Moved in place.</param>
    /// <param name="gradient">Finite.</param>
    /// <param name="weightCount">So many parameters, the first ones, are weights, which alone decay.</param>
    /// <exception cref="ArithmeticException">A parameter or the memory overflows; the memory stays as it
    /// was.</exception>
    private protected abstract void Move(Span<double> parameters, ReadOnlySpan<double> gradient, int weightCount);

    /// <summary>Refuses a step that overflows, before anything is kept of it.</summary>
    private protected static void RequireFinite(
        string method, ReadOnlySpan<double> parameters, ReadOnlySpan<double> memory)
    {
        if (VectorMath.FirstNonFinite(parameters) >= 0 || VectorMath.FirstNonFinite(memory) >= 0)
        {
            throw new ArithmeticException(
                $"A step of {method} overflows: expected finite parameters and moments, got NaN or infinity. "
                + "Clip the gradient or take a smaller learning rate.");
        }
    }

    private void RequireShape(string shape, string name)
    {
        if (StepCount > 0 && _shape.Length > 0 && shape != _shape)
        {
            throw Guard.Error(name, $"expected {_shape}, as at the first step, got {shape}.");
        }
    }
}
