// The report of a fit: one page that holds all it shows, for a reader who was not there.

using System.Xml.Linq;
using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Cli.Pictures;
using Bptt.Training;
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
    public static void Write(Stream stream, Dataset data, FitResult fit, OrderChoice? order, FitReport report)
    {
        var startForward = ForwardPass.Run(fit.InitialModel, data.Training.Inputs, fit.InitialStates);
        var startBackward = BackwardThroughTime.Run(startForward, data.Training.Objective);
        var start = GradientAnalysis.Of(startBackward);
        var startCertificate = GradientCertificate.Run(startBackward);
        var trained = GradientAnalysis.Of(report.Backward);
        var certificate = GradientCertificate.Run(report.Backward);
        string title = $"Linear RNN on {data.Name}";
        Html.Write(
            stream,
            title,
            PageStyle.Css,
            Element("h1", title),
            Summary(fit, report, trained, certificate),
            Element("h2", "The run"),
            Facts(Parameters(data, fit)),
            List(Training(fit, order)),
            Choices(order?.Table(), fit.StartTable()),
            Element("h2", "The fit and its training"),
            Figure(
                FitPicture.Of(data, report.Predictions, "", border: null).ForPage(
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
            Element(
                "div",
                Element(
                    "div",
                    Table(report.Scores()),
                    Paragraph("100 % is perfect, 0 % as good as the mean ȳ of the part that is scored. "
                        + "Least squares and the training mean are there to compare with.").Class("note")),
                Figure(
                    LossPicture.Of([.. fit.Training.History.Select(e => e.Loss)], fit.Training.BestEpoch)
                        .ForPage("loss", "The loss after each epoch", 480, 340),
                    "The loss L after each epoch, on a logarithmic axis. "
                        + $"The weights after epoch {fit.Training.BestEpoch} are kept: "
                        + $"L = {fit.Training.BestLoss:0.000E+0}.")).Class("pair"),
            Element("h2", "How gradients flow"),
            List(
            [
                $"Trained model: {trained.Flow.Summary}.",
                $"Start: {start.Flow.Summary}.",
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
                $"Trained model: {trained.TruncationSentence}.",
                $"Start: {start.TruncationSentence}.",
            ]),
            Truncation(trained),
            Element("h2", "Whether the gradients are right"),
            List(
            [
                "Gradient check: the gradients against differences of the loss, entry by entry. Certificate: "
                    + "two identities that gradients satisfy and hardly anything else does.",
                $"{Capital(report.CheckedBefore)}: gradient check {CheckText.Summary(report.CheckBefore)}.",
                $"At the start: certificate {startCertificate}.",
                $"After training: gradient check {CheckText.Summary(report.CheckAfter)}; certificate {certificate}.",
            ]),
            Checks(report),
            Facts(report.GradientNumbers));
    }

    /// <summary>The gradient checks that were made, side by side; null where none was.</summary>
    private static XElement? Checks(FitReport report)
    {
        XElement?[] checks =
        [
            Check(Capital(report.CheckedBefore), report.CheckBefore), Check("After training", report.CheckAfter),
        ];
        return checks.All(check => check is null) ? null : Element("div", checks).Class("pair");

        static XElement? Check(string when, GradientCheck? check) =>
            check is null ? null : Element("div", Element("h3", when), Table(CheckText.Table(check)));
    }

    private static XElement Summary(
        FitResult fit, FitReport report, GradientAnalysis trained, GradientCertificate certificate) => Element(
        "div",
        List(
        [
            $"Held-out fit: {FitScore.Text(report.HeldOutFit)}; {report.BaselineName}: "
                + $"{FitScore.Text(report.BaselineHeldOutFit)}.",
            fit.Training.StopReason switch
            {
                StopReason.NonFinite => "The training diverged; the best weights before that, "
                    + $"after epoch {fit.Training.BestEpoch}, are kept.",
                StopReason.Canceled => $"The training was stopped after epoch {fit.Training.Epochs}; "
                    + $"the best weights so far, after epoch {fit.Training.BestEpoch}, are kept.",
                StopReason.Converged => $"The training converged after {Words.Epochs(fit.Training.Epochs)}; "
                    + $"the weights after epoch {fit.Training.BestEpoch}, with the smallest loss, are kept.",
                _ => $"The training ran {Words.Epochs(fit.Training.Epochs)}; "
                    + $"the weights after epoch {fit.Training.BestEpoch}, with the smallest loss, are kept.",
            },
            $"Gradient check: {CheckText.Summary(report.CheckBefore)} {report.CheckedBefore}, "
                + $"{CheckText.Summary(report.CheckAfter)} after training. Certificate: "
                + $"{CheckText.Of(certificate.Verdict)}.",
            Sentence(trained.FlowSentence),
            .. Optional(trained.ReachSentence),
            Sentence(trained.TruncationSentence),
        ])).Class("summary");

    private static IEnumerable<(string Name, string Value)> Parameters(Dataset data, FitResult fit)
    {
        FitPlan plan = fit.Plan;
        yield return ("data", data.Name);
        yield return ("inputs", string.Join(", ", data.InputChannels.Select(c => c.Name)));
        yield return ("outputs", string.Join(", ", data.OutputChannels.Select(c => c.Name))
            + (data.StepsAhead == 0 ? "" : ", of the next row"));
        yield return data.Group is null
            ? ("rows", $"{data.TrainingCount} to train, {data.Count - data.TrainingCount} held out")
            : ("runs", data.PartsText);
        yield return ("hidden units", $"{plan.HiddenSize}");
        yield return ("initial state h_0", plan.Settings.LearnsInitialState ? "learned" : "zero, the training mean");
        yield return ("start", fit.StartName);
        yield return ("optimiser", plan.MethodName);
        if (FitPlan.IsFirstOrder(plan.Method))
        {
            yield return ("learning rate", $"{plan.LearningRate}");
            yield return ("clipping", plan.Settings.Clipping?.ToString() ?? "none");
            yield return ("truncation", plan.Settings.Truncation?.ToString() ?? "none");
        }
        yield return ("prior", fit.Prior is null ? "none" : "estimated");
        yield return ("epochs", $"{fit.Training.Epochs} of {plan.Epochs}");
        yield return ("seed", $"{plan.Settings.Seed}");
        yield return ("bptt", typeof(ReportPage).Assembly.GetName().Version!.ToString(3));
    }

    /// <summary>How the model came about, in sentences.</summary>
    private static IEnumerable<string> Training(FitResult fit, OrderChoice? order)
    {
        if (order is not null)
        {
            yield return Sentence(order.Sentence);
        }
        yield return $"Start: {fit.StartName}{(fit.Runs.Count == 1 ? "" : $", the best of {fit.Runs.Count}")}.";
        yield return $"Optimiser: {fit.Plan.Optimizer()}.";
        if (fit.PriorSentence is string prior)
        {
            yield return $"Prior, a part of the loss: {prior}.";
        }
        yield return fit.Training.Summary.Replace("NaN", "not a number", StringComparison.Ordinal).Replace(
            "Infinity", "infinite", StringComparison.Ordinal);
    }

    private static XElement? Choices(TextTable? orders, TextTable? starts) => (orders, starts) switch
    {
        (null, null) => null,
        (null, _) => Table(starts),
        (_, null) => Table(orders),
        _ => Element("div", Table(orders), Table(starts)).Class("pair"),
    };

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

    private static string Sentence(string text) => $"{Capital(text)}.";

    private static string Capital(string text) => $"{char.ToUpperInvariant(text[0])}{text[1..]}";
}
