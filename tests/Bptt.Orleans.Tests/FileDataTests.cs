// Data by reference: workers read their own files, the bits are those of data in memory, and other data are refused by
// name. Workers are real processes.

using System.Globalization;
using System.Text;
using Bptt.Files;
using Bptt.Orleans.Peer;
using Bptt.Tests;
using Bptt.Training;

namespace Bptt.Orleans.Tests;

public sealed class FileDataTests : IDisposable
{
    private const int Steps = 30;

    private readonly string _folder = Directory.CreateTempSubdirectory("bptt").FullName;
    private readonly SequenceBatch _inputs;
    private readonly SequenceBatch _targets;
    private readonly LinearRnn _start;

    public FileDataTests()
    {
        var examples = new Examples(7);
        _inputs = examples.Batch(2, [.. Enumerable.Repeat(Steps, 9)]);
        _targets = ForwardPass.Run(examples.Model(2, 3, 1, spectralRadius: 0.9), _inputs).OutputBatch();
        _start = examples.Model(2, 4, 1, spectralRadius: 0.7);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("csv", "adam")]
    [InlineData("npz", "lm")]
    [InlineData("safetensors", "adam")]
    public async Task Workers_that_read_their_files_give_the_bits_of_data_in_memory(string format, string method)
    {
        FileSource source = Write(_folder, format);
        TrainerOptions options = Problem.Of("generated", method, 5, shards: 4).Options;
        double[] expected = Numbers(Trainer.Run(_start, _inputs, Objective.SquaredError(_targets), options));
        var data = FileData.Scan(source, shards: 4);
        await using Coordinator coordinator = await Coordinator.StartAsync(2);

        TrainingResult result = Trainer.Run(_start, coordinator.Cluster.Over(data), options);

        Numbers(result).Should().Equal(expected);
        Numbers(Trainer.Run(_start, data, options)).Should().Equal(expected, "this process reads it too");
        coordinator.Cluster.BytesSent.Should().BeLessThan(2 * 12 * 8 * (4 + 4 * 7 * 6), "no data go over the wire");
    }

    [Fact]
    public async Task A_worker_that_dies_leaves_its_shards_to_others_who_read_them()
    {
        TrainerOptions options = Problem.Of("generated", "adam", 300, shards: 4).Options;
        var data = FileData.Scan(Write(_folder, "csv"), shards: 4);
        double[] expected = Numbers(Trainer.Run(_start, data, options));
        await using Coordinator coordinator = await Coordinator.StartAsync(2);

        bool isKilled = false;
        TrainingResult result = Trainer.Run(
            _start,
            coordinator.Cluster.Over(data),
            options with { ProgressInterval = TimeSpan.Zero },
            new Progress(epoch =>
            {
                if (!isKilled && epoch > 2)
                {
                    PeerProcess.Signal("KILL", coordinator.ProcessIds[0]);
                    isKilled = true;
                }
            }));

        isKilled.Should().BeTrue();
        Numbers(result).Should().Equal(expected);
        coordinator.Log.Should().Contain("again: shards");
    }

    [Fact]
    public async Task A_worker_with_other_data_is_refused_by_name_and_others_go_on()
    {
        string right = Directory.CreateDirectory(Path.Combine(_folder, "right")).FullName;
        string wrong = Directory.CreateDirectory(Path.Combine(_folder, "wrong")).FullName;
        FileSource source = Write(right, "csv");
        string text = File.ReadAllText(source.Path);
        int last = text.LastIndexOf(',') + 1;
        File.WriteAllText(
            Path.Combine(wrong, "data.csv"), $"{text[..last]}{(text[last] == '1' ? '2' : '1')}{text[(last + 1)..]}");
        TrainerOptions options = Problem.Of("generated", "adam", 6, shards: 4).Options;
        var data = FileData.Scan(source, shards: 4);
        double[] expected = Numbers(Trainer.Run(_start, data, options));
        await using Coordinator coordinator = await Coordinator.StartAsync(0);
        using var one = Worker(coordinator, right);
        using var other = Worker(coordinator, wrong);
        await coordinator.Cluster.WaitForWorkersAsync(2);
        var byName = FileData.Scan(source, shards: 4).At("data.csv");

        Numbers(Trainer.Run(_start, coordinator.Cluster.Over(byName), options)).Should().Equal(expected);

        coordinator.Log.Should().Contain($"worker {other.Id} on {Environment.MachineName}")
            .And.MatchRegex($"worker {other.Id} on .* is refused: .*data.csv: other data than the coordinator's: "
                + "expected, from \\d+ on, for shard \\d, the numbers of the hash ")
            .And.NotMatchRegex($"worker {one.Id} on .* is refused");
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_an_error_that_names_worker_and_file()
    {
        var data = FileData.Scan(Write(_folder, "npz"), shards: 3).At("elsewhere.npz");
        await using Coordinator coordinator = await Coordinator.StartAsync(0);
        using var worker = Worker(coordinator, _folder);
        await coordinator.Cluster.WaitForWorkersAsync(1);

        Action train = () => Trainer.Run(
            _start, coordinator.Cluster.Over(data), Problem.Of("generated", "adam", 2, shards: 3).Options);

        train.Should().Throw<BpttClusterException>().WithMessage(
            $"Workers: expected 1 that can compute, got 0: worker {worker.Id} on * is refused: "
            + $"{Path.Combine(_folder, "elsewhere.npz")}: there is no such file.*");
    }

    [Fact]
    public async Task A_worker_reads_nothing_outside_its_folder()
    {
        FileSource source = Write(_folder, "npz");
        string inner = Directory.CreateDirectory(Path.Combine(_folder, "inner")).FullName;
        await using Coordinator coordinator = await Coordinator.StartAsync(0);
        using var worker = Worker(coordinator, inner);
        await coordinator.Cluster.WaitForWorkersAsync(1);

        foreach (string path in new[] { source.Path, Path.Combine("..", "data.npz") })
        {
            var data = FileData.Scan(source, shards: 3).At(path);
            Action train = () => Trainer.Run(
                _start, coordinator.Cluster.Over(data), Problem.Of("generated", "adam", 2, shards: 3).Options);

            train.Should().Throw<BpttClusterException>().WithMessage($"*expected a file in {inner}, which alone*");
        }
    }

    private static PeerProcess Worker(Coordinator coordinator, string folder) =>
        PeerProcess.Start("worker", coordinator.Cluster.Address, "1", $"{32 << 20}", folder);

    private static double[] Numbers(TrainingResult result) =>
        [.. result.BestParameters.ToVector(), .. result.History.Select(record => record.Loss)];

    private FileSource Write(string folder, string format)
    {
        string path = Path.Combine(folder, $"data.{format}");
        var arrays = new Dictionary<string, StoredTensor>
        {
            ["x"] = References.Tensor(_inputs),
            ["y"] = References.Tensor(_targets),
        };
        var source = new FileSource { Path = path, Inputs = ["x"], Targets = ["y"] };
        switch (format)
        {
            case "npz":
                NumPyFile.SaveArchive(path, arrays);
                return source;
            case "safetensors":
                new SafeTensorsFile(arrays.Select(a => KeyValuePair.Create(
                    a.Key, new StoredTensor([9 * Steps, a.Value.Shape[^1]], a.Value.Values)))).Save(path);
                return source with { Lengths = _inputs.Lengths.ToArray() };
            default:
                File.WriteAllText(path, Table(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
                return source with { Inputs = ["u 1", "u2"], Targets = ["y"], Group = "run" };
        }
    }

    private string Table()
    {
        var table = new StringBuilder("\"u 1\",run,u2,y\r\n");
        for (int b = 0; b < _inputs.Count; b++)
        {
            for (int t = 0; t < Steps; t++)
            {
                table.Append(CultureInfo.InvariantCulture, $"{_inputs.Sequence(b)[0, t]:R},\"Nº {b}\",");
                table.Append(CultureInfo.InvariantCulture, $"{_inputs.Sequence(b)[1, t]:R},");
                table.Append(CultureInfo.InvariantCulture, $"{_targets.Sequence(b)[0, t]:R}\r\n");
            }
        }
        return table.ToString();
    }

    private sealed class Progress(Action<int> atEpoch) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => atEpoch(value.Epoch);
    }
}
