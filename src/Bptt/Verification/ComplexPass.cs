// Derivatives of the loss by a complex step: the forward pass with an infinitesimal imaginary part, by plain loops,
// around the states that a pass recorded. Shares no code with the backward pass, and none with the kernels beyond
// vector sums.
//
//   d inputs   h hidden units   q outputs   T_b steps of sequence b

using System.Numerics;
using Bptt.LinearAlgebra;
using Bptt.LinearRecurrence;

namespace Bptt.Verification;

/// <summary>
/// The complex step (Squire and Trapp 1998; Martins, Sturdza and Alonso 2003): Im L(z + i·s·v)/s is ⟨∂L/∂z, v⟩ + O(s²),
/// and since nothing is subtracted s may be so small that nothing but rounding is left. Real and imaginary parts are
/// kept apart: with s that small the real part is the pass itself, whose recorded states are taken over where they
/// follow from the recurrence, and the imaginary part of h_t = W_hx x_t + W_hh h_{t−1} is
/// s·(W_hh ḣ_{t−1} + V_hh h_{t−1} + W_hx ẋ_t + V_hx x_t). The objective is evaluated in complex numbers.
/// </summary>
internal sealed class ComplexPass
{
    /// <summary>The size of s·ȯ_t, in powers of two: far below any rounding even when it is squared, far above
    /// underflow.</summary>
    private const int StepExponent = -100;

    private const double SmallestNormal = 2.2250738585072014e-308;

    /// <summary>How many steps are tried to find out whether a user's complex loss has the derivative of the real
    /// one.</summary>
    private const int TriedSteps = 12;

    /// <summary>The derivative is computed once with each, in numbers that share no rounding.</summary>
    private static readonly double[] Scales = [1.0, 0.83, 0.71];

    private readonly CheckedLoss _loss;
    private readonly RecordedStates _states;
    private readonly PackedColumns _outputs;
    private readonly double[] _factors;

    private ComplexPass(CheckedLoss loss, RecordedStates states, PackedColumns outputs, double[] factors)
    {
        _loss = loss;
        _states = states;
        _outputs = outputs;
        _factors = factors;
    }

    /// <summary>The complex pass around a pass; null where the objective is given in real numbers only or is not the
    /// same in complex ones, or where the states do not follow from the recurrence.</summary>
    public static ComplexPass? Around(ForwardPass forward, CheckedLoss loss, RecordedStates states)
    {
        if (!loss.Objective.IsAnalytic)
        {
            return null;
        }
        var pass = new ComplexPass(
            loss, states, forward.OutputBatch().Columns, loss.Objective.SequenceFactors(forward.Layout));
        return states.Follow(loss.Origin, pass._outputs) && pass.ObjectiveAgrees() ? pass : null;
    }

    /// <summary>The derivative of the loss in a direction.</summary>
    public NumericalDerivative Along(LossDirection direction)
    {
        double magnitude = 0.0;
        double floor = 0.0;
        return NumericalDerivative.OfExact(
            Array.ConvertAll(Scales, scale => Along(direction, scale, out magnitude, out floor)), magnitude, floor);
    }

    /// <summary>The derivative of c_b w_bt ℓ(o_t) in one entry of o_t.</summary>
    public NumericalDerivative OfStep(BatchLayout.Place place, int row)
    {
        double[] direction = new double[_outputs.Rows];
        double largest = 0.0;
        double floor = 0.0;
        return NumericalDerivative.OfExact(
            Array.ConvertAll(Scales, scale =>
            {
                direction[row] = scale;
                double derivative = Contribution(place, direction, out floor) / scale;
                largest = Math.Max(largest, Math.Abs(derivative));
                return derivative;
            }),
            largest,
            floor);
    }

    /// <summary>One run with the direction scaled.</summary>
    /// <param name="direction">V.</param>
    /// <param name="scale">α.</param>
    /// <param name="magnitude">Receives the sum of the magnitudes that add up to the derivative.</param>
    /// <param name="floor">Receives what may have been lost to underflow, here or in a backward pass.</param>
    private double Along(LossDirection direction, double scale, out double magnitude, out double floor)
    {
        var sum = new DirectionalSum(direction, scale);
        for (int b = 0; b < _outputs.Layout.SequenceCount; b++)
        {
            double[] driven = Driven(direction, scale, b);
            if (_loss.Truncation is { Kind: not TruncationKind.Windows } lags)
            {
                AddLags(sum, b, driven, lags.Steps);
            }
            else
            {
                AddSequence(sum, b, driven);
            }
        }
        magnitude = sum.Magnitude / scale;
        floor = sum.Floor / scale;
        return sum.Value / scale;
    }

    /// <summary>ḣ_t from step to step; at the border of a window the state before it is a constant.</summary>
    private void AddSequence(DirectionalSum sum, int sequence, double[] driven)
    {
        double[] state = InitialState(sum, sequence);
        double[] next = new double[state.Length];
        int length = _outputs.Layout.Lengths[sequence];
        for (int t = 1; t <= length; t++)
        {
            if (_loss.Truncation is { } windows && t > 1 && (t - 1) % windows.Steps == 0)
            {
                Array.Clear(state);
            }
            Advance(sum, state, driven, t, next);
            (state, next) = (next, state);
            Add(sum, sequence, t, state);
        }
        AddFinal(sum, sequence, state);
    }

    /// <summary>Each output from a run of its own over the last k steps.</summary>
    private void AddLags(DirectionalSum sum, int sequence, double[] driven, int k)
    {
        int length = _outputs.Layout.Lengths[sequence];
        double[] initial = InitialState(sum, sequence);
        double[] state = new double[initial.Length];
        double[] next = new double[initial.Length];
        for (int s = 1; s <= length; s++)
        {
            Array.Clear(state);
            if (s < k)
            {
                initial.CopyTo(state, 0);
            }
            for (int t = Math.Max(1, s - k + 1); t <= s; t++)
            {
                Advance(sum, state, driven, t, next);
                (state, next) = (next, state);
            }
            Add(sum, sequence, s, state);
        }
        AddFinal(sum, sequence, state);
    }

    /// <summary>α(V_hh h_{t−1} + V_hx x_t + W_hx ẋ_t) for every step, h×T.</summary>
    private double[] Driven(LossDirection direction, double scale, int sequence)
    {
        LossPoint point = _loss.Origin;
        int h = point.Weights.HiddenSize;
        int d = point.Weights.InputSize;
        double[] input = new double[d];
        double[] driven = new double[h * _outputs.Layout.Lengths[sequence]];
        for (int t = 1; t <= _outputs.Layout.Lengths[sequence]; t++)
        {
            Span<double> column = driven.AsSpan((t - 1) * h, h);
            direction.AddProduct(LossVariable.Whh, scale, _states[sequence, t - 1], column);
            direction.AddProduct(LossVariable.Whx, scale, point.Inputs.Column(sequence, t), column);
            if (!direction[LossVariable.Inputs].IsEmpty)
            {
                ReadOnlySpan<double> moved = direction.Column(
                    LossVariable.Inputs, _outputs.Layout.Column(sequence, t), d);
                if (!moved.IsEmpty)
                {
                    moved.CopyTo(input);
                    VectorMath.Scale(scale, input);
                    RecordedStates.AddProduct(point.Weights.Whx, input, column);
                }
            }
        }
        return driven;
    }

    private double[] InitialState(DirectionalSum sum, int sequence)
    {
        int h = _loss.Origin.Weights.HiddenSize;
        double[] state = new double[h];
        sum.Direction.Column(LossVariable.InitialStates, sequence, h).CopyTo(state);
        VectorMath.Scale(sum.Scale, state);
        AddFlushed(sum, state);
        return state;
    }

    /// <summary>next ← W_hh ḣ_{t−1} + what drives step t.</summary>
    private void Advance(DirectionalSum sum, double[] state, double[] driven, int t, double[] next)
    {
        driven.AsSpan((t - 1) * next.Length, next.Length).CopyTo(next);
        RecordedStates.AddProduct(_loss.Origin.Weights.Whh, state, next);
        AddFlushed(sum, next);
    }

    /// <summary>A backward pass sets tiny entries of ∂L/∂h_t to zero; each counts as often as ḣ_t has it.</summary>
    private static void AddFlushed(DirectionalSum sum, double[] state) =>
        sum.Floor += KernelSet.FlushThreshold * Math.Sqrt(state.Length) * VectorMath.Norm(state);

    /// <summary>What step t adds to the derivative, from ȯ_t = W_qh ḣ_t + V_qh h_t.</summary>
    private void Add(DirectionalSum sum, int sequence, int t, double[] state)
    {
        if (_loss.Objective.StepFactor(sequence, t, _factors) == 0.0)
        {
            return;
        }
        double[] output = sum.Output(_outputs.Rows);
        RecordedStates.AddProduct(_loss.Origin.Weights.Wqh, state, output);
        sum.Direction.AddProduct(LossVariable.Wqh, sum.Scale, _states[sequence, t], output);
        var place = new BatchLayout.Place(_outputs.Layout.Column(sequence, t), sequence, t);
        sum.Add(Contribution(place, output, out double floor));
        sum.Floor += floor;
    }

    /// <summary>⟨e_b, ḣ_T⟩.</summary>
    private void AddFinal(DirectionalSum sum, int sequence, double[] state)
    {
        ReadOnlySpan<double> given = _loss.FinalStateGradients;
        for (int i = 0; !given.IsEmpty && i < state.Length; i++)
        {
            sum.Add(given[sequence * state.Length + i] * state[i]);
        }
    }

    /// <summary>The derivative of c_b w_bt ℓ(o_t) in the direction ȯ_t: the step is scaled by a power of two,
    /// exactly.</summary>
    /// <param name="place">Whose step.</param>
    /// <param name="direction">ȯ_t.</param>
    /// <param name="floor">Receives what may have been lost to underflow.</param>
    private double Contribution(BatchLayout.Place place, ReadOnlySpan<double> direction, out double floor)
    {
        floor = 0.0;
        double factor = _loss.Objective.StepFactor(place.Sequence, place.Step, _factors);
        double largest = VectorMath.MaxAbs(direction);
        if (factor == 0.0 || largest == 0.0)
        {
            return 0.0;
        }
        if (!double.IsFinite(largest))
        {
            return double.NaN;
        }
        int exponent = StepExponent - Math.ILogB(largest);
        ReadOnlySpan<double> output = _outputs.All.Column(place.Column);
        var moved = new Complex[output.Length];
        for (int k = 0; k < moved.Length; k++)
        {
            moved[k] = new Complex(output[k], Math.ScaleB(direction[k], exponent));
        }
        floor = Math.Abs(factor) * Math.ScaleB(SmallestNormal, -exponent);
        double imaginary = _loss.Objective.StepLoss(moved, place.Sequence, place.Step).Imaginary;
        return factor * Math.ScaleB(imaginary, -exponent);
    }

    /// <summary>Whether the complex loss is the real one at every step and, at some steps in some direction, has its
    /// derivative.</summary>
    private bool ObjectiveAgrees()
    {
        BatchLayout layout = _outputs.Layout;
        int tried = 0;
        double largest = 0.0;
        double distance = 0.0;
        foreach (BatchLayout.Place place in layout.Places(0, layout.ColumnCount))
        {
            double factor = _loss.Objective.StepFactor(place.Sequence, place.Step, _factors);
            if (factor == 0.0)
            {
                continue;
            }
            double real = _loss.Objective.StepTerm(
                _outputs.All.Column(place.Column), place.Sequence, place.Step, _factors);
            Complex[] output = Array.ConvertAll(_outputs.All.Column(place.Column).ToArray(), o => new Complex(o, 0.0));
            double complex = factor * _loss.Objective.StepLoss(output, place.Sequence, place.Step).Real;
            largest = Math.Max(largest, Math.Abs(real));
            distance = Math.Max(distance, Math.Abs(real - complex));
            if (!double.IsFinite(complex) || !double.IsFinite(real))
            {
                return false;
            }
            if (place.Column >= (long)tried * layout.ColumnCount / TriedSteps)
            {
                tried++;
                if (!DerivativeAgrees(place))
                {
                    return false;
                }
            }
        }
        return distance <= 1e-10 * largest;
    }

    private bool DerivativeAgrees(BatchLayout.Place place)
    {
        int q = _outputs.Rows;
        double[] output = _outputs.All.Column(place.Column).ToArray();
        double[] direction = new double[q];
        for (int k = 0; k < q; k++)
        {
            direction[k] = 1.0 / (k + 1.0 + (place.Step % 7)) * ((k + place.Step) % 2 == 0 ? 1.0 : -1.0);
        }
        var real = NumericalDerivative.OfSmooth(
            s =>
            {
                double[] moved = (double[])output.Clone();
                VectorMath.AddScaled(s, direction, moved);
                return _loss.Objective.StepTerm(moved, place.Sequence, place.Step, _factors);
            },
            0.0,
            firstStep: 0.02 * Math.Max(VectorMath.MaxAbs(output), 1e-3));
        double complex = Contribution(place, direction, out _);
        return Math.Abs(complex - real.Value)
            <= 1e-5 * Math.Max(Math.Abs(complex), Math.Abs(real.Value)) + 10.0 * real.Uncertainty;
    }
}
