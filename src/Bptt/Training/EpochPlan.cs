// In which pieces an epoch goes through the data: mini-batches, drawn from the seed, and windows of time.

using Bptt.LinearRecurrence;
using MathNet.Numerics.Random;

namespace Bptt.Training;

/// <summary>The pieces of each epoch, a function of seed and epoch alone.</summary>
/// <param name="lengths">T_b.</param>
/// <param name="batchSize">Sequences of a mini-batch; null for all, in their order.</param>
/// <param name="windowLength">Steps of a window; null for whole sequences.</param>
/// <param name="seed">The seed.</param>
internal sealed class EpochPlan(IReadOnlyList<int> lengths, int? batchSize, int? windowLength, int seed)
{
    /// <summary>The plan of a training.</summary>
    public static EpochPlan Of(TrainingData data, TrainerOptions options) =>
        new(data.Lengths, options.BatchSize, data.WindowLength, options.Seed);

    /// <summary>Whether an epoch is one update with all the data.</summary>
    public bool IsWhole => batchSize is null && windowLength is null;

    /// <summary>The pieces of an epoch, in order.</summary>
    /// <param name="epoch">The epoch, from 1.</param>
    public TrainingPiece[] PiecesOf(int epoch)
    {
        int[] order = [.. Enumerable.Range(0, lengths.Count)];
        if (batchSize is not null)
        {
            Shuffle(order, epoch);
        }
        var pieces = new List<TrainingPiece>();
        foreach (int[] batch in order.Chunk(batchSize ?? order.Length))
        {
            AddWindows(batch, pieces);
        }
        return [.. pieces];
    }

    private void AddWindows(int[] batch, List<TrainingPiece> pieces)
    {
        int longest = batch.Max(b => lengths[b]);
        int window = windowLength ?? longest;
        for (int first = 1; first <= longest; first += window)
        {
            SequencePart[] parts =
            [
                .. batch.Where(b => lengths[b] >= first)
                    .Select(b => new SequencePart(b, first, Math.Min(window, lengths[b] - first + 1))),
            ];
            pieces.Add(new TrainingPiece(parts, first == 1, longest - first < window, IsWhole));
            if (longest - first < window)
            {
                return; // before the sum can overflow
            }
        }
    }

    /// <summary>Fisher and Yates, with Mersenne twister numbers of this epoch's own seed.</summary>
    private void Shuffle(int[] order, int epoch)
    {
        var random = new MersenneTwister(unchecked(seed + epoch * (int)0x9E3779B9), threadSafe: false);
        for (int i = order.Length - 1; i > 0; i--)
        {
            int j = random.Next(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
    }
}
