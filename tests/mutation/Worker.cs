// Runs tests inside this process, one case at a time, with one mutant chosen or none. Orders come by standard input.

using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.Loader;
using Xunit;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace Bptt.Mutation;

/// <summary>The process that is killed where a mutant does not end. It answers lines: "cover" with a line for each
/// case, milliseconds and mutants reached, then "end"; "run N case,case,…" with "case NUMBER" before each, and at the
/// end "killed NUMBER" or "survived". N is 0 for no mutant.</summary>
internal static class Worker
{
    public static void Run(string folder, string[] classes, int mutants)
    {
        AssemblyLoadContext.Default.Resolving += (context, name) =>
            Path.Combine(folder, name.Name + ".dll") is string path && File.Exists(path)
                ? context.LoadFromAssemblyPath(path)
                : null;
        TextWriter answers = Console.Out;
        Console.SetOut(TextWriter.Null);
        Assembly tests = AssemblyLoadContext.Default.LoadFromAssemblyPath(Path.Combine(folder, "Bptt.Tests.dll"));
        Type mutantSwitch = AssemblyLoadContext.Default
            .LoadFromAssemblyPath(Path.Combine(folder, "Bptt.dll")).GetType("Bptt.MutantSwitch")!;
        FieldInfo current = mutantSwitch.GetField("Current")!;
        FieldInfo reached = mutantSwitch.GetField("Reached")!;

        var framework = new XunitTestFramework(new Sink());
        var assembly = new ReflectionAssemblyInfo(tests);
        using ITestFrameworkExecutor executor = framework.GetExecutor(tests.GetName());
        using ITestFrameworkDiscoverer discoverer = framework.GetDiscoverer(assembly);
        var discovered = new Sink();
        discoverer.Find(includeSourceInformation: false, discovered, new Options());
        discovered.Finished.WaitOne();
        ITestCase[] cases = [.. discovered.Cases
            .Where(c => classes.Any(name => c.TestMethod.TestClass.Class.Name.Contains(name, StringComparison.Ordinal))
                && !c.Traits.ContainsKey("Category"))
            .OrderBy(c => c.UniqueID, StringComparer.Ordinal)];

        while (Console.ReadLine() is string order)
        {
            string[] words = order.Split(' ');
            if (words[0] == "cover")
            {
                for (int i = 0; i < cases.Length; i++)
                {
                    bool[] seen = new bool[mutants + 1];
                    reached.SetValue(null, seen);
                    var watch = Stopwatch.StartNew();
                    bool passes = Passes(cases[i], -1);
                    reached.SetValue(null, null);
                    string list = string.Join(',', Enumerable.Range(0, seen.Length).Where(n => seen[n]));
                    answers.WriteLine($"{(passes ? watch.ElapsedMilliseconds : -1)} {list} {cases[i].DisplayName}");
                }
                answers.WriteLine("end");
            }
            else
            {
                current.SetValue(null, int.Parse(words[1], CultureInfo.InvariantCulture));
                int killer = Numbers(words[2]).FirstOrDefault(i => !Passes(cases[i], i), -1);
                current.SetValue(null, 0);
                answers.WriteLine(killer < 0 ? "survived" : $"killed {killer}");
            }
            answers.Flush();
        }

        bool Passes(ITestCase testCase, int announced)
        {
            if (announced >= 0)
            {
                answers.WriteLine($"case {announced}");
                answers.Flush();
            }
            using var sink = new Sink();
            executor.RunTests([testCase], sink, new Options());
            sink.Finished.WaitOne();
            return !sink.HasFailed;
        }
    }

    /// <summary>Numbers between commas.</summary>
    public static IEnumerable<int> Numbers(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries)
        .Select(number => int.Parse(number, CultureInfo.InvariantCulture));

    /// <summary>Whatever xunit takes where nothing is set.</summary>
    private sealed class Options : ITestFrameworkDiscoveryOptions, ITestFrameworkExecutionOptions
    {
        private readonly Dictionary<string, object?> _values = [];

        public TValue GetValue<TValue>(string name) =>
            _values.TryGetValue(name, out object? value) ? (TValue)value! : default!;

        public void SetValue<TValue>(string name, TValue value) => _values[name] = value;
    }

    private sealed class Sink : LongLivedMarshalByRefObject, IMessageSink, IDisposable
    {
        public ManualResetEvent Finished { get; } = new(false);

        public List<ITestCase> Cases { get; } = [];

        public bool HasFailed { get; private set; }

        public bool OnMessage(IMessageSinkMessage message)
        {
            switch (message)
            {
                case ITestCaseDiscoveryMessage discovered:
                    Cases.Add(discovered.TestCase);
                    break;
                case ITestFailed or IErrorMessage:
                    HasFailed = true;
                    break;
                case IDiscoveryCompleteMessage or ITestAssemblyFinished:
                    Finished.Set();
                    break;
            }
            return !HasFailed;
        }

        public void Dispose() => Finished.Dispose();
    }
}
