// Models that predict an output from measured ones, one step ahead: by regression, and as the innovations form by
// prediction error. Run freely they are simulators.
//
//   d  inputs      q  outputs      p  lags      n  order

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Identification;

/// <summary>y_t = Σ_{k=1..p} Φ_k y_{t−k} + Σ_{k=0..p} Θ_k u_{t−k} by least squares.</summary>
/// <param name="Outputs">Φ_1 … Φ_p, each q×q.</param>
/// <param name="Inputs">Θ_0 … Θ_p, each q×d.</param>
internal sealed record ArxModel(Matrix<double>[] Outputs, Matrix<double>[] Inputs)
{
    /// <summary>Least squares over the rows that have all of their past; null where they are too few.</summary>
    /// <param name="data">Stretches that all count.</param>
    /// <param name="lags">p.</param>
    /// <param name="cancellation">Ends it.</param>
    public static ArxModel? Fit(IdentificationData data, int lags, CancellationToken cancellation) =>
        LaggedRegression.IsDetermined(data, lags, lags)
            ? LaggedRegression.Model(data, lags, lags, cancellation) : null;

    /// <summary>As states x with y_t = C x_t + D u_t, in observer form: A, B, C and D.</summary>
    public (Matrix<double> A, Matrix<double> B, Matrix<double> C, Matrix<double> D) ToStates()
    {
        int p = Outputs.Length;
        int q = Outputs[0].RowCount;
        int d = Inputs[0].ColumnCount;
        var a = Matrix<double>.Build.Dense(p * q, p * q);
        var b = Matrix<double>.Build.Dense(p * q, d);
        for (int k = 0; k < p; k++)
        {
            a.SetSubMatrix(k * q, 0, Outputs[k]);
            if (k + 1 < p)
            {
                a.SetSubMatrix(k * q, (k + 1) * q, Matrix<double>.Build.DenseIdentity(q));
            }
            b.SetSubMatrix(k * q, 0, Inputs[k + 1] + Outputs[k] * Inputs[0]);
        }
        var c = Matrix<double>.Build.Dense(q, p * q);
        c.SetSubMatrix(0, 0, Matrix<double>.Build.DenseIdentity(q));
        return (a, b, c, Inputs[0]);
    }

    /// <summary>g_0 … g_{count−1}, each q×d.</summary>
    public Matrix<double>[] Response(int count)
    {
        var response = new Matrix<double>[count];
        for (int k = 0; k < count; k++)
        {
            response[k] = k < Inputs.Length
                ? Inputs[k].Clone() : Matrix<double>.Build.Dense(Inputs[0].RowCount, Inputs[0].ColumnCount);
            for (int i = 1; i <= Math.Min(k, Outputs.Length); i++)
            {
                response[k] += Outputs[i - 1] * response[k - i];
            }
        }
        return response;
    }

    /// <summary>What [u_t; y_{t−1}] do to the prediction: [Θ_k Φ_{k+1}], each q×(d + q); zero beyond the
    /// lags.</summary>
    public Matrix<double>[] PredictorResponse(int count)
    {
        int q = Outputs[0].RowCount;
        return [.. Enumerable.Range(0, count).Select(k =>
            (k < Inputs.Length ? Inputs[k] : Matrix<double>.Build.Dense(q, Inputs[0].ColumnCount))
                .Append(k < Outputs.Length ? Outputs[k] : Matrix<double>.Build.Dense(q, q)))];
    }
}

/// <summary>The innovations form h_t = F h_{t−1} + W_u u_t + K y_{t−1}, ŷ_t = C h_t.</summary>
/// <param name="Predictor">W_hx = [W_u K], W_hh = F and W_qh = C.</param>
/// <param name="Covariance">Of ŷ_t − y_t, q×q.</param>
internal sealed record PredictorModel(LinearRnn Predictor, Matrix<double> Covariance)
{
    private const int MostSkipped = 10;
    private const int Lags = 20;
    private const int Horizon = 12;

    /// <summary>The least prediction error, from a subspace of the regression on past inputs and outputs (Jansson 2003,
    /// "Subspace identification and ARX modelling"); null where the data are too few.</summary>
    /// <param name="data">Stretches that all count.</param>
    /// <param name="order">n.</param>
    /// <param name="mostSteps">Of the search.</param>
    /// <param name="execution">How passes run.</param>
    /// <param name="cancellation">Ends it.</param>
    public static PredictorModel? Fit(
        IdentificationData data, int order, int mostSteps, ExecutionOptions execution, CancellationToken cancellation)
    {
        int q = data.OutputSize;
        Matrix<double>[] signals = [.. data.Inputs.Select((u, b) => u.Stack(Delayed(data.Targets[b])))];
        double[][] weights = [.. data.Inputs.Select(u => Weights(u.ColumnCount))];
        var problem = new OutputErrorProblem(
            SequenceBatch.Pack(signals), SequenceBatch.Pack(data.Targets), weights, signals.Length, default, execution);
        var predictable = new IdentificationData(signals, data.Targets);
        OutputErrorPoint? best = null;
        foreach (int lags in new[] { Math.Max(4, order), Lags }.Distinct())
        {
            if (ArxModel.Fit(data, lags, cancellation) is not ArxModel arx)
            {
                continue;
            }
            int blocks = Math.Max(Horizon, order / q + 2);
            var realization = new HankelRealization(
                arx.PredictorResponse(2 * blocks - 1), HankelRealization.InputWeight(predictable, blocks));
            if (realization.MaxOrder < order)
            {
                continue;
            }
            OutputErrorPoint? start = EstimationStarts.From(problem, realization, order, cancellation);
            if (start is not null && (best is null || start.Loss < best.Loss))
            {
                best = start;
            }
        }
        if (best is null)
        {
            return null;
        }
        best = OutputErrorSearch.Run(problem, best, mostSteps, 1e-5, cancellation);
        return new PredictorModel(best.System.Model, CovarianceOf(best.System.Model, signals, data.Targets, weights));
    }

    private static Matrix<double> CovarianceOf(
        LinearRnn predictor, Matrix<double>[] signals, Matrix<double>[] targets, double[][] weights)
    {
        int q = predictor.OutputSize;
        var sum = Matrix<double>.Build.Dense(q, q);
        for (int b = 0; b < signals.Length; b++)
        {
            Matrix<double> errors = ForwardPass.Run(predictor, signals[b]).Outputs() - targets[b];
            for (int t = 0; t < errors.ColumnCount; t++)
            {
                if (weights[b][t] > 0.0)
                {
                    sum += errors.Column(t).OuterProduct(errors.Column(t));
                }
            }
        }
        return sum / weights.Sum(w => w.Sum());
    }

    /// <summary>W_u, F + KC and C: what it does with its own predictions in the place of outputs.</summary>
    public LinearRnn Simulator()
    {
        int q = Predictor.OutputSize;
        int d = Predictor.InputSize - q;
        int n = Predictor.HiddenSize;
        Matrix<double> whx = Predictor.Whx;
        return new LinearRnn(
            whx.SubMatrix(0, n, 0, d),
            StabilityRepair.Stable(Predictor.Whh + whx.SubMatrix(0, n, d, q) * Predictor.Wqh),
            Predictor.Wqh);
    }

    private static Matrix<double> Delayed(Matrix<double> targets)
    {
        var delayed = Matrix<double>.Build.Dense(targets.RowCount, targets.ColumnCount);
        if (targets.ColumnCount > 1)
        {
            delayed.SetSubMatrix(0, 1, targets.SubMatrix(0, targets.RowCount, 0, targets.ColumnCount - 1));
        }
        return delayed;
    }

    /// <summary>What came before a stretch is not known: its first steps do not count.</summary>
    private static double[] Weights(int length)
    {
        double[] weights = new double[length];
        Array.Fill(weights, 1.0);
        Array.Clear(weights, 0, Math.Min(MostSkipped, length / 4));
        return weights;
    }
}
