// Rule B: namespaces are folders, and who may import whom: arrows go down only.

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
    private static readonly Dictionary<string, string[]> Allowed = Rooms(
        "Kernels →",
        "Scheduling →",
        "LinearAlgebra → Kernels Edge Passes Root",
        "LinearRecurrence → Kernels LinearAlgebra",
        "Edge → Kernels LinearAlgebra LinearRecurrence",
        "Passes → Kernels Scheduling LinearAlgebra LinearRecurrence Edge",
        "Root → Kernels Scheduling LinearAlgebra LinearRecurrence Edge Passes",
        "Files → Below",
        "Verification → Below",
        "Graphs → Below",
        "Diagnostics → Below",
        "Remedies → Below Diagnostics",
        "Optimization → Below Remedies",
        "Identification → Below Diagnostics Remedies",
        "Training → Below Files Diagnostics Remedies Optimization");

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
    public void Nothing_below_the_root_is_public() =>
        typeof(LinearRnn).Assembly.GetExportedTypes().Select(t => t.Namespace).Should().NotContain(
            ["Bptt.Kernels", "Bptt.Scheduling", "Bptt.LinearAlgebra", "Bptt.LinearRecurrence", "Bptt.Edge", "Bptt.Passes"]);

    [Fact]
    public void Nothing_public_is_mutable_and_static() =>
        typeof(LinearRnn).Assembly.GetExportedTypes()
            .SelectMany(t => t.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(f => !f.IsInitOnly && !f.IsLiteral)
            .Should().BeEmpty();

    /// <summary>Rows "room → rooms"; Root stands for the namespace Bptt, Below for it and all that it may import.</summary>
    private static Dictionary<string, string[]> Rooms(params string[] rows)
    {
        const string below = "Root Kernels Scheduling LinearAlgebra LinearRecurrence Edge Passes";
        return rows.Select(row => row.Replace("Below", below, StringComparison.Ordinal).Split('→')).ToDictionary(
            row => Namespace(row[0].Trim()),
            row => row[1].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Namespace).ToArray());
    }

    private static string Namespace(string room) => room == "Root" ? "Bptt" : $"Bptt.{room}";

    private static bool IsOurs(IType type) =>
        type.Namespace is not null
        && (type.Namespace.FullName == "Bptt" || type.Namespace.FullName.StartsWith("Bptt.", StringComparison.Ordinal));
}
