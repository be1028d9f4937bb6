// Output-error least squares for a network that runs freely: residuals, their derivatives, and steps. Chooses no start.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences of data      m  directions

using Bptt.Edge;
using Bptt.LinearAlgebra;
using Bptt.Optimization;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Identification;

/// <summary>What is estimated: o_t = W_qh h_t + D x_t + c with h_t = W_hx x_t + W_hh h_{t−1} from h_0.</summary>
/// <param name="Model">W_hx, W_hh and W_qh.</param>
/// <param name="States">h_0 of each sequence of data, h×B.</param>
/// <param name="Direct">D, q×d.</param>
/// <param name="Offset">c, length q.</param>
internal sealed record FreeSystem(LinearRnn Model, Matrix<double> States, Matrix<double> Direct, Vector<double> Offset)
{
    /// <summary>One that starts at rest, with neither D nor c.</summary>
    public static FreeSystem Of(LinearRnn model, int sequences) => new(
        model,
        Matrix<double>.Build.Dense(model.HiddenSize, sequences),
        Matrix<double>.Build.Dense(model.OutputSize, model.InputSize),
        Vector<double>.Build.Dense(model.OutputSize));
}

/// <summary>What is free beside the weights.</summary>
/// <param name="States">Whether h_0 of the sequences of data is.</param>
/// <param name="Offset">Whether c is.</param>
/// <param name="Direct">Whether D is.</param>
internal readonly record struct FreeParts(bool States, bool Offset, bool Direct);

/// <summary>
/// ½ Σ w_bt ‖o_t − y_t‖² over sequences of data, which have an h_0 of their own and the offset c, over sequences of a
/// prior, which start at rest and have no offset, and over copies without input of the sequences of data, which have
/// their h_0: a prior on what h_0 does.
/// </summary>
internal sealed class OutputErrorProblem
{
    private readonly SequenceBatch _inputs;
    private readonly double[][] _targets; // of each sequence, q×T_b
    private readonly double[][] _roots; // √w_bt
    private readonly int[] _stateOf;    // which h_0; −1 for rest
    private readonly int _dataCount;
    private readonly ExecutionOptions _execution;
    private readonly int[][] _active; // inputs that are not zero throughout: one array where they are the same

    /// <param name="inputs">All sequences: of data, of the prior from rest, of the prior on h_0.</param>
    /// <param name="targets">As long.</param>
    /// <param name="weights">w_bt.</param>
    /// <param name="dataCount">B.</param>
    /// <param name="parts">What is free; with free states the last B sequences are those of their prior.</param>
    /// <param name="execution">How passes run; its workspace is not used.</param>
    public OutputErrorProblem(
        SequenceBatch inputs,
        SequenceBatch targets,
        IReadOnlyList<double[]> weights,
        int dataCount,
        FreeParts parts,
        ExecutionOptions execution)
    {
        _inputs = inputs;
        _targets = [.. Enumerable.Range(0, targets.Count).Select(b => targets.Sequence(b).ToColumnMajorArray())];
        _roots = [.. weights.Select(w => Array.ConvertAll(w, Math.Sqrt))];
        _active = new int[inputs.Count][];
        for (int b = 0; b < inputs.Count; b++)
        {
            int[] active = Active(inputs.Sequence(b));
            _active[b] = Array.Find(_active, known => known is not null && known.SequenceEqual(active)) ?? active;
        }
        _dataCount = dataCount;
        Parts = parts;
        _stateOf = new int[inputs.Count];
        Array.Fill(_stateOf, -1);
        for (int b = 0; b < dataCount; b++)
        {
            _stateOf[b] = b;
            if (parts.States)
            {
                _stateOf[inputs.Count - dataCount + b] = b;
            }
        }
        _execution = execution with { Workspace = new Workspace() };
    }

    public FreeParts Parts { get; }

    /// <summary>B.</summary>
    public int DataCount => _dataCount;

    /// <summary>d.</summary>
    public int InputSize => _inputs.RowCount;

    /// <summary>T_b.</summary>
    public int LengthOf(int sequence) => _inputs.Lengths[sequence];

    /// <summary>The sum.</summary>
    public OutputErrorPoint Evaluate(FreeSystem system)
    {
        int h = system.Model.HiddenSize;
        var states = Matrix<double>.Build.Dense(h, _inputs.Count);
        for (int b = 0; b < _stateOf.Length; b++)
        {
            if (_stateOf[b] >= 0)
            {
                states.SetColumn(b, system.States.Column(_stateOf[b]));
            }
        }
        var forward = ForwardPass.Run(system.Model, _inputs, states, _execution);
        double[][] residuals = new double[_inputs.Count][];
        double sum = 0.0;
        for (int b = 0; b < residuals.Length; b++)
        {
            residuals[b] = Residuals(system, forward, b);
            sum += VectorMath.Dot(residuals[b], residuals[b]);
        }
        return new OutputErrorPoint(system, 0.5 * sum, residuals);
    }

    /// <summary>The sum where outputs are zero throughout: W_hx, h_0, D and c are.</summary>
    /// <param name="whh">W_hh, h×h.</param>
    /// <param name="wqh">W_qh, q×h.</param>
    public OutputErrorPoint AtRest(Matrix<double> whh, Matrix<double> wqh)
    {
        var model = new LinearRnn(Matrix<double>.Build.Dense(whh.RowCount, InputSize), whh, wqh);
        int q = wqh.RowCount;
        double[][] residuals =
            [.. _targets.Select((y, b) => y.Select((value, i) => -_roots[b][i / q] * value).ToArray())];
        return new OutputErrorPoint(
            FreeSystem.Of(model, _dataCount), 0.5 * residuals.Sum(r => VectorMath.Dot(r, r)), residuals);
    }

    /// <summary>Rows √w ∂o_t/∂z and √w r_t for the directions of the weights and of h_0 given, then for D and c where
    /// free.</summary>
    /// <param name="at">The point.</param>
    /// <param name="directions">Columns side by side, each W_hx, W_hh, W_qh, then h_0 where free.</param>
    /// <param name="cancellation">Asked now and then.</param>
    public TriangularFactor Rows(OutputErrorPoint at, double[] directions, CancellationToken cancellation)
    {
        LinearRnn model = at.System.Model;
        (int d, int h, int q) = (model.InputSize, model.HiddenSize, model.OutputSize);
        int weightCount = h * (d + h + q);
        int stride = weightCount + (Parts.States ? h * _dataCount : 0);
        int m = directions.Length / stride;
        int direct = Parts.Direct ? d : 0;
        int unknowns = m + q * (direct + (Parts.Offset ? 1 : 0));
        var factor = new TriangularFactor(unknowns);
        var derivatives = new FilteredDerivatives(model, directions, stride, _inputs.Lengths.Max());
        var rows = new FilteredRows(
            derivatives.Filters, _inputs, _roots, at.Residuals, _execution.Settings.Kernels);
        double[][][][] ofInputs = [.. Enumerable.Range(0, d).Select(derivatives.OfInput)];
        bool[] hasPulse = [.. _stateOf.Select(
            b => b >= 0 && (Parts.States || at.System.States.Column(b).Exists(x => x != 0.0)))];
        // Sequences that have their channels in common and no h_0 of their own have common coordinates.
        foreach (IGrouping<(bool, int, int[]), int> alike in Enumerable.Range(0, _inputs.Count)
            .GroupBy(b => (b < _dataCount, hasPulse[b] ? _stateOf[b] : -1, _active[b])))
        {
            int some = alike.First();
            var columns = new FilteredColumns(
                _active[some], hasPulse[some], Parts.Direct, Parts.Offset && some < _dataCount);
            IEnumerable<double[][][]> coordinates = columns.Inputs.Select(j => ofInputs[j]);
            if (columns.HasPulse)
            {
                int state = _stateOf[some];
                coordinates = coordinates.Append(derivatives.OfState(
                    at.System.States.Column(state), Parts.States ? weightCount + state * h : -1));
            }
            AddRows(factor, rows.Of([.. alike], columns, cancellation), columns, [.. coordinates]);
        }
        return factor;
    }

    /// <summary>Adds rows in coordinates of filters as rows in directions, D and c.</summary>
    /// <param name="factor">Receives them.</param>
    /// <param name="filtered">In coordinates of filters.</param>
    /// <param name="columns">What it holds.</param>
    /// <param name="coordinates">Of each channel those of each direction and output.</param>
    private void AddRows(
        TriangularFactor factor, TriangularFactor filtered, FilteredColumns columns, double[][][][] coordinates)
    {
        int channels = columns.Channels;
        Matrix<double> right = filtered.RightSides();
        int q = right.ColumnCount;
        int m = factor.Unknowns - q * ((Parts.Direct ? InputSize : 0) + (Parts.Offset ? 1 : 0));
        int filters = filtered.Unknowns - columns.Width(0);
        double[] merged = new double[filters]; // the channels of a filter side by side
        double[] row = new double[factor.Unknowns + 1];
        double[][] ofOutputs = new double[m * q][];
        for (int k = 0; k < m * q; k++)
        {
            for (int e = 0; e < filters; e++)
            {
                merged[e] = coordinates[e % channels][k / q][k % q][e / channels];
            }
            ofOutputs[k] = [.. merged];
        }
        for (int r = 0; r < filtered.Unknowns; r++)
        {
            ReadOnlySpan<double> triangle = filtered.Row(r);
            if (VectorMath.MaxAbs(triangle) == 0.0)
            {
                continue;
            }
            for (int i = 0; i < q; i++)
            {
                Array.Clear(row);
                for (int k = 0; k < m && r < filters; k++)
                {
                    row[k] = VectorMath.Dot(triangle[r..filters], ofOutputs[k * q + i].AsSpan(r));
                }
                int place = filters;
                for (int l = 0; l < columns.Inputs.Length && columns.HasInputs; l++)
                {
                    row[m + columns.Inputs[l] * q + i] = triangle[place++];
                }
                if (columns.HasOne)
                {
                    row[^(1 + q - i)] = triangle[place];
                }
                row[^1] = right[r, i];
                factor.Add(row);
            }
        }
    }

    /// <summary>The system moved.</summary>
    /// <param name="system">From where.</param>
    /// <param name="directions">As given to <see cref="Rows"/>.</param>
    /// <param name="step">Along each direction, then of D and c where free.</param>
    /// <returns>Null where a number overflows.</returns>
    public FreeSystem? Moved(FreeSystem system, double[] directions, ReadOnlySpan<double> step)
    {
        LinearRnn model = system.Model;
        (int d, int h, int q) = (model.InputSize, model.HiddenSize, model.OutputSize);
        int weightCount = h * (d + h + q);
        int stride = weightCount + (Parts.States ? h * _dataCount : 0);
        int m = directions.Length / stride;
        double[] values = new double[stride];
        model.Weights.Values.CopyTo(values);
        if (Parts.States)
        {
            system.States.ColumnMajor().CopyTo(values.AsSpan(weightCount));
        }
        for (int k = 0; k < m; k++)
        {
            VectorMath.AddScaled(step[k], directions.AsSpan(k * stride, stride), values);
        }
        if (VectorMath.FirstNonFinite(values) >= 0 || VectorMath.FirstNonFinite(step) >= 0)
        {
            return null;
        }
        var weights = new ParameterArray(d, h, q);
        values.AsSpan(0, weightCount).CopyTo(weights.Values);
        Matrix<double> direct = system.Direct;
        if (Parts.Direct)
        {
            direct += Matrix<double>.Build.Dense(q, d, step.Slice(m, q * d).ToArray());
            m += q * d;
        }
        return new FreeSystem(
            new LinearRnn(weights),
            Parts.States ? values[weightCount..].ToColumns(h) : system.States,
            direct,
            Parts.Offset ? system.Offset + Vector<double>.Build.Dense(step.Slice(m, q).ToArray()) : system.Offset);
    }

    private static int[] Active(Matrix<double> inputs) =>
        [.. Enumerable.Range(0, inputs.RowCount).Where(j => inputs.Row(j).Exists(x => x != 0.0))];

    /// <summary>√w (o_t − y_t) of a sequence, q×T_b.</summary>
    private double[] Residuals(FreeSystem system, ForwardPass forward, int b)
    {
        Matrix<double> outputs = forward.Outputs(b);
        if (Parts.Direct)
        {
            outputs += system.Direct * _inputs.Sequence(b);
        }
        int q = outputs.RowCount;
        double[] values = outputs.AsColumnMajorArray();
        ReadOnlySpan<double> targets = _targets[b];
        for (int t = 0; t < _roots[b].Length; t++)
        {
            double root = _roots[b][t];
            for (int i = 0; i < q; i++)
            {
                int k = t * q + i;
                double offset = b < _dataCount ? system.Offset[i] : 0.0;
                values[k] = root == 0.0 ? 0.0 : root * (values[k] + offset - targets[k]);
            }
        }
        return values;
    }
}

/// <summary>A system and the sum of squares there.</summary>
/// <param name="System">Where.</param>
/// <param name="Loss">½ Σ w ‖o − y‖².</param>
/// <param name="Residuals">√w (o_t − y_t) of each sequence, q×T_b.</param>
internal sealed record OutputErrorPoint(FreeSystem System, double Loss, double[][] Residuals);
