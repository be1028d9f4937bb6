// The training loop of `bptt fit`: full-batch Adam with global-norm clipping on one sequence.
//
//   d  inputs      h  hidden units      q  outputs      T  time steps

using System.Diagnostics;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Fitting;

/// <summary>How the loop runs.</summary>
/// <param name="HiddenSize">h.</param>
/// <param name="Epochs">Passes over the data.</param>
/// <param name="LearningRate">Adam's α.</param>
/// <param name="MaxGradientNorm">θ of the clipping.</param>
/// <param name="Seed">Seed of the weights to start from.</param>
/// <param name="LearnsInitialState">Whether h_0 is a parameter too. Where it is, slowly decaying modes can fit the noise
/// of the first steps through it and grow beyond the data, so the default is to start at rest, at the training
/// mean.</param>
internal sealed record AdamFitSettings(
    int HiddenSize, int Epochs, double LearningRate, double MaxGradientNorm, int Seed, bool LearnsInitialState);

/// <summary>One epoch as it is shown; the time left is not known after the first, which includes compilation.</summary>
internal readonly record struct EpochProgress(int Epoch, int Epochs, double Loss, double GradientNorm, TimeSpan? TimeLeft);

/// <summary>Why the loop ended.</summary>
internal enum AdamFitEnd
{
    /// <summary>All epochs were run.</summary>
    Finished,

    /// <summary>The user stopped it.</summary>
    Cancelled,

    /// <summary>The loss, a gradient or a weight was no longer finite.</summary>
    Diverged,
}

/// <summary>What the loop found: the weights and h_0 with the smallest loss.</summary>
/// <param name="InitialModel">Where it began.</param>
/// <param name="Model">The best weights.</param>
/// <param name="InitialState">h_0 that belongs to them.</param>
/// <param name="Loss">Their loss.</param>
/// <param name="BestEpoch">The epoch that began with them; 1 where nothing better than the start was found.</param>
/// <param name="EpochsRun">Epochs begun and ended.</param>
/// <param name="End">Why it ended.</param>
/// <param name="Reason">In words, where it diverged.</param>
/// <param name="Losses">At the beginning of each epoch that was run.</param>
internal sealed record AdamFitResult(
    LinearRnn InitialModel,
    LinearRnn Model,
    Vector<double> InitialState,
    double Loss,
    int BestEpoch,
    int EpochsRun,
    AdamFitEnd End,
    string Reason,
    IReadOnlyList<double> Losses);

internal static class AdamFit
{
    /// <summary>Radius of the orthogonal W_hh to start from: forgets slowly, explodes nowhere.</summary>
    private const double InitialSpectralRadius = 0.9;

    /// <summary>The random model that a training begins with.</summary>
    public static LinearRnn InitialModel(int inputSize, int hiddenSize, int outputSize, int seed) =>
        Initializer.Orthogonal(inputSize, hiddenSize, outputSize, seed, InitialSpectralRadius);

    /// <summary>Trains on d×T inputs and q×T targets.</summary>
    /// <exception cref="DataFaultException">The loss or its gradient is not finite at the very start.</exception>
    public static AdamFitResult Run(
        Matrix<double> inputs,
        Matrix<double> targets,
        AdamFitSettings settings,
        Action<EpochProgress> report,
        CancellationToken cancellation)
    {
        LinearRnn initial = InitialModel(inputs.RowCount, settings.HiddenSize, targets.RowCount, settings.Seed);
        LinearRnn model = initial;
        var state = Vector<double>.Build.Dense(settings.HiddenSize);
        var objective = Objective.SquaredError(targets);
        var weightsOptimizer = new Adam(settings.LearningRate);
        var stateOptimizer = new Adam(settings.LearningRate);
        var clipping = new GlobalNormClipping(settings.MaxGradientNorm);
        var sequence = SequenceBatch.Pack([inputs]);
        var options = new ExecutionOptions { Workspace = new Workspace() };
        var clock = new Stopwatch();

        var losses = new List<double>();
        AdamFitResult best = new(initial, model, state, double.PositiveInfinity, 0, 0, AdamFitEnd.Finished, "", losses);
        for (int epoch = 1; epoch <= settings.Epochs; epoch++)
        {
            if (cancellation.IsCancellationRequested && epoch > 1)
            {
                return best with { End = AdamFitEnd.Cancelled };
            }

            var forward = ForwardPass.Run(model, sequence, state.ToColumnMatrix(), options);
            var backward = BackwardThroughTime.Run(forward, objective);
            Matrix<double> stateGradients = backward.InitialStateGradients;
            if (!double.IsFinite(backward.Loss) || !backward.Gradients.IsFinite || !stateGradients.ForAll(double.IsFinite))
            {
                string where = forward.FirstNonFiniteStep is int step ? $", first at step {step} of the forward pass" : "";
                string reason = $"loss or gradient is not finite at epoch {epoch}{where}";
                return epoch > 1
                    ? best with { End = AdamFitEnd.Diverged, Reason = reason }
                    : throw new DataFaultException($"The training cannot start: {reason}. Are the values of the data extreme?");
            }
            if (backward.Loss < best.Loss)
            {
                best = best with { Model = model, InitialState = state, Loss = backward.Loss, BestEpoch = epoch };
            }
            best = best with { EpochsRun = epoch };
            losses.Add(backward.Loss);

            ClippedGradients clipped = clipping.Apply(
                backward.Gradients, settings.LearnsInitialState ? stateGradients : null);
            TimeSpan? timeLeft = epoch == 1 ? null : clock.Elapsed / (epoch - 1) * (settings.Epochs - epoch);
            clock.Start();
            report(new EpochProgress(epoch, settings.Epochs, backward.Loss, clipped.NormBefore, timeLeft));
            try
            {
                model = weightsOptimizer.Step(model, clipped.Gradients);
                if (clipped.InitialStateGradients is not null)
                {
                    state = stateOptimizer.Step(state, clipped.InitialStateGradients.Column(0));
                }
            }
            catch (ArithmeticException e)
            {
                return best with { End = AdamFitEnd.Diverged, Reason = $"epoch {epoch}: {e.Message}" };
            }
        }
        return best;
    }
}
