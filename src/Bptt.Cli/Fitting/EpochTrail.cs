// The weights of a training now and then on its way, for those who watched it. Keeps what it is told; copies nothing.

using Bptt.Optimization;

namespace Bptt.Cli.Fitting;

/// <summary>A training after an epoch.</summary>
internal sealed record EpochMoment(int Epoch, double Loss, Parameters Parameters);

internal sealed class EpochTrail
{
    /// <summary>As many as a reader steps through.</summary>
    private const int Most = 24;

    private readonly List<EpochMoment> _moments = [];
    private EpochMoment? _last;
    private int _stride = 1;
    private int _told;

    /// <summary>The moments, in their order; the last that was told is among them.</summary>
    public IReadOnlyList<EpochMoment> Moments =>
        _last is null || _moments.Contains(_last) ? _moments : [.. _moments, _last];

    /// <summary>Keeps a moment, or every other one where they are many.</summary>
    public void Add(EpochProgress progress)
    {
        if (progress.Details is not { } details)
        {
            return;
        }
        _last = new EpochMoment(progress.Epoch, progress.Loss, details.Parameters);
        if (_told++ % _stride == 0)
        {
            _moments.Add(_last);
        }
        if (_moments.Count == Most)
        {
            for (int i = Most - 1; i > 0; i -= 2)
            {
                _moments.RemoveAt(i);
            }
            _stride *= 2;
        }
    }
}
