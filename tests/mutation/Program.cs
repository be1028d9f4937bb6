// Mutation testing of the walk: plants small mistakes in the library, one at a time, and counts how many the tests see.
// Not part of the ordinary suite, nor of Bptt.sln.
//
//   dotnet build -c Release tests/Bptt.Tests
//   dotnet run -c Release --project tests/mutation -- [--seed N] [--count N] [--from N] [--minutes N]
//     [--sources A,B] [--again FILE] [--tests A,B] [--transposes] [--cover FILE]
//
// Sources are folders and files of src/Bptt ("." is its root alone), tests parts of the names of test classes. Every
// mutant is compiled into one build and chosen while the tests run; each is tried on the tests that reach it, the
// fastest first, until one fails. Only what fails with the mutant and passes without it right after, in the same
// process, is a kill; and a case is out of time only if it is so twice, the second time in a fresh process, by what it
// takes of the processor: a busy machine kills nothing. What survives is listed, for a look: it is the same
// function written otherwise, or a test is missing; with the file of what was printed as --again, those alone are
// tried again, as long as the sources stay the same. --from leaves out the first mutants of the sample, so that one
// that was stopped can be carried on, and with --cover what the tests reach, which takes a while to find, is kept in a
// file for that. With --transposes nothing is planted but transposes that are left out. survivors.md names those that
// no test can kill, and why.

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
int from = int.Parse(Option("--from", "0"), CultureInfo.InvariantCulture);
string[] sources = Option("--sources", ".,Passes,LinearRecurrence,Lifting,Kernels,Verification").Split(',');
string[] again = Option("--again", "") is { Length: > 0 } list ? File.ReadAllLines(list) : [];
bool transposes = args.Contains("--transposes");
string tests = Option("--tests", "Bptt.Tests.Allocation,Bptt.Tests.ApiFuzz,Bptt.Tests.BackwardThroughTimeTests,"
    + "Bptt.Tests.BadInput,Bptt.Tests.CentralDifference,Bptt.Tests.Certificate,Bptt.Tests.ComplexLoss,"
    + "Bptt.Tests.CurvatureFactor,"
    + "Bptt.Tests.Diagnostics,Bptt.Tests.Exactness,Bptt.Tests.ExecutionOptions,Bptt.Tests.FallBack,"
    + "Bptt.Tests.ForwardPass,Bptt.Tests.Gradients,Bptt.Tests.Kernels,Bptt.Tests.Lifting,"
    + "Bptt.Tests.LinearRecurrence,"
    + "Bptt.Tests.LinearRnn,Bptt.Tests.LossCurvature,Bptt.Tests.Memory,Bptt.Tests.Metamorphic,"
    + "Bptt.Tests.Objective,Bptt.Tests.Optimization,Bptt.Tests.Passes,Bptt.Tests.RandomizedTruncation,"
    + "Bptt.Tests.Reference,"
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
        MutatedBuild.Make(root, Path.Combine(place, "copy"), sources, transposes, again, count, new Random(seed));
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
    using var trial = new Trial(bin, tests, mutants.Length + invalid);
    trial.Run(mutants, from, invalid, Option("--cover", ""), TimeSpan.FromMinutes(minutes));
    return 0;
}
finally
{
    if (Directory.Exists(place))
    {
        Directory.Delete(place, recursive: true);
    }
}
