// The model: sizes, copies, and that it never changes.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class LinearRnnTests
{
    [Fact]
    public void A_model_copies_what_it_is_given_and_gives_copies()
    {
        var examples = new Examples(seed: 2);
        Matrix<double> whx = examples.Matrix(3, 2);
        Matrix<double> whh = examples.Matrix(3, 3);
        Matrix<double> wqh = examples.Matrix(4, 3);
        Matrix<double>[] before = [whx.Clone(), whh.Clone(), wqh.Clone()];
        var model = new LinearRnn(whx, whh, wqh);

        foreach (Matrix<double> matrix in new[] { whx, whh, wqh, model.Whx, model.Whh, model.Wqh })
        {
            matrix.Clear();
        }

        (model.InputSize, model.HiddenSize, model.OutputSize).Should().Be((2, 3, 4));
        model.Whx.Should().Be(before[0]);
        model.Whh.Should().Be(before[1]);
        model.Wqh.Should().Be(before[2]);
    }
}
