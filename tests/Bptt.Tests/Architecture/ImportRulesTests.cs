// Rule B: namespaces are folders, and who may import whom: arrows go down only.

using System.Reflection;

namespace Bptt.Tests.Architecture;

public class ImportRulesTests
{
    private const string Below = "Kernels Scheduling LinearAlgebra LinearRecurrence Edge Passes Root";

    private static readonly RoomTable Rooms = new(
        typeof(LinearRnn).Assembly,
        "Bptt",
        "Kernels →",
        "Scheduling →",
        "LinearAlgebra → Kernels",
        "LinearRecurrence → Kernels LinearAlgebra",
        "Edge → Kernels LinearAlgebra LinearRecurrence",
        "Passes → Kernels Scheduling LinearAlgebra LinearRecurrence Edge",
        "Lifting → Kernels LinearAlgebra LinearRecurrence Passes",
        "SinglePrecision → Kernels LinearAlgebra LinearRecurrence Passes Lifting",
        "Root → Kernels Scheduling LinearAlgebra LinearRecurrence Edge Passes Lifting SinglePrecision",
        $"Files → {Below}",
        $"Verification → {Below}",
        $"Graphs → {Below}",
        $"Diagnostics → {Below}",
        $"Remedies → {Below} Diagnostics",
        $"Sharding → {Below}",
        $"Optimization → {Below} Lifting Remedies Sharding",
        $"Identification → {Below} Diagnostics Remedies Optimization",
        "Telemetry →",
        $"Training → {Below} Files Diagnostics Remedies Sharding Optimization Telemetry",
        $"Forecasting → {Below} Files Diagnostics Remedies Optimization Training Identification");

    [Fact]
    public void Rooms_import_only_what_they_may()
    {
        Rooms.ImportCount().Should().BeGreaterThan(100, "otherwise the dependencies were not found");
        Rooms.Breaches().Should().BeEmpty();
    }

    [Fact]
    public void Every_room_is_named_in_the_plan() => Rooms.UnknownRooms().Should().BeEmpty();

    [Fact]
    public void The_library_references_MathNet_and_the_framework_only() =>
        typeof(LinearRnn).Assembly.GetReferencedAssemblies().Select(a => a.Name!)
            .Where(name => !name.StartsWith("System.", StringComparison.Ordinal))
            .Should().Equal("MathNet.Numerics");

    [Fact]
    public void Nothing_below_the_root_is_public() =>
        typeof(LinearRnn).Assembly.GetExportedTypes().Select(t => t.Namespace).Should().NotContain(
            Below.Replace(" Root", "", StringComparison.Ordinal).Split(' ').Select(room => $"Bptt.{room}"));

    [Fact]
    public void Nothing_public_is_mutable_and_static() =>
        typeof(LinearRnn).Assembly.GetExportedTypes()
            .SelectMany(t => t.GetFields(
                BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(f => !f.IsInitOnly && !f.IsLiteral)
            .Should().BeEmpty();
}
