// The textbook loop with MathNet: for one sequence matrix-vector products and outer products at every step, for a batch
// matrix products at every step. Nothing is gathered over time.

using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Benchmarks.Peers;

internal static class MathNetStepByStep
{
    public static Contender Contender { get; } = new(
        "MathNet, step by step",
        IsSinglePrecision: false,
        UseThreads: threads => Control.MaxDegreeOfParallelism = threads,
        (problem, _) => problem.Layout.SequenceCount == 1 ? new OneSequence(problem) : new Batch(problem));

    private sealed class OneSequence(Problem problem) : IPass
    {
        private readonly int _stepCount = problem.Layout.StepCount;
        private readonly Matrix<double> _whx = problem.Model.Whx;
        private readonly Matrix<double> _whh = problem.Model.Whh;
        private readonly Matrix<double> _wqh = problem.Model.Wqh;
        private readonly Vector<double>[] _inputs = Columns(problem.PackedInputs, problem.Model.InputSize);
        private readonly Vector<double>[] _targets = Columns(problem.PackedTargets, problem.Model.OutputSize);
        private PassResult? _result;

        public void Run()
        {
            var states = new Vector<double>[_stepCount + 1];
            var residuals = new Vector<double>[_stepCount];
            double loss = 0.0;
            states[0] = Vector<double>.Build.Dense(_whh.RowCount);
            for (int t = 1; t <= _stepCount; t++)
            {
                states[t] = _whx * _inputs[t - 1] + _whh * states[t - 1];
                residuals[t - 1] = _wqh * states[t] - _targets[t - 1];
                loss += 0.5 * residuals[t - 1].DotProduct(residuals[t - 1]);
            }

            var whx = Matrix<double>.Build.Dense(_whx.RowCount, _whx.ColumnCount);
            var whh = Matrix<double>.Build.Dense(_whh.RowCount, _whh.ColumnCount);
            var wqh = Matrix<double>.Build.Dense(_wqh.RowCount, _wqh.ColumnCount);
            Vector<double>? next = null;
            for (int t = _stepCount; t >= 1; t--)
            {
                Vector<double> outputGradient = residuals[t - 1] / _stepCount;
                Vector<double> stateGradient = _wqh.TransposeThisAndMultiply(outputGradient);
                if (next is not null)
                {
                    stateGradient += _whh.TransposeThisAndMultiply(next);
                }
                whx.Add(stateGradient.OuterProduct(_inputs[t - 1]), whx);
                whh.Add(stateGradient.OuterProduct(states[t - 1]), whh);
                wqh.Add(outputGradient.OuterProduct(states[t]), wqh);
                next = stateGradient;
            }
            _result = new PassResult(loss / _stepCount, new Gradients(whx, whh, wqh));
        }

        public PassResult ReadResult() => _result!;

        public void Dispose()
        {
        }

        private static Vector<double>[] Columns(double[] packed, int rows) =>
            [.. packed.Chunk(rows).Select(column => Vector<double>.Build.Dense(column))];
    }

    private sealed class Batch(Problem problem) : IPass
    {
        private readonly PackedLayout _layout = problem.Layout;
        private readonly Matrix<double> _whx = problem.Model.Whx;
        private readonly Matrix<double> _whh = problem.Model.Whh;
        private readonly Matrix<double> _wqh = problem.Model.Wqh;
        private readonly Matrix<double>[] _inputs = Blocks(
            problem.Layout, problem.PackedInputs, problem.Model.InputSize);
        private readonly Matrix<double>[] _targets = Blocks(
            problem.Layout, problem.PackedTargets, problem.Model.OutputSize);
        private PassResult? _result;

        public void Run()
        {
            int stepCount = _layout.StepCount;
            int h = _whh.RowCount;
            var states = new Matrix<double>[stepCount];
            var previous = new Matrix<double>[stepCount]; // h_{t−1} of the sequences still running at t
            var residuals = new Matrix<double>[stepCount];
            double loss = 0.0;
            var last = Matrix<double>.Build.Dense(h, _layout.SequenceCount);
            for (int t = 1; t <= stepCount; t++)
            {
                int width = _layout.Widths[t - 1];
                previous[t - 1] = width == last.ColumnCount ? last : last.SubMatrix(0, h, 0, width);
                states[t - 1] = _whx * _inputs[t - 1] + _whh * previous[t - 1];
                residuals[t - 1] = _wqh * states[t - 1] - _targets[t - 1];
                foreach (double residual in residuals[t - 1].AsColumnMajorArray())
                {
                    loss += 0.5 * residual * residual;
                }
                last = states[t - 1];
            }

            var whx = Matrix<double>.Build.Dense(_whx.RowCount, _whx.ColumnCount);
            var whh = Matrix<double>.Build.Dense(_whh.RowCount, _whh.ColumnCount);
            var wqh = Matrix<double>.Build.Dense(_wqh.RowCount, _wqh.ColumnCount);
            Matrix<double>? next = null;
            for (int t = stepCount; t >= 1; t--)
            {
                Matrix<double> outputGradient = residuals[t - 1] / _layout.ColumnCount;
                Matrix<double> stateGradient = _wqh.TransposeThisAndMultiply(outputGradient);
                if (next is not null)
                {
                    Matrix<double> carried = _whh.TransposeThisAndMultiply(next);
                    if (carried.ColumnCount == stateGradient.ColumnCount)
                    {
                        stateGradient.Add(carried, stateGradient);
                    }
                    else
                    {
                        int width = carried.ColumnCount;
                        stateGradient.SetSubMatrix(0, 0, stateGradient.SubMatrix(0, h, 0, width) + carried);
                    }
                }
                whx.Add(stateGradient.TransposeAndMultiply(_inputs[t - 1]), whx);
                whh.Add(stateGradient.TransposeAndMultiply(previous[t - 1]), whh);
                wqh.Add(outputGradient.TransposeAndMultiply(states[t - 1]), wqh);
                next = stateGradient;
            }
            _result = new PassResult(loss / _layout.ColumnCount, new Gradients(whx, whh, wqh));
        }

        public PassResult ReadResult() => _result!;

        public void Dispose()
        {
        }

        private static Matrix<double>[] Blocks(PackedLayout layout, double[] packed, int rows) =>
        [
            .. Enumerable.Range(0, layout.StepCount).Select(i => Matrix<double>.Build.Dense(
                rows, layout.Widths[i], packed.AsSpan(layout.Offsets[i] * rows, layout.Widths[i] * rows).ToArray())),
        ];
    }
}
