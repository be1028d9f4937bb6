// The least-squares ARX model that a fit is compared with. A baseline, no part of the engine.
//
//   d  inputs      q  outputs      n  order

using Bptt.Cli.Data;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Bptt.Cli.Fitting;

/// <summary>
/// y_t = c + Σ_{i=1..n} A_i y_{t−i} + Σ_{j=0..n} B_j x_{t−j}, by least squares on the training part (Ljung, <i>System
/// Identification</i>, section 4.2), run free: fed the inputs and its own outputs. Means of inputs and outputs need not
/// belong to each other, as where the training part begins far from rest: so there is a constant c, where the criterion
/// that takes the order favours one. Where an output is forecast from inputs that hold its own past, that past is
/// measured and enters through the inputs alone: an AR model of n lags. Only steps are used at which every output is
/// measured, now and n steps back; where those are too few, as of outputs that are measured every few steps, past
/// outputs do not enter: a finite impulse response of n lags.
/// </summary>
internal sealed class ArxBaseline
{
    private const int MaxOrder = 10;

    /// <summary>Beyond the first order; least squares take time with the cube of them.</summary>
    private const int MostRegressors = 300;

    /// <summary>Where outputs are missing, for each order beyond the first: the steps left may be few.</summary>
    private const int StepsPerRegressor = 5;

    private readonly Structure _structure;
    private readonly Matrix<double> _coefficients; // q×regressors

    private ArxBaseline(Structure structure, Matrix<double> coefficients)
    {
        _structure = structure;
        _coefficients = coefficients;
    }

    /// <summary>As tables name it.</summary>
    public string Name => $"{_structure.Kind}({_structure.Order}) least squares";

    /// <summary>Fits orders 1 to 10, fewer where inputs are many, with a constant and without, on the training part and
    /// takes the one with the smallest Akaike criterion, Σ_outputs N ln(residual variance) + 2·parameters, over the
    /// same rows for all.</summary>
    public static ArxBaseline Fit(Dataset data)
    {
        var sequences = Sequence.Of(data.Training);
        bool hasLags = StepsFrom(Structure.Of(data, 1, hasLags: true), 1) > Structure.Of(data, 1, true).RegressorCount
            || data.Training.Weights is null;
        int fewest = data.Training.Weights is null ? 1 : StepsPerRegressor;
        Structure[] candidates = Enumerable.Range(1, MaxOrder).Select(n => Structure.Of(data, n, hasLags))
            .Where((s, i) => i == 0
                || (s.RegressorCount <= MostRegressors && StepsFrom(s, s.Order) > fewest * s.RegressorCount)).ToArray();
        int firstRow = Math.Min(candidates[^1].Order, data.Training.Inputs.Lengths.Max() - 1);
        firstRow = StepsFrom(candidates[^1], firstRow) > 0 ? firstRow : 0;
        var steps = Steps(candidates[^1], firstRow);
        return candidates.SelectMany(s => Fits(s, steps)).MinBy(f => f.Criterion).Model;

        (Sequence Sequence, int Step)[] Steps(Structure structure, int first) =>
        [
            .. sequences.SelectMany(s => s.Steps(first, structure.LaggedOutputs.Length == 0 ? 0 : structure.Order)
                .Select(t => (s, t))),
        ];

        int StepsFrom(Structure structure, int first) => Steps(structure, first).Length;
    }

    /// <summary>The outputs from the inputs alone, q×N, joined. Before the first row of a sequence everything stands
    /// at its training mean.</summary>
    public Matrix<double> RunFree(SequenceBatch inputs) => Dataset.Joined(
        SequenceBatch.Pack([.. Enumerable.Range(0, inputs.Count).Select(b => RunFree(inputs.Sequence(b)))]));

    private Matrix<double> RunFree(Matrix<double> inputs)
    {
        var outputs = Matrix<double>.Build.Dense(_coefficients.RowCount, inputs.ColumnCount);
        for (int t = 0; t < inputs.ColumnCount; t++)
        {
            outputs.SetColumn(t, _coefficients * _structure.Regressors(inputs, outputs, t));
        }
        return outputs;
    }

    /// <summary>Without the constant and with it.</summary>
    private static IEnumerable<(ArxBaseline Model, double Criterion)> Fits(
        Structure structure, (Sequence Sequence, int Step)[] steps)
    {
        int q = steps[0].Sequence.Targets.RowCount;
        Matrix<double> regressors = Matrix<double>.Build.DenseOfRowVectors(
            steps.Select(s => structure.Regressors(s.Sequence.Inputs, s.Sequence.Targets, s.Step)));
        Matrix<double> wanted = Matrix<double>.Build.DenseOfRowVectors(
            steps.Select(s => s.Sequence.Targets.Column(s.Step)));
        Func<int, Matrix<double>> solutions = LeastSquares(regressors, wanted);
        foreach (Structure tried in new[] { structure with { HasConstant = false }, structure })
        {
            int count = tried.RegressorCount;
            Matrix<double> solution = solutions(count);
            Matrix<double> residuals = wanted - regressors.SubMatrix(0, steps.Length, 0, count) * solution;
            double logVariances = residuals.EnumerateColumns().Sum(r => Math.Log(r.DotProduct(r) / steps.Length));
            yield return (
                new ArxBaseline(tried, solution.Transpose()), steps.Length * logVariances + 2.0 * q * count);
        }
    }

    /// <summary>By a number of the first columns of A, the shortest X that minimises ‖A X − B‖: the pseudo-inverse
    /// stands inputs that repeat themselves, whose lags are linearly dependent. Of a long A it is that of its small
    /// triangle, A = QR and so A⁺ = R⁺Qᵀ: that of A itself would take as much memory as the square of its
    /// length.</summary>
    private static Func<int, Matrix<double>> LeastSquares(Matrix<double> a, Matrix<double> b)
    {
        if (a.RowCount <= a.ColumnCount)
        {
            return count => a.SubMatrix(0, a.RowCount, 0, count).PseudoInverse() * b;
        }
        QR<double> factors = a.QR(QRMethod.Thin);
        Matrix<double> right = factors.Q.TransposeThisAndMultiply(b);
        return count => factors.R.SubMatrix(0, count, 0, count).PseudoInverse()
            * right.SubMatrix(0, count, 0, right.ColumnCount);
    }

    /// <summary>One sequence that trains.</summary>
    /// <param name="Inputs">d×T.</param>
    /// <param name="Targets">q×T.</param>
    /// <param name="Weights">For each step 0 where an output is missing; null where none is.</param>
    private sealed record Sequence(Matrix<double> Inputs, Matrix<double> Targets, double[]? Weights)
    {
        public static Sequence[] Of(TrainingSequences all) =>
        [
            .. Enumerable.Range(0, all.Inputs.Count).Select(b => new Sequence(
                all.Inputs.Sequence(b), all.FilledTargets.Sequence(b), all.Weights?[b])),
        ];

        /// <summary>The steps (from 0) from one on at which nothing is missing, nor at the lags before.</summary>
        public IEnumerable<int> Steps(int first, int lags) =>
            Enumerable.Range(first, Math.Max(0, Inputs.ColumnCount - first)).Where(t => Weights is null
                || Enumerable.Range(Math.Max(0, t - lags), Math.Min(t, lags) + 1).All(s => Weights[s] > 0.0));
    }

    /// <summary>Which lags of which signals enter.</summary>
    /// <param name="Order">n.</param>
    /// <param name="InputSize">d.</param>
    /// <param name="InputLags">x_t … x_{t−InputLags+1} enter.</param>
    /// <param name="LaggedOutputs">The outputs whose n last values enter.</param>
    /// <param name="Kind">As tables name it.</param>
    /// <param name="HasConstant">Whether c enters.</param>
    private sealed record Structure(
        int Order, int InputSize, int InputLags, int[] LaggedOutputs, string Kind, bool HasConstant = true)
    {
        public int RegressorCount => InputLags * InputSize + Order * LaggedOutputs.Length + (HasConstant ? 1 : 0);

        public static Structure Of(Dataset data, int order, bool hasLags)
        {
            bool isForecast = data.StepsAhead > 0;
            string[] measured = isForecast ? data.InputChannels.Select(c => c.Name).ToArray() : [];
            int[] unmeasured = Enumerable.Range(0, data.OutputChannels.Length)
                .Where(i => !measured.Contains(data.OutputChannels[i].Name)).ToArray();
            return new Structure(
                order,
                data.InputChannels.Length,
                isForecast ? order : order + 1,
                hasLags ? unmeasured : [],
                unmeasured.Length == 0 ? "AR" : hasLags ? "ARX" : "FIR");
        }

        /// <summary>The right-hand side of step t (from 0), what lies before the first step is 0, the training
        /// mean, and 1 stands for the constant.</summary>
        public Vector<double> Regressors(Matrix<double> inputs, Matrix<double> outputs, int t)
        {
            var regressors = new List<double>(RegressorCount);
            for (int lag = 0; lag < InputLags; lag++)
            {
                for (int i = 0; i < InputSize; i++)
                {
                    regressors.Add(t >= lag ? inputs[i, t - lag] : 0.0);
                }
            }
            for (int lag = 1; lag <= Order; lag++)
            {
                foreach (int i in LaggedOutputs)
                {
                    regressors.Add(t >= lag ? outputs[i, t - lag] : 0.0);
                }
            }
            if (HasConstant)
            {
                regressors.Add(1.0);
            }
            return Vector<double>.Build.DenseOfEnumerable(regressors);
        }
    }
}
