// The workspaces of a training: whose passes may be read for how long. Holds memory, computes nothing.

namespace Bptt.Optimization;

/// <summary>Two workspaces in turn for points, so that one is readable while the next is being made, and one for losses
/// alone, which so disturb no point.</summary>
internal sealed class TrainingMemory
{
    private readonly Workspace[] _points = [new Workspace(), new Workspace()];
    private int _next;

    /// <summary>For forward passes that nobody reads later.</summary>
    public Workspace ForLosses { get; } = new();

    /// <summary>For the next point: that of the point before the last.</summary>
    public Workspace ForNextPoint()
    {
        _next = 1 - _next;
        return _points[_next];
    }

    /// <summary>The point that was made last is not kept: the one before it stays readable while another is
    /// made.</summary>
    public void TakeBackPoint() => _next = 1 - _next;
}
