// Which numbers of which file are the data of a training. Data only; opens nothing.

namespace Bptt.Orleans;

/// <summary>A file with the inputs and targets of sequences: a table with a header (.csv), or arrays with names (.npz,
/// .safetensors). Immutable.</summary>
public sealed record FileSource
{
    /// <summary>The file: the same path on every machine, or one below <see cref="BpttClusterOptions.DataFolder"/> of
    /// each.</summary>
    public required string Path { get; init; }

    /// <summary>Of a table: the columns of the d inputs. Otherwise the name of one array, steps × d or
    /// sequences × steps × d.</summary>
    public required IReadOnlyList<string> Inputs { get; init; }

    /// <summary>Of a table: the columns of the q targets. Otherwise the name of one array with as many steps.</summary>
    public required IReadOnlyList<string> Targets { get; init; }

    /// <summary>Of a table: the column that says which sequence a row belongs to; a new one begins where it changes.
    /// Null for one sequence, or for <see cref="Lengths"/>.</summary>
    public string? Group { get; init; }

    /// <summary>T_b of the sequences, whose rows stand one after the other; null where <see cref="Group"/> or the shape
    /// of the arrays says it.</summary>
    public IReadOnlyList<int>? Lengths { get; init; }

    /// <summary>Whether each channel is brought to mean 0 and standard deviation 1 over all steps; otherwise numbers
    /// are taken as they are.</summary>
    public bool IsStandardized { get; init; }

    /// <summary>How the losses of the steps become one number.</summary>
    public Reduction Reduction { get; init; } = Reduction.MeanPerStep;

    /// <summary>The δ of the Huber loss; null for the squared error.</summary>
    public double? HuberThreshold { get; init; }
}
