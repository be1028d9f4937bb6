// The remedies against gradients that vanish or explode, as trainings that are alike in all else. Runs none.
//
//   h  hidden units      δ_t = ∂L/∂h_t

using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Training;

namespace Bptt.Cli.Fitting;

/// <summary>What all trainings of a comparison share.</summary>
/// <param name="HiddenSize">h.</param>
/// <param name="Seed">Of the weights to start from, and of random cuts.</param>
/// <param name="Epochs">The most epochs.</param>
/// <param name="LearningRate">α of every training by gradients.</param>
/// <param name="Radius">Spectral radius of the W_hh to start from.</param>
internal sealed record RemedySettings(int HiddenSize, int Seed, int Epochs, double LearningRate, double Radius);

/// <summary>One way to train.</summary>
/// <param name="Name">In a word or two.</param>
/// <param name="What">What it does, in a few words.</param>
/// <param name="Options">The training, by plain gradient descent unless the remedy is the method.</param>
/// <param name="Radius">Spectral radius of the W_hh to start from.</param>
internal sealed record Remedy(string Name, string What, TrainerOptions Options, double Radius)
{
    /// <summary>The name of the training without a remedy.</summary>
    public const string None = "none";

    private const double Bound = 1.0;
    private const double ValueBound = 0.1;
    private const int Lags = 20;
    private const double Strength = 0.01;
    private const double SmallRadius = 0.9;

    /// <summary>No remedy, then all others.</summary>
    public static IReadOnlyList<Remedy> All(RemedySettings settings)
    {
        var plain = new TrainerOptions
        {
            Optimizer = new Sgd(settings.LearningRate),
            Clipping = null,
            InitialStateKind = InitialStateKind.Zero,
            MaxEpochs = settings.Epochs,
            Seed = settings.Seed,
        };
        TrainerOptions clipped = plain with { Clipping = new GlobalNormClipping(Bound) };
        int warmUp = Math.Max(1, settings.Epochs / 10);
        return
        [
            Of(None, "gradient descent", plain),
            Of("clip norm", $"global norm at most {Bound}", clipped),
            Of("clip matrix", $"norm of each matrix at most {Bound}", plain with { Clipping = new MatrixNormClipping(Bound) }),
            Of("clip value", $"entries at most {ValueBound}", plain with { Clipping = new ValueClipping(ValueBound) }),
            Of("truncate lags", $"gradients travel {Lags} steps", plain with { Truncation = Truncation.Lags(Lags) }),
            Of("truncate windows", $"cut every {Lags} steps", plain with { Truncation = Truncation.Windows(Lags) }),
            Of("truncate random", $"cut every {Lags} steps on average", plain with { Truncation = Truncation.Randomized(Lags, settings.Seed) }),
            Of("norm ≤ 1", "W_hh projected to ‖W_hh‖ ≤ 1", plain with { Constraints = [new SpectralNormConstraint(1.0)] }),
            Of("orthogonal", "W_hh projected to orthogonal", plain with { Constraints = [new OrthogonalConstraint()] }),
            Of("radius ≤ 1", "W_hh scaled to radius 1", plain with { Constraints = [new SpectralRadiusConstraint(1.0)] }),
            Of("L2", $"penalty ½·{Strength}·‖W‖²", plain with { Regularizers = [new L2Regularizer(Strength)] }),
            Of("Ω", "penalty on changing ‖δ_t‖", plain with { Regularizers = [new JacobianRegularizer(Strength)] }),
            Of("clip and Ω", "both", clipped with { Regularizers = [new JacobianRegularizer(Strength)] }),
            Of("norm ≤ 1 and clip", "both", clipped with { Constraints = [new SpectralNormConstraint(1.0)] }),
            Of("orthogonal and clip", "both", clipped with { Constraints = [new OrthogonalConstraint()] }),
            Of("warm-up", $"rate rises over {warmUp} epoch{(warmUp == 1 ? "" : "s")}", plain with { Schedule = LearningRateSchedule.WarmUp(warmUp) }),
            new Remedy("small start", $"starts at radius {SmallRadius}", plain, SmallRadius),
            new Remedy("clip, small start", "both", clipped, SmallRadius),
            new Remedy("lags, small start", "both", plain with { Truncation = Truncation.Lags(Lags) }, SmallRadius),
            Of("Adam", "Adam, global norm clipped", clipped with { Optimizer = new Adam(settings.LearningRate) }),
            Of("L-BFGS", "quasi-Newton, 10 steps", plain with { Optimizer = QuasiNewton.LimitedMemoryBfgs(iterationsPerStep: 10) }),
            Of("Levenberg-Marquardt", "damped Gauss-Newton", plain with { Optimizer = new LevenbergMarquardt() }),
            new Remedy("L-BFGS, small start", "both", plain with { Optimizer = QuasiNewton.LimitedMemoryBfgs(iterationsPerStep: 10) }, SmallRadius),
            new Remedy("LM, small start", "both", plain with { Optimizer = new LevenbergMarquardt() }, SmallRadius),
        ];

        Remedy Of(string name, string what, TrainerOptions options) => new(name, what, options, settings.Radius);
    }
}
