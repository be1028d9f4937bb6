// One case: its name, and what it adds to a hash.

namespace Bptt.Benchmarks.Bits;

/// <summary>A computation that is the same in every run.</summary>
/// <param name="Name">Without spaces; names the seed and everything else that the numbers depend on.</param>
/// <param name="Run">Computes, and adds all that it computes.</param>
internal sealed record BitCase(string Name, Action<BitHash> Run)
{
    private const string ThreadsPart = "/threads";

    /// <summary>The numbers of threads that every computation of the engine is repeated with.</summary>
    private static readonly int[] Threads = [1, 2];

    /// <summary>The name without the number of threads, which no result depends on.</summary>
    public string NameOfResult => Name.Split(ThreadsPart)[0];

    /// <summary>One computation in a way, with each number of threads.</summary>
    public static IEnumerable<BitCase> OnThreads(string name, BitWay way, Action<BitHash, ExecutionOptions> run) =>
        OnThreads($"{name}/{way.Name}", way.Options, run);

    /// <summary>One computation with each number of threads.</summary>
    public static IEnumerable<BitCase> OnThreads(
        string name, ExecutionOptions options, Action<BitHash, ExecutionOptions> run) => Threads.Select(
        threads => new BitCase(
            $"{name}{ThreadsPart}{threads}", hash => run(hash, options with { MaxDegreeOfParallelism = threads })));
}
