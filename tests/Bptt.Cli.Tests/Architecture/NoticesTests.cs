// Every library of others that the tool's package holds is named in its notices.

using System.Reflection;

namespace Bptt.Cli.Tests.Architecture;

public class NoticesTests
{
    [Fact]
    public void Every_library_in_the_package_is_named_in_the_notices()
    {
        string notices = File.ReadAllText(Path.Combine(Root(), "src/Bptt.Cli/THIRD-PARTY-NOTICES.txt"));

        string[] libraries = [.. Libraries(typeof(CommandLine).Assembly, []).Order(StringComparer.Ordinal)];

        libraries.Should().Contain("MathNet.Numerics").And.HaveCountGreaterThan(8);
        libraries.Should().OnlyContain(
            name => notices.Contains($"  {name}, https://", StringComparison.Ordinal));
    }

    /// <summary>What an assembly refers to, directly or not, that lies beside it and is not ours.</summary>
    private static HashSet<string> Libraries(Assembly assembly, HashSet<string> found)
    {
        foreach (AssemblyName reference in assembly.GetReferencedAssemblies())
        {
            string path = Path.Combine(AppContext.BaseDirectory, $"{reference.Name}.dll");
            bool isOurs = reference.Name!.StartsWith("Bptt", StringComparison.Ordinal);
            if (File.Exists(path) && (isOurs || found.Add(reference.Name)))
            {
                Libraries(Assembly.LoadFrom(path), found);
            }
        }
        return found;
    }

    private static string Root()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Bptt.sln")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }
        return folder;
    }
}
