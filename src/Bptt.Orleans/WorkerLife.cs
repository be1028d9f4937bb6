// Whether a worker is of use: when it last heard of a coordinator, and whether the cluster has declared it dead.

namespace Bptt.Orleans;

/// <summary>Ends a worker's membership where the cluster goes on without it.</summary>
internal sealed class WorkerLife(Action<string>? log) : IFatalErrorHandler
{
    private readonly TaskCompletionSource<string> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string _verdict = "";
    private long _heard = Environment.TickCount64;

    /// <summary>Ends with the reason when the membership does.</summary>
    public Task<string> End => _end.Task;

    /// <summary>How long no coordinator has been heard of.</summary>
    public TimeSpan Silence => TimeSpan.FromMilliseconds(Environment.TickCount64 - Volatile.Read(ref _heard));

    /// <summary>A coordinator lives; an empty verdict means that it takes this worker.</summary>
    public void Heed(string verdict)
    {
        Volatile.Write(ref _heard, Environment.TickCount64);
        if (Interlocked.Exchange(ref _verdict, verdict) != verdict)
        {
            log?.Invoke(verdict.Length == 0 ? "taken by the coordinator" : $"refused by the coordinator: {verdict}");
        }
    }

    /// <inheritdoc/>
    public bool IsUnexpected(Exception exception) => false;

    /// <inheritdoc/>
    public void OnFatalException(object? sender, string? context, Exception? exception) =>
        _end.TrySetResult(exception?.Message ?? context ?? "the cluster goes on without this process");
}
