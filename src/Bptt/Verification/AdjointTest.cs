// The adjoint test: forward mode and backward mode give the same derivative. Knows no objective and takes no
// differences.
//
//   J  the Jacobian of all outputs and final states in all weights, inputs and initial states      v  a direction of
// those   w  ∂L/∂o_t and given final-state gradients, so that Jᵀ w is the gradient

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Verification;

/// <summary>
/// ⟨J v, w⟩ = ⟨v, Jᵀ w⟩ for random directions v: the left side by a <see cref="TangentPass"/>, the right side by the
/// gradients (the dot-product test: Claerbout 1992; Griewank &amp; Walther, <i>Evaluating Derivatives</i>, chapter 3).
/// Exact to rounding, where differences have half the digits.
/// </summary>
/// <remarks>What it cannot see: the objective, since w is given; a wrong ∂ℓ/∂o, sign or 1/T leads to the gradient of
/// another loss. All gradients are tried together, each as its parameter is large, so it sees an error in any entry
/// that weighs beside the largest of them, but does not name it.</remarks>
/// <example>
/// <code>
/// foreach (AdjointPair pair in AdjointTest.Run(backward, directionCount: 3).Pairs)
/// {
///     Console.WriteLine($"{pair.Forward:G6} forward in time, {pair.Backward:G6} backward: {pair.Verdict}");
/// }
/// </code>
/// </example>
public sealed class AdjointTest
{
    /// <summary>An agreement to no more than that is no proof.</summary>
    private const double Clear = 1e-6;

    private AdjointTest(IReadOnlyList<AdjointPair> pairs)
    {
        Pairs = [.. pairs];
    }

    /// <summary>One for each direction.</summary>
    public IReadOnlyList<AdjointPair> Pairs { get; }

    /// <summary>The largest of the pairs; never NaN.</summary>
    public double RelativeError => Pairs.Max(pair => pair.RelativeError);

    /// <summary>The worst of the pairs.</summary>
    public Verdict Verdict => Pairs.Max(pair => pair.Verdict);

    /// <summary>Tests the gradients of a backward pass: ∂L/∂W_hx, ∂L/∂W_hh, ∂L/∂W_qh, ∂L/∂h_0 and all ∂L/∂x_t
    /// together.</summary>
    /// <param name="backward">The backward pass, not truncated.</param>
    /// <param name="directionCount">How many directions, at least 1.</param>
    /// <param name="seed">Decides them.</param>
    /// <returns>Both sides for each direction. Cost of a direction: that of a tangent pass.</returns>
    /// <exception cref="ArgumentNullException">An argument that may not be null is.</exception>
    /// <exception cref="ArgumentException">The backward pass is truncated: the derivative forward in time is not; or
    /// what comes from other code does not fit the forward pass, or holds NaN or infinities.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one direction is asked for.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the passes serves a newer one.</exception>
    public static AdjointTest Run(BackwardThroughTime backward, int directionCount = 5, int seed = 1)
    {
        ArgumentNullException.ThrowIfNull(backward);
        backward.Forward.RequireDouble(nameof(backward));
        Guard.AtLeastOne(directionCount, nameof(directionCount));
        if (backward.Options.Truncation is Truncation truncation)
        {
            throw Guard.Error(nameof(backward), $"expected a pass that is not truncated, got one of {truncation}.");
        }
        return new AdjointTest(Pair(
            backward.Forward,
            () => backward,
            backward.OutputGradientColumns,
            backward.Options.FinalStateGradients,
            backward.Gradients,
            backward.InitialStateGradients,
            backward.InputGradientBatch(),
            directionCount,
            seed));
    }

    /// <summary>Tests gradients from other code.</summary>
    /// <param name="forward">A forward pass with the same weights, inputs and h_0.</param>
    /// <param name="outputGradients">∂L/∂o_t, B sequences of q rows, any factor 1/T included.</param>
    /// <param name="gradients">The gradients of the weights.</param>
    /// <param name="initialStateGradients">∂L/∂h_0, h×B; not tested where null.</param>
    /// <param name="inputGradients">∂L/∂x_t, B sequences of d rows; not tested where null.</param>
    /// <param name="finalStateGradients">∂L/∂h_T from beyond the last step, h×B; zero where null.</param>
    /// <param name="directionCount">How many directions, at least 1.</param>
    /// <param name="seed">Decides them.</param>
    /// <returns>Both sides for each direction. Cost of a direction: that of a tangent pass; where a difference is not
    /// clear at once, a backward pass and one walk over all states.</returns>
    /// <inheritdoc cref="Run(BackwardThroughTime, int, int)" path="/exception"/>
    public static AdjointTest Run(
        ForwardPass forward,
        SequenceBatch outputGradients,
        Gradients gradients,
        Matrix<double>? initialStateGradients = null,
        SequenceBatch? inputGradients = null,
        Matrix<double>? finalStateGradients = null,
        int directionCount = 5,
        int seed = 1)
    {
        ArgumentNullException.ThrowIfNull(forward);
        forward.RequireDouble(nameof(forward));
        ArgumentNullException.ThrowIfNull(outputGradients);
        ArgumentNullException.ThrowIfNull(gradients);
        Guard.AtLeastOne(directionCount, nameof(directionCount));
        outputGradients.RequireFitsOutputs(forward.Record, "the output gradients", nameof(outputGradients));
        GivenGradients.Check(forward, gradients, initialStateGradients, inputGradients);
        if (finalStateGradients is not null)
        {
            Guard.Shape(
                finalStateGradients,
                forward.Model.HiddenSize,
                forward.SequenceCount,
                "h×B",
                nameof(finalStateGradients));
            Guard.Finite(finalStateGradients, nameof(finalStateGradients));
        }
        var own = new Lazy<BackwardThroughTime>(() => BackwardThroughTime.Run(
            forward, outputGradients, new BackwardOptions { FinalStateGradients = finalStateGradients }));
        return new AdjointTest(Pair(
            forward,
            () => own.Value,
            outputGradients.Columns,
            finalStateGradients,
            gradients,
            initialStateGradients,
            inputGradients,
            directionCount,
            seed));
    }

    /// <summary>In one sentence.</summary>
    public override string ToString() =>
        $"{Verdict.InWords()}: ⟨J v, w⟩ and ⟨v, Jᵀ w⟩ differ by {NumberText.Size(RelativeError)} at most "
        + $"in {Pairs.Count} directions";

    private static AdjointPair[] Pair(
        ForwardPass forward,
        Func<BackwardThroughTime> backward,
        PackedColumns outputGradients,
        Matrix<double>? finalStateGradients,
        Gradients gradients,
        Matrix<double>? initialStateGradients,
        SequenceBatch? inputGradients,
        int directionCount,
        int seed)
    {
        double rounding = 64.0 * MachineEpsilon.OfDouble
            * (forward.Model.HiddenSize + Math.Sqrt(forward.Layout.ColumnCount));
        var pairs = new AdjointPair[directionCount];
        for (int i = 0; i < directionCount; i++)
        {
            var direction = new RandomDirection(
                forward, unchecked(seed + 7919 * i), initialStateGradients is not null, inputGradients is not null);
            var tangent = TangentPass.Run(forward, direction.Direction);
            (double right, double size) = direction.With(gradients, initialStateGradients, inputGradients);
            double left = tangent.Inner(outputGradients);
            double terms = tangent.SizeOfInner(outputGradients);
            if (finalStateGradients is not null)
            {
                Matrix<double> states = tangent.FinalStates;
                left += VectorMath.Dot(states.ColumnMajor(), finalStateGradients.ColumnMajor());
                terms += states.FrobeniusNorm() * finalStateGradients.FrobeniusNorm();
            }
            pairs[i] = Judge(
                left,
                right,
                size,
                rounding * (terms + size),
                () => RoundingOfSteps(tangent, direction, backward(), rounding));
        }
        return pairs;
    }

    /// <param name="left">⟨J v, w⟩.</param>
    /// <param name="right">⟨v, Jᵀ w⟩.</param>
    /// <param name="size">What the right side has for a direction at random.</param>
    /// <param name="rounding">The rounding of both sums.</param>
    /// <param name="roundingOfSteps">That of every step of both passes, where it matters.</param>
    private static AdjointPair Judge(
        double left, double right, double size, double rounding, Func<double> roundingOfSteps)
    {
        double error = Math.Abs(left - right);
        double scale = Math.Max(size, Math.Max(Math.Abs(left), Math.Abs(right)));
        if (!double.IsFinite(error) || !double.IsFinite(scale) || !double.IsFinite(rounding))
        {
            return new(left, right, double.PositiveInfinity, Verdict.Inconclusive);
        }
        if (scale == 0.0)
        {
            return new(left, right, 0.0, Verdict.Passed);
        }
        if (error <= rounding && rounding <= Clear * scale)
        {
            return new(left, right, error / scale, Verdict.Passed);
        }
        double allowed = rounding + roundingOfSteps();
        Verdict verdict =
            error > allowed ? Verdict.Failed : allowed <= Clear * scale ? Verdict.Passed : Verdict.Inconclusive;
        return new(left, right, error / scale, verdict);
    }

    /// <summary>
    /// Σ_t ‖∂L/∂h_t‖ times the terms that make up ḣ_t, and ‖ḣ_t‖ times those that make up ∂L/∂h_t. The difference
    /// between the two sides is the sum over all steps of the rounding of each line of both passes, times the other
    /// pass's vector: rounding enters it as it arises, and so does what is lost where tiny entries are set to zero or
    /// products underflow.
    /// </summary>
    internal static double RoundingOfSteps(
        TangentPass tangent, RandomDirection random, BackwardThroughTime backward, double rounding)
    {
        ForwardPass forward = tangent.Forward;
        ParameterArray weights = forward.Model.Weights;
        TangentDirection v = random.Direction;
        double whx = VectorMath.Norm(weights.Whx.Values);
        double whh = VectorMath.Norm(weights.Whh.Values);
        double wqh = VectorMath.Norm(weights.Wqh.Values);
        double vhx = v.Whx!.FrobeniusNorm();
        double vhh = v.Whh!.FrobeniusNorm();
        double size = 0.0;
        double flushed = 0.0;
        for (int b = 0; b < forward.SequenceCount; b++)
        {
            double[] x = forward.InputColumns.ToMatrix(b).ColumnNorms();
            double[] h = forward.HiddenStates(b).ColumnNorms();
            double[] d = backward.HiddenStateGradients(b).ColumnNorms();
            double[] g = backward.OutputGradients(b).ColumnNorms();
            double[] moved = tangent.HiddenStates(b).ColumnNorms();
            double[]? inputs = v.Inputs is null ? null : v.Inputs.Sequence(b).ColumnNorms();
            for (int t = 1; t < h.Length; t++)
            {
                double later = t + 1 < h.Length ? whh * d[t + 1] : d[t];
                size += d[t] * (whh * moved[t - 1] + vhx * x[t - 1] + vhh * h[t - 1] + whx * (inputs?[t - 1] ?? 0.0))
                    + moved[t] * (later + wqh * g[t - 1]);
                flushed += d[t] + moved[t];
            }
            size += whh * d[1] * moved[0];
            flushed += moved[0];
        }
        double hidden = forward.Model.HiddenSize;
        double underflow = 8.0 * double.Epsilon * hidden * forward.Layout.ColumnCount;
        return (rounding * size) + (8.0 * KernelSet.FlushThreshold * hidden * flushed)
            + (underflow * (1.0 + vhx + vhh + v.Wqh!.FrobeniusNorm()
                + (v.InitialStates?.FrobeniusNorm() ?? 0.0)
                + (v.Inputs is null ? 0.0 : VectorMath.Norm(v.Inputs.Columns.All.Values))));
    }
}

/// <summary>Both sides of the adjoint identity in one direction.</summary>
public sealed class AdjointPair
{
    internal AdjointPair(double forward, double backward, double relativeError, Verdict verdict)
    {
        Forward = forward;
        Backward = backward;
        RelativeError = relativeError;
        Verdict = verdict;
    }

    /// <summary>⟨J v, w⟩, forward in time; may be infinite or NaN where the pass has overflowed.</summary>
    public double Forward { get; }

    /// <summary>⟨v, Jᵀ w⟩, from the gradients; may be infinite or NaN where they are.</summary>
    public double Backward { get; }

    /// <summary>The difference over the size that the inner product has for a direction at random; +∞ where a side is
    /// not finite, 0 where everything is zero.</summary>
    public double RelativeError { get; }

    /// <summary>Failed where the difference is more than rounding explains, passed where it is not, and inconclusive
    /// where rounding would explain more than a millionth of the size, or a side is not finite.</summary>
    public Verdict Verdict { get; }
}
