// The library's own plan carried out with MathNet: W_hx X, W_qh H, W_qhᵀ G and the three gradients as matrix products
// over all steps; only the two recurrences go step by step.
//
//   X  d×N      H  h×(B + N), h_0 first      G  q×N      D  h×N      N = ΣT_b

using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Benchmarks.Peers;

internal sealed class MathNetBatchedProducts : IPass
{
    private readonly PackedLayout _layout;
    private readonly long[] _predecessors;
    private readonly Matrix<double> _whx;
    private readonly Matrix<double> _whh;
    private readonly Matrix<double> _wqh;
    private readonly Matrix<double> _inputs;
    private readonly Matrix<double> _targets;
    private PassResult? _result;

    private MathNetBatchedProducts(Problem problem)
    {
        _layout = problem.Layout;
        _predecessors = _layout.Predecessors();
        _whx = problem.Model.Whx;
        _whh = problem.Model.Whh;
        _wqh = problem.Model.Wqh;
        _inputs = Matrix<double>.Build.Dense(_whx.ColumnCount, _layout.ColumnCount, problem.PackedInputs);
        _targets = Matrix<double>.Build.Dense(_wqh.RowCount, _layout.ColumnCount, problem.PackedTargets);
    }

    public static Contender Contender { get; } = new(
        "MathNet, batched products",
        IsSinglePrecision: false,
        UseThreads: threads => Control.MaxDegreeOfParallelism = threads,
        (problem, _) => new MathNetBatchedProducts(problem));

    public void Run()
    {
        // Forward: H holds W_hx X first, and the recurrence adds W_hh h_{t−1} in place.
        Matrix<double> states = _whx * _inputs;
        RunForward(states.AsColumnMajorArray());
        Matrix<double> outputGradients = _wqh * states - _targets;
        double loss = 0.0;
        foreach (double residual in outputGradients.AsColumnMajorArray())
        {
            loss += 0.5 * residual * residual;
        }
        outputGradients.Multiply(1.0 / _layout.ColumnCount, outputGradients);

        // Backward: D holds W_qhᵀ G first.
        Matrix<double> stateGradients = _wqh.TransposeThisAndMultiply(outputGradients);
        RunBackward(stateGradients.AsColumnMajorArray());

        _result = new PassResult(
            loss / _layout.ColumnCount,
            new Gradients(
                stateGradients.TransposeAndMultiply(_inputs),
                stateGradients.TransposeAndMultiply(Previous(states.AsColumnMajorArray())),
                outputGradients.TransposeAndMultiply(states)));
    }

    public PassResult ReadResult() => _result!;

    public void Dispose()
    {
    }

    private void RunForward(double[] states)
    {
        // MathNet multiplies by a transposed matrix faster than by a plain one.
        Matrix<double> transposed = _whh.Transpose();
        int h = _whh.RowCount;
        for (int t = 2; t <= _layout.StepCount; t++)
        {
            // The sequences still running are the first of those before.
            int width = _layout.Widths[t - 1];
            AddProduct(transposed, states, _layout.Offsets[t - 2] * h, _layout.Offsets[t - 1] * h, width);
        }
    }

    private void RunBackward(double[] stateGradients)
    {
        int h = _whh.RowCount;
        for (int t = _layout.StepCount - 1; t >= 1; t--)
        {
            int width = _layout.Widths[t];
            AddProduct(_whh, stateGradients, _layout.Offsets[t] * h, _layout.Offsets[t - 1] * h, width);
        }
    }

    /// <summary>Adds Aᵀ times one block of columns to another.</summary>
    private static void AddProduct(Matrix<double> a, double[] columns, int from, int to, int width)
    {
        int h = a.RowCount;
        double[] source = columns.AsSpan(from, h * width).ToArray();
        double[] product = width == 1
            ? a.TransposeThisAndMultiply(Vector<double>.Build.Dense(source)).AsArray()
            : a.TransposeThisAndMultiply(Matrix<double>.Build.Dense(h, width, source)).AsColumnMajorArray();
        for (int i = 0; i < product.Length; i++)
        {
            columns[to + i] += product[i];
        }
    }

    /// <summary>[h_0 … h_{T−1}], column for column beside D.</summary>
    private Matrix<double> Previous(double[] states)
    {
        int h = _whh.RowCount;
        double[] previous = new double[states.Length];
        for (int column = 0; column < _predecessors.Length; column++)
        {
            int from = (int)_predecessors[column] - _layout.SequenceCount;
            if (from >= 0) // h_0 is zero
            {
                Array.Copy(states, from * h, previous, column * h, h);
            }
        }
        return Matrix<double>.Build.Dense(h, _predecessors.Length, previous);
    }
}
