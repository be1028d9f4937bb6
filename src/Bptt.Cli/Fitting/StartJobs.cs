// The trainings of several starts as jobs of workers. A worker trains and sends back the checkpoint of its end; going
// on from it here gives the result, with the same bits as in this process.
//
//   h  hidden units      B  sequences

using Bptt.Cli.Console;
using Bptt.Optimization;
using Bptt.Sharding;
using Bptt.Training;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Fitting;

internal static class StartJobs
{
    public const byte Mark = 1;

    /// <summary>Trains from every start.</summary>
    /// <returns>The results, in the order of the starts.</returns>
    public static TrainingResult[] Run(
        FitJobs.Spread spread,
        FitPlan plan,
        (LinearRnn Model, Matrix<double> States)[] starts,
        SequenceBatch sequences,
        Objective objective,
        Action<int> finished,
        CancellationToken cancellation)
    {
        byte[] shared = FitJobs.Write(writer =>
        {
            writer.Write(Mark);
            WritePlan(writer, plan);
            FitJobs.WriteBytes(writer, new DataShard(sequences, objective).ToBytes());
        });
        byte[][] jobs = Array.ConvertAll(starts, start => FitJobs.Write(writer =>
        {
            FitJobs.WriteNumbers(writer, [.. new Parameters(start.Model).ToVector()]);
            FitJobs.WriteNumbers(writer, start.States.ToColumnMajorArray());
            writer.Write(start.Model.InputSize);
            writer.Write(start.Model.OutputSize);
        }));
        byte[][] ends;
        try
        {
            ends = spread(shared, jobs, finished, cancellation);
        }
        catch (OperationCanceledException e)
        {
            throw new DataFaultException("stopped before there was a model; nothing is written.", e);
        }
        var results = new TrainingResult[starts.Length];
        InFolder(folder =>
        {
            for (int i = 0; i < starts.Length; i++)
            {
                string path = Path.Combine(folder, $"{i}.json");
                File.WriteAllBytes(path, ends[i]);
                TrainerOptions options = FitTraining.OptionsOf(plan, starts[i].States, null, null) with
                {
                    ResumeFrom = path,
                };
                results[i] = Trainer.Run(
                    starts[i].Model, sequences, objective, options, progress: null, cancellation);
            }
        });
        return results;
    }

    /// <summary>Trains from one start, on a worker.</summary>
    /// <returns>The checkpoint at its end.</returns>
    public static byte[] Do(byte[] shared, byte[] job, CancellationToken cancellation)
    {
        using BinaryReader reader = FitJobs.Reader(shared);
        _ = reader.ReadByte();
        FitPlan plan = ReadPlan(reader);
        var data = DataShard.FromBytes(FitJobs.ReadBytes(reader));
        using BinaryReader own = FitJobs.Reader(job);
        double[] weights = FitJobs.ReadNumbers(own);
        double[] states = FitJobs.ReadNumbers(own);
        int h = plan.HiddenSize;
        LinearRnn zero = ZeroModel(own.ReadInt32(), h, own.ReadInt32());
        LinearRnn model = new Parameters(zero).With(Vector<double>.Build.DenseOfArray(weights)).Model;
        byte[] end = [];
        InFolder(folder =>
        {
            string path = Path.Combine(folder, "checkpoint.json");
            TrainerOptions options = FitTraining.OptionsOf(
                plan, Matrix<double>.Build.Dense(h, states.Length / h, states), path, isCheckpointAsked: null);
            TrainingResult result = Trainer.Run(
                model, data.Inputs, data.Objective, options, progress: null, cancellation);
            end = result.CheckpointFault is string fault ? throw new IOException(fault) : File.ReadAllBytes(path);
        });
        return end;
    }

    private static LinearRnn ZeroModel(int d, int h, int q) => new(
        Matrix<double>.Build.Dense(h, d), Matrix<double>.Build.Dense(h, h), Matrix<double>.Build.Dense(q, h));

    private static void WritePlan(BinaryWriter writer, FitPlan plan)
    {
        FitSettings settings = plan.Settings;
        writer.Write(plan.HiddenSize);
        writer.Write((int)plan.Method);
        writer.Write(plan.Epochs);
        writer.Write(plan.InputCount);
        writer.Write(settings.Seed);
        writer.Write(settings.Starts);
        writer.Write(plan.LearningRate);
        writer.Write(settings.Words.Clipping);
        writer.Write(settings.Words.Truncation);
        writer.Write(settings.LearnsInitialState);
        writer.Write(settings.Shards ?? 1);
        writer.Write(settings.Segments);
    }

    private static FitPlan ReadPlan(BinaryReader reader)
    {
        int h = reader.ReadInt32();
        var method = (FitMethod)reader.ReadInt32();
        int epochs = reader.ReadInt32();
        int inputs = reader.ReadInt32();
        int seed = reader.ReadInt32();
        int starts = reader.ReadInt32();
        double rate = reader.ReadDouble();
        _ = TrainingWords.TryClipping(reader.ReadString(), out var clipping);
        _ = TrainingWords.TryTruncation(reader.ReadString(), seed, out var truncation);
        var settings = new FitSettings
        {
            Seed = seed,
            Starts = starts,
            LearningRate = rate,
            Clipping = clipping,
            Truncation = truncation,
            LearnsInitialState = reader.ReadBoolean(),
            Shards = reader.ReadInt32(),
            Segments = reader.ReadInt32(),
            CheckpointInterval = TimeSpan.FromDays(1), // at the end
        };
        return new FitPlan(settings, h, method, FitStart.Orthogonal, epochs, inputs);
    }

    /// <summary>Works in a folder that is gone afterwards.</summary>
    private static void InFolder(Action<string> work)
    {
        string folder = Directory.CreateTempSubdirectory("bptt").FullName;
        try
        {
            work(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
