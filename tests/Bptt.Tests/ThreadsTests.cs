// Threads change who computes what, never what is computed.

using Bptt.Kernels;
using Bptt.Tests.Reference;

namespace Bptt.Tests;

public class ThreadsTests
{
    private readonly Examples _examples = new(seed: 77);

    public static TheoryData<int, int[], Recurrence> LargeShapes => new()
    {
        { 16, [1024], Recurrence.Automatic },
        { 16, [1000], Recurrence.TimeParallel },
        { 65, [700], Recurrence.Automatic },
        { 65, [700], Recurrence.TimeParallel },
        { 24, [.. Enumerable.Range(1, 40)], Recurrence.Automatic },
        { 24, [.. Enumerable.Range(1, 40)], Recurrence.TimeParallel },
        { 130, [.. Enumerable.Repeat(37, 20)], Recurrence.Sequential },
        { 200, [300, 200], Recurrence.TimeParallel },
    };

    [Theory]
    [MemberData(nameof(LargeShapes))]
    public void Results_are_the_same_to_the_last_bit_for_every_number_of_threads(
        int h, int[] lengths, Recurrence recurrence)
    {
        LinearRnn model = _examples.Model(h - 3, h, h + 1);
        SequenceBatch inputs = _examples.Batch(h - 3, lengths);
        var objective = Objective.SquaredError(_examples.Batch(h + 1, lengths));
        foreach (KernelSet kernels in KernelChoice.Supported.Where(set => set is not PlainKernels<double>))
        {
            double[]? expected = null;
            foreach (int threads in new[] { 1, 2, 3, -1 })
            {
                var options = new ExecutionOptions
                {
                    Kernels = kernels,
                    Recurrence = recurrence,
                    MaxDegreeOfParallelism = threads,
                };
                double[] actual = Everything(model, inputs, objective, options);
                expected ??= actual;
                actual.AsSpan().SequenceEqual(expected).Should().BeTrue("{0}, {1} threads", kernels.Name, threads);
            }
        }
    }

    [Fact]
    public void Small_pieces_on_two_threads_give_the_same_bits_as_on_one()
    {
        for (int seed = 0; seed < 60; seed++)
        {
            RandomScenario scenario = ScenarioTable.Random(seed);
            foreach (Recurrence recurrence in new[] { Recurrence.Sequential, Recurrence.TimeParallel })
            {
                double[] one = Numbers(scenario, recurrence, threads: 1);
                double[] two = Numbers(scenario, recurrence, threads: 2);
                two.AsSpan().SequenceEqual(one).Should().BeTrue("{0}, {1}", scenario.Settings, recurrence);
            }
        }

        static double[] Numbers(RandomScenario scenario, Recurrence recurrence, int threads)
        {
            BackwardThroughTime backward = scenario.RunBackward(new ExecutionOptions
            {
                Recurrence = recurrence,
                MaxDegreeOfParallelism = threads,
                Tuning = Ways.SmallPieces with { ChunkLength = 2 },
            });
            return Flat(backward);
        }
    }

    [Fact]
    public void With_one_thread_no_other_thread_runs()
    {
        var seen = new HashSet<int>();
        var options = new ExecutionOptions { MaxDegreeOfParallelism = 1, Tuning = Ways.SmallPieces };
        var forward = ForwardPass.Run(_examples.Model(3, 4, 2), _examples.Batch(3, 200, 100), options: options);
        BackwardThroughTime.Run(forward, new ThreadRecorder(seen));
        seen.Should().Equal(Environment.CurrentManagedThreadId);
    }

    [Fact]
    public void Eight_threads_of_a_thousand_passes_each_agree_with_serial_passes_bit_for_bit()
    {
        const int threads = 8;
        const int passes = 1000;
        LinearRnn[] models = [.. Enumerable.Range(0, threads).Select(i => _examples.Model(2 + i, 5 + 3 * i, 1 + i))];
        SequenceBatch[] inputs =
            [.. Enumerable.Range(0, threads).Select(i => _examples.Batch(2 + i, 40 + i, 25, 3 * i + 1))];
        Objective[] objectives = [.. Enumerable.Range(0, threads)
            .Select(i => Objective.SquaredError(_examples.Batch(1 + i, 40 + i, 25, 3 * i + 1)))];
        double[][] expected = [.. Enumerable.Range(0, threads)
            .Select(i => Everything(models[i], inputs[i], objectives[i], Options(1, null)))];

        int wrong = 0;
        Thread[] callers = [.. Enumerable.Range(0, threads).Select(i => new Thread(() =>
        {
            var workspace = new Workspace();
            for (int pass = 0; pass < passes; pass++)
            {
                double[] actual = Everything(
                    models[i], inputs[i], objectives[i], Options(-1, pass % 2 == 0 ? workspace : null));
                if (!actual.AsSpan().SequenceEqual(expected[i]))
                {
                    Interlocked.Increment(ref wrong);
                }
            }
        }))];
        Array.ForEach(callers, caller => caller.Start());
        Array.ForEach(callers, caller => caller.Join());
        wrong.Should().Be(0);

        static ExecutionOptions Options(int degree, Workspace? workspace) => new()
        {
            MaxDegreeOfParallelism = degree,
            Workspace = workspace,
            Tuning = Ways.SmallPieces with { MinBlockColumns = 40, MaxBlockColumns = 40, ChunkLength = 4 },
            Recurrence = Recurrence.TimeParallel,
        };
    }

    [Fact]
    public void An_exception_of_an_own_objective_on_another_thread_reaches_the_caller()
    {
        var forward = ForwardPass.Run(_examples.Model(3, 4, 2), _examples.Batch(3, 2000), options: new ExecutionOptions
        {
            Tuning = Ways.SmallPieces,
        });
        FluentActions.Invoking(() => BackwardThroughTime.Run(forward, new Failing(step: 1234)))
            .Should().Throw<InvalidTimeZoneException>().WithMessage("step 1234");
        BackwardThroughTime.Run(forward, new Failing(step: 0)).Loss.Should().Be(0.0, "the pass can be used further");
    }

    [Fact]
    public async Task An_objective_may_run_passes_of_its_own_and_read_the_pass_that_is_judged()
    {
        foreach (bool hasBudget in new[] { false, true })
        {
            SequenceBatch inputs = _examples.Batch(3, 300, 120);
            var forward = ForwardPass.Run(_examples.Model(3, 4, 2), inputs, options: new ExecutionOptions
            {
                Tuning = Ways.SmallPieces,
                MemoryBudget = hasBudget ? 3 * MemoryPlan.SmallestBudget(4, 1, inputs.Columns.Layout) : null,
            });
            // Nobody waits for another for ever.
            double loss = await Task.Run(() => BackwardThroughTime.Run(forward, new Curious(forward, inputs)).Loss)
                .WaitAsync(TimeSpan.FromSeconds(60));
            loss.Should().Be(0.0);
        }
    }

    private sealed class Curious(ForwardPass forward, SequenceBatch inputs) : Objective
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
        {
            if (t % 50 == 0)
            {
                forward.HiddenState(t, sequence);
                BackwardThroughTime.Run(forward, forward.OutputBatch());
                ForwardPass.Run(forward.Model, inputs);
            }
            return 0.0;
        }

        protected override void StepGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
        {
        }
    }

    private static double[] Everything(
        LinearRnn model, SequenceBatch inputs, Objective objective, ExecutionOptions options) =>
        Flat(BackwardThroughTime.Run(ForwardPass.Run(model, inputs, options: options), objective));

    private static double[] Flat(BackwardThroughTime backward) =>
    [
        backward.Loss,
        .. backward.Gradients.Whx.Enumerate(),
        .. backward.Gradients.Whh.Enumerate(),
        .. backward.Gradients.Wqh.Enumerate(),
        .. Enumerable.Range(0, backward.Forward.SequenceCount).SelectMany(b => backward.Forward.Outputs(b).Enumerate()
            .Concat(backward.Forward.HiddenStates(b).Enumerate()).Concat(backward.HiddenStateGradients(b).Enumerate())),
    ];

    private sealed class ThreadRecorder(HashSet<int> seen) : Objective
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
        {
            lock (seen)
            {
                seen.Add(Environment.CurrentManagedThreadId);
            }
            return 0.0;
        }

        protected override void StepGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
        {
        }
    }

    private sealed class Failing(int step) : Objective
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) =>
            t == step ? throw new InvalidTimeZoneException($"step {t}") : 0.0;

        protected override void StepGradient(
            ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
        {
        }
    }
}
