// The loss that a gradient check differentiates, as a function of weights, inputs and h_0, by the engine's forward pass
// and the objective. Contains no derivative.

using Bptt.Edge;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;
using MathNet.Numerics.Random;

namespace Bptt.Verification;

/// <summary>L + Σ_b ⟨e_b, h_{T,b}⟩ with the given final-state gradients e_b; under a truncation its surrogate, see
/// <see cref="SurrogatePass"/>. May be evaluated by many threads at once.</summary>
internal sealed class CheckedLoss
{
    private readonly ForwardPass _forward;
    private readonly SurrogatePass? _surrogate;
    private readonly double[]? _finalStateGradients; // h×B
    private readonly double[] _outputs;              // at the origin
    private readonly double[] _finalStates;          // at the origin
    private readonly double[] _factors;

    /// <summary>The loss around a pass.</summary>
    /// <exception cref="ArgumentException">The objective or the options do not fit the pass.</exception>
    public CheckedLoss(ForwardPass forward, Objective objective, BackwardOptions? options, RecordedStates states)
    {
        _forward = forward;
        Objective = objective;
        Truncation = options?.Truncation;
        Origin = LossPoint.Of(forward);
        _surrogate = Truncation is null ? null : new SurrogatePass(forward, Truncation, states);
        _finalStateGradients = options?.FinalStateGradients?.ColumnMajor().ToArray();
        _factors = objective.SequenceFactors(Layout);
        (PackedColumns outputs, _finalStates) = Outcome(Origin);
        _outputs = outputs.All.Values.ToArray();
    }

    public Objective Objective { get; }

    public Truncation? Truncation { get; }

    /// <summary>Where the gradients are checked; not to be written to.</summary>
    public LossPoint Origin { get; }

    /// <summary>e_b of every sequence, h×B; null where there are none.</summary>
    public ReadOnlySpan<double> FinalStateGradients => _finalStateGradients;

    public BatchLayout Layout => Origin.Inputs.Layout;

    /// <summary>The loss at a point.</summary>
    public double At(LossPoint point)
    {
        double loss;
        double[] finalStates;
        if (_surrogate is null)
        {
            ForwardPass pass = Rerun(point);
            loss = Objective.Loss(pass);
            finalStates = FinalStates(pass);
        }
        else
        {
            (PackedColumns outputs, finalStates) = _surrogate.Run(point);
            loss = Objective.Loss(_forward.WithOutputs(outputs));
        }
        return loss + Product(_finalStateGradients, finalStates);
    }

    /// <summary>How far the loss is off by rounding near the origin.</summary>
    public double Noise()
    {
        var random = new MersenneTwister(1, threadSafe: false);
        var direction = LossDirection.Of(Origin, LossPoint.Variables.Select(variable => (variable, Array.ConvertAll(
            Origin[variable].ToArray(), value => random.Next(2) == 0 ? value : -value))));
        LossPoint point = Origin.Copy();
        return LossNoise.Near(_forward.WithOutputs(new(_forward.OutputColumns.Rows, Layout, _outputs)), Objective)
            + LossNoise.OfSmallMoves(s =>
            {
                direction.Move(Origin, s, point);
                return At(point);
            });
    }

    /// <summary>Whether anything that the loss looks at differs from the origin, be it by one bit.</summary>
    public bool SeesMove(LossPoint point)
    {
        (PackedColumns outputs, double[] finalStates) = Outcome(point);
        foreach (BatchLayout.Place place in Layout.Places(0, Layout.ColumnCount))
        {
            if (Objective.StepFactor(place.Sequence, place.Step, _factors) != 0.0
                && !outputs.All.Column(place.Column).SequenceEqual(
                    _outputs.AsSpan(place.Column * outputs.Rows, outputs.Rows)))
            {
                return true;
            }
        }
        return _finalStateGradients is not null && !finalStates.AsSpan().SequenceEqual(_finalStates);
    }

    private static double Product(double[]? finalStateGradients, double[] finalStates)
    {
        var sum = default(CompensatedSum);
        for (int i = 0; i < finalStateGradients?.Length; i++)
        {
            sum.Add(finalStateGradients[i] * finalStates[i]);
        }
        return sum.Value;
    }

    private (PackedColumns Outputs, double[] FinalStates) Outcome(LossPoint point)
    {
        if (_surrogate is not null)
        {
            return _surrogate.Run(point);
        }
        ForwardPass pass = Rerun(point);
        return (pass.OutputColumns, FinalStates(pass));
    }

    private ForwardPass Rerun(LossPoint point) =>
        _forward.Rerun(new LinearRnn(point.Weights), point.InitialStates, point.Inputs);

    private double[] FinalStates(ForwardPass pass) =>
        _finalStateGradients is null ? [] : pass.FinalStates.ToColumnMajorArray();
}
