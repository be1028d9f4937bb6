// What a fit gave, trained or identified, with all that led to it. Data, and the free run of it.
//
//   h  hidden units      q  outputs      B  runs

using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Files;
using Bptt.Identification;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Fitting;

/// <summary>A model of a dataset: o_t + offset stands for the scaled target.</summary>
/// <param name="Model">The weights.</param>
/// <param name="LearnedStates">h_0 of each sequence that trains, h×B; null where it is zero.</param>
/// <param name="Offset">Length q, scaled; null for zero.</param>
internal abstract record FitResult(LinearRnn Model, Matrix<double>? LearnedStates, Vector<double>? Offset)
{
    /// <summary>h_0 of a run that nobody has seen: the mean of those that train.</summary>
    public Vector<double> InitialState => LearnedStates is null
        ? Vector<double>.Build.Dense(Model.HiddenSize)
        : LearnedStates.RowSums() / LearnedStates.ColumnCount;

    /// <summary>ŷ of all runs, each from its own h_0, q×N, joined, scaled.</summary>
    public Matrix<double> RunFree(Dataset data)
    {
        Matrix<double> outputs = Dataset.Joined(Run(data).OutputBatch());
        for (int t = 0; Offset is not null && t < outputs.ColumnCount; t++)
        {
            outputs.SetColumn(t, outputs.Column(t) + Offset);
        }
        return outputs;
    }

    /// <summary>The pass over all runs.</summary>
    public ForwardPass Run(Dataset data) => ForwardPass.Run(Model, data.Inputs, StatesOf(data));

    /// <summary>The pass over the sequences that train.</summary>
    public ForwardPass RunTraining(Dataset data) => ForwardPass.Run(Model, data.Training.Inputs, LearnedStates);

    /// <summary>½‖o_t − y_t‖², the mean over what trains, of targets without the offset.</summary>
    public Objective ObjectiveOf(Dataset data) => data.Training.Without(Offset).Objective;

    /// <summary>The outputs' channels with the offset in their means.</summary>
    public IReadOnlyList<Channel> OutputChannels(Dataset data) => Offset is null ? data.OutputChannels
        : [.. data.OutputChannels.Select((c, i) => new Channel(c.Name, c.Denormalize(Offset[i]), c.Scale))];

    /// <summary>The state after the last row that trains where the table is one run; null where it is several, inputs
    /// come a row before their targets, or the state is not finite.</summary>
    public Vector<double>? FinalState(Dataset data)
    {
        Vector<double>? state = data.Runs.Count > 1 || data.StepsAhead > 0
            ? null : RunTraining(data).HiddenState(data.Training.Inputs.Lengths[0]);
        return state is not null && state.ForAll(double.IsFinite) ? state : null;
    }

    /// <summary>h_0 of each run, h×B; null where it is zero.</summary>
    private Matrix<double>? StatesOf(Dataset data)
    {
        if (LearnedStates is null)
        {
            return null;
        }
        Vector<double> unseen = InitialState;
        int learned = 0;
        return Matrix<double>.Build.DenseOfColumnVectors(data.Runs.Select(
            run => run.TrainingLength > 0 ? LearnedStates.Column(learned++) : unseen));
    }
}

/// <summary>One of several trainings.</summary>
/// <param name="Start">Where it began.</param>
/// <param name="Name">The same in words.</param>
/// <param name="Training">How it went.</param>
/// <param name="LogFault">Why its log was not written to the end; null where it was, or none was asked for.</param>
internal sealed record FitRun(FitStart Start, string Name, TrainingResult Training, string? LogFault);

/// <summary>The best training.</summary>
/// <param name="Plan">How it was trained.</param>
/// <param name="InitialModel">Where it began.</param>
/// <param name="InitialStates">h_0 there, a column for each sequence that trains.</param>
/// <param name="Training">How it went.</param>
/// <param name="Runs">All trainings, this one among them.</param>
/// <param name="Prior">What the loss holds beside the squared error; null for nothing.</param>
internal sealed record TrainedFit(
    FitPlan Plan,
    LinearRnn InitialModel,
    Matrix<double> InitialStates,
    TrainingResult Training,
    IReadOnlyList<FitRun> Runs,
    ImpulseResponsePrior? Prior)
    : FitResult(Training.Model, Plan.Settings.LearnsInitialState ? Training.InitialStates : null, Offset: null)
{
    /// <summary>The prior in words; null without one.</summary>
    public string? PriorSentence => Prior is null ? null
        : "the impulse response decays smoothly: its variance is multiplied by "
            + $"{Words.Number(Prior.Decay)} a step, "
            + $"from {Words.Number(Prior.Decay * Prior.Scale)} times the noise's";

    /// <summary>Where the training that was kept began.</summary>
    public string StartName => Kept.Name;

    /// <summary>The same as a kind.</summary>
    public FitStart Start => Kept.Start;

    private FitRun Kept => Runs.First(r => ReferenceEquals(r.Training, Training));

    /// <summary>The trainings side by side; null where there was one.</summary>
    public TextTable? StartTable()
    {
        if (Runs.Count == 1)
        {
            return null;
        }
        var table = new TextTable("start", "loss", "epochs", "end");
        foreach (FitRun run in Runs)
        {
            table.Add(
                run.Name + (ReferenceEquals(run.Training, Training) ? " (kept)" : ""),
                double.IsFinite(run.Training.BestLoss) ? $"{run.Training.BestLoss:0.00000E+0}" : "not finite",
                $"{run.Training.Epochs}",
                EndOf(run.Training));
        }
        return table;
    }

    /// <summary>Why a training ended, in a word or two.</summary>
    public static string EndOf(TrainingResult training) => training.StopReason switch
    {
        StopReason.Converged => "converged",
        StopReason.EpochLimit => "epoch limit",
        StopReason.Canceled => "stopped",
        StopReason.NonFinite => "diverged",
        _ => "done",
    };
}
