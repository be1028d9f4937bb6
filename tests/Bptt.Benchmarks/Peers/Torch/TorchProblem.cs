// The data of a problem as tensors. TorchSharp is row-major, so the packed columns of the other programs are rows here:
//
//   X  N×d      Y  N×q      one row for each step of each sequence, time-major, longest sequence first      N = ΣT_b
//
// One sequence has vectors for steps, a batch matrices.

using MathNet.Numerics.LinearAlgebra;
using static TorchSharp.torch;

namespace Bptt.Benchmarks.Peers.Torch;

/// <summary>Tensors of one precision. Whoever is given it disposes it.</summary>
internal sealed class TorchProblem : IDisposable
{
    public TorchProblem(Problem problem, ScalarType type)
    {
        Layout = problem.Layout;
        Type = type;
        Whx = Weights(problem.Model.Whx);
        Whh = Weights(problem.Model.Whh);
        Wqh = Weights(problem.Model.Wqh);
        Inputs = Tensor(problem.PackedInputs, Layout.ColumnCount, problem.Model.InputSize);
        Targets = Tensor(problem.PackedTargets, Layout.ColumnCount, problem.Model.OutputSize);
        InputSteps = Steps(Inputs);
        TargetSteps = Steps(Targets);
    }

    public PackedLayout Layout { get; }

    public ScalarType Type { get; }

    /// <summary>Whether the steps are vectors.</summary>
    public bool IsOneSequence => Layout.SequenceCount == 1;

    public Tensor Whx { get; }

    public Tensor Whh { get; }

    public Tensor Wqh { get; }

    /// <summary>X, N×d.</summary>
    public Tensor Inputs { get; }

    /// <summary>Y, N×q.</summary>
    public Tensor Targets { get; }

    /// <summary>x_t of the sequences still running at t: d, or B_t×d.</summary>
    public Tensor[] InputSteps { get; }

    /// <summary>y_t of the sequences still running at t: q, or B_t×q.</summary>
    public Tensor[] TargetSteps { get; }

    /// <summary>Views of the rows of each step.</summary>
    /// <param name="rows">At least one row for each step of each sequence.</param>
    /// <param name="first">The row of step 1.</param>
    public Tensor[] Steps(Tensor rows, int first = 0) =>
    [
        .. Layout.Offsets.Select((offset, i) =>
            IsOneSequence ? rows.select(0, first + offset) : rows.narrow(0, first + offset, Layout.Widths[i])),
    ];

    /// <summary>h_0: zeros, h or B×h.</summary>
    public Tensor InitialState() => IsOneSequence
        ? zeros(Whh.shape[0], Type)
        : zeros(Layout.SequenceCount, Whh.shape[0], Type);

    /// <summary>What the library's own types hold.</summary>
    public static PassResult Result(double loss, Tensor whx, Tensor whh, Tensor wqh) =>
        new(loss, new Gradients(Matrix(whx), Matrix(whh), Matrix(wqh)));

    public void Dispose()
    {
        foreach (Tensor tensor in (IEnumerable<Tensor>)[.. InputSteps, .. TargetSteps, Inputs, Targets, Whx, Whh, Wqh])
        {
            tensor.Dispose();
        }
    }

    private static Matrix<double> Matrix(Tensor tensor)
    {
        using Tensor copy = tensor.to_type(ScalarType.Float64).contiguous();
        return Matrix<double>.Build.DenseOfRowMajor(
            (int)copy.shape[0], (int)copy.shape[1], copy.data<double>().ToArray());
    }

    private Tensor Weights(Matrix<double> weights) =>
        Tensor(weights.ToRowMajorArray(), weights.RowCount, weights.ColumnCount);

    private Tensor Tensor(double[] entries, long rows, long columns) =>
        tensor(entries, [rows, columns], ScalarType.Float64).to_type(Type);
}
