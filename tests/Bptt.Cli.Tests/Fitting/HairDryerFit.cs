// One short fit of the hair dryer from random weights, step by step, that several tests look at.

namespace Bptt.Cli.Tests.Fitting;

public sealed class HairDryerFit : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    internal CommandResult Result { get; private set; } = null!;

    internal PredictionsFile Predictions { get; private set; } = null!;

    internal ModelFile Model { get; private set; } = null!;

    internal string[] Files { get; private set; } = null!;

    internal string At(string name) => _folder.At(name);

    public async Task InitializeAsync()
    {
        Result = await CommandRunner.RunAsync(
            "fit", "--sample", "hair-dryer", "--hidden", "8", "--optimizer", "adam", "--epochs", "60",
            "--out", _folder.Path);
        Files = _folder.Content();
        Predictions = PredictionsFile.Of(_folder.At("predictions.csv"));
        Model = ModelFile.Of(_folder.At("model.json"));
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _folder.Dispose();
}
