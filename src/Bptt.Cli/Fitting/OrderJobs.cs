// The candidates of the order search as jobs of workers: the same numbers as in this process.

using Bptt.Cli.Data;
using Bptt.Sharding;

namespace Bptt.Cli.Fitting;

internal static class OrderJobs
{
    public const byte Mark = 2;

    private static readonly Lock Gate = new();
    private static (byte[] Shared, OrderSearch.Trial Trial)? _last; // of a worker: all its jobs share it

    /// <summary>Judges the orders from 1 to the largest.</summary>
    public static OrderCandidate[] Run(
        FitJobs.Spread spread,
        TrainingSequences all,
        TrainingSequences learned,
        bool learnsState,
        bool hasPrior,
        int largest,
        Action<int> finished,
        CancellationToken cancellation)
    {
        byte[] shared = FitJobs.Write(writer =>
        {
            writer.Write(Mark);
            writer.Write(learnsState);
            writer.Write(hasPrior);
            FitJobs.WriteBytes(writer, new DataShard(all.Inputs, all.Objective).ToBytes());
            FitJobs.WriteBytes(writer, new DataShard(learned.Inputs, learned.Objective).ToBytes());
        });
        int[] orders = [.. Enumerable.Range(1, largest).Reverse()]; // the dearest first
        byte[][] results = spread(
            shared, Array.ConvertAll(orders, order => FitJobs.Write(w => w.Write(order))), finished, cancellation);
        return [.. orders.Zip(results, CandidateOf).Reverse()];
    }

    /// <summary>Judges one order, on a worker.</summary>
    public static byte[] Do(byte[] shared, byte[] job, CancellationToken cancellation)
    {
        OrderSearch.Trial trial;
        lock (Gate)
        {
            if (_last?.Shared != shared)
            {
                _last = (shared, TrialOf(shared, cancellation));
            }
            trial = _last!.Value.Trial;
        }
        using BinaryReader reader = FitJobs.Reader(job);
        OrderCandidate candidate = trial.Judge(reader.ReadInt32(), cancellation);
        return FitJobs.Write(writer =>
        {
            writer.Write(candidate.Loss);
            writer.Write(candidate.Fit is not null);
            writer.Write(candidate.Fit ?? 0.0);
        });
    }

    private static OrderSearch.Trial TrialOf(byte[] shared, CancellationToken cancellation)
    {
        using BinaryReader reader = FitJobs.Reader(shared);
        _ = reader.ReadByte();
        bool learnsState = reader.ReadBoolean();
        bool hasPrior = reader.ReadBoolean();
        return new OrderSearch.Trial(Sequences(), Sequences(), learnsState, hasPrior, cancellation);

        TrainingSequences Sequences()
        {
            var shard = DataShard.FromBytes(FitJobs.ReadBytes(reader));
            return new TrainingSequences(shard.Inputs, shard.Objective.Content!.Value.Targets!);
        }
    }

    private static OrderCandidate CandidateOf(int order, byte[] result)
    {
        using BinaryReader reader = FitJobs.Reader(result);
        double loss = reader.ReadDouble();
        bool hasFit = reader.ReadBoolean();
        double fit = reader.ReadDouble();
        return new OrderCandidate(order, loss, hasFit ? fit : null);
    }
}
