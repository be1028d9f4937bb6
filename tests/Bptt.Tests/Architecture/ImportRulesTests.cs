// Who may import whom: walk → LinearRecurrence → Kernels → nothing of ours, walk → Scheduling → nothing of ours;
// Verification, Diagnostics, Training and Interop stand on the walk; of each other only Training → Diagnostics and
// Interop.

using System.Reflection;
using ArchUnitNET.Domain;
using ArchUnitNET.Domain.Extensions;
using ArchUnitNET.Loader;

namespace Bptt.Tests.Architecture;

public class ImportRulesTests
{
    private static readonly ArchUnitNET.Domain.Architecture Library =
        new ArchLoader().LoadAssembly(typeof(LinearRnn).Assembly).Build();

    /// <summary>Each room with the rooms it may import; a room that is not named may not exist.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Bptt"] = ["Bptt.LinearRecurrence", "Bptt.Scheduling", "Bptt.Kernels"],
        ["Bptt.LinearRecurrence"] = ["Bptt.Kernels"],
        ["Bptt.Scheduling"] = [],
        ["Bptt.Kernels"] = [],
        ["Bptt.Verification"] = ["Bptt", "Bptt.LinearRecurrence", "Bptt.Kernels"],
        ["Bptt.Diagnostics"] = ["Bptt", "Bptt.LinearRecurrence", "Bptt.Kernels"],
        ["Bptt.Interop"] = ["Bptt", "Bptt.LinearRecurrence", "Bptt.Kernels"],
        ["Bptt.Training"] = ["Bptt", "Bptt.LinearRecurrence", "Bptt.Kernels", "Bptt.Diagnostics", "Bptt.Interop"],
    };

    [Fact]
    public void Rooms_import_only_what_they_may()
    {
        List<string> breaches = [];
        int seen = 0;
        foreach (IType type in Library.Types.Where(IsOurs))
        {
            string room = type.Namespace.FullName;
            foreach (IType target in type.GetTypeDependencies().Where(IsOurs))
            {
                seen++;
                if (target.Namespace.FullName != room && !Allowed[room].Contains(target.Namespace.FullName))
                {
                    breaches.Add($"{type.FullName} → {target.FullName}");
                }
            }
        }

        seen.Should().BeGreaterThan(100, "otherwise the dependencies were not found");
        breaches.Distinct().Should().BeEmpty();
    }

    [Fact]
    public void Every_room_is_named_in_the_plan() =>
        Library.Types.Where(IsOurs).Select(t => t.Namespace.FullName).Distinct().Should().BeSubsetOf(Allowed.Keys);

    [Fact]
    public void The_library_references_MathNet_and_the_framework_only() =>
        typeof(LinearRnn).Assembly.GetReferencedAssemblies().Select(a => a.Name!)
            .Where(name => !name.StartsWith("System.", StringComparison.Ordinal))
            .Should().Equal("MathNet.Numerics");

    [Fact]
    public void Kernels_recurrence_and_scheduling_are_internal() =>
        typeof(LinearRnn).Assembly.GetExportedTypes().Select(t => t.Namespace)
            .Should().NotContain(["Bptt.Kernels", "Bptt.LinearRecurrence", "Bptt.Scheduling"]);

    [Fact]
    public void Nothing_public_is_mutable_and_static() =>
        typeof(LinearRnn).Assembly.GetExportedTypes()
            .SelectMany(t => t.GetFields(
                BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(f => !f.IsInitOnly && !f.IsLiteral)
            .Should().BeEmpty();

    private static bool IsOurs(IType type) =>
        type.Namespace is not null
        && (type.Namespace.FullName == "Bptt" || type.Namespace.FullName.StartsWith("Bptt.", StringComparison.Ordinal));
}
