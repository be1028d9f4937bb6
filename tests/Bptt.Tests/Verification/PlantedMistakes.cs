// Gradients of random scenarios that are wrong: the classic mistakes of Mistakes.cs, and small ones in single entries.

using Bptt.Edge;
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
        bool isSquare = scenario.Problem.OutputSize == scenario.Problem.HiddenSize;
        IEnumerable<(string, GradientSet)> candidates =
        [
            .. Mistakes.All
                .Where(mistake => isSquare || mistake != Mistake.OutputWeightsNotTransposed)
                .Select(mistake => (mistake.Text(), Loops(scenario, right, mistake))),
            ("a factor of 1.0001", Scaled(gradients, 1.0001)),
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
                yield return (
                    $"one entry of {name}, {matrix[row, column]:E2} beside {matrix.FrobeniusNorm():E2}", with(wrong));
            }
        }
    }

    /// <summary>By the loops, with one mistake or none.</summary>
    public static GradientSet Loops(RandomScenario scenario, BackwardThroughTime right, Mistake mistake)
    {
        ProgramGradients program = Mistakes.Gradients(
            right, Array.ConvertAll(scenario.Problem.Inputs, inputs => inputs.ToMatrix()), mistake);
        return new(
            program.Gradients.Whx,
            program.Gradients.Whh,
            program.Gradients.Wqh,
            program.InitialStates,
            [.. Enumerable.Range(0, right.Forward.SequenceCount).Select(program.Inputs.Sequence)]);
    }

    private static GradientSet Scaled(GradientSet g, double factor) => new(
        factor * g.Whx, factor * g.Whh, factor * g.Wqh, factor * g.InitialStates,
        Array.ConvertAll(g.Inputs, m => factor * m));

    private static Matrix<double> Rotated(Matrix<double> matrix) => Matrix<double>.Build.Dense(
        matrix.RowCount, matrix.ColumnCount, (i, j) => matrix[i, (j + 1) % matrix.ColumnCount]);
}
