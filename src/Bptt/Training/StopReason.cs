// Why a training ended. Names only.

namespace Bptt.Training;

/// <summary>Why a training ended.</summary>
public enum StopReason
{
    /// <summary>All epochs were run.</summary>
    EpochLimit,

    /// <summary>The optimiser found nothing left to gain.</summary>
    Converged,

    /// <summary>The training loss reached the target.</summary>
    TargetLoss,

    /// <summary>The validation loss has not improved for as many epochs as patience allows.</summary>
    EarlyStopped,

    /// <summary>The caller asked for it.</summary>
    Canceled,

    /// <summary>A loss, a gradient or a weight was NaN or infinite.</summary>
    NonFinite,
}
