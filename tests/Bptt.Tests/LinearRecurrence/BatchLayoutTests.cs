// Which column is whose, against a layout written out by hand and by plain search.

using Bptt.LinearRecurrence;
using CsCheck;

namespace Bptt.Tests.LinearRecurrence;

public class BatchLayoutTests
{
    [Fact]
    public void A_small_batch_by_hand()
    {
        // Lengths 2, 4, 1, 4: longest first, in stable order, stand sequences 1, 3, 0, 2.
        var layout = new BatchLayout([2, 4, 1, 4]);

        //             step 1      step 2   step 3 step 4
        //   column   0 1 2 3      4 5 6     7 8    9 10
        //   sequence 1 3 0 2      1 3 0     1 3    1  3
        layout.ColumnCount.Should().Be(11);
        layout.LastStep.Should().Be(4);
        layout.Column(1, 1).Should().Be(0);
        layout.Column(0, 2).Should().Be(6);
        layout.Column(2, 1).Should().Be(3);
        layout.Column(3, 4).Should().Be(10);
        layout.BlockOf(3).Should().Be(new BatchLayout.Block(3, 7, 2));
        layout.Segments.ToArray().Should().Equal(
            new BatchLayout.Segment(1, 1, 4, 0),
            new BatchLayout.Segment(2, 1, 3, 4),
            new BatchLayout.Segment(3, 2, 2, 7));

        BatchLayout withZero = layout.Slice(0, layout.LastStep);
        withZero.ColumnCount.Should().Be(15);
        withZero.Column(2, 0).Should().Be(3);
        withZero.Column(3, 4).Should().Be(14);
        withZero.Segments[0].Should().Be(new BatchLayout.Segment(0, 2, 4, 0));
    }

    [Fact]
    public void Columns_are_each_used_once_in_time_order_longest_first() =>
        Gen.Int[1, 9].Array[1, 12].Sample(lengths =>
        {
            var whole = new BatchLayout(lengths);
            foreach (BatchLayout layout in new[] { whole, whole.Slice(0, lengths.Max()) })
            {
                var used = new List<int>();
                for (int step = layout.FirstStep; step <= lengths.Max(); step++)
                {
                    int[] active = Enumerable.Range(0, lengths.Length).Where(b => lengths[b] >= step)
                        .OrderByDescending(b => lengths[b]).ToArray();
                    layout.BlockOf(step).Should().Be(new BatchLayout.Block(step, used.Count, active.Length));
                    foreach (int b in active)
                    {
                        layout.SequenceAt(layout.SlotOf(b)).Should().Be(b);
                        layout.Column(b, step).Should().Be(used.Count);
                        used.Add(b);
                    }
                }
                layout.ColumnCount.Should().Be(used.Count);
            }
        });

    [Fact]
    public void Segments_are_few_however_long_the_sequences()
    {
        var layout = new BatchLayout([1_000_000, 5, 1_000_000]);
        layout.Segments.Length.Should().Be(2);
        layout.ColumnCount.Should().Be(2_000_005);
    }

    [Fact]
    public void Too_many_steps_to_count_are_refused() =>
        FluentActions.Invoking(() => new BatchLayout([int.MaxValue, int.MaxValue])).Should().Throw<OverflowException>();
}
