// Finds W_hx, W_hh and W_qh among the tensors of a file, and refuses what would change what the model computes.

using Bptt.Edge;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Files;

internal sealed class WeightSearch(WeightNames names, IReadOnlyDictionary<string, StoredTensor> tensors)
{
    public LinearRnn Model()
    {
        string whh = Single("W_hh", Ending(1, without: []), names.Endings[1]);
        string whx = Single("W_hx", BesideOf(whh, Ending(0, without: [whh])), names.Endings[0]);
        string wqh = Single("W_qh", Ending(2, without: [whh, whx]), names.Endings[2]);
        RefuseOthers(whx, whh, wqh);
        Matrix<double> recurrent = MatrixOf(whh);
        int h = recurrent.RowCount;
        if (h != recurrent.ColumnCount)
        {
            throw new InvalidDataException(
                $"{whh}: expected h×h, got {h}×{recurrent.ColumnCount}; "
                + "the gates of a GRU or LSTM, stacked, are no linear network.");
        }
        Matrix<double> input = MatrixOf(whx);
        Matrix<double> output = MatrixOf(wqh);
        Require(input.RowCount == h, whx, "h×d", h, input);
        Require(output.ColumnCount == h, wqh, "q×h", h, output);
        return new LinearRnn(input, recurrent, output);
    }

    /// <summary>Names that end like those of a weight; only the whole name where one is that.</summary>
    private string[] Ending(int weight, string[] without)
    {
        string ending = names.Endings[weight];
        string[] found = [.. tensors.Keys.Where(name => !without.Contains(name) && EndsWith(name, ending))];
        return !names.IsConvention && found.Contains(ending) ? [ending] : found;
    }

    /// <summary>Where several names end alike, those that stand beside W_hh: Keras and Flax call more than one matrix a
    /// kernel.</summary>
    private static string[] BesideOf(string whh, string[] found)
    {
        if (found.Length < 2)
        {
            return found;
        }
        string[] parts = Parts(whh);
        string[] siblings = [.. found.Where(name => Parent(name).SequenceEqual(Parent(whh)))];
        if (siblings.Length > 0)
        {
            return siblings;
        }
        for (int shared = parts.Length - 1; shared > 0; shared--)
        {
            string[] near = [.. found.Where(name => Parts(name).Take(shared).SequenceEqual(parts.Take(shared)))];
            if (near.Length > 0)
            {
                return near;
            }
        }
        return found;
    }

    private string Single(string weight, string[] found, string ending) => found switch
    {
        [string only] => only,
        [] => throw new InvalidDataException(
            $"expected a tensor '{ending}' for {weight}, got none among {Listed(tensors.Keys)}."),
        _ => throw new InvalidDataException(
            $"expected one tensor '{ending}' for {weight}, got {Listed(found)}; "
            + "WeightNames with the whole names tells which."),
    };

    /// <summary>A bias that is not zero changes the outputs, and so do weights of further layers.</summary>
    private void RefuseOthers(params string[] weights)
    {
        foreach ((string name, StoredTensor tensor) in tensors.Where(t => !weights.Contains(t.Key)))
        {
            string last = Parts(name)[^1];
            bool isBias = last.StartsWith("bias", StringComparison.Ordinal) || last is "b";
            bool isTheirs = names.IsConvention || weights.Any(weight => Parent(weight).SequenceEqual(Parent(name)));
            if (isBias && isTheirs && tensor.Values.ContainsAnyExcept(0.0))
            {
                throw new InvalidDataException(
                    $"{name}: expected no bias, or one of zeros. A model without bias learns an offset from an input "
                    + "that is constantly 1: its column of W_hx is the bias of the hidden units.");
            }
            if (!isBias && names.IsConvention)
            {
                throw new InvalidDataException(
                    $"{name}: expected the weights {Listed(weights)} alone, as this model has no others; "
                    + "WeightNames with these names leaves others out.");
            }
        }
    }

    private Matrix<double> MatrixOf(string name)
    {
        StoredTensor tensor = tensors[name];
        if (tensor.Shape is not [> 0, > 0])
        {
            throw new InvalidDataException($"{name}: expected a matrix, got the shape {tensor.ShapeText}.");
        }
        int index = LinearAlgebra.VectorMath.FirstNonFinite(tensor.Values);
        if (index >= 0)
        {
            throw new InvalidDataException($"{name}: expected finite numbers, got "
                + $"{NumberText.Exact(tensor.Values[index])} at index {index} (from 0).");
        }
        var matrix = tensor.ToMatrix();
        return names.IsTransposed ? matrix.Transpose() : matrix;
    }

    private void Require(bool fits, string name, string shape, int h, Matrix<double> got)
    {
        if (!fits)
        {
            bool turned = names.IsTransposed;
            (int rows, int columns) = turned ? (got.ColumnCount, got.RowCount) : (got.RowCount, got.ColumnCount);
            string expected = turned ? string.Concat(shape.Reverse()) : shape;
            throw new InvalidDataException(
                $"{name}: expected {expected} with {h} hidden units (h), as W_hh has, got {rows}×{columns}.");
        }
    }

    private static bool EndsWith(string name, string ending)
    {
        string[] parts = Parts(name);
        string[] last = Parts(ending);
        return parts.Length >= last.Length && parts.AsSpan(parts.Length - last.Length).SequenceEqual(last);
    }

    /// <summary>Without the number of an output that TensorFlow appends: kernel:0.</summary>
    private static string Plain(string name) =>
        name.EndsWith(":0", StringComparison.Ordinal) ? name[..^2] : name;

    private static string[] Parts(string name) => Plain(name).Split('.', '/');

    private static string[] Parent(string name) => Parts(name)[..^1];

    private static string Listed(IEnumerable<string> given)
    {
        string[] some = [.. given.Take(9)];
        return some.Length == 0
            ? "no tensors"
            : string.Join(", ", some.Take(8).Select(name => $"'{name}'")) + (some.Length == 9 ? ", …" : "");
    }
}
