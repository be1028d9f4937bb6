// How a table becomes sequences, as the command line says it. Data only.

namespace Bptt.Cli.Data;

/// <summary>What is held out where a table holds several runs.</summary>
internal enum HoldOut
{
    /// <summary>The last runs.</summary>
    Runs,

    /// <summary>The last steps of each run.</summary>
    Time,
}

/// <summary>What is done about missing values.</summary>
internal enum Missing
{
    /// <summary>Steps without a measured output do not count; missing inputs are refused.</summary>
    Mask,

    /// <summary>The same for outputs; missing inputs are interpolated.</summary>
    Interpolate,

    /// <summary>Both are refused.</summary>
    Refuse,
}

/// <summary>How a table becomes sequences.</summary>
internal sealed record DataSettings
{
    /// <summary>The column that names the run of each row; null where all rows are one run.</summary>
    public string? Group { get; init; }

    public HoldOut HoldOut { get; init; }

    public Missing Missing { get; init; }

    /// <summary>The column that holds the time of each row; null for none.</summary>
    public string? Time { get; init; }

    /// <summary>Whether the outputs are those of the next row.</summary>
    public bool PredictNext { get; init; }

    /// <summary>Above 0, at most 1.</summary>
    public double TrainingFraction { get; init; } = 0.6;

    /// <summary>Whether some rows are held out.</summary>
    public bool HoldsOut => TrainingFraction < 1.0;
}
