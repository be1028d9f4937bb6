// What a worker keeps of a run, and for how long, by a clock of the test's own.

namespace Bptt.Orleans.Tests;

public sealed class WorkerMemoryTests
{
    [Fact]
    public async Task A_run_whose_job_takes_hours_is_not_forgotten_and_its_job_hears_that_it_is_to_end()
    {
        var clock = new HandClock();
        using var begun = new SemaphoreSlim(0);
        using var memory = new WorkerMemory(
            new BpttClusterOptions { Job = (_, _, cancellation) => Wait(cancellation) }, clock);
        (Guid run, Guid later) = (Guid.NewGuid(), Guid.NewGuid());
        Send(run);
        Task<Terms> job = memory.WorkAsync(run, "shared", "job");
        await begun.WaitAsync();

        clock.Now += TimeSpan.FromHours(2.0).Ticks;
        Send(later); // a run that is new lets the worker look for old ones
        memory.Cancel(run);

        Task first = await Task.WhenAny(job, Task.Delay(TimeSpan.FromMinutes(1.0)));
        first.Should().BeSameAs(job, "it was asked to end");
        (await job).Bytes.Should().Equal(7);

        void Send(Guid to)
        {
            memory.Put(new Piece(to, "shared", 0, 1, [1]));
            memory.Put(new Piece(to, "job", 0, 1, [2]));
        }

        byte[] Wait(CancellationToken cancellation)
        {
            begun.Release();
            cancellation.WaitHandle.WaitOne();
            return [7];
        }
    }

    [Fact]
    public async Task A_run_that_was_left_alone_for_hours_is_forgotten()
    {
        var clock = new HandClock();
        using var memory = new WorkerMemory(new BpttClusterOptions { Job = (_, _, _) => [7] }, clock);
        var run = Guid.NewGuid();
        memory.Put(new Piece(run, "shared", 0, 1, [1]));
        memory.Put(new Piece(run, "job", 0, 1, [2]));

        clock.Now += TimeSpan.FromHours(2.0).Ticks;
        memory.Put(new Piece(Guid.NewGuid(), "shared", 0, 1, [1]));

        (await memory.WorkAsync(run, "shared", "job")).Missing.Should().Be("job");
    }

    private sealed class HandClock : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now;
    }
}
