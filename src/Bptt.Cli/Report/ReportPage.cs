// The report of a fit: one page that holds all it shows, for a reader who was not there.

using System.Xml.Linq;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Cli.Output;
using Bptt.Cli.Pictures;
using Bptt.Verification;
using static Bptt.Cli.Report.Html;

namespace Bptt.Cli.Report;

internal static class ReportPage
{
    /// <summary>Writes the page.</summary>
    /// <param name="stream">Stays open.</param>
    /// <param name="data">What was fitted.</param>
    /// <param name="settings">How the training ran.</param>
    /// <param name="fit">What it found.</param>
    /// <param name="report">What was printed of it.</param>
    public static void Write(Stream stream, Dataset data, AdamFitSettings settings, AdamFitResult fit, FitReport report)
    {
        var startForward = ForwardPass.Run(fit.InitialModel, data.TrainingInputs);
        var startBackward = BackwardThroughTime.Run(startForward, Objective.SquaredError(data.TrainingTargets));
        var start = GradientAnalysis.Of(startForward, startBackward);
        var startCertificate = GradientCertificate.Verify(startForward, startBackward);
        var trained = GradientAnalysis.Of(report.Backward.Forward, report.Backward);
        var certificate = GradientCertificate.Verify(report.Backward.Forward, report.Backward);
        string title = $"Linear RNN on {data.Name}";
        Html.Write(
            stream,
            title,
            PageStyle.Css,
            Element("h1", title),
            Summary(fit, report, trained, certificate),
            Element("h2", "The run"),
            Facts(Parameters(data, settings, fit)),
            Element("h2", "The fit and its training"),
            Figure(
                FitPicture.Of(data, report.Predictions, "", border: null).ForPage(
                    "fit", "Measured and predicted over the rows of the table", 900, 60 + 300 * data.OutputChannels.Length, "wide"),
                $"Measured and predicted. The model runs free: it is fed the inputs only, and its state carries on from the {data.TrainingCount} training rows into the {data.Count - data.TrainingCount} held-out rows beyond the dashed line, which it has not seen."),
            Element(
                "div",
                Element(
                    "div",
                    Table(report.Scores()),
                    Paragraph("100 % is perfect, 0 % as good as the mean ȳ of the part that is scored. Least squares and the training mean are there to compare with.").Class("note")),
                Figure(
                    LossPicture.Of(fit.Losses, fit.BestEpoch).ForPage("loss", "The loss at the beginning of each epoch", 480, 340),
                    $"The loss L at the beginning of each epoch, on a logarithmic axis. The weights of epoch {fit.BestEpoch} are kept: L = {fit.Loss:0.000E+0}.")).Class("pair"),
            Element("h2", "How gradients flow"),
            List(
            [
                $"Trained model: {trained.Flow.Summary}.",
                $"Random start: {start.Flow.Summary}.",
                .. trained.SpectrumSentences.Select(Sentence),
                Sentence(trained.NonFiniteSentence),
            ]),
            Element("div",
                Figure(
                    trained.FlowPicture().ForPage("flow", "Gradient flow against the steps back", 480, 380),
                    "What is left of the gradient of one step's loss, k steps further back: the root mean square over all steps, and of the last step alone. The envelope changes by the factor of the spectral radius each step."),
                Figure(
                    trained.EigenvaluePicture().ForPage("eigenvalues", "Eigenvalues of W_hh against the unit circle", 480, 500, "square"),
                    "Inside the unit circle a mode is forgotten, outside it grows. The largest magnitude is the spectral radius.")).Class("pair"),
            Table(trained.Modes()),
            Element("h2", "What truncation would lose"),
            List(
            [
                $"Trained model: {trained.TruncationSentence}.",
                $"Random start: {start.TruncationSentence}.",
            ]),
            Truncation(trained),
            Element("h2", "Whether the gradients are right"),
            List(
            [
                "Gradient check: the gradients against differences of the loss, entry by entry. Certificate: two identities that gradients satisfy and hardly anything else does.",
                $"Before training: gradient check {CheckText.Summary(report.CheckBefore)}; certificate {startCertificate}.",
                $"After training: gradient check {CheckText.Summary(report.CheckAfter)}; certificate {certificate}.",
            ]),
            Element(
                "div",
                Element("div", Element("h3", "Before training"), Table(CheckText.Table(report.CheckBefore))),
                Element("div", Element("h3", "After training"), Table(CheckText.Table(report.CheckAfter)))).Class("pair"),
            Facts(report.GradientNumbers));
    }

    private static XElement Summary(
        AdamFitResult fit, FitReport report, GradientAnalysis trained, GradientCertificate certificate) => Element(
        "div",
        List(
        [
            $"Held-out fit: {FitScore.Text(report.HeldOutFit)}; {report.BaselineName}: {FitScore.Text(report.BaselineHeldOutFit)}.",
            fit.End switch
            {
                AdamFitEnd.Diverged => $"The training diverged ({fit.Reason}); the best weights before that, of epoch {fit.BestEpoch}, are kept.",
                AdamFitEnd.Cancelled => $"The training was stopped after epoch {fit.EpochsRun}; the best weights so far, of epoch {fit.BestEpoch}, are kept.",
                _ => $"The training ran {fit.EpochsRun} epochs; the weights of epoch {fit.BestEpoch}, with the smallest loss, are kept.",
            },
            $"Gradient check: {CheckText.Summary(report.CheckBefore)} before training, {CheckText.Summary(report.CheckAfter)} after. Certificate: {CheckText.Of(certificate.Verdict)}.",
            Sentence(trained.FlowSentence),
            .. Optional(trained.ReachSentence),
            Sentence(trained.TruncationSentence),
        ])).Class("summary");

    private static IEnumerable<(string Name, string Value)> Parameters(Dataset data, AdamFitSettings settings, AdamFitResult fit)
    {
        yield return ("data", data.Name);
        yield return ("inputs", string.Join(", ", data.InputChannels.Select(c => c.Name)));
        yield return ("outputs", string.Join(", ", data.OutputChannels.Select(c => c.Name)) + (data.StepsAhead == 0 ? "" : ", of the next row"));
        yield return ("rows", $"{data.TrainingCount} to train, {data.Count - data.TrainingCount} held out");
        yield return ("hidden units", $"{settings.HiddenSize}");
        yield return ("initial state h_0", settings.LearnsInitialState ? "learned" : "zero, the training mean");
        yield return ("epochs", $"{fit.EpochsRun} of {settings.Epochs}");
        yield return ("learning rate", $"{settings.LearningRate}");
        yield return ("largest gradient norm let through", $"{settings.MaxGradientNorm}");
        yield return ("seed", $"{settings.Seed}");
        yield return ("bptt", typeof(ReportPage).Assembly.GetName().Version!.ToString(3));
    }

    private static object?[] Truncation(GradientAnalysis trained) =>
        trained.LagPicture() is not Picture picture || trained.Windows() is not TextTable windows ? [] :
        [
            Element("div",
                Figure(
                    picture.ForPage("lags", "Contribution of each lag to the gradient, and the error of truncation", 480, 380),
                    "How much of ∂L/∂W_hh has travelled k steps back from its loss, and how far off the gradient is that is cut off after k steps, both as parts of ‖∂L/∂W_hh‖ of the trained model. ",
                    trained.CancellationSentence),
                Table(windows)).Class("pair"),
        ];

    private static IEnumerable<string> Optional(string? text) => text is null ? [] : [Sentence(text)];

    private static string Sentence(string text) => $"{char.ToUpperInvariant(text[0])}{text[1..]}.";
}
