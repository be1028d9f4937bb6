// A random direction to differentiate in, as large in each parameter as the parameter itself, and inner products with
// it.
//
//   d  inputs      h  hidden units      q  outputs      B  sequences

using Bptt.Edge;
using Bptt.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Random;

namespace Bptt.Verification;

/// <summary>Every entry of a part has either sign and a magnitude from half to one and a half times a size, the root
/// mean square of the entries that it moves (1 where they are zero): the inner product with a gradient is then about as
/// large as the norm of the gradient times the size, whichever entries that has, and two errors of one size do not
/// cancel.</summary>
internal sealed class RandomDirection
{
    private readonly double _whxSize;
    private readonly double _whhSize;
    private readonly double _wqhSize;
    private readonly double _initialStateSize;
    private readonly double _inputSize;

    /// <param name="forward">The pass whose parameters are moved.</param>
    /// <param name="seed">Decides it.</param>
    /// <param name="movesInitialStates">Whether h_0 is moved too.</param>
    /// <param name="movesInputs">Whether x_t is moved too.</param>
    public RandomDirection(ForwardPass forward, int seed, bool movesInitialStates, bool movesInputs)
    {
        var random = new MersenneTwister(seed, threadSafe: false);
        LinearRnn model = forward.Model;
        Matrix<double> initialStates = forward.InitialStates;
        _whxSize = Size(model.Weights.Whx.Values);
        _whhSize = Size(model.Weights.Whh.Values);
        _wqhSize = Size(model.Weights.Wqh.Values);
        _initialStateSize = Size(initialStates.ColumnMajor());
        _inputSize = Size(forward.InputColumns.All.Values);
        Direction = new TangentDirection
        {
            Whx = Signs(model.HiddenSize, model.InputSize, _whxSize),
            Whh = Signs(model.HiddenSize, model.HiddenSize, _whhSize),
            Wqh = Signs(model.OutputSize, model.HiddenSize, _wqhSize),
            InitialStates = movesInitialStates
                ? Signs(model.HiddenSize, forward.SequenceCount, _initialStateSize)
                : null,
            Inputs = movesInputs
                ? SequenceBatch.Pack([.. forward.Lengths.Select(length => Signs(model.InputSize, length, _inputSize))])
                : null,
        };

        Matrix<double> Signs(int rows, int columns, double size) =>
            Matrix<double>.Build.Dense(
                rows, columns, (_, _) => (random.Next(2) == 0 ? size : -size) * (0.5 + random.NextDouble()));
    }

    /// <summary>v.</summary>
    public TangentDirection Direction { get; }

    /// <summary>⟨v, g⟩ for gradients of what is moved, and the size that it has for signs at random: the root of Σ
    /// size²‖g‖² over the parts.</summary>
    public (double Inner, double Size) With(
        Gradients gradients, Matrix<double>? initialStateGradients, SequenceBatch? inputGradients)
    {
        ParameterArray g = gradients.Entries;
        List<(double Inner, double Size)> parts =
        [
            Part(Direction.Whx!.ColumnMajor(), g.Whx.Values, _whxSize),
            Part(Direction.Whh!.ColumnMajor(), g.Whh.Values, _whhSize),
            Part(Direction.Wqh!.ColumnMajor(), g.Wqh.Values, _wqhSize),
        ];
        if (Direction.InitialStates is not null)
        {
            parts.Add(Part(
                Direction.InitialStates.ColumnMajor(), initialStateGradients!.ColumnMajor(), _initialStateSize));
        }
        if (Direction.Inputs is not null)
        {
            parts.Add(Part(
                Direction.Inputs.Columns.All.Values, inputGradients!.Columns.All.Values, _inputSize));
        }
        var inner = default(CompensatedSum);
        foreach ((double part, double _) in parts)
        {
            inner.Add(part);
        }
        return (inner.Value, VectorMath.Norm([.. parts.Select(part => part.Size)]));
    }

    /// <summary>The pass with everything moved by so many times the direction.</summary>
    public ForwardPass Move(ForwardPass forward, double step)
    {
        LinearRnn model = forward.Model;
        Matrix<double> initialStates = forward.InitialStates;
        if (Direction.InitialStates is not null)
        {
            initialStates += step * Direction.InitialStates;
        }
        PackedColumns inputs = forward.InputColumns;
        if (Direction.Inputs is not null)
        {
            PackedColumns moved = SequenceBatch.CopyOf(inputs).Columns;
            VectorMath.AddScaled(step, Direction.Inputs.Columns.All.Values, moved.All.Values);
            inputs = moved;
        }
        var movedModel = new LinearRnn(
            model.Whx + step * Direction.Whx!, model.Whh + step * Direction.Whh!, model.Wqh + step * Direction.Wqh!);
        return forward.Rerun(movedModel, initialStates.ColumnMajor(), inputs);
    }

    private static (double Inner, double Size) Part(
        ReadOnlySpan<double> direction, ReadOnlySpan<double> gradient, double size) =>
        (VectorMath.Dot(direction, gradient), size * VectorMath.Norm(gradient));

    private static double Size(ReadOnlySpan<double> values)
    {
        double size = VectorMath.RootMeanSquare(values);
        return size > 0.0 ? size : 1.0;
    }
}
