// How a fit is trained, with nothing left open: what the command line leaves to choose is chosen from the sizes here.
//
//   h  hidden units

using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Identification;
using Bptt.Optimization;
using Bptt.Remedies;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Fitting;

/// <summary>The choices of one training.</summary>
/// <param name="Settings">What was asked for.</param>
/// <param name="HiddenSize">h.</param>
/// <param name="Method">The method.</param>
/// <param name="Start">The model to begin with.</param>
/// <param name="Epochs">The most epochs.</param>
/// <param name="InputCount">d.</param>
internal sealed record FitPlan(
    FitSettings Settings, int HiddenSize, FitMethod Method, FitStart Start, int Epochs, int InputCount)
{
    /// <summary>The most parameters for which the method is Levenberg-Marquardt by default: its cost grows with their
    /// square.</summary>
    public const int MostForLevenbergMarquardt = 1000;

    public const int WholeBatchEpochs = 200;
    public const int FirstOrderEpochs = 2000;

    /// <summary>The fewest rows that a subspace start can be computed from.</summary>
    private const int FewestSubspaceRows = 3;

    private const int MostInputsForPrior = 20;

    /// <summary>A word of the command line for each method.</summary>
    public static IReadOnlyList<(string Word, FitMethod Method)> Methods { get; } =
    [
        ("lm", FitMethod.LevenbergMarquardt),
        ("newton", FitMethod.TruncatedNewton),
        ("bfgs", FitMethod.Bfgs),
        ("lbfgs", FitMethod.LimitedMemoryBfgs),
        ("adam", FitMethod.Adam),
        ("sgd", FitMethod.GradientDescent),
    ];

    /// <summary>A word of the command line for each start.</summary>
    public static IReadOnlyList<(string Word, FitStart Start)> StartWords { get; } =
    [
        ("subspace", FitStart.Subspace),
        ("orthogonal", FitStart.Orthogonal),
        ("gaussian", FitStart.Gaussian),
        ("identity", FitStart.Identity),
    ];

    /// <summary>Whether a method moves by one gradient at a time, which may be clipped or truncated.</summary>
    public static bool IsFirstOrder(FitMethod method) => method is FitMethod.Adam or FitMethod.GradientDescent;

    /// <summary>Whether a training that goes all the way to a minimum has a prior unless told otherwise: it adds two
    /// sequences for each input, as long as the data.</summary>
    public static bool HasPriorByDefault(FitSettings settings, int inputCount) =>
        !settings.LearnsInitialState && inputCount <= MostInputsForPrior;

    /// <summary>Decides what was left open.</summary>
    /// <param name="settings">What was asked for.</param>
    /// <param name="data">What is fitted.</param>
    /// <param name="hiddenSize">h.</param>
    public static FitPlan Of(FitSettings settings, Dataset data, int hiddenSize)
    {
        long parameters = ParameterCount(data, hiddenSize, settings.LearnsInitialState);
        bool asksForFirstOrder = settings.LearningRate is not null || settings.Truncation is not null;
        FitMethod method = settings.Method
            ?? (asksForFirstOrder || parameters > MostForLevenbergMarquardt
                ? FitMethod.Adam
                : FitMethod.LevenbergMarquardt);
        int longest = data.Training.Inputs.Lengths.Max();
        FitStart start = settings.Start ?? (IsFirstOrder(method) || longest < FewestSubspaceRows
            ? FitStart.Orthogonal : FitStart.Subspace);
        if (start == FitStart.Subspace && longest < FewestSubspaceRows)
        {
            throw new DataFaultException(
                $"--init subspace: expected at least {FewestSubspaceRows} rows to train"
                + $"{(data.Group is null ? "" : " in one of the runs")}, got {longest}.");
        }
        return new FitPlan(
            settings,
            hiddenSize,
            method,
            start,
            settings.Epochs ?? (IsFirstOrder(method) ? FirstOrderEpochs : WholeBatchEpochs),
            data.InputChannels.Length);
    }

    /// <summary>Entries of W_hx, W_hh and W_qh, and of h_0 where it is learned.</summary>
    /// <exception cref="DataFaultException">They are more than fit into one array.</exception>
    public static long ParameterCount(Dataset data, int hiddenSize, bool learnsState)
    {
        long h = hiddenSize;
        long count = h * (data.InputChannels.Length + h + data.OutputChannels.Length) + (learnsState ? h : 0);
        return count <= Array.MaxLength ? count : throw new DataFaultException(
            $"--hidden: expected a model of at most {Array.MaxLength} parameters, got {hiddenSize} hidden units, "
            + $"which make {count}.");
    }

    /// <summary>Whether the data are extended by an <see cref="ImpulseResponsePrior"/>: by default where a method goes
    /// all the way to a minimum, and so fits noise where it can.</summary>
    public bool HasPrior => Settings.HasPrior ?? (!IsFirstOrder(Method) && HasPriorByDefault(Settings, InputCount));

    /// <summary>The step size of the first-order methods.</summary>
    public double LearningRate => Settings.LearningRate ?? FitSettings.DefaultLearningRate;

    /// <summary>The method as people name it.</summary>
    public string MethodName => Method switch
    {
        FitMethod.LevenbergMarquardt => "Levenberg-Marquardt",
        FitMethod.TruncatedNewton => "truncated Newton",
        FitMethod.Bfgs => "BFGS",
        FitMethod.LimitedMemoryBfgs => "L-BFGS",
        FitMethod.Adam => "Adam",
        _ => "gradient descent",
    };

    /// <summary>Where the first training begins, in words.</summary>
    public string StartName => NameOf(Start, Settings.Seed);

    /// <summary>A start in words.</summary>
    public string NameOf(FitStart start, int seed) => start switch
    {
        FitStart.Subspace => "subspace identification",
        FitStart.Orthogonal => $"random orthogonal, radius {Settings.Radius}, seed {seed}",
        FitStart.Gaussian => $"random Gaussian, radius {Settings.Radius}, seed {seed}",
        _ => $"identity times {Settings.Radius}, seed {seed}",
    };

    /// <summary>The method, without history.</summary>
    public Optimizer Optimizer() => Method switch
    {
        FitMethod.Bfgs => QuasiNewton.Bfgs(),
        FitMethod.LimitedMemoryBfgs => QuasiNewton.LimitedMemoryBfgs(),
        FitMethod.Adam => new Adam(LearningRate),
        FitMethod.GradientDescent => new Sgd(LearningRate),
        FitMethod.TruncatedNewton => new TruncatedNewton(),
        _ => new LevenbergMarquardt(),
    };

    /// <summary>The model to begin with and the h_0 of each sequence that trains.</summary>
    /// <param name="data">What is fitted.</param>
    /// <param name="start">Which.</param>
    /// <param name="seed">Of what is drawn.</param>
    public (LinearRnn Model, Matrix<double> States) Begin(Dataset data, FitStart start, int seed)
    {
        (int d, int q) = (data.InputChannels.Length, data.OutputChannels.Length);
        if (start == FitStart.Subspace)
        {
            return SubspaceIdentification.Estimate(data.Training.Inputs, data.Training.FilledTargets, new()
            {
                EstimateInitialStates = Settings.LearnsInitialState,
            }).Start(HiddenSize);
        }
        LinearRnn model = start switch
        {
            FitStart.Gaussian => Initializer.Gaussian(d, HiddenSize, q, seed, Settings.Radius),
            FitStart.Identity => Initializer.ScaledIdentity(d, HiddenSize, q, seed, Settings.Radius),
            _ => Initializer.Orthogonal(d, HiddenSize, q, seed, Settings.Radius),
        };
        return (model, Matrix<double>.Build.Dense(HiddenSize, data.Training.Inputs.Count));
    }
}
