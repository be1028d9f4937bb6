// Thirty workers killed at random over trainings by three methods on two sets of data: no bit changes. Long.

using Bptt.Orleans.Peer;
using Xunit.Abstractions;

namespace Bptt.Orleans.Tests;

public class RandomKillTests(ITestOutputHelper output)
{
    private const int Kills = 5; // for each training

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("generated", "adam", 40)]
    [InlineData("generated", "lbfgs", 3)]
    [InlineData("generated", "lm", 8)]
    [InlineData("hair-dryer", "adam", 40)]
    [InlineData("hair-dryer", "lbfgs", 3)]
    [InlineData("hair-dryer", "lm", 8)]
    public async Task No_bit_changes_whoever_dies(string data, string method, int epochs)
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var problem = Problem.Of(data, method, epochs, shards: 8);
        double[] expected = Coordinator.TrainHere(problem);
        await using Coordinator coordinator = await Coordinator.StartAsync(3);

        int killed = 0;
        var killer = Task.Run(async () =>
        {
            while (killed < Kills)
            {
                await Task.Delay(random.Next(200, 4000));
                if (coordinator.ProcessIds is { Count: > 0 } workers)
                {
                    PeerProcess.Signal("KILL", workers[random.Next(workers.Count)]);
                    killed++;
                }
            }
        });
        int runs = 0;
        while (!killer.IsCompleted || runs == 0)
        {
            coordinator.Train(problem).Should().Equal(expected, "run {0} of seed {1}", runs, seed);
            runs++;
        }
        await killer;

        killed.Should().Be(Kills);
        output.WriteLine($"{runs} runs, {killed} kills");
    }
}
