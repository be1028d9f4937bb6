// A folder that is gone after the test.

namespace Bptt.Cli.Tests;

internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("bptt-test-").FullName;

    public string File(string name, string content)
    {
        string path = At(name);
        System.IO.File.WriteAllText(path, content);
        return path;
    }

    public string At(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
