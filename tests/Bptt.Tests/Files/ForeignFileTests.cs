// Files that PyTorch and NumPy themselves wrote (Foreign/make.py): read exactly, and what is in them computed again.

using Bptt.Files;
using Bptt.Tests.Architecture;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests.Files;

public class ForeignFileTests
{
    [Fact]
    public void Weights_of_PyTorch_are_read_under_its_names()
    {
        IReadOnlyDictionary<string, StoredTensor> doubles = NumPyFile.LoadArchive(PathOf("pytorch.npz"));
        IReadOnlyDictionary<string, StoredTensor> floats = NumPyFile.LoadArchive(PathOf("pytorch-compressed.npz"));

        LinearRnn model = WeightNames.PyTorch.ToModel(doubles);
        LinearRnn rounded = WeightNames.PyTorch.ToModel(floats);

        (model.InputSize, model.HiddenSize, model.OutputSize).Should().Be((2, 3, 1));
        model.Whx.Should().Be(doubles["rnn.weight_ih_l0"].ToMatrix());
        rounded.Whh.Should().Be(model.Whh.Map(w => (double)(float)w));
    }

    [Fact]
    public void A_pass_of_PyTorch_and_its_gradients_are_computed_again()
    {
        LinearRnn model = WeightNames.PyTorch.ToModel(NumPyFile.LoadArchive(PathOf("pytorch.npz")));
        IReadOnlyDictionary<string, StoredTensor> pass = NumPyFile.LoadArchive(PathOf("pytorch-pass.npz"));

        var forward = ForwardPass.Run(model, Batch(pass["x"]));
        // mse_loss is the mean of squares, without the half of ℓ.
        var objective = Objective.SquaredError(Batch(pass["y"])).WithNormalizer(7 * 4 / 2.0);
        var backward = BackwardThroughTime.Run(forward, objective);

        ShouldBe(forward.OutputBatch(), pass["outputs"]);
        backward.Loss.Should().BeApproximately(pass["loss"].Values[0], 1e-14);
        ShouldBe(backward.InputGradientBatch(), pass["x_grad"]);
        ShouldBe(backward.Gradients.Whx, pass["weight_ih_grad"]);
        ShouldBe(backward.Gradients.Whh, pass["weight_hh_grad"]);
        ShouldBe(backward.Gradients.Wqh, pass["linear_grad"]);
    }

    [Fact]
    public void NumPys_orders_and_precisions_are_read()
    {
        var table = Matrix<double>.Build.Dense(2, 3, (i, j) => (3 * i + j) / 7.0);

        NumPyFile.Load(PathOf("fortran.npy")).ToMatrix().Should().Be(table);
        NumPyFile.Load(PathOf("half.npy")).ToMatrix().Should().Be(table.Map(v => (double)(Half)v));
    }

    [Theory]
    [InlineData("big-endian.npy")]
    [InlineData("whole-numbers.npy")]
    [InlineData("objects.npy")]
    public void What_is_not_read_is_refused(string file) =>
        FluentActions.Invoking(() => NumPyFile.Load(PathOf(file)))
            .Should().Throw<InvalidDataException>().Which.Message.Should().StartWith(PathOf(file));

    private static string PathOf(string file) =>
        Path.Combine(Repository.Root(), "tests/Bptt.Tests/Files/Foreign", file);

    private static SequenceBatch Batch(StoredTensor tensor) => SequenceBatch.FromTensor(
        tensor.Values.ToArray(), tensor.Shape[1], tensor.Shape[0], tensor.Shape[2], TensorOrder.TimeBatchFeature);

    private static void ShouldBe(SequenceBatch batch, StoredTensor expected)
    {
        double[] values = new double[expected.Values.Length];
        batch.CopyTo(values, TensorOrder.TimeBatchFeature);
        ShouldBe(values, expected.Values.ToArray());
    }

    private static void ShouldBe(Matrix<double> matrix, StoredTensor expected) =>
        ShouldBe(matrix.ToRowMajorArray(), expected.Values.ToArray());

    private static void ShouldBe(double[] values, double[] expected)
    {
        double largest = expected.Max(Math.Abs);
        values.Zip(expected, (a, b) => Math.Abs(a - b)).Max().Should().BeLessThan(1e-14 * largest);
    }
}
