// Checkpoints that are damaged, or well-formed and not what a training wrote: refused by InvalidDataException, nothing
// else.

using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Bptt.Optimization;
using Bptt.Training;

namespace Bptt.Tests.Training;

public sealed class DamagedCheckpointTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bptt").FullName;

    private static TrainingProblem Problem { get; } = TrainingProblem.Create(seed: 83, 9, 5);

    /// <summary>Windows of time, stopped in the second one.</summary>
    private static TrainerOptions Options { get; } = new()
    {
        Optimizer = new Adam(0.01),
        WindowLength = 4,
        MaxEpochs = 3,
    };

    private string File => Path.Combine(_folder, "training.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("bestLoss", "[]")]
    [InlineData("bestLoss", "[1, 2]")]
    [InlineData("bestLoss", "[\"NaN\"]")]
    [InlineData("largestNorm", "[]")]
    [InlineData("largestNorm", "[-1]")]
    [InlineData("history", "[]")]
    [InlineData("history", "[[1],[2]]")]
    [InlineData("history", "[[1, 2, 3, 4, 5]]")]
    [InlineData("history", "[[0, 1, null, null, 1e300],[1, 1, null, null, 0]]")]
    [InlineData("epoch", "-1")]
    [InlineData("epoch", "2147483647")]
    [InlineData("bestEpoch", "7")]
    [InlineData("piece", "-1")]
    [InlineData("piece", "3")]
    [InlineData("piece", "1000000")]
    [InlineData("updates", "-5")]
    [InlineData("skipped", "1000")]
    [InlineData("seconds", "[1e300]")]
    [InlineData("seconds", "[-1]")]
    [InlineData("seconds", "[\"NaN\"]")]
    [InlineData("carry", "[]")]
    [InlineData("carry", "[1, 2]")]
    [InlineData("carry", "[1, 2, 3, 4, 5, 6, 7, 8, 9]")]
    [InlineData("current", "[1]")]
    [InlineData("optimizer", "{}")]
    [InlineData("hasMoved", "1")]
    [InlineData("converged", "3")]
    public void What_no_training_wrote_is_refused_though_its_checksum_holds(string property, string value)
    {
        JsonNode file = JsonNode.Parse(Saved())!;
        FluentActions.Invoking(() => Resume(Forged(file))).Should().NotThrow("only the change makes it wrong");

        file["training"]![property] = JsonNode.Parse(value);

        FluentActions.Invoking(() => Resume(Forged(file)))
            .Should().Throw<InvalidDataException>().Which.Message.Should().StartWith(File);
    }

    [Fact]
    public void A_flipped_bit_anywhere_is_refused_or_changes_nothing()
    {
        byte[] good = Saved();
        TrainingResult whole = Resume(good);

        for (int at = 0; at < good.Length; at++)
        {
            foreach (int bit in at % 4 == 0 ? new[] { 0, 5, 7 } : [7])
            {
                byte[] bad = [.. good];
                bad[at] ^= (byte)(1 << bit);
                try
                {
                    Resume(bad).LastParameters.ToVector().Should().Equal(whole.LastParameters.ToVector());
                }
                catch (InvalidDataException)
                {
                    // as it should be
                }
                catch (Exception e) when (e is not Xunit.Sdk.XunitException)
                {
                    throw new InvalidOperationException($"bit {bit} of byte {at}", e);
                }
            }
        }
    }

    private static byte[] Forged(JsonNode file)
    {
        byte[] training = Encoding.UTF8.GetBytes(file["training"]!.ToJsonString());
        file["sha256"] = Convert.ToHexStringLower(SHA256.HashData(training));
        return Encoding.UTF8.GetBytes(file.ToJsonString(new JsonSerializerOptions()));
    }

    private byte[] Saved()
    {
        using var cancellation = new CancellationTokenSource();
        TrainerOptions options = Options with
        {
            Checkpoint = new CheckpointOptions(File, TimeSpan.Zero),
            ProgressInterval = TimeSpan.Zero,
        };
        Trainer.Run(
            Problem.Start,
            Problem.Inputs,
            Problem.Objective,
            options,
            new Told(p =>
            {
                if (p.Updates == 4)
                {
                    cancellation.Cancel(); // in the second window of the second epoch
                }
            }),
            cancellation.Token);
        return System.IO.File.ReadAllBytes(File);
    }

    private TrainingResult Resume(byte[] file)
    {
        System.IO.File.WriteAllBytes(File, file);
        return Trainer.Run(Problem.Start, Problem.Inputs, Problem.Objective, Options with { ResumeFrom = File });
    }
}
