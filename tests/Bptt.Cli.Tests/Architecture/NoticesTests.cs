// Every library of others that the tool's package holds is named in its notices.

using System.Text.Json;
using Bptt.Tests.Architecture;

namespace Bptt.Cli.Tests.Architecture;

public class NoticesTests
{
    [Fact]
    public void Every_library_in_the_package_is_named_in_the_notices()
    {
        string notices = Repository.Read("src/Bptt.Cli/THIRD-PARTY-NOTICES.txt");

        string[] libraries = [.. Libraries().Order(StringComparer.Ordinal)];

        libraries.Should().Contain("MathNet.Numerics").And.HaveCountGreaterThan(8);
        libraries.Should().OnlyContain(
            name => notices.Contains($"  {name}, https://", StringComparison.Ordinal));
    }

    /// <summary>The assemblies that the command is built with and that are not ours, by what the build wrote of
    /// it.</summary>
    private static string[] Libraries()
    {
        using var build = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Bptt.Cli.deps.json")));
        return build.RootElement.GetProperty("targets").EnumerateObject()
            .SelectMany(target => target.Value.EnumerateObject())
            .Where(library => library.Value.TryGetProperty("runtime", out _))
            .SelectMany(library => library.Value.GetProperty("runtime").EnumerateObject())
            .Select(file => Path.GetFileNameWithoutExtension(file.Name))
            .Where(name => !name.StartsWith("Bptt", StringComparison.Ordinal))
            .ToArray();
    }
}
