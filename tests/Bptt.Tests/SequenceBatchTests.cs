// Packing and unpacking of sequences.

using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class SequenceBatchTests
{
    [Theory]
    [InlineData(new[] { 1 })]
    [InlineData(new[] { 3, 3, 3 })]
    [InlineData(new[] { 1, 5, 2, 5, 1 })]
    public void Sequences_come_back_as_they_were_given_in_the_order_given(int[] lengths)
    {
        var examples = new Examples(seed: 4);
        Matrix<double>[] sequences = Array.ConvertAll(lengths, t => examples.Matrix(2, t));

        var batch = SequenceBatch.Pack(sequences);

        batch.Count.Should().Be(lengths.Length);
        batch.RowCount.Should().Be(2);
        batch.Lengths.Should().Equal(lengths);
        batch.TotalLength.Should().Be(lengths.Sum());
        batch.ToString().Should().Be($"SequenceBatch (B = {lengths.Length}, 2 rows, {lengths.Sum()} steps)");
        for (int b = 0; b < lengths.Length; b++)
        {
            batch.Sequence(b).Should().Be(sequences[b]);
        }
    }

    [Fact]
    public void A_batch_never_changes()
    {
        Matrix<double> given = new Examples(seed: 4).Matrix(2, 3);
        Matrix<double> before = given.Clone();
        var batch = SequenceBatch.Pack([given]);

        given.Clear();
        batch.Sequence(0).Clear();

        batch.Sequence(0).Should().Be(before);
        batch.Lengths.Should().NotBeAssignableTo<int[]>("a cast must not open it");
    }
}
