// What becomes of a gradient on its way back through time: the flow of one step's gradient, its growth, and a verdict.
// Reads a finished forward and backward pass, and changes neither.
//
//   h  hidden units      q  outputs      T  time steps      B  sequences      N = ΣT_b

using Bptt.Edge;
using Bptt.LinearAlgebra;

namespace Bptt.Diagnostics;

/// <summary>What becomes of a step's gradient over the lags that were followed.</summary>
public enum GradientFlowVerdict
{
    /// <summary>Less than 1/100 of it is left.</summary>
    Vanishing,

    /// <summary>From 1/100 of it to 100 times as much is left.</summary>
    Stable,

    /// <summary>It has grown more than 100-fold, or overflowed.</summary>
    Exploding,

    /// <summary>No gradient enters the states that could be followed: all W_qhᵀ ∂L/∂o_s are zero, or none is
    /// finite.</summary>
    NoGradient,
}

/// <summary>
/// The flow of one source: the norm of (W_hhᵀ)ᵏ W_qhᵀ ∂L/∂o_s, a term of the general term (4) of <i>Dive into Deep
/// Learning</i>, "Back-propagation through time", against the lag k. It shows how much of the loss at step s reaches
/// step s − k. ‖∂L/∂h_t‖ does not: with a loss at every step it is made up of the nearest losses, and hides that
/// distant ones have vanished (Bengio, Simard &amp; Frasconi 1994; Pascanu, Mikolov &amp; Bengio 2013).
/// </summary>
/// <remarks>
/// The flow belongs to the dynamics: it is followed to every lag also where the sequence begins later than step s − k,
/// and where the backward pass was truncated, which is when it tells what truncation leaves out. A final-state gradient
/// (<see cref="BackwardOptions.FinalStateGradients"/>) counts as part of the source at its sequence's last step.
/// Sources that are not finite are left out; <see cref="FirstNonFinite"/> tells of them. Flows below 1e-290 are 0, as
/// in the passes. Everything but <see cref="WhhShares"/> is read when the analysis is made, and stays readable when a
/// workspace serves a newer pass. Immutable; may be used from many threads.
/// </remarks>
/// <example>
/// <code>
/// var flow = GradientFlow.Of(backward);
/// string advice = flow.Verdict switch
/// {
///     GradientFlowVerdict.Exploding =&gt; "clip, or start from a smaller spectral radius",
///     GradientFlowVerdict.Vanishing =&gt; $"losses reach about {flow.LagWhereFlowFallsTo(0.01)} steps back",
///     _ =&gt; "nothing to do",
/// };
/// if (flow.FirstNonFinite is NonFiniteOrigin origin)
/// {
///     advice = $"look at {origin.Quantity}, step {origin.Step}";
/// }
/// Console.WriteLine(advice);
/// </code>
/// </example>
public sealed class GradientFlow
{
    /// <summary>The lags followed where no number is given, at most.</summary>
    private const int MaxDefaultLag = 10_000;

    /// <summary>What counts as vanished, and its inverse as exploded.</summary>
    private const double VanishingFactor = 0.01;

    private readonly BackwardThroughTime _backward;
    private readonly PassNorms _norms;
    private readonly FlowSources _sources;
    private readonly Lazy<double[][]> _shares;

    private GradientFlow(BackwardThroughTime backward, Spectrum spectrum, int? maxLag)
    {
        ForwardPass forward = backward.Forward;
        ParameterArray weights = forward.Model.Weights;
        _backward = backward;
        Spectrum = spectrum;
        _norms = PassNorms.Of(forward, backward);
        FirstNonFinite = NonFiniteSearch.First(_norms, backward.Gradients);
        KernelSet kernels = forward.Context.Kernels;
        _sources = FlowSources.Of(
            kernels, weights, backward.OutputGradientColumns, backward.Options.FinalStateGradients);
        int lastLag = maxLag ?? Math.Min(forward.Layout.LastStep - 1, MaxDefaultLag);
        var whh = ScaledMatrix.Of(weights.Whh);
        double[] mean = FlowCurve.Follow(kernels, whh, _sources.All, Math.Max(1, _sources.AllCount), lastLag);
        LastStepFlow = Array.AsReadOnly(
            FlowCurve.Follow(kernels, whh, _sources.Last, Math.Max(1, _sources.LastCount), lastLag));
        MeanFlow = Array.AsReadOnly(mean);

        GrowthFit? fit = GrowthFit.Of(mean);
        MeasuredGrowth = fit?.Growth;
        GrowthFromLag = fit?.First;
        PredictedEnvelope = Array.AsReadOnly(Envelope(mean, fit?.First ?? 0, spectrum.Log2SpectralRadius));
        LastLag = mean.Length - 1;
        Factor = mean[0] == 0.0 ? 0.0 : double.IsInfinity(mean[^1]) ? double.PositiveInfinity : mean[^1] / mean[0];
        Verdict = mean[0] == 0.0 ? GradientFlowVerdict.NoGradient
            : Factor < VanishingFactor ? GradientFlowVerdict.Vanishing
            : Factor > 1.0 / VanishingFactor ? GradientFlowVerdict.Exploding
            : GradientFlowVerdict.Stable;
        _shares = new(() => backward.Forward.Context.Read(() => StepShares.Of(backward)));
    }

    /// <summary>The flow from the last step, ‖(W_hhᵀ)ᵏ W_qhᵀ ∂L/∂o_T‖ for k = 0, 1, …; for a batch the root mean square
    /// over the sequences' last steps. It ends with the last lag, or with the first at which it is 0 or +∞.</summary>
    public IReadOnlyList<double> LastStepFlow { get; }

    /// <summary>The flow from a step as the root mean square over all steps of all sequences, those without a loss
    /// included. It ends with the last lag, or with the first at which it is 0 or +∞.</summary>
    public IReadOnlyList<double> MeanFlow { get; }

    /// <summary>The factor per step by which <see cref="MeanFlow"/> grows after its transient, fitted to its logarithm;
    /// null where fewer than four of its numbers are above 0 and finite. Below <see cref="PredictedGrowth"/>, rightly,
    /// where the largest modes are excited little or not at all, or the curve is too short for them to show.</summary>
    public double? MeasuredGrowth { get; }

    /// <summary>The lag from which on <see cref="MeasuredGrowth"/> was fitted, where the transient ends; null where it
    /// was not.</summary>
    public int? GrowthFromLag { get; }

    /// <summary>The factor per step in the long run where every mode is excited: the spectral radius of W_hh.</summary>
    public double PredictedGrowth => Spectrum.SpectralRadius;

    /// <summary>The least c ρᵏ that lies nowhere below <see cref="MeanFlow"/> after its transient, for the same lags; 0
    /// and +∞ where doubles end.</summary>
    public IReadOnlyList<double> PredictedEnvelope { get; }

    /// <summary>What becomes of a step's gradient over <see cref="LastLag"/> steps, the length of the longest sequence
    /// unless a number of lags was given: whether a network of this horizon learns from its beginning. Of one step
    /// alone it is stable.</summary>
    public GradientFlowVerdict Verdict { get; }

    /// <summary>The last number of <see cref="MeanFlow"/> over the first: what is left of a step's gradient. 0 where
    /// there is none, or it falls below 1e-290; +∞ where it overflows, or the quotient does.</summary>
    public double Factor { get; }

    /// <summary>The last lag of <see cref="MeanFlow"/>: so many steps back, <see cref="Factor"/> is left.</summary>
    public int LastLag { get; }

    /// <summary>The first number, in the order of computation, that is NaN or infinite in the passes or in the weight
    /// gradients, and how it came about; null where there is none.</summary>
    public NonFiniteOrigin? FirstNonFinite { get; }

    /// <summary>The spectrum of W_hh.</summary>
    public Spectrum Spectrum { get; }

    /// <summary>The verdict in one sentence with its numbers.</summary>
    public string Summary
    {
        get
        {
            string growth = MeasuredGrowth is double measured
                ? $" ({Text(measured)} per step measured, {Text(PredictedGrowth)} predicted)"
                : $" ({Text(PredictedGrowth)} per step predicted)";
            string steps = LastLag == 1 ? "1 step" : $"{LastLag} steps";
            string sentence = Verdict switch
            {
                GradientFlowVerdict.NoGradient when _sources.AllCount == 0 =>
                    "no finite gradient: no ∂L/∂o_t is finite",
                GradientFlowVerdict.NoGradient => "no gradient: W_qhᵀ ∂L/∂o_t is zero at every step",
                GradientFlowVerdict.Exploding when LastLag == 0 =>
                    $"exploding: W_qhᵀ ∂L/∂o_t itself has overflowed{growth}",
                GradientFlowVerdict.Exploding when double.IsInfinity(MeanFlow[^1]) =>
                    $"exploding: after {steps} a step's gradient has overflowed{growth}",
                GradientFlowVerdict.Exploding =>
                    $"exploding: after {steps} a step's gradient has grown {Text(Factor)}-fold{growth}",
                GradientFlowVerdict.Vanishing when Factor == 0.0 =>
                    $"vanishing: after {steps} nothing of a step's gradient is left{growth}",
                _ when LastLag == 0 => $"stable: one step only, nothing to travel back through{growth}",
                _ => $"{(Verdict == GradientFlowVerdict.Stable ? "stable" : "vanishing")}: "
                    + $"after {steps} {Text(Factor)} of a step's gradient is left{growth}",
            };
            return FirstNonFinite is null ? sentence : $"{sentence}; {FirstNonFinite.Summary}";
        }
    }

    /// <summary>Analyses a backward pass and the forward pass from which it was made.</summary>
    /// <param name="backward">The backward pass, truncated or not.</param>
    /// <param name="maxLag">The last lag k that is followed; T − 1 of the longest sequence where null, at most 10
    /// 000.</param>
    /// <returns>The analysis. Cost O(25h³) for the spectrum, O((h + q)N) for the norms, O(min(q, h)² N) for the
    /// sources, and for each lag O(h² min(h, q + B)). Under a memory budget all states and gradients are computed once
    /// more.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="backward"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxLag"/> is below 0.</exception>
    /// <exception cref="ArithmeticException">The iteration for the eigenvalues does not converge.</exception>
    /// <exception cref="InvalidOperationException">The workspace of the passes serves a newer one.</exception>
    public static GradientFlow Of(BackwardThroughTime backward, int? maxLag = null)
    {
        ArgumentNullException.ThrowIfNull(backward);
        if (maxLag < 0)
        {
            throw Guard.Range(nameof(maxLag), $"expected at least 0, got {maxLag}.");
        }
        var spectrum = Spectrum.Of(backward.Forward.Model);
        return backward.Forward.Context.Read(() => new GradientFlow(backward, spectrum, maxLag));
    }

    /// <summary>The smallest lag from which on <see cref="MeanFlow"/> stays at or below a fraction of its first number;
    /// null where that is not within the curve, or there is no gradient.</summary>
    /// <param name="fraction">Above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The fraction is not a finite number above 0.</exception>
    public int? LagWhereFlowFallsTo(double fraction)
    {
        Guard.Positive(fraction, nameof(fraction));
        if (Verdict == GradientFlowVerdict.NoGradient)
        {
            return null;
        }
        int lag = MeanFlow.Count;
        while (lag > 0 && MeanFlow[lag - 1] / MeanFlow[0] <= fraction)
        {
            lag--;
        }
        return lag < MeanFlow.Count ? lag : null;
    }

    /// <summary>‖∂L/∂h_t‖ for t = 0 … T: the sum of the flows of all losses from step t on, as the backward pass
    /// computed it, truncated where it was. +∞ where an entry is not finite.</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    public IReadOnlyList<double> HiddenStateGradientNorms(int sequence = 0) => Of(_norms.StateGradients, sequence);

    /// <summary>‖h_t‖ for t = 0 … T; +∞ where an entry is not finite.</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    public IReadOnlyList<double> HiddenStateNorms(int sequence = 0) => Of(_norms.States, sequence);

    /// <summary>‖∂L/∂o_t‖ for t = 1 … T: entry t − 1. +∞ where an entry is not finite.</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <inheritdoc cref="HiddenStateGradientNorms" path="/exception"/>
    public IReadOnlyList<double> OutputGradientNorms(int sequence = 0) => Of(_norms.OutputGradients, sequence);

    /// <summary>What each step adds to ∂L/∂W_hh, as a share of it: ⟨∂L/∂h_t h_{t−1}ᵀ, ∂L/∂W_hh⟩ / ‖∂L/∂W_hh‖², entry t
    /// − 1. Shares have signs, and sum to 1 over all steps of all sequences. All are 0 where ∂L/∂W_hh is zero, or not
    /// finite. Computed for all sequences at the first call, at cost O(h²N).</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sequence.</exception>
    /// <exception cref="InvalidOperationException">At the first call: the workspace of the passes serves a newer
    /// one.</exception>
    public IReadOnlyList<double> WhhShares(int sequence = 0)
    {
        Guard.Sequence(sequence, _backward.Forward.SequenceCount, nameof(sequence));
        return Array.AsReadOnly(_shares.Value[sequence]);
    }

    /// <summary><see cref="Summary"/>.</summary>
    public override string ToString() => Summary;

    private static double[] Envelope(double[] flow, int first, double log2Radius)
    {
        double[] envelope = new double[flow.Length];
        if (double.IsNegativeInfinity(log2Radius))
        {
            envelope[0] = flow[0];
            return envelope;
        }
        double log2Scale = double.NegativeInfinity;
        for (int k = first; k < flow.Length; k++)
        {
            if (double.IsFinite(flow[k]))
            {
                log2Scale = Math.Max(log2Scale, Math.Log2(flow[k]) - k * log2Radius);
            }
        }
        for (int k = 0; k < flow.Length; k++)
        {
            envelope[k] = Math.Pow(2.0, log2Scale + k * log2Radius);
        }
        return envelope;
    }

    private System.Collections.ObjectModel.ReadOnlyCollection<double> Of(double[][] norms, int sequence)
    {
        Guard.Sequence(sequence, _backward.Forward.SequenceCount, nameof(sequence));
        return Array.AsReadOnly(norms[sequence]);
    }

    private static string Text(double value) =>
        double.IsPositiveInfinity(value) ? "more than 1.8E+308" : NumberText.Significant(value, 3);
}
