// Everything that the page draws of a scene, as the library computes it. Data only; the page scales it to pixels.
//
//   h  hidden units      T  time steps

using Bptt.Cli.Fitting;
using Bptt.Diagnostics;
using Bptt.Remedies;

namespace Bptt.Cli.Studio;

/// <summary>An eigenvalue with what the library says of it.</summary>
internal sealed record ModeNumbers(
    double Re, double Im, double Magnitude, double? HalfLife, double? DoublingTime, double? Period);

/// <summary>What becomes of a gradient.</summary>
/// <param name="Verdict">vanishing, stable, exploding or none.</param>
/// <param name="Factor">What is left of it.</param>
/// <param name="FactorText">The same as it is read.</param>
/// <param name="Lag">After so many steps.</param>
/// <param name="Summary">The library's sentence.</param>
/// <param name="Values">By lag: the flow.</param>
/// <param name="Envelope">By lag: the least cρᵏ that lies nowhere below.</param>
internal sealed record FlowNumbers(
    string Verdict,
    double Factor,
    string FactorText,
    int Lag,
    string Summary,
    IReadOnlyList<double> Values,
    IReadOnlyList<double> Envelope);

/// <summary>∂L/∂W_hh by the lags that it has travelled, in parts of its norm.</summary>
/// <param name="Parts">‖C_k‖/‖∂L/∂W_hh‖, k = 0 ….</param>
/// <param name="Errors">Of a truncation to k lags, k = 1 ….</param>
/// <param name="SmallestWindow">Within 1 %; null where there is none.</param>
internal sealed record LagNumbers(
    IReadOnlyList<double> Parts, IReadOnlyList<double> Errors, int? SmallestWindow);

/// <summary>What the scene's truncation does.</summary>
/// <param name="StateGradients">‖∂L/∂h_t‖ for t = 0 … T.</param>
/// <param name="Error">Of ∂L/∂W_hh, relatively.</param>
/// <param name="Text">In the library's words.</param>
internal sealed record TruncationNumbers(IReadOnlyList<double> StateGradients, double? Error, string Text);

/// <summary>What clipping by the global norm does.</summary>
/// <param name="Before">The norm of all gradients.</param>
/// <param name="After">Likewise.</param>
/// <param name="Factor">What they are multiplied by.</param>
/// <param name="FactorText">The same as it is read.</param>
/// <param name="Matrices">By matrix, the norms before and after.</param>
internal sealed record ClippingNumbers(
    double Before, double After, double Factor, string FactorText, IReadOnlyList<MatrixNorms> Matrices);

/// <summary>The norm of the gradient of a matrix before and after.</summary>
internal sealed record MatrixNorms(string Name, double Before, double After);

internal sealed record SceneNumbers(
    int HiddenSize,
    int Steps,
    double Loss,
    double SpectralRadius,
    string RadiusText,
    string SpectrumSummary,
    double Norm,
    string NormText,
    double? TransientGrowth,
    int TransientPeak,
    IReadOnlyList<ModeNumbers> Modes,
    IReadOnlyList<ModeNumbers> Goal,
    FlowNumbers Flow,
    FlowNumbers SourceFlow,
    int Source,
    IReadOnlyList<double> StateGradients,
    IReadOnlyList<double> States,
    IReadOnlyList<double> OutputGradients,
    IReadOnlyList<double> WhhShares,
    TruncationNumbers? Truncation,
    LagNumbers? Lags,
    string? LagsFault,
    ClippingNumbers? Clipping,
    IReadOnlyList<IReadOnlyList<double>> Whh)
{
    /// <summary>What a truncation may lose.</summary>
    private const double Tolerance = 0.01;

    /// <summary>Nearer to 1 the search for the largest power takes longer than a student waits.</summary>
    private const double Fading = 0.98;

    /// <summary>Runs the scene and reads it.</summary>
    public static SceneNumbers Of(Scene scene)
    {
        var pass = ScenePass.Of(scene);
        BackwardThroughTime backward = pass.Run(pass.Start);
        var flow = GradientFlow.Of(backward);
        int source = scene.Source ?? scene.Steps;
        var sourceFlow = GradientFlow.Of(pass.Source(backward, source), source - 1);
        LagDecomposition? lags = Split(backward, out string? fault);
        Spectrum spectrum = flow.Spectrum;
        return new SceneNumbers(
            scene.HiddenSize,
            scene.Steps,
            backward.Loss,
            spectrum.SpectralRadius,
            Words.Magnitude(spectrum.SpectralRadius),
            spectrum.Summary,
            spectrum.Norm,
            Words.Magnitude(spectrum.Norm),
            spectrum.SpectralRadius < Fading ? spectrum.TransientGrowth : null,
            spectrum.SpectralRadius < Fading ? spectrum.TransientPeakLag : 0,
            [.. spectrum.Modes.Select(Mode)],
            [.. Spectrum.Of(ScenePass.Teacher).Modes.Select(Mode)],
            Read(flow),
            Read(sourceFlow),
            source,
            flow.HiddenStateGradientNorms(),
            flow.HiddenStateNorms(),
            flow.OutputGradientNorms(),
            flow.WhhShares(),
            Cut(pass, backward),
            lags is null ? null : Read(lags, backward.Gradients.WhhNorm()),
            fault,
            Clip(backward.Gradients, scene.Threshold),
            [.. pass.Start.Whh.ToRowArrays()]);
    }

    public static ModeNumbers Mode(SpectralMode mode) => new(
        mode.Eigenvalue.Real,
        mode.Eigenvalue.Imaginary,
        mode.Magnitude,
        mode.HalfLife,
        mode.DoublingTime,
        mode.Period);

    private static FlowNumbers Read(GradientFlow flow) => new(
        flow.Verdict switch
        {
            GradientFlowVerdict.Vanishing => "vanishing",
            GradientFlowVerdict.Exploding => "exploding",
            GradientFlowVerdict.Stable => "stable",
            _ => "none",
        },
        flow.Factor,
        Words.Number(flow.Factor),
        flow.LastLag,
        flow.Summary,
        flow.MeanFlow,
        flow.PredictedEnvelope);

    private static LagDecomposition? Split(BackwardThroughTime backward, out string? fault)
    {
        fault = null;
        try
        {
            return backward.Gradients.WhhNorm() == 0 ? null : LagDecomposition.Of(backward);
        }
        catch (ArithmeticException e)
        {
            fault = e.Message;
            return null;
        }
    }

    private static LagNumbers Read(LagDecomposition lags, double norm) => new(
        [.. lags.ContributionNorms.Select(part => part / norm)],
        lags.TruncationErrors,
        lags.SmallestWindow(Tolerance));

    private static TruncationNumbers? Cut(ScenePass pass, BackwardThroughTime whole)
    {
        if (pass.RunTruncated(whole.Forward) is not BackwardThroughTime truncated)
        {
            return null;
        }
        double norm = whole.Gradients.WhhNorm();
        double lost = truncated.Gradients.Add(whole.Gradients.Multiply(-1)).WhhNorm();
        return new TruncationNumbers(
            GradientFlow.Of(truncated, 0).HiddenStateGradientNorms(),
            norm > 0 && double.IsFinite(lost / norm) ? lost / norm : null,
            $"{truncated.Options.Truncation}");
    }

    private static ClippingNumbers? Clip(Gradients gradients, double threshold)
    {
        if (!gradients.IsFinite)
        {
            return null;
        }
        ClippedGradients clipped = new GlobalNormClipping(threshold).Apply(gradients);
        Gradients after = clipped.Gradients;
        double factor = clipped.Factor ?? 1;
        return new ClippingNumbers(
            clipped.NormBefore,
            after.GlobalNorm(),
            factor,
            Words.Number(factor),
            [
                new MatrixNorms("W_hx", gradients.WhxNorm(), after.WhxNorm()),
                new MatrixNorms("W_hh", gradients.WhhNorm(), after.WhhNorm()),
                new MatrixNorms("W_qh", gradients.WqhNorm(), after.WqhNorm()),
            ]);
    }
}
