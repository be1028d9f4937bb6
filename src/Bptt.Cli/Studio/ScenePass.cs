// A scene as a model, data and passes of the library: the one place where the studio runs them.
//
//   h  hidden units      T  time steps      one input, one output

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Studio;

internal sealed class ScenePass
{
    /// <summary>The system that is to be learned: a decaying oscillation.</summary>
    public static readonly LinearRnn Teacher = ModelOf([new Pole(0.82, 0.41, true)], 0);

    private const int Seed = 17;

    private static readonly ExecutionOptions StepByStep = new()
    {
        Recurrence = Recurrence.Sequential,
        MaxDegreeOfParallelism = 1,
    };

    private readonly Objective _objective;

    private ScenePass(Scene scene)
    {
        Scene = scene;
        Inputs = InputsOf(scene.Steps);
        Matrix<double> targets = ForwardPass.Run(Teacher, Inputs).Outputs();
        _objective = Objective.SquaredError(targets);
        if (!scene.HasLossOnAll)
        {
            double[] last = new double[scene.Steps];
            last[^1] = 1;
            _objective = _objective.WithStepWeights(last);
        }
        Start = ModelOf(scene.Poles, scene.Coupling);
    }

    public Scene Scene { get; }

    /// <summary>1×T: +1 and −1 by chance, the same for every scene.</summary>
    public Matrix<double> Inputs { get; }

    /// <summary>The model with the eigenvalues of the scene.</summary>
    public LinearRnn Start { get; }

    public static ScenePass Of(Scene scene) => new(scene);

    /// <summary>Forward and back again, untruncated.</summary>
    public BackwardThroughTime Run(LinearRnn model) =>
        BackwardThroughTime.Run(ForwardPass.Run(model, Inputs, initialState: null, StepByStep), _objective);

    /// <summary>The same forward pass, and back as the scene cuts it; null where it does not.</summary>
    public BackwardThroughTime? RunTruncated(ForwardPass forward) => TruncationOf(Scene) is Truncation truncation
        ? BackwardThroughTime.Run(forward, _objective, new BackwardOptions { Truncation = truncation })
        : null;

    /// <summary>The backward pass of the loss of one step alone, from its own state, so that its flow can be followed
    /// to any lag.</summary>
    public BackwardThroughTime Source(BackwardThroughTime backward, int step)
    {
        ForwardPass forward = backward.Forward;
        var alone = ForwardPass.Run(
            forward.Model, Inputs.SubMatrix(0, 1, step - 1, 1), forward.HiddenState(step - 1), StepByStep);
        return BackwardThroughTime.Run(
            alone, Matrix<double>.Build.DenseOfColumnVectors(backward.OutputGradient(step)));
    }

    private static Truncation? TruncationOf(Scene scene) => scene.Cut switch
    {
        Cut.Lags => Truncation.Lags(scene.Window),
        Cut.Windows => Truncation.Windows(scene.Window),
        Cut.Random => Truncation.Randomized(scene.Window, Seed),
        _ => null,
    };

    private static Matrix<double> InputsOf(int steps)
    {
        var random = new Random(Seed);
        return Matrix<double>.Build.Dense(1, steps, (_, _) => random.Next(2) == 0 ? -1.0 : 1.0);
    }

    /// <summary>W_hh in real Schur form: a block for each pole on the diagonal, so that the eigenvalues are exactly
    /// those given whatever couples a block to the next. W_hx and W_qh excite and see all units alike.</summary>
    private static LinearRnn ModelOf(IReadOnlyList<Pole> poles, double coupling)
    {
        int h = poles.Sum(p => p.IsPair ? 2 : 1);
        var whh = Matrix<double>.Build.Dense(h, h);
        int row = 0;
        foreach (Pole pole in poles)
        {
            whh[row, row] = pole.Re;
            if (pole.IsPair)
            {
                whh[row + 1, row + 1] = pole.Re;
                whh[row, row + 1] = pole.Im;
                whh[row + 1, row] = -pole.Im;
            }
            row += pole.IsPair ? 2 : 1;
            if (row < h)
            {
                whh[row - 1, row] = coupling;
            }
        }
        double share = 1 / Math.Sqrt(h);
        return new LinearRnn(
            Matrix<double>.Build.Dense(h, 1, share), whh, Matrix<double>.Build.Dense(1, h, share));
    }
}
