// A random problem with an objective, drawn from a seed: the library's objective and the complex one side by side. The
// same settings give the same numbers everywhere.
//
// Scales: W_hh has the spectral radius asked for, and W_qh is scaled so that the outputs have root mean square 1. So L,
// targets and gradients stay of order 1 for every radius, and difference steps can be chosen by structure.

using System.Numerics;

namespace Bptt.Tests.Reference;

public enum ObjectiveKind
{
    SquaredError,
    Huber,
    CrossEntropy,
    Own,
}

/// <summary>What a scenario is drawn from. Its text reproduces it.</summary>
internal sealed record ScenarioSettings(
    int InputSize,
    int HiddenSize,
    int OutputSize,
    int[] Lengths,
    double SpectralRadius,
    ObjectiveKind Objective,
    int Seed)
{
    public Reduction Reduction { get; init; } = Reduction.MeanPerStep;

    public bool HasInitialStates { get; init; }

    public bool HasStepWeights { get; init; }

    public bool HasNormalizer { get; init; }

    public bool HasFinalStateGradients { get; init; }

    /// <summary>Settings with every option drawn from the seed.</summary>
    public ScenarioSettings WithRandomOptions()
    {
        var random = new Random(Seed);
        return this with
        {
            Reduction = (Reduction)random.Next(3),
            HasInitialStates = random.Next(2) == 1,
            HasStepWeights = random.Next(2) == 1,
            HasNormalizer = random.Next(2) == 1,
            HasFinalStateGradients = random.Next(2) == 1,
        };
    }

    public override string ToString() =>
        $"seed {Seed}: d {InputSize}, h {HiddenSize}, q {OutputSize}, T [{string.Join(", ", Lengths)}], radius "
        + $"{SpectralRadius}, {Objective}, {Reduction}, h_0 {HasInitialStates}, weights {HasStepWeights}, normaliser "
        + $"{HasNormalizer}, final-state gradients {HasFinalStateGradients}";
}

internal sealed record RandomScenario(
    ScenarioSettings Settings,
    ScalarProblem<double> Problem,
    Objective Objective,
    ComplexObjective ComplexObjective,
    double[,]? FinalStateGradients)
{
    private const double HuberDelta = 0.5;
    private const double Normalizer = 7.5;

    public static RandomScenario Create(ScenarioSettings settings)
    {
        if (settings.Objective == ObjectiveKind.CrossEntropy && settings.OutputSize == 1)
        {
            settings = settings with { OutputSize = 2 }; // one class alone has loss 0 whatever the weights
        }
        var numbers = new RandomNumbers(settings.Seed);
        ScalarProblem<double> problem = DrawProblem(settings, numbers);
        ScalarPass<double> pass = ScalarLoops<double>.Forward(problem);

        double[][]? weights = settings.HasStepWeights ? numbers.StepWeights(settings.Lengths) : null;
        double? normalizer = settings.HasNormalizer ? Normalizer : null;
        (Objective objective, ComplexStepLoss stepLoss) = DrawObjective(settings, numbers, pass.Outputs, weights);
        if (weights is not null)
        {
            objective = weights.Length == 1
                ? objective.WithStepWeights(weights[0])
                : objective.WithStepWeights(weights);
        }
        if (normalizer is not null)
        {
            objective = objective.WithNormalizer(normalizer.Value);
        }

        double[,]? finalStateGradients = settings.HasFinalStateGradients
            ? numbers.Normal(settings.HiddenSize, settings.Lengths.Length)
                .Map(value => value / RandomNumbers.RootMeanSquare(pass.States))
            : null;
        var complexObjective = new ComplexObjective(stepLoss, settings.Reduction, weights, normalizer);
        return new(settings, problem, objective, complexObjective, finalStateGradients);
    }

    public BackwardThroughTime RunBackward(ExecutionOptions? options = null) => BackwardThroughTime.Run(
        Problem.RunForward(options), Objective, LibraryConversions.Options(FinalStateGradients));

    /// <summary>L + Σ_b ⟨e_b, h_{T,b}⟩ as the library computes it, of this problem or a changed one.</summary>
    public double LibraryLoss(ScalarProblem<double> problem)
    {
        ForwardPass forward = problem.RunForward();
        double loss = Objective.Loss(forward);
        return FinalStateGradients is null
            ? loss
            : loss + FinalStateGradients.ToMatrix().PointwiseMultiply(forward.FinalStates).ColumnSums().Sum();
    }

    /// <summary>The same by scalar loops in complex numbers.</summary>
    public Complex ComplexLoss(ScalarProblem<Complex> problem)
    {
        ScalarPass<Complex> pass = ScalarLoops<Complex>.Forward(problem);
        Complex loss = ComplexObjective.Loss(pass.Outputs);
        if (FinalStateGradients is not null)
        {
            for (int b = 0; b < problem.SequenceCount; b++)
            {
                for (int i = 0; i < problem.HiddenSize; i++)
                {
                    loss += FinalStateGradients[i, b] * pass.States[b][i, problem.Length(b)];
                }
            }
        }
        return loss;
    }

    private static ScalarProblem<double> DrawProblem(ScenarioSettings settings, RandomNumbers numbers)
    {
        int h = settings.HiddenSize;
        int sequences = settings.Lengths.Length;
        var problem = new ScalarProblem<double>(
            numbers.Normal(h, settings.InputSize),
            numbers.WithSpectralRadius(h, settings.SpectralRadius),
            numbers.Normal(settings.OutputSize, h),
            settings.HasInitialStates ? numbers.Normal(h, sequences) : new double[h, sequences],
            Array.ConvertAll(settings.Lengths, length => numbers.Normal(settings.InputSize, length)));
        double scale = RandomNumbers.RootMeanSquare(ScalarLoops<double>.Forward(problem).Outputs);
        return problem with { Wqh = problem.Wqh.Map(value => value / scale) };
    }

    /// <summary>The objective twice. Targets and labels of masked steps are such that using them would show.</summary>
    private static (Objective Objective, ComplexStepLoss StepLoss) DrawObjective(
        ScenarioSettings settings, RandomNumbers numbers, double[][,] outputs, double[][]? weights)
    {
        bool single = outputs.Length == 1 && settings.Reduction == Reduction.MeanPerStep;
        if (settings.Objective == ObjectiveKind.CrossEntropy)
        {
            int[][] labels = numbers.Labels(settings.OutputSize, settings.Lengths, weights);
            return (
                single ? Objective.CrossEntropy(labels[0]) : Objective.CrossEntropy(labels, settings.Reduction),
                ComplexObjective.CrossEntropy(labels));
        }

        double[][,] targets = numbers.Targets(outputs, HuberDelta, weights);
        return settings.Objective switch
        {
            ObjectiveKind.SquaredError => (
                single
                    ? Objective.SquaredError(targets[0].ToMatrix())
                    : Objective.SquaredError(targets.ToBatch(), settings.Reduction),
                ComplexObjective.SquaredError(targets)),
            ObjectiveKind.Huber => (
                single
                    ? Objective.Huber(targets[0].ToMatrix(), HuberDelta)
                    : Objective.Huber(targets.ToBatch(), HuberDelta, settings.Reduction),
                ComplexObjective.Huber(targets, HuberDelta)),
            _ => (new LogCoshObjective(targets, settings.Reduction), ComplexObjective.LogCosh(targets)),
        };
    }
}
