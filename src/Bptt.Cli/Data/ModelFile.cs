// Reading a model file that a user names.

using Bptt.Cli.Console;
using Bptt.Files;

namespace Bptt.Cli.Data;

internal static class ModelFile
{
    /// <summary>Reads a file that `bptt fit` wrote.</summary>
    /// <exception cref="DataFaultException">There is no such file, or a name in it cannot be shown.</exception>
    public static LinearRnnFile Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new DataFaultException($"{path}: "
                + $"{(Directory.Exists(path) ? "expected a model file, got a folder" : "there is no such file")}.");
        }
        var file = LinearRnnFile.Load(path);
        if (file.Inputs.Concat(file.Outputs).FirstOrDefault(c => c.Name.Any(char.IsControl)) is { } unprintable)
        {
            throw new DataFaultException(
                $"{path}: expected names of channels without control characters, got '{unprintable.Name}'.");
        }
        return file;
    }
}
