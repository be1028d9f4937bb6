// Everything that the next update of a training depends on, and what it has found: what a checkpoint holds.

using Bptt.Optimization;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Training;

internal sealed class TrainingState(Parameters start, Optimizer optimizer)
{
    /// <summary>θ.</summary>
    public Parameters Current { get; set; } = start;

    /// <summary>θ of the best epoch; the start before any.</summary>
    public Parameters Best { get; set; } = start;

    /// <summary>Its loss; infinite before any.</summary>
    public double BestLoss { get; set; } = double.PositiveInfinity;

    public int BestEpoch { get; set; }

    /// <summary>The method with its history.</summary>
    public Optimizer Optimizer { get; } = optimizer;

    /// <summary>Epochs done.</summary>
    public int Epoch { get; set; }

    /// <summary>Pieces of the running epoch that are done.</summary>
    public int Piece { get; set; }

    /// <summary>h × sequences of the last piece: the states in which it ended; null where none is carried on.</summary>
    public Matrix<double>? Carry { get; set; }

    /// <summary>Updates done, those left out included.</summary>
    public int Updates { get; set; }

    /// <summary>Updates left out.</summary>
    public int Skipped { get; set; }

    /// <summary>Whether some update of the running epoch was not left out.</summary>
    public bool HasMoved { get; set; }

    /// <summary>The largest gradient norm of the running epoch; NaN before any.</summary>
    public double LargestNorm { get; set; } = double.NaN;

    /// <summary>Why the optimiser is done; null where it is not.</summary>
    public string? Converged { get; set; }

    /// <summary>Why nothing changes any more, where every update of an epoch was left out; null otherwise.</summary>
    public string? Stuck { get; set; }

    public List<EpochRecord> History { get; } = [];

    /// <summary>The time taken by runs before this one.</summary>
    public TimeSpan Before { get; set; }
}
