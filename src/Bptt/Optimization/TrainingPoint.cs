// The training loss at one point: L, its gradient, and the passes that gave them. Decides nothing.
//
//   h  hidden units      B  sequences

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Optimization;

/// <summary>
/// L(θ) and ∂L/∂θ at one θ, made by <see cref="TrainingLoss.Evaluate"/>. Immutable; loss and gradients are its own for
/// ever, the passes are readable as long as <see cref="TrainingLoss"/> says.
/// </summary>
public sealed class TrainingPoint
{
    private readonly double[] _gradient;
    private readonly BackwardThroughTime? _backward;

    /// <summary>Takes a gradient that nobody else writes to.</summary>
    internal TrainingPoint(
        Parameters parameters,
        double loss,
        double dataLoss,
        double[] gradient,
        BackwardThroughTime? backward,
        ShardedLoss? shards = null)
    {
        Parameters = parameters;
        Loss = loss;
        DataLoss = dataLoss;
        _backward = backward;
        Shards = shards;
        _gradient = gradient;
    }

    /// <summary>θ.</summary>
    public Parameters Parameters { get; }

    /// <summary>L, penalties included.</summary>
    public double Loss { get; }

    /// <summary>The objective alone.</summary>
    public double DataLoss { get; }

    /// <summary>∂L/∂W_hx, ∂L/∂W_hh and ∂L/∂W_qh, penalties included; fresh. Cost O(h(h + d + q)).</summary>
    public Gradients Gradients
    {
        get
        {
            LinearRnn model = Parameters.Model;
            var entries = new ParameterArray(model.InputSize, model.HiddenSize, model.OutputSize);
            _gradient.AsSpan(0, Parameters.WeightCount).CopyTo(entries.Values);
            return new Gradients(entries);
        }
    }

    /// <summary>∂L/∂h_0, h×B, where h_0 is learned; null where not. Fresh, at cost O(hB).</summary>
    public Matrix<double>? InitialStateGradients => Parameters.StateCount == 0
        ? null
        : _gradient[Parameters.WeightCount..].ToColumns(Parameters.Model.HiddenSize);

    /// <summary>The forward pass at θ.</summary>
    public ForwardPass Forward => Backward.Forward;

    /// <summary>The backward pass at θ: the objective alone, without penalties.</summary>
    public BackwardThroughTime Backward => _backward!; // only points inside a training have none

    /// <summary>Where the passes are, if they are not here; null where they are.</summary>
    internal ShardedLoss? Shards { get; }

    /// <summary>T_b.</summary>
    internal IReadOnlyList<int> Lengths => Shards?.Lengths ?? Forward.Lengths;

    /// <summary>h_0 where it is given, column by column; empty or zeros where it is zero.</summary>
    internal double[] GivenStates => Shards?.GivenStates ?? Forward.InitialStates.AsColumnMajorArray();

    /// <summary>h_T of every sequence, h×B.</summary>
    internal Matrix<double> FinalStates() => Shards?.FinalStates(Parameters) ?? Forward.FinalStates;

    /// <summary>Whether L and every entry of its gradient are finite.</summary>
    public bool IsFinite => double.IsFinite(Loss) && VectorMath.FirstNonFinite(_gradient) < 0;

    /// <summary>∂L/∂θ in the order of <see cref="Parameters.ToVector"/>.</summary>
    internal ReadOnlySpan<double> Gradient => _gradient;

    /// <summary>The same point with another gradient to move by, such as a clipped one.</summary>
    internal TrainingPoint WithGradient(Gradients gradients, Matrix<double>? initialStateGradients)
    {
        double[] gradient = new double[_gradient.Length];
        gradients.Entries.Values.CopyTo(gradient);
        if (initialStateGradients is not null)
        {
            initialStateGradients.ColumnMajor().CopyTo(gradient.AsSpan(Parameters.WeightCount));
        }
        return new TrainingPoint(Parameters, Loss, DataLoss, gradient, _backward, Shards);
    }

    /// <summary>∂L/∂θ as one vector, in the order of <see cref="Parameters.ToVector"/>. Fresh, at cost O(its
    /// length).</summary>
    public Vector<double> GradientVector() => Vector<double>.Build.DenseOfArray(_gradient);
}
