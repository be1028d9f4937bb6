// A copy of the repository with mutants in the library, built; those that do not compile are taken out again.

using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;

namespace Bptt.Mutation;

internal static partial class MutatedBuild
{
    private const int MostRounds = 20;

    private const string Switch = """
        // Which mutant is chosen, and which have been reached.
        namespace Bptt;

        public static class MutantSwitch
        {
            public static int Current;
            public static bool[]? Reached;

            public static bool Is(int number)
            {
                if (Reached is bool[] reached)
                {
                    reached[number] = true;
                }
                return Current == number;
            }
        }
        """;

    /// <summary>Makes it.</summary>
    /// <param name="root">The repository.</param>
    /// <param name="copy">Where the copy goes; what is there is replaced.</param>
    /// <param name="sources">Folders and files of src/Bptt that are mutated.</param>
    /// <param name="transposes">Whether transposes are left out, and nothing else is changed.</param>
    /// <param name="again">Lines of an earlier list, of which alone the mutants are planted; empty for all.</param>
    /// <param name="count">How many mutants, drawn at random.</param>
    /// <param name="random">Draws them.</param>
    /// <returns>The mutants that compile, and how many did not.</returns>
    public static (Mutant[] Mutants, int Invalid) Make(
        string root, string copy, string[] sources, bool transposes, string[] again, int count, Random random)
    {
        Copy(root, copy);
        var files = sources
            .Select(source => Path.Combine(copy, "src/Bptt", source))
            .SelectMany(path => File.Exists(path) ? [path] : Directory.GetFiles(path, "*.cs"))
            .Select(Path.GetFullPath)
            .Order(StringComparer.Ordinal)
            .ToDictionary(path => path, File.ReadAllText);
        File.WriteAllText(Path.Combine(copy, "src/Bptt/MutantSwitch.cs"), Switch);
        (SyntaxNode Node, Mutant Mutant)[] all = [.. files.SelectMany(
            file => Planter.Candidates(Path.GetRelativePath(copy, file.Key), file.Value, transposes))
            .Where(c => again.Length == 0
                || Array.Exists(again, line => line.EndsWith($"  {c.Item2.Text}", StringComparison.Ordinal)))];
        random.Shuffle(all);
        List<(SyntaxNode Node, Mutant Mutant)> chosen =
            [.. all.Take(count).Select((c, i) => (c.Node, c.Mutant with { Number = i + 1 }))];
        Console.WriteLine($"{all.Length} places in {files.Count} files, {chosen.Count} chosen");

        for (int round = 1; round <= MostRounds; round++)
        {
            foreach ((string path, string text) in files)
            {
                string file = Path.GetRelativePath(copy, path);
                var here = chosen.Where(c => c.Mutant.File == file).ToList();
                SyntaxNode? tree = here.Count == 0 ? null : here[0].Node.SyntaxTree.GetRoot();
                File.WriteAllText(path, tree is null ? text : Planter.Plant(tree, here));
            }
            HashSet<int> wrong = Build(copy);
            if (wrong.Count == 0)
            {
                return ([.. chosen.Select(c => c.Mutant)], Math.Min(count, all.Length) - chosen.Count);
            }
            Console.WriteLine($"build {round}: {wrong.Count} mutants do not compile");
            chosen.RemoveAll(c => wrong.Contains(c.Mutant.Number));
        }
        throw new InvalidOperationException("There is always another mutant that does not compile.");
    }

    /// <returns>The mutants beside which there are errors.</returns>
    private static HashSet<int> Build(string copy)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet",
            "build src/Bptt -c Release -m:1 -v q -nologo -p:RunAnalyzers=false -p:EnforceCodeStyleInBuild=false "
            + "-p:TreatWarningsAsErrors=false -p:GenerateDocumentationFile=false")
        {
            WorkingDirectory = copy,
            RedirectStandardOutput = true,
        })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        var wrong = new HashSet<int>();
        foreach (Match error in Error().Matches(output))
        {
            string[] lines = File.ReadAllLines(error.Groups["file"].Value);
            int line = int.Parse(error.Groups["line"].Value, CultureInfo.InvariantCulture) - 1;
            // Where the error is on a line without a mutant it is of one before.
            for (; line >= 0 && !lines[line].Contains("MutantSwitch.Is(", StringComparison.Ordinal); line--)
            {
            }
            foreach (Match mutant in Number().Matches(line < 0 ? "" : lines[line]))
            {
                wrong.Add(int.Parse(mutant.Groups[1].Value, CultureInfo.InvariantCulture));
            }
        }
        return process.ExitCode == 0 ? [] : wrong.Count > 0 ? wrong : throw new InvalidOperationException(output);
    }

    private static void Copy(string root, string copy)
    {
        if (Directory.Exists(copy))
        {
            Directory.Delete(copy, recursive: true);
        }
        string[] places = [.. Directory.GetFiles(root), .. Files(Path.Combine(root, "src"))];
        foreach (string file in places)
        {
            string target = Path.Combine(copy, Path.GetRelativePath(root, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    private static IEnumerable<string> Files(string folder) => Directory.GetFiles(folder).Concat(
        Directory.GetDirectories(folder).Where(f => Path.GetFileName(f) is not ("bin" or "obj")).SelectMany(Files));

    [GeneratedRegex(@"^\s*(?<file>[^\s(][^(\n]*\.cs)\((?<line>\d+),\d+\): error ", RegexOptions.Multiline)]
    private static partial Regex Error();

    [GeneratedRegex(@"MutantSwitch\.Is\((\d+)\)")]
    private static partial Regex Number();
}
