// The same training twice, without and with clipping, update by update: gradient descent from the weights of a scene.

using Bptt.Diagnostics;
using Bptt.Optimization;
using Bptt.Remedies;

namespace Bptt.Cli.Studio;

/// <summary>A training after one more update.</summary>
/// <param name="Loss">Null where it is no number.</param>
/// <param name="GradientNorm">Before clipping; null where it is no number.</param>
/// <param name="Poles">The eigenvalues of W_hh; empty where they cannot be told.</param>
/// <param name="HasDiverged">Whether a number is not finite: no more updates.</param>
internal sealed record TrainedStep(
    double? Loss, double? GradientNorm, IReadOnlyList<ModeNumbers> Poles, bool HasDiverged);

/// <summary>Both after so many updates.</summary>
internal sealed record TrainingMoment(int Update, int Last, TrainedStep Plain, TrainedStep Clipped);

internal static class SceneTraining
{
    /// <summary>Both trainings from the start on, the start itself first.</summary>
    public static IEnumerable<TrainingMoment> Run(Scene scene, int updates)
    {
        var pass = ScenePass.Of(scene);
        var plain = new Descent(pass, null);
        var clipped = new Descent(pass, new GlobalNormClipping(scene.Threshold));
        for (int update = 0; update <= updates; update++)
        {
            yield return new TrainingMoment(update, updates, plain.Look(), clipped.Look());
            plain.Step();
            clipped.Step();
        }
    }

    private sealed class Descent(ScenePass pass, GradientClipping? clipping)
    {
        private readonly Sgd _optimizer = new(pass.Scene.LearningRate);
        private LinearRnn _model = pass.Start;
        private BackwardThroughTime _backward = pass.Run(pass.Start);
        private bool _hasDiverged;

        public TrainedStep Look()
        {
            double loss = _backward.Loss;
            double norm = _backward.Gradients.GlobalNorm();
            _hasDiverged |= !double.IsFinite(loss) || !double.IsFinite(norm);
            return new TrainedStep(
                double.IsFinite(loss) ? loss : null,
                double.IsFinite(norm) ? norm : null,
                Poles(),
                _hasDiverged);
        }

        public void Step()
        {
            if (_hasDiverged)
            {
                return;
            }
            try
            {
                Gradients gradients = clipping?.Apply(_backward.Gradients).Gradients ?? _backward.Gradients;
                _model = _optimizer.Step(_model, gradients);
                _backward = pass.Run(_model);
            }
            catch (ArithmeticException)
            {
                _hasDiverged = true; // the step leaves the range of numbers
            }
        }

        private IReadOnlyList<ModeNumbers> Poles()
        {
            try
            {
                return [.. Spectrum.Of(_model).Modes.Select(SceneNumbers.Mode)];
            }
            catch (ArithmeticException)
            {
                return [];
            }
        }
    }
}
