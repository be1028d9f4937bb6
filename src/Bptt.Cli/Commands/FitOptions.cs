// The options of a training, and which of them go together.

using System.CommandLine;
using Bptt.Cli.Console;
using Bptt.Cli.Fitting;

namespace Bptt.Cli.Commands;

internal sealed class FitOptions
{
    private const string Automatic = "auto";

    private readonly Option<string> _hidden = OptionRules.Text(
        "--hidden",
        byDefault: Automatic,
        text => text == Automatic || WholeNumberText.Read(text, 1) is not null,
        "a whole number of at least 1 or auto",
        "The number of hidden units; auto chooses it by how well models run on over training rows that were left "
            + "out.",
        "h");

    private readonly Option<string?> _method = OptionRules.OneOf(
        "--optimizer",
        [.. FitPlan.Methods.Select(m => m.Word)],
        "The method: Levenberg-Marquardt, truncated Newton, BFGS, L-BFGS on the whole training part; Adam, "
            + "gradient descent step by step. Where none of the options of a training is given, the model is "
            + $"identified and not trained; else lm, or adam beyond {FitPlan.MostForLevenbergMarquardt} "
            + "parameters or with an option of the step-by-step methods.");

    private readonly Option<string?> _start = OptionRules.OneOf(
        "--init",
        [.. FitPlan.StartWords.Select(s => s.Word)],
        "The weights to start from: identified from the data, or random. Where not given: subspace, "
            + "or orthogonal for adam and sgd.");

    private readonly Option<double> _radius = OptionRules.Number(
        "--radius",
        above: 0,
        below: double.PositiveInfinity,
        byDefault: FitSettings.DefaultRadius,
        "The spectral radius of a random W_hh.",
        "ρ");

    private readonly Option<int> _seed = OptionRules.WholeNumber(
        "--seed", atLeast: int.MinValue, byDefault: 1, "The seed of random weights and random cuts.", "n");

    private readonly Option<int> _starts = OptionRules.WholeNumber(
        "--starts",
        atLeast: 1,
        byDefault: 1,
        "The number of trainings, of which the best is kept: the first from --init, the others from random orthogonal "
            + "weights of the next seeds.",
        "n",
        atMost: 10_000);

    private readonly Option<int?> _epochs = OptionRules.OptionalWholeNumber(
        "--epochs",
        atLeast: 1,
        "The most passes over the training part, or steps of a method of the whole. Where not given: "
            + $"{FitPlan.WholeBatchEpochs}, or {FitPlan.FirstOrderEpochs} for adam and sgd.",
        "n");

    private readonly Option<double> _learningRate = OptionRules.Number(
        "--learning-rate",
        above: 0,
        below: double.PositiveInfinity,
        byDefault: FitSettings.DefaultLearningRate,
        "The step size of adam and sgd.",
        "α");

    private readonly Option<string> _clip = OptionRules.Text(
        "--clip",
        byDefault: "norm:1",
        text => TrainingWords.TryClipping(text, out _),
        "a finite number above 0, norm:θ, matrix:θ, value:c or none",
        "What adam and sgd do with large gradients: bound the norm of all of them (norm:θ, or θ alone), "
            + "of each matrix (matrix:θ), or each entry (value:c).",
        "norm:θ|matrix:θ|value:c|none");

    private readonly Option<string> _truncate = OptionRules.Text(
        "--truncate",
        byDefault: "none",
        text => TrainingWords.TryTruncation(text, 0, out _),
        "lags:k, windows:k or none with k of at least 1, or random:k with k of at least 2",
        "How far back adam and sgd follow gradients: k steps, to the border of windows of k steps, "
            + "or to random cuts every k steps on average.",
        "lags:k|windows:k|random:k|none");

    private readonly Option<string?> _prior = OptionRules.OneOf(
        "--prior",
        ["estimated", "none"],
        "What is known before the data: the response to an impulse decays, and smoothly; how fast is estimated. "
            + "It keeps the model from fitting noise. Where not given: as rows left out decide, and in a training "
            + "estimated, but none for adam, sgd, --learn-state and more than 20 inputs.");

    private readonly Option<bool> _learnState = new("--learn-state")
    {
        Description = "Learn h_0 too, instead of starting at rest (h_0 = 0, the training mean). Where not given: as "
            + "rows left out decide, and in a training at rest.",
    };

    private readonly Option<string?> _resume = OptionRules.File(
        "--resume",
        "Go on from the checkpoint of an earlier fit of the same data with the same options; --epochs may differ.");

    private readonly Option<double> _checkpointMinutes = OptionRules.Number(
        "--checkpoint-minutes",
        above: 0,
        below: 1e6,
        byDefault: 1,
        "The minutes between two savings to checkpoint.json, which stays where the training could go on.",
        "m");

    private readonly Option<string?> _tensorBoard = OptionRules.Folder(
        "--tensorboard",
        byDefault: null,
        "Write loss, gradient norm and learning rate of each epoch as events that TensorBoard reads, into this folder; "
            + "with --starts a folder in it for each.");

    private readonly Option<int?> _workers = OptionRules.OptionalWholeNumber(
        "--workers",
        atLeast: 1,
        "The number of worker processes of this machine that compute, started and ended by the fit. The model is the "
            + "same to the last bit for any number of them.",
        "n");

    private readonly Option<string?> _cluster = OptionRules.OptionalText(
        "--cluster",
        WorkerCommand.IsCluster,
        WorkerCommand.ClusterForm,
        "Where workers of other machines find this fit: its address (they are started there with bptt worker --join "
            + "HOST:PORT), or redis:HOST:PORT, a Redis server that lists the members.",
        "HOST:PORT|redis:HOST:PORT");

    private readonly Option<string?> _listen = WorkerCommand.Listen();

    private readonly Option<int?> _shards = OptionRules.OptionalWholeNumber(
        "--shards",
        atLeast: 1,
        "The parts of the data, of whole runs, that losses and gradients are summed over. The rounding of the result "
            + "depends on it, and not on the workers. Where not given: 1, or where workers share one training "
            + $"{FitSettings.ShardsForWorkers}; with --starts each worker does whole trainings.",
        "n");

    private readonly Option<int> _segments = OptionRules.WholeNumber(
        "--segments",
        atLeast: 1,
        byDefault: 1,
        "The segments in time that each run is cut into, exactly, so that workers share a long one; for bfgs, lbfgs, "
            + "adam and sgd. It takes about twice the work, so that it pays from three workers on. The rounding of the "
            + "result depends on it, and not on the workers.",
        "n");

    public void AddTo(DetailedCommand command)
    {
        foreach (Option option in new Option[]
        {
            _hidden, _method, _start, _radius, _seed, _starts, _epochs, _learningRate, _clip, _truncate, _prior,
            _learnState,
            _resume, _checkpointMinutes, _tensorBoard, _workers, _cluster, _listen, _shards,
            _segments,
        })
        {
            command.Add(option);
        }
        command.AddRule(Faults);
    }

    /// <summary>Reads them; where they have no effect they are warned of.</summary>
    public FitSettings Read(ParseResult parsed)
    {
        FitMethod? method = MethodOf(parsed.GetValue(_method));
        int seed = parsed.GetValue(_seed);
        _ = TrainingWords.TryClipping(parsed.GetValue(_clip)!, out var clipping);
        _ = TrainingWords.TryTruncation(parsed.GetValue(_truncate)!, seed, out var truncation);
        return new FitSettings
        {
            HiddenSize = WholeNumberText.Read(parsed.GetValue(_hidden)!, 1),
            AsksForTraining = TrainingOptions.Any(option => IsTold(parsed, option)),
            Method = method,
            Start = StartOf(parsed.GetValue(_start))
                ?? (IsTold(parsed, _radius) && parsed.GetValue(_starts) == 1 ? FitStart.Orthogonal : null),
            Radius = parsed.GetValue(_radius),
            Seed = seed,
            Starts = parsed.GetValue(_starts),
            Epochs = parsed.GetValue(_epochs),
            LearningRate = IsTold(parsed, _learningRate) ? parsed.GetValue(_learningRate) : null,
            Clipping = clipping,
            Truncation = truncation,
            Words = (parsed.GetValue(_clip)!, parsed.GetValue(_truncate)!),
            HasPrior = parsed.GetValue(_prior) is string prior ? prior == "estimated" : null,
            LearnsInitialState = parsed.GetValue(_learnState),
            ResumeFrom = parsed.GetValue(_resume),
            CheckpointInterval = TimeSpan.FromMinutes(parsed.GetValue(_checkpointMinutes)),
            TensorBoardFolder = parsed.GetValue(_tensorBoard),
            Workers = parsed.GetValue(_workers),
            Cluster = parsed.GetValue(_cluster),
            Listen = parsed.GetValue(_listen),
            Shards = parsed.GetValue(_shards),
            Segments = parsed.GetValue(_segments),
        };
    }

    /// <summary>Those that only a training from a start has.</summary>
    private Option[] TrainingOptions =>
    [
        _method, _start, _radius, _starts, _epochs, _learningRate, _clip, _truncate, _resume, _workers, _cluster,
        _shards, _segments,
    ];

    /// <summary>The options that were given and change nothing where a model is identified, each with the
    /// reason.</summary>
    public IEnumerable<string> WithoutEffectOnIdentification(ParseResult parsed)
    {
        if (IsTold(parsed, _seed))
        {
            yield return "--seed has no effect: nothing is drawn; --init orthogonal trains from random weights.";
        }
        if (IsTold(parsed, _checkpointMinutes))
        {
            yield return "--checkpoint-minutes has no effect: only a training has checkpoints; --optimizer lm trains.";
        }
        if (IsTold(parsed, _tensorBoard))
        {
            yield return "--tensorboard has no effect: only a training has epochs; --optimizer lm trains.";
        }
    }

    /// <summary>The options that were given and change nothing under a plan, each with the reason.</summary>
    public IEnumerable<string> WithoutEffect(ParseResult parsed, FitPlan plan)
    {
        if (IsTold(parsed, _clip) && !FitPlan.IsFirstOrder(plan.Method))
        {
            yield return $"--clip has no effect: {plan.MethodName} takes gradients as they are.";
        }
        if (IsTold(parsed, _seed) && plan.Start == FitStart.Subspace && plan.Settings.Starts == 1
            && plan.Settings.Truncation?.Kind != TruncationKind.Randomized)
        {
            yield return "--seed has no effect: the start is computed from the data; --init orthogonal draws one.";
        }
    }

    private IEnumerable<string> Faults(ParseResult parsed)
    {
        string? word = parsed.GetValue(_method);
        bool isOfWhole = MethodOf(word) is FitMethod method && !FitPlan.IsFirstOrder(method);
        if (isOfWhole && IsTold(parsed, _learningRate))
        {
            yield return
                $"Expected no --learning-rate with --optimizer {word}, which finds the length of its steps itself.";
        }
        if (isOfWhole && parsed.GetValue(_truncate) != "none")
        {
            yield return $"Expected no --truncate with --optimizer {word}, which needs the full gradient.";
        }
        if (parsed.GetValue(_prior) == "estimated" && IsTold(parsed, _learnState)
            && TrainingOptions.Any(option => IsTold(parsed, option)))
        {
            yield return
                "Expected one of --prior estimated and --learn-state in a training: its prior is on responses that "
                + "start at rest.";
        }
        bool isCut = parsed.GetValue(_segments) > 1;
        bool asksForShards = isCut
            || IsTold(parsed, _workers) || IsTold(parsed, _cluster) || parsed.GetValue(_shards) is not (null or 1);
        if (asksForShards && parsed.GetValue(_truncate) != "none")
        {
            yield return
                "Expected no --truncate with --workers, --cluster, --shards or --segments, whose gradients are full.";
        }
        if (isCut && word is null or "lm" or "newton")
        {
            yield return
                "Expected --optimizer bfgs, lbfgs, adam or sgd with --segments, over which there are no second "
                + $"derivatives, got {word ?? "none"}.";
        }
        bool isOne = parsed.GetValue(_starts) == 1;
        if (StartOf(parsed.GetValue(_start)) == FitStart.Subspace && IsTold(parsed, _radius) && isOne)
        {
            yield return "Expected no --radius with --init subspace, which draws no weights.";
        }
        if (!isOne && IsTold(parsed, _resume))
        {
            yield return "Expected one of --resume and --starts: a checkpoint is of a single training.";
        }
        if (!isOne && IsTold(parsed, _checkpointMinutes))
        {
            yield return "Expected one of --checkpoint-minutes and --starts: a checkpoint is of a single training.";
        }
    }

    private static bool IsTold(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    private static FitMethod? MethodOf(string? word) =>
        word is null
            ? null
            : FitPlan.Methods.Where(m => m.Word == word).Select(m => (FitMethod?)m.Method).FirstOrDefault();

    private static FitStart? StartOf(string? word) =>
        word is null
            ? null
            : FitPlan.StartWords.Where(s => s.Word == word).Select(s => (FitStart?)s.Start).FirstOrDefault();
}
