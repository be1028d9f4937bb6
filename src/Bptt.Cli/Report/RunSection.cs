// The part of a report that tells how the model came about: by a training or by identification.

using System.Xml.Linq;
using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Cli.Fitting;
using Bptt.Cli.Pictures;
using Bptt.Training;
using static Bptt.Cli.Report.Html;

namespace Bptt.Cli.Report;

internal static class RunSection
{
    /// <summary>What was asked for and chosen.</summary>
    public static IEnumerable<(string Name, string Value)> Facts(Dataset data, FitResult fit)
    {
        yield return ("data", data.Name);
        yield return ("inputs", string.Join(", ", data.InputChannels.Select(c => c.Name)));
        yield return ("outputs", string.Join(", ", data.OutputChannels.Select(c => c.Name))
            + (data.StepsAhead == 0 ? "" : ", of the next row"));
        yield return data.Group is null
            ? ("rows", $"{data.TrainingCount} to train, {data.Count - data.TrainingCount} held out")
            : ("runs", data.PartsText);
        yield return ("hidden units", $"{fit.Model.HiddenSize}");
        yield return ("initial state h_0", fit.LearnedStates is null ? "zero, the training mean" : "learned");
        foreach ((string, string) fact in fit is TrainedFit trained ? OfTraining(trained) : OfIdentification(data, fit))
        {
            yield return fact;
        }
        yield return ("bptt", typeof(RunSection).Assembly.GetName().Version!.ToString(3));
    }

    /// <summary>How it ended, in a sentence.</summary>
    public static string Outcome(FitResult fit) => fit is not TrainedFit { Training: var training }
        ? Sentence(((IdentifiedFit)fit).Sentence)
        : training.StopReason switch
        {
            StopReason.NonFinite => "The training diverged; the best weights before that, "
                + $"after epoch {training.BestEpoch}, are kept.",
            StopReason.Canceled => $"The training was stopped after epoch {training.Epochs}; "
                + $"the best weights so far, after epoch {training.BestEpoch}, are kept.",
            StopReason.Converged => $"The training converged after {Words.Epochs(training.Epochs)}; "
                + $"the weights after epoch {training.BestEpoch}, with the smallest loss, are kept.",
            _ => $"The training ran {Words.Epochs(training.Epochs)}; "
                + $"the weights after epoch {training.BestEpoch}, with the smallest loss, are kept.",
        };

    /// <summary>How the model came about, in sentences.</summary>
    public static IEnumerable<string> Sentences(FitResult fit, OrderChoice? order)
    {
        if (fit is not TrainedFit trained)
        {
            yield return Outcome(fit);
            yield break;
        }
        if (order is not null)
        {
            yield return Sentence(order.Sentence);
        }
        yield return $"Start: {trained.StartName}"
            + $"{(trained.Runs.Count == 1 ? "" : $", the best of {trained.Runs.Count}")}.";
        yield return $"Optimiser: {trained.Plan.Optimizer()}.";
        if (trained.PriorSentence is string prior)
        {
            yield return $"Prior, a part of the loss: {prior}.";
        }
        yield return trained.Training.Summary.Replace("NaN", "not a number", StringComparison.Ordinal).Replace(
            "Infinity", "infinite", StringComparison.Ordinal);
    }

    /// <summary>What was compared, in tables; null where nothing was.</summary>
    public static XElement? Choices(FitResult fit, OrderChoice? order)
    {
        TextTable?[] tables = fit is TrainedFit trained
            ? [order?.Table(), trained.StartTable()] : [((IdentifiedFit)fit).Table()];
        XElement[] shown = [.. tables.OfType<TextTable>().Select(Table)];
        return shown.Length switch
        {
            0 => null,
            1 => shown[0],
            _ => Element("div", [.. shown]).Class("pair"),
        };
    }

    /// <summary>The losses of a training.</summary>
    public static XElement? Losses(FitResult fit) => fit is not TrainedFit { Training: var training } ? null : Figure(
        LossPicture.Of([.. training.History.Select(e => e.Loss)], training.BestEpoch)
            .ForPage("loss", "The loss after each epoch", 480, 340),
        "The loss L after each epoch, on a logarithmic axis. "
            + $"The weights after epoch {training.BestEpoch} are kept: L = {training.BestLoss:0.000E+0}.");

    private static IEnumerable<(string Name, string Value)> OfTraining(TrainedFit fit)
    {
        FitPlan plan = fit.Plan;
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
    }

    private static IEnumerable<(string Name, string Value)> OfIdentification(Dataset data, FitResult fit)
    {
        yield return ("order", $"{((IdentifiedFit)fit).System.Order}");
        for (int i = 0; fit.Offset is not null && i < fit.Offset.Count; i++)
        {
            Files.Channel channel = data.OutputChannels[i];
            yield return ($"offset of {channel.Name}", Words.Number(fit.Offset[i] * channel.Scale));
        }
    }
}
