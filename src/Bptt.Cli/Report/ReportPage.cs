// The report of a fit: one page that holds all it shows, for a reader who was not there.

using System.Xml.Linq;
using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Cli.Pictures;
using Bptt.Verification;
using static Bptt.Cli.Report.Html;

namespace Bptt.Cli.Report;

internal static class ReportPage
{
    /// <summary>Writes the page.</summary>
    /// <param name="stream">Stays open.</param>
    /// <param name="data">What was fitted.</param>
    /// <param name="fit">How it was trained, and what that found.</param>
    /// <param name="order">How the number of hidden units was chosen; null where it was given.</param>
    /// <param name="report">What was printed of it.</param>
    /// <param name="moments">Some epochs of a training that was watched; null of others, whose reports are the same
    /// whenever they are written.</param>
    public static void Write(
        Stream stream,
        Dataset data,
        FitResult fit,
        OrderChoice? order,
        FitReport report,
        IReadOnlyList<EpochMoment>? moments = null)
    {
        BackwardThroughTime? atStart = fit is not TrainedFit training ? null : BackwardThroughTime.Run(
            ForwardPass.Run(training.InitialModel, data.Training.Inputs, training.InitialStates),
            data.Training.Objective);
        GradientAnalysis? start = atStart is null ? null : GradientAnalysis.Of(atStart);
        GradientCertificate? startCertificate = atStart is null ? null : GradientCertificate.Run(atStart);
        var trained = GradientAnalysis.Of(report.Backward);
        var certificate = GradientCertificate.Run(report.Backward);
        string title = $"Linear RNN on {data.Name}";
        Html.Write(
            stream,
            title,
            PageStyle.Css,
            Element("h1", title),
            Summary(data, fit, report, trained, certificate),
            Element("h2", "The run"),
            Facts(RunSection.Facts(data, fit)),
            List(RunSection.Sentences(fit, order)),
            RunSection.Choices(fit, order),
            Element("h2", fit is TrainedFit ? "The fit and its training" : "The fit"),
            Figure(
                FitPicture.Of(data, report.Predictions, "").ForPage(
                    "fit",
                    "Measured and predicted over the rows of the table",
                    900,
                    60 + 300 * data.OutputChannels.Length,
                    "wide"),
                data.Group is null
                    ? "Measured and predicted. The model runs free: it is fed the inputs only, and its state carries "
                        + $"on from the {data.TrainingCount} training rows into the "
                        + $"{data.Count - data.TrainingCount} held-out rows beyond the dashed line, which it has not "
                        + "seen."
                    : "Measured and predicted. The model runs free over each run from its beginning: it is fed the "
                        + "inputs only. It has not seen what is marked as held out."),
            Figure(
                ResidualPicture.Of(data, report.Predictions).ForPage(
                    "rest",
                    "Residuals and inputs over the rows of the table",
                    900,
                    60 + 150 * ResidualPicture.PanelCount(data),
                    "wide"),
                "What the prediction leaves, y − ŷ, and the inputs that drive the model, over the same rows."),
            Element(
                "div",
                Element(
                    "div",
                    Table(report.Scores()),
                    Paragraph("100 % is perfect, 0 % as good as the mean ȳ of the part that is scored. "
                        + "Least squares and the training mean are there to compare with.").Class("note")),
                RunSection.Losses(fit)).Class("pair"),
            EpochSection.Of(moments ?? []),
            Element("h2", "The model as a system"),
            SystemSection.Of(data, fit, report),
            Element("h2", "How gradients flow"),
            List(
            [
                $"The model: {trained.Flow.Summary}.",
                .. Optional(start is null ? null : $"start of the training: {start.Flow.Summary}"),
                .. trained.SpectrumSentences.Select(Sentence),
                Sentence(trained.NonFiniteSentence),
            ]),
            Element("div",
                Figure(
                    trained.FlowPicture().ForPage("flow", "Gradient flow against the steps back", 480, 380),
                    "What is left of the gradient of one step's loss, k steps further back: the root mean square over "
                        + "all steps, and of the last step alone. The envelope changes by the factor of the spectral "
                        + "radius each step."),
                Figure(
                    trained.EigenvaluePicture().ForPage(
                        "eigenvalues", "Eigenvalues of W_hh against the unit circle", 480, 500, "square"),
                    "Inside the unit circle a mode is forgotten, outside it grows. The largest magnitude is the "
                        + "spectral radius.")).Class("pair"),
            Table(trained.Modes()),
            Element("h2", "What truncation would lose"),
            List(
            [
                $"The model: {trained.TruncationSentence}.",
                .. Optional(start is null ? null : $"start of the training: {start.TruncationSentence}"),
            ]),
            Truncation(trained),
            Element("h2", "Whether the gradients are right"),
            List(
            [
                "Gradient check: the gradients against differences of the loss, entry by entry. Certificate: "
                    + "two identities that gradients satisfy and hardly anything else does.",
                $"{Capital(report.CheckedBefore)}: gradient check {CheckText.Summary(report.CheckBefore)}.",
                .. Optional(startCertificate is null ? null : $"at the start: certificate {startCertificate}"),
                $"{Capital(report.CheckedAfter)}: gradient check {CheckText.Summary(report.CheckAfter)}; "
                    + $"certificate {certificate}.",
            ]),
            Checks(report),
            Facts(report.GradientNumbers));
    }

    /// <summary>The gradient checks that were made, side by side; null where none was.</summary>
    private static XElement? Checks(FitReport report)
    {
        XElement?[] checks =
        [
            Check(Capital(report.CheckedBefore), report.CheckBefore),
            Check(Capital(report.CheckedAfter), report.CheckAfter),
        ];
        return checks.All(check => check is null) ? null : Element("div", checks).Class("pair");

        static XElement? Check(string when, GradientCheck? check) =>
            check is null ? null : Element("div", Element("h3", when), Table(CheckText.Table(check)));
    }

    private static XElement Summary(
        Dataset data,
        FitResult fit,
        FitReport report,
        GradientAnalysis trained,
        GradientCertificate certificate) => Element(
        "div",
        List(
        [
            data.HoldsOut
                ? $"Held-out fit: {FitScore.Text(report.HeldOutFit)}; {report.BaselineName}: "
                    + $"{FitScore.Text(report.BaselineHeldOutFit)}."
                : "All rows train: no rows were held out to judge by.",
            $"Verdict: {FitVerdict.Sentence(data, fit, report)}.",
            .. FitVerdict.Residuals(data, report).Select(Sentence),
            RunSection.Outcome(fit),
            $"Gradient check: {CheckText.Summary(report.CheckBefore)} {report.CheckedBefore}, "
                + $"{CheckText.Summary(report.CheckAfter)} {report.CheckedAfter}. Certificate: "
                + $"{CheckText.Of(certificate.Verdict)}.",
            Sentence(trained.FlowSentence),
            .. Optional(trained.ReachSentence),
            Sentence(trained.TruncationSentence),
        ])).Class("summary");

    private static object?[] Truncation(GradientAnalysis trained) =>
        trained.LagPicture() is not Picture picture || trained.Windows() is not TextTable windows ? [] :
        [
            Element("div",
                Figure(
                    picture.ForPage(
                        "lags", "Contribution of each lag to the gradient, and the error of truncation", 480, 380),
                    "How much of ∂L/∂W_hh has travelled k steps back from its loss, and how far off the gradient is "
                        + "that is cut off after k steps, both as parts of ‖∂L/∂W_hh‖ of the trained model. ",
                    trained.CancellationSentence),
                Table(windows)).Class("pair"),
        ];

    private static IEnumerable<string> Optional(string? text) => text is null ? [] : [Sentence(text)];
}
