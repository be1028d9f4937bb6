// Mutation testing of the walk: plants small mistakes in the library, one at a time, and counts how many the tests see.
// Not part of the ordinary suite, nor of Bptt.sln.
//
//   dotnet build -c Release tests/Bptt.Tests
//   dotnet run -c Release --project tests/mutation -- [--seed N] [--count N] [--minutes N] [--sources A,B]
//     [--again FILE] [--tests A,B]
//
// Sources are folders and files of src/Bptt, tests parts of the names of test classes. Every mutant is compiled into
// one build and chosen while the tests run; each is tried on the tests that reach it, the fastest first, until one
// fails or takes ten times as long as it should. What survives is listed, for a look: it is the same function written
// otherwise, or a test is missing; with the file of what was printed as --again, those alone are tried again, as long
// as the sources stay the same. survivors.md names those that no test can kill, and why.

using System.Diagnostics;
using System.Globalization;
using Bptt.Mutation;

if (args is ["worker", string folder, string names, string number])
{
    Worker.Run(folder, names.Split(','), int.Parse(number, CultureInfo.InvariantCulture));
    return 0;
}

string Option(string name, string otherwise) =>
    Array.IndexOf(args, name) is int at and >= 0 && at + 1 < args.Length ? args[at + 1] : otherwise;

int seed = int.Parse(Option("--seed", "1"), CultureInfo.InvariantCulture);
int count = int.Parse(Option("--count", "700"), CultureInfo.InvariantCulture);
double minutes = double.Parse(Option("--minutes", "60"), CultureInfo.InvariantCulture);
string[] sources = Option("--sources", "Passes,LinearRecurrence,Lifting,Verification,Objective.cs,"
    + "Objective.Evaluation.cs,"
    + "Objective.SquaredError.cs,Objective.CrossEntropy.cs,Objective.Huber.cs,Objective.Curvature.cs,"
    + "Objective.Parts.cs")
    .Split(',');
string[] again = Option("--again", "") is { Length: > 0 } list ? File.ReadAllLines(list) : [];
string tests = Option("--tests", "Bptt.Tests.Allocation,Bptt.Tests.ApiFuzz,Bptt.Tests.BackwardThroughTimeTests,"
    + "Bptt.Tests.BadInput,Bptt.Tests.CentralDifference,Bptt.Tests.Certificate,Bptt.Tests.ComplexLoss,"
    + "Bptt.Tests.Diagnostics,Bptt.Tests.Exactness,Bptt.Tests.ExecutionOptions,Bptt.Tests.FallBack,"
    + "Bptt.Tests.ForwardPass,Bptt.Tests.Gradients,Bptt.Tests.Lifting,Bptt.Tests.LinearRecurrence,"
    + "Bptt.Tests.LinearRnn,Bptt.Tests.LossCurvature,Bptt.Tests.MemoryBudget,Bptt.Tests.Metamorphic,"
    + "Bptt.Tests.Objective,Bptt.Tests.Optimization,Bptt.Tests.RandomizedTruncation,Bptt.Tests.Reference,"
    + "Bptt.Tests.SequenceBatch,Bptt.Tests.Sharding,Bptt.Tests.SinglePrecision,Bptt.Tests.TangentPass,"
    + "Bptt.Tests.Tensor,Bptt.Tests.Threads,Bptt.Tests.TimeParallel,Bptt.Tests.Truncation,Bptt.Tests.Verification,"
    + "Bptt.Tests.Walk,Bptt.Tests.Workspace");

string root = Directory.GetCurrentDirectory();
while (!File.Exists(Path.Combine(root, "Bptt.sln")))
{
    root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("Run it inside the repository.");
}
Console.WriteLine($"seed {seed}");
string place = Path.Combine(Path.GetTempPath(), $"bptt-mutation-{Environment.ProcessId}");
try
{
    (Mutant[] mutants, int invalid) =
        MutatedBuild.Make(root, Path.Combine(place, "copy"), sources, again, count, new Random(seed));
    string bin = Path.Combine(place, "bin");
    foreach (string file in Directory.GetFiles(
        Path.Combine(root, "tests/Bptt.Tests/bin/Release/net10.0"), "*", SearchOption.AllDirectories))
    {
        string target = Path.Combine(bin, Path.GetRelativePath(
            Path.Combine(root, "tests/Bptt.Tests/bin/Release/net10.0"), file));
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        File.Copy(file, target);
    }
    File.Copy(Path.Combine(place, "copy/src/Bptt/bin/Release/net10.0/Bptt.dll"), Path.Combine(bin, "Bptt.dll"), true);
    return Trial.Run(bin, tests, mutants, count, invalid, TimeSpan.FromMinutes(minutes));
}
finally
{
    if (Directory.Exists(place))
    {
        Directory.Delete(place, recursive: true);
    }
}

/// <summary>Tries every mutant in a worker process.</summary>
internal static class Trial
{
    /// <summary>Cases that reach a mutant are run up to so many milliseconds of their ordinary time.</summary>
    private const long MostTime = 30_000;

    public static int Run(string bin, string tests, Mutant[] mutants, int count, int invalid, TimeSpan limit)
    {
        Process worker = Start();
        Ask(worker, "cover", out _, Timeout.InfiniteTimeSpan, untilEnd: true, out List<string> lines);
        (long Time, HashSet<int> Reached)[] cases = [.. lines.Select(line => line.Split(' ', 3)).Select(
            words => (long.Parse(words[0], CultureInfo.InvariantCulture), Worker.Numbers(words[1]).ToHashSet()))];
        int[] usable =
            [.. Enumerable.Range(0, cases.Length).Where(i => cases[i].Time >= 0).OrderBy(i => cases[i].Time)];
        Console.WriteLine(
            $"{usable.Length} test cases of {cases.Length} pass without a mutant, {mutants.Length} mutants");

        var clock = Stopwatch.StartNew();
        List<Mutant> survivors = [];
        int tried = 0;
        int timeouts = 0;
        foreach (Mutant mutant in mutants)
        {
            if (clock.Elapsed > limit)
            {
                break;
            }
            tried++;
            long sum = 0;
            int[] run = [.. usable.Where(i => cases[i].Reached.Contains(mutant.Number))
                .TakeWhile((i, place) => (sum += cases[i].Time) <= MostTime || place == 0)];
            if (run.Length == 0)
            {
                survivors.Add(mutant);
                Console.WriteLine($"not reached  {mutant}");
                continue;
            }
            var time = TimeSpan.FromMilliseconds(10_000 + (10 * run.Sum(i => cases[i].Time)));
            if (!Ask(worker, $"run {mutant.Number} {string.Join(',', run)}", out string answer, time, false, out _))
            {
                timeouts++; // it does not end, or took the process with it
                worker.Kill();
                worker.WaitForExit();
                worker = Start();
            }
            else if (answer == "survived")
            {
                survivors.Add(mutant);
                Console.WriteLine($"survived     {mutant}");
            }
        }
        worker.Kill();
        int killed = tried - survivors.Count;
        Console.WriteLine(
            $"{tried} of {mutants.Length} valid mutants tried: {killed} killed ({timeouts} by time or a crash), "
            + $"{survivors.Count} survived, {(double)killed / Math.Max(1, tried):P1}; {invalid} of {count} did not "
            + "compile");
        return 0;

        Process Start() => Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [
            .. Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
                ? [typeof(Trial).Assembly.Location]
                : (string[])[],
            "worker", bin, tests, $"{mutants.Length + invalid}"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
    }

    private static bool Ask(
        Process worker, string order, out string answer, TimeSpan limit, bool untilEnd, out List<string> lines)
    {
        List<string> read = [];
        worker.StandardInput.WriteLine(order);
        worker.StandardInput.Flush();
        var reading = Task.Run(() =>
        {
            string? line;
            while ((line = worker.StandardOutput.ReadLine()) is not null && line != "end")
            {
                read.Add(line);
                if (!untilEnd)
                {
                    break;
                }
            }
            return line is not null;
        });
        bool isThere = reading.Wait(limit) && reading.Result;
        lines = isThere ? read : [];
        answer = isThere && read.Count > 0 ? read[^1] : "";
        return isThere;
    }
}
