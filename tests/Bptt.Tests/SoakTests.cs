// A long life: passes of mixed shapes on eight threads, each with a workspace, some within budgets, and trainings that
// are cancelled. The same bits as alone, every time, and no memory that grows.

using Bptt.Optimization;
using Bptt.Tests.Reference;
using Bptt.Training;
using Xunit.Abstractions;

namespace Bptt.Tests;

public class SoakTests(ITestOutputHelper output)
{
    private const int Threads = 8;
    private const int Shapes = 96;

    [Fact]
    public void Four_thousand_passes_on_eight_threads_give_the_bits_of_one() => Soak(passes: 4_000);

    [Fact]
    [Trait("Category", "Long")]
    public void A_million_passes_on_eight_threads_give_the_bits_of_one() => Soak(passes: 1_000_000);

    private void Soak(int passes)
    {
        Job[] jobs = [.. Enumerable.Range(0, Shapes).Select(seed => new Job(seed))];
        long before = 0;
        long cancelled = 0;
        long done = 0;
        var faults = new List<string>();
        using var begun = new Barrier(Threads);

        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(number => new Thread(() =>
        {
            var random = new Random(number);
            var workspace = new Workspace();
            for (int i = 0; i < passes / Threads; i++)
            {
                if (i == passes / Threads / 10)
                {
                    begun.SignalAndWait(); // every shape has been met by then
                    if (number == 0)
                    {
                        Volatile.Write(ref before, GC.GetTotalMemory(forceFullCollection: true));
                    }
                    begun.SignalAndWait();
                }
                Job job = jobs[random.Next(jobs.Length)];
                if (!job.HasSameBits(random.Next(3) == 0 ? null : workspace))
                {
                    lock (faults)
                    {
                        faults.Add($"{job}, pass {i} of thread {number}");
                    }
                }
                Interlocked.Increment(ref done);
                if (i % 500 == 0)
                {
                    Interlocked.Add(ref cancelled, job.IsCancelled(random.Next(1, 20)) ? 1 : 0);
                }
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        long after = GC.GetTotalMemory(forceFullCollection: true);

        output.WriteLine(
            $"{done} passes, {cancelled} trainings cancelled; {before >> 10} KiB held after a tenth, {after >> 10} KiB "
            + "at the end");
        faults.Should().BeEmpty();
        done.Should().Be(passes / Threads * Threads);
        cancelled.Should().BePositive();
        after.Should().BeLessThan(before + (16 << 20), "memory does not grow");
    }

    /// <summary>A problem, a way to run it, and the bits that it gives alone.</summary>
    private sealed class Job
    {
        private readonly RandomScenario _scenario;
        private readonly ExecutionOptions _options;
        private readonly double[] _bits;

        public Job(int seed)
        {
            _scenario = ScenarioTable.Random(seed);
            Way way = Ways.InBothPrecisions[seed % Ways.InBothPrecisions.Count];
            _options = way.For(_scenario.Settings.HiddenSize, _scenario.Settings.Lengths);
            _bits = Bits(null);
        }

        public override string ToString() => $"{_scenario.Settings}, {_options}";

        public bool HasSameBits(Workspace? workspace) => Bits(workspace).AsSpan().SequenceEqual(_bits);

        /// <summary>Runs a training that is cancelled after some updates.</summary>
        public bool IsCancelled(int updates)
        {
            using var cancellation = new CancellationTokenSource();
            var told = new Told(() =>
            {
                if (--updates == 0)
                {
                    cancellation.Cancel();
                }
            });
            TrainingResult result = Trainer.Run(
                _scenario.Problem.ToModel(),
                _scenario.Problem.Inputs.ToBatch(),
                _scenario.Objective,
                new TrainerOptions
                {
                    Optimizer = new Adam(1e-6),
                    MaxEpochs = 10_000,
                    ProgressInterval = TimeSpan.Zero,
                },
                told,
                cancellation.Token);
            return result.StopReason == StopReason.Canceled;
        }

        private double[] Bits(Workspace? workspace)
        {
            BackwardThroughTime backward = _scenario.RunBackward(_options with { Workspace = workspace });
            return
            [
                .. backward.Gradients.ToVector(),
                backward.Loss,
                .. backward.InitialStateGradients.ToColumnMajorArray(),
            ];
        }
    }

    private sealed class Told(Action act) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => act();
    }
}
