// Optimisers of first order: a gradient in, moved parameters out. They compute no gradient themselves.

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Optimization;

/// <summary>
/// An optimiser that moves by one gradient at a time, so that the gradient may be clipped and may belong to a part of
/// the data: <see cref="Sgd"/>, <see cref="Adam"/>, and one of your own.
/// </summary>
/// <remarks>
/// A subclass says how parameters move (<see cref="Move"/>), what it remembers between steps (names, given to the
/// constructor) and how it is set (<see cref="Settings"/>). This class owns the memory: it counts the steps, refuses
/// those that are not finite before anything of them is kept, and saves and restores itself with a training. So a
/// subclass keeps no history in fields: they hold settings, which never change.
/// One instance follows one set of parameters: the sizes of the first step are kept. Not for use from several threads.
/// </remarks>
/// <example>
/// <code>
/// // RMSprop (Tieleman &amp; Hinton 2012): each gradient over the root of its running mean square.
/// public sealed class RmsProp(double learningRate, double decay = 0.9)
///     : GradientOptimizer(learningRate, "mean square")
/// {
///     protected override FormattableString Settings => $"decay {decay}";
///
///     protected override void Move(GradientStep update)
///     {
///         Span&lt;double&gt; meanSquare = update.Memory("mean square");
///         for (int i = 0; i &lt; update.Parameters.Length; i++)
///         {
///             double g = update.Gradient[i];
///             meanSquare[i] = decay * meanSquare[i] + (1.0 - decay) * g * g;
///             update.Parameters[i] -= LearningRate * g / (Math.Sqrt(meanSquare[i]) + 1e-8);
///         }
///     }
/// }
/// </code>
/// </example>
public abstract class GradientOptimizer : Optimizer
{
    private const string Steps = "steps"; // in a state, beside what is remembered

    private readonly string[] _names;
    private double[][] _memory; // by the order of the names; empty arrays before the first step
    private double _learningRate;
    private string _shape = "";

    /// <summary>Creates an optimiser without history.</summary>
    /// <param name="learningRate">α, above 0.</param>
    /// <param name="memory">What it remembers between steps, by name: one number for each parameter under each name,
    /// zero at first. Copied.</param>
    /// <exception cref="ArgumentOutOfRangeException">α is not a finite number above 0.</exception>
    /// <exception cref="ArgumentNullException">The list of names is null.</exception>
    /// <exception cref="ArgumentException">A name is null, empty, "steps" or there twice.</exception>
#pragma warning disable RS0022 // an optimiser is open in this way alone: the abstract members of Optimizer are internal
    protected GradientOptimizer(double learningRate, params string[] memory)
#pragma warning restore RS0022
    {
        Guard.Positive(learningRate, nameof(learningRate));
        ArgumentNullException.ThrowIfNull(memory);
        if (memory.Any(string.IsNullOrEmpty) || memory.Append(Steps).Distinct().Count() <= memory.Length)
        {
            throw Guard.Error(
                nameof(memory),
                $"expected names that differ from each other and from {Steps}, got '{string.Join("', '", memory)}'.");
        }
        _learningRate = learningRate;
        _names = (string[])memory.Clone();
        _memory = Array.ConvertAll(_names, _ => Array.Empty<double>());
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

    /// <summary>Every setting but the learning rate, such as $"momentum {Momentum}": two of one type with the same text
    /// behave alike, and a checkpoint compares it. Written alike under every culture.</summary>
    protected abstract FormattableString Settings { get; }

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
    /// <exception cref="ArithmeticException">A parameter or what is remembered would not be finite: history then stays
    /// as it was.</exception>
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
        ParameterArray weights = model.Weights.Copy();
        RequireShape(weights.ShapeText, weights.Values.Length, nameof(model));
        Take(weights.Values, gradients.Entries.Values, weights.Values.Length, weights.ShapeText);
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
        RequireShape(shape, parameters.Count, nameof(parameters));
        double[] moved = parameters.ToArray();
        Take(moved, gradient.Entries(), moved.Length, shape);
        return Vector<double>.Build.Dense(moved);
    }

    internal sealed override OptimizerStep Step(TrainingLoss loss, TrainingPoint at, CancellationToken cancellation)
    {
        RequireShape(at.Parameters.ShapeText, at.Parameters.Count, nameof(at));
        double[] moved = at.Parameters.Values.ToArray();
        Take(moved, at.Gradient, at.Parameters.WeightCount, at.Parameters.ShapeText);
        return new OptimizerStep(at.Parameters.With(moved), null, false, "");
    }

    /// <summary>Name, learning rate and <see cref="Settings"/>.</summary>
    public sealed override string ToString() =>
        FormattableString.Invariant(Settings) is { Length: > 0 } settings
            ? NumberText.Named(this, $"learning rate {LearningRate}, {settings}")
            : NumberText.Named(this, $"learning rate {LearningRate}");

    /// <summary>Makes one update in place. Called once for each step, with finite numbers; <see cref="LearningRate"/>
    /// is that of the update, by its schedule, and <see cref="StepCount"/> the number of steps before it.</summary>
    /// <param name="update">What to move by, and what to write to.</param>
    protected abstract void Move(GradientStep update);

    internal sealed override Optimizer Fresh()
    {
        var fresh = (GradientOptimizer)MemberwiseClone();
        fresh._memory = Array.ConvertAll(_names, _ => Array.Empty<double>());
        (fresh.StepCount, fresh._shape) = (0, "");
        return fresh;
    }

    internal sealed override IReadOnlyDictionary<string, double[]> State
    {
        get
        {
            var state = new Dictionary<string, double[]> { [Steps] = [StepCount] };
            for (int i = 0; i < _names.Length; i++)
            {
                state[_names[i]] = (double[])_memory[i].Clone();
            }
            return state;
        }
    }

    internal sealed override void Restore(IReadOnlyDictionary<string, double[]> state)
    {
        if (state.Count != _names.Length + 1
            || !state.TryGetValue(Steps, out double[]? steps)
            || steps is not [>= 0.0 and <= int.MaxValue]
            || steps[0] != Math.Floor(steps[0]))
        {
            throw new FormatException(
                $"State of an optimiser: expected {string.Join(", ", _names.Prepend("a count of steps"))}, "
                + $"got {string.Join(", ", state.Keys)}.");
        }
        double[][] memory = Array.ConvertAll(_names, name =>
            state.TryGetValue(name, out double[]? values)
            && values.Length == state[_names[0]].Length
            && VectorMath.FirstNonFinite(values) < 0
            && values.Length == 0 == (steps[0] == 0.0)
                ? (double[])values.Clone()
                : throw new FormatException(
                    $"State of an optimiser: expected finite numbers for {name}, one for each parameter, got others."));
        _memory = memory;
        StepCount = (int)steps[0];
        _shape = ""; // a trainer has compared the shapes
    }

    /// <summary>Moves parameters in place, and keeps what is remembered where all of it is finite.</summary>
    private void Take(Span<double> parameters, ReadOnlySpan<double> gradient, int weightCount, string shape)
    {
        int count = parameters.Length;
        double[][] memory = Array.ConvertAll(
            _memory, values => StepCount == 0 ? new double[count] : (double[])values.Clone());
        Move(new GradientStep(parameters, gradient, weightCount, _names, memory));
        RequireFinite("the parameters", parameters);
        for (int i = 0; i < memory.Length; i++)
        {
            RequireFinite($"the memory '{_names[i]}'", memory[i]);
        }
        (_memory, StepCount, _shape) = (memory, StepCount + 1, shape);
    }

    private void RequireFinite(string what, ReadOnlySpan<double> values)
    {
        if (VectorMath.FirstNonFinite(values) is int index and >= 0)
        {
            throw new ArithmeticException(
                $"A step of {GetType().Name} overflows: expected finite numbers for {what}, "
                + $"got {NumberText.Exact(values[index])} at index {index} (from 0). "
                + "Clip the gradient or take a smaller learning rate.");
        }
    }

    private void RequireShape(string shape, int count, string name)
    {
        if (StepCount == 0)
        {
            return;
        }
        if (_shape.Length > 0 && shape != _shape)
        {
            throw Guard.Error(name, $"expected {_shape}, as at the first step, got {shape}.");
        }
        if (_memory.Length > 0 && _memory[0].Length != count)
        {
            throw Guard.Error(name, $"expected {_memory[0].Length} parameters, as at the first step, got {count}.");
        }
    }
}
