// Gradients that are wrong in the ways in which back-propagation through time goes wrong, by plain loops of their own.

using Bptt.Tests.Reference;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Verification;

/// <summary>Gradients of everything that a check from elsewhere can be given.</summary>
internal sealed record GradientSet(
    Matrix<double> Whx, Matrix<double> Whh, Matrix<double> Wqh, Matrix<double> InitialStates, Matrix<double>[] Inputs)
{
    public IEnumerable<Matrix<double>> All => [Whx, Whh, Wqh, InitialStates, .. Inputs];

    public static GradientSet Of(BackwardThroughTime backward) => new(
        backward.Gradients.Whx,
        backward.Gradients.Whh,
        backward.Gradients.Wqh,
        backward.InitialStateGradients,
        [.. Enumerable.Range(0, backward.Forward.SequenceCount).Select(backward.InputGradients)]);

    /// <summary>The largest relative difference of a parameter, in the Frobenius norm.</summary>
    public double DistanceTo(GradientSet other)
    {
        IEnumerable<(Matrix<double>, Matrix<double>)> pairs =
        [
            (Whx, other.Whx), (Whh, other.Whh), (Wqh, other.Wqh), (InitialStates, other.InitialStates),
            (Stacked(Inputs), Stacked(other.Inputs)),
        ];
        return pairs.Max(pair => (pair.Item1 - pair.Item2).FrobeniusNorm() is > 0 and double distance
            ? distance / Math.Max(pair.Item1.FrobeniusNorm(), pair.Item2.FrobeniusNorm())
            : 0.0);

        static Matrix<double> Stacked(Matrix<double>[] inputs) => inputs.Aggregate((left, right) => left.Append(right));
    }
}

internal static class PlantedMistakes
{
    /// <summary>The relative difference from which a mistake counts as one.</summary>
    public const double LeastDistance = 5e-5;

    /// <summary>Every mistake that makes a difference to this problem, with its name.</summary>
    public static IEnumerable<(string Name, GradientSet Gradients)> Of(
        RandomScenario scenario, BackwardThroughTime right, GradientCheckOptions options)
    {
        var gradients = GradientSet.Of(right);
        var random = new Random(scenario.Settings.Seed);
        int steps = scenario.Settings.Lengths.Sum();
        (string, GradientSet)[] candidates =
        [
            ("1/T missing", Scaled(gradients, steps)),
            ("a factor of 1.0001", Scaled(gradients, 1.0001)),
            ("the sign", Scaled(gradients, -1.0)),
            ("W_hh transposed", gradients with { Whh = gradients.Whh.Transpose() }),
            ("W_hh in the place of its transpose", Loops(right, transposes: false)),
            ("h_t in the place of h_{t−1}", Loops(right, shift: 0)),
            ("no final-state gradients", Loops(right, hasFinal: false)),
            ("the last step left out", Loops(right, leavesOut: 1)),
            ("the recursion ends at step 2", Loops(right, firstStep: 2)),
            ("immediate derivatives only", Loops(right, recurs: false)),
            ("h_0 of the wrong sequence", gradients with { InitialStates = Rotated(gradients.InitialStates) }),
            ("x one step late", gradients with { Inputs = Array.ConvertAll(gradients.Inputs, Rotated) }),
        ];
        foreach ((string name, GradientSet wrong) in candidates)
        {
            if (wrong.DistanceTo(gradients) > LeastDistance)
            {
                yield return (name, wrong);
            }
        }
        (string, Matrix<double>, Func<Matrix<double>, GradientSet>)[] parameters =
        [
            ("W_hx", gradients.Whx, m => gradients with { Whx = m }),
            ("W_hh", gradients.Whh, m => gradients with { Whh = m }),
            ("W_qh", gradients.Wqh, m => gradients with { Wqh = m }),
            ("h_0", gradients.InitialStates, m => gradients with { InitialStates = m }),
        ];
        foreach ((string name, Matrix<double> matrix, Func<Matrix<double>, GradientSet> with) in parameters)
        {
            // One that is in the sample: any where all are, otherwise the largest.
            (int row, int column, _) = matrix.RowCount * matrix.ColumnCount <= options.MaxEntriesPerParameter
                ? (random.Next(matrix.RowCount), random.Next(matrix.ColumnCount), 0.0)
                : matrix.EnumerateIndexed().MaxBy(entry => Math.Abs(entry.Item3));
            // Beside larger ones an entry has no digits that could be wrong.
            if (Math.Abs(matrix[row, column]) > 1e-10 * matrix.FrobeniusNorm())
            {
                Matrix<double> wrong = matrix.Clone();
                wrong[row, column] *= 1.001;
                yield return ($"one entry of {name}, {matrix[row, column]:E2} beside {matrix.FrobeniusNorm():E2}", with(wrong));
            }
        }
    }

    /// <summary>The loops themselves, without a mistake.</summary>
    public static GradientSet Loops(
        BackwardThroughTime right,
        bool transposes = true,
        int shift = 1,
        bool hasFinal = true,
        int leavesOut = 0,
        int firstStep = 1,
        bool recurs = true)
    {
        LinearRnn model = right.Forward.Model;
        Matrix<double> whx = model.Whx;
        Matrix<double> whh = model.Whh;
        Matrix<double> wqh = model.Wqh;
        Matrix<double> back = transposes ? whh.Transpose() : whh;
        Matrix<double> gWhx = 0.0 * whx;
        Matrix<double> gWhh = 0.0 * whh;
        Matrix<double> gWqh = 0.0 * wqh;
        var gInitial = Matrix<double>.Build.Dense(model.HiddenSize, right.Forward.SequenceCount);
        var gInputs = new Matrix<double>[right.Forward.SequenceCount];
        var backward = right.Options;
        for (int b = 0; b < gInputs.Length; b++)
        {
            Matrix<double> states = right.Forward.HiddenStates(b);
            Matrix<double> outputGradients = right.OutputGradients(b);
            int length = right.Forward.Lengths[b];
            gInputs[b] = Matrix<double>.Build.Dense(model.InputSize, length);
            Vector<double> next = hasFinal && backward.FinalStateGradients is Matrix<double> e
                ? e.Column(b)
                : Vector<double>.Build.Dense(model.HiddenSize);
            for (int t = length - leavesOut; t >= firstStep; t--)
            {
                Vector<double> g = outputGradients.Column(t - 1);
                Vector<double> stateGradient = (wqh.Transpose() * g) + next;
                gWqh += g.OuterProduct(states.Column(t));
                gWhh += stateGradient.OuterProduct(states.Column(t - shift));
                gWhx += stateGradient.OuterProduct(InputOf(right.Forward, b, t));
                gInputs[b].SetColumn(t - 1, whx.Transpose() * stateGradient);
                next = recurs ? back * stateGradient : 0.0 * stateGradient;
            }
            gInitial.SetColumn(b, next);
        }
        return new(gWhx, gWhh, gWqh, gInitial, gInputs);
    }

    private static Vector<double> InputOf(ForwardPass forward, int sequence, int t) =>
        Vector<double>.Build.Dense(forward.InputColumns.Column(sequence, t).ToArray());

    private static GradientSet Scaled(GradientSet g, double factor) => new(
        factor * g.Whx, factor * g.Whh, factor * g.Wqh, factor * g.InitialStates,
        Array.ConvertAll(g.Inputs, m => factor * m));

    private static Matrix<double> Rotated(Matrix<double> matrix) => Matrix<double>.Build.Dense(
        matrix.RowCount, matrix.ColumnCount, (i, j) => matrix[i, (j + 1) % matrix.ColumnCount]);
}
