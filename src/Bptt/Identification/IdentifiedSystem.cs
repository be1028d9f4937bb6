// What an estimation found: the model, how it compares, and what else is known of it. Estimates nothing.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences      n  order

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Identification;

/// <summary>How far an estimation is.</summary>
/// <param name="Fraction">From 0 to 1, about.</param>
/// <param name="Doing">What it does, in a few words.</param>
public readonly record struct IdentificationProgress(double Fraction, string Doing);

/// <summary>A model that was compared with others.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Order">n.</param>
/// <param name="Score">The error of the free run on steps that were left out: the mean square over folds, in multiples
/// of the targets' mean square; infinite where it could not be fitted.</param>
/// <param name="IsChosen">Whether it is the one.</param>
public sealed record IdentificationCandidate(string Name, int Order, double Score, bool IsChosen);

/// <summary>The innovations form h_t = F h_{t−1} + W_u u_t + K y_{t−1}, y_t = C h_t + e_t with white e_t: for
/// predictions from measured outputs.</summary>
/// <param name="Predictor">On inputs [u_t; y_{t−1}], with outputs as they were given, offset and all: W_hx = [W_u K],
/// W_hh = F and W_qh = C.</param>
/// <param name="Gain">K, n×q.</param>
/// <param name="NoiseCovariance">Of e_t, q×q.</param>
public sealed record InnovationsForm(LinearRnn Predictor, Matrix<double> Gain, Matrix<double> NoiseCovariance);

/// <summary>A system estimated by <see cref="SystemIdentification"/>. Immutable.</summary>
public sealed class IdentifiedSystem
{
    private readonly Matrix<double> _initialStates;
    private readonly Vector<double> _offset;

    internal IdentifiedSystem(
        LinearRnn model,
        Matrix<double> initialStates,
        Vector<double> offset,
        int order,
        IReadOnlyList<IdentificationCandidate> candidates)
    {
        Model = model;
        _initialStates = initialStates;
        _offset = offset;
        Order = order;
        Candidates = candidates;
    }

    /// <summary>The model: o_t + offset estimates y_t.</summary>
    public LinearRnn Model { get; }

    /// <summary>h_0 of each sequence, h×B, fresh.</summary>
    public Matrix<double> InitialStates => _initialStates.Clone();

    /// <summary>To be added to outputs, length q, fresh.</summary>
    public Vector<double> Offset => _offset.Clone();

    /// <summary>n. The model has more units where they hold what costs no state, such as a direct term.</summary>
    public int Order { get; }

    /// <summary>All that were compared on the folds; none where steps are too few.</summary>
    public IReadOnlyList<IdentificationCandidate> Candidates { get; }

    /// <summary>Whether ρ(W_hh) is below 1.</summary>
    public bool IsStable { get; internal init; }

    /// <summary>Whether the order is the largest that was allowed: a larger one may be better.</summary>
    public bool IsOrderAtLimit { get; internal init; }

    /// <summary>For predictions from measured outputs; null where it was not estimated.</summary>
    public InnovationsForm? Innovations { get; internal init; }

    /// <summary>The outputs of a free run, offset included.</summary>
    /// <param name="inputs">d×T.</param>
    /// <param name="initialState">h_0, length h; zero where null.</param>
    /// <param name="execution">How the pass is carried out; the defaults where null.</param>
    /// <returns>q×T, fresh. Cost of a forward pass.</returns>
    /// <exception cref="ArgumentNullException">The inputs are null.</exception>
    /// <exception cref="ArgumentException">A shape does not fit, or a number is NaN or infinite.</exception>
    public Matrix<double> Simulate(
        Matrix<double> inputs, Vector<double>? initialState = null, ExecutionOptions? execution = null)
    {
        Matrix<double> outputs = ForwardPass.Run(Model, inputs, initialState, execution).Outputs();
        for (int t = 0; t < outputs.ColumnCount; t++)
        {
            outputs.SetColumn(t, outputs.Column(t) + _offset);
        }
        return outputs;
    }

    /// <summary>The sizes, for a debugger.</summary>
    public override string ToString() =>
        $"IdentifiedSystem (order {Order}, {Model.HiddenSize} units, {Candidates.Count} candidates)";
}
