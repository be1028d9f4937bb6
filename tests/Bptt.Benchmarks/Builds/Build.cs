// A build of the library, loaded beside others in one process. Knows nothing of what is timed.

using System.Reflection;
using System.Runtime.Loader;

namespace Bptt.Benchmarks.Builds;

/// <summary>Loads the benchmarks once more, so that their library is the file given; all others are shared.</summary>
internal sealed class Build : AssemblyLoadContext
{
    private const string Library = "Bptt";

    private readonly string _path;
    private readonly Type _work;

    public Build(string path)
    {
        _path = Path.GetFullPath(path);
        Assembly benchmarks = LoadFromAssemblyPath(typeof(BuildWork).Assembly.Location);
        _work = benchmarks.GetType(typeof(BuildWork).FullName!, throwOnError: true)!;
    }

    /// <summary>The file of this process's own build.</summary>
    public static string Own => typeof(LinearRnn).Assembly.Location;

    /// <summary>What is wrong with a file; null where it is a build of the library.</summary>
    public static string? FaultOf(string path)
    {
        try
        {
            string? name = AssemblyName.GetAssemblyName(path).Name;
            return name == Library ? null : $"expected the file of {Library}, got that of {name}: '{path}'.";
        }
        catch (Exception e) when (e is IOException or BadImageFormatException or ArgumentException)
        {
            return $"expected the file Bptt.dll of another build, got '{path}': {e.Message}";
        }
    }

    /// <summary>A new work of this build.</summary>
    public (Action Run, Func<string> Result) Work(BuildWorkKind kind, string shape, int threads)
    {
        object work = Activator.CreateInstance(_work, kind.ToString(), shape, threads)!;
        return (
            _work.GetMethod(nameof(BuildWork.Run))!.CreateDelegate<Action>(work),
            _work.GetMethod(nameof(BuildWork.Result))!.CreateDelegate<Func<string>>(work));
    }

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName) =>
        assemblyName.Name == Library ? LoadFromAssemblyPath(_path) : null;
}
