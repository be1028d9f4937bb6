// Data that ship inside the tool, and how they are used unless the command line says otherwise.

using System.Reflection;

namespace Bptt.Cli.Data;

/// <summary>A CSV inside the assembly; its source is told in Samples/README.md and in <see cref="Source"/>.</summary>
internal sealed record Sample(
    string Name, string Source, string[] Inputs, string[] Outputs, bool PredictNext, double TrainingFraction)
{
    public static IReadOnlyList<Sample> All { get; } =
    [
        new(
            "hair-dryer",
            "laboratory hair dryer, heater power to air temperature (Ljung; DaISy \"PT326\")",
            ["heater_power"],
            ["air_temperature"],
            PredictNext: false,
            TrainingFraction: 0.6),
        new(
            "sunspots",
            "yearly sunspot numbers 1700-2008 (public domain)",
            ["sunspot_number"],
            ["sunspot_number"],
            PredictNext: true,
            TrainingFraction: 0.7),
    ];

    public Table Read()
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Name)!;
        using var reader = new StreamReader(stream);
        return CsvTable.Read(reader, $"sample {Name}");
    }
}
