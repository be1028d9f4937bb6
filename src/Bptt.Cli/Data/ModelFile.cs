// Reading a model file that a user names.

using Bptt.Cli.Console;
using Bptt.Files;

namespace Bptt.Cli.Data;

internal static class ModelFile
{
    /// <summary>Reads a file that `bptt fit` wrote.</summary>
    /// <exception cref="DataFaultException">There is no such file.</exception>
    public static LinearRnnFile Load(string path) => File.Exists(path)
        ? LinearRnnFile.Load(path)
        : throw new DataFaultException(
            $"{path}: {(Directory.Exists(path) ? "expected a model file, got a folder" : "there is no such file")}.");
}
