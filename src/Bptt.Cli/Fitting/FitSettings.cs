// How a fit is to be trained, as the command line says it. Data only.

using Bptt.Remedies;
using Bptt.Sharding;

namespace Bptt.Cli.Fitting;

/// <summary>The methods that minimise the loss.</summary>
internal enum FitMethod
{
    LevenbergMarquardt,
    TruncatedNewton,
    Bfgs,
    LimitedMemoryBfgs,
    Adam,
    GradientDescent,
}

/// <summary>The models to begin with.</summary>
internal enum FitStart
{
    Subspace,
    Orthogonal,
    Gaussian,
    Identity,
}

/// <summary>The options of a training. What is null is chosen by <see cref="FitPlan"/> from the data.</summary>
internal sealed record FitSettings
{
    public const double DefaultLearningRate = 0.01;

    /// <summary>Radius of the W_hh to start from at random: forgets slowly, explodes nowhere.</summary>
    public const double DefaultRadius = 0.9;

    /// <summary>Whether something of a training is asked for, so that the model is trained from a start and not
    /// identified.</summary>
    public bool AsksForTraining { get; init; }

    /// <summary>h; null where it is chosen from the data.</summary>
    public int? HiddenSize { get; init; }

    public FitMethod? Method { get; init; }

    public FitStart? Start { get; init; }

    /// <summary>Spectral radius of a random W_hh.</summary>
    public double Radius { get; init; } = DefaultRadius;

    public int Seed { get; init; } = 1;

    /// <summary>How many trainings are run, each from a start of its own; the best is kept.</summary>
    public int Starts { get; init; } = 1;

    public int? Epochs { get; init; }

    /// <summary>For methods of first order; null for the default.</summary>
    public double? LearningRate { get; init; }

    /// <summary>For methods of first order; null for none.</summary>
    public GradientClipping? Clipping { get; init; } = new GlobalNormClipping(1.0);

    /// <summary>For methods of first order; null for none.</summary>
    public Truncation? Truncation { get; init; }

    /// <summary>Clipping and truncation as the command line says them.</summary>
    public (string Clipping, string Truncation) Words { get; init; } = ("norm:1", "none");

    /// <summary>Whether h_0 is a parameter too. Where it is, slowly decaying modes can fit the noise of the first steps
    /// through it and grow beyond the data, so the default is to start at rest, at the training mean.</summary>
    public bool LearnsInitialState { get; init; }

    /// <summary>Whether the impulse response is to decay smoothly, as far as the data do not say otherwise; null where
    /// it is left open. Not together with a learned h_0.</summary>
    public bool? HasPrior { get; init; }

    /// <summary>The file of an earlier training to go on from; null to begin.</summary>
    public string? ResumeFrom { get; init; }

    /// <summary>Worker processes of this machine that compute; null for none.</summary>
    public int? Workers { get; init; }

    /// <summary>Where workers started by hand are found; null for nowhere.</summary>
    public string? Cluster { get; init; }

    /// <summary>The address of this machine that they reach it by; null for this machine alone.</summary>
    public string? Listen { get; init; }

    /// <summary>The shards that losses and gradients are summed over; null for one, or with workers for
    /// <see cref="ShardsForWorkers"/>.</summary>
    public int? Shards { get; init; }

    /// <summary>The segments in time that each sequence is cut into.</summary>
    public int Segments { get; init; } = 1;

    /// <summary>Divides well among many numbers of workers.</summary>
    public const int ShardsForWorkers = 60;

    /// <summary>Whether others compute.</summary>
    public bool AsksForWorkers => Workers is not null || Cluster is not null;

    /// <summary>Who computes; null for this process.</summary>
    public IShardExecutor? Gradients { get; init; }

    /// <summary>Who does whole trainings and candidates; null for this process.</summary>
    public FitJobs.Spread? Jobs { get; init; }

    /// <summary>The time between two savings.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The folder for events that TensorBoard reads; null for none.</summary>
    public string? TensorBoardFolder { get; init; }
}
