// What coordinator and workers say to each other. Data only.

using Bptt.Orleans.Data;
using Orleans.Services;

namespace Bptt.Orleans;

/// <summary>What a worker answers to the coordinator: one such service on each worker.</summary>
internal interface IShardService : IGrainService
{
    /// <summary>Who it is.</summary>
    Task<WorkerHello> Hello();

    /// <summary>Tells it that a coordinator lives, and whether that takes it.</summary>
    Task Heed(string verdict);

    /// <summary>One piece of what is too long for a message; the last one completes it.</summary>
    Task Put(Piece piece);

    /// <summary>Makes bytes that were put a shard of a run.</summary>
    /// <returns>Their hash.</returns>
    [ResponseTimeout("1.00:00:00")]
    Task<string> Load(Guid run, int shard, string key);

    /// <summary>Has it read a shard of a run from its own file.</summary>
    /// <returns>Why it cannot; null where it has.</returns>
    [ResponseTimeout("1.00:00:00")]
    Task<string?> LoadFile(Guid run, FileShard shard);

    /// <summary>Computes a shard's terms.</summary>
    [ResponseTimeout("30.00:00:00")]
    Task<Terms> Compute(TaskMessage task, int shard);

    /// <summary>Does a job, whose bytes were put before.</summary>
    /// <returns>Its result, or why there is none.</returns>
    [ResponseTimeout("30.00:00:00")]
    Task<Terms> Work(Guid run, string shared, string job);

    /// <summary>Asks the jobs of a run, also those that begin later, to come to an end.</summary>
    Task Cancel(Guid run);

    /// <summary>One piece of terms that are too long for a message.</summary>
    Task<byte[]> Take(string key, int piece);

    /// <summary>Forgets everything of a run.</summary>
    Task Forget(Guid run);
}

/// <summary>Who a worker is.</summary>
[GenerateSerializer, Immutable]
internal sealed record WorkerHello(
    [property: Id(0)] string Library,
    [property: Id(1)] string Arithmetic,
    [property: Id(2)] string Machine,
    [property: Id(3)] int ProcessId,
    [property: Id(4)] int Threads,
    [property: Id(5)] bool TakesJobs,
    [property: Id(6)] int MaxMessageBytes);

/// <summary>A part of some bytes.</summary>
[GenerateSerializer, Immutable]
internal sealed record Piece(
    [property: Id(0)] Guid Run,
    [property: Id(1)] string Key,
    [property: Id(2)] int Index,
    [property: Id(3)] int Count,
    [property: Id(4)] byte[] Bytes);

/// <summary>A task whose numbers were put before: each is named by its key, empty for none.</summary>
[GenerateSerializer, Immutable]
internal sealed record TaskMessage(
    [property: Id(0)] Guid Run,
    [property: Id(1)] int Quantity,
    [property: Id(2)] int InputSize,
    [property: Id(3)] int HiddenSize,
    [property: Id(4)] int OutputSize,
    [property: Id(5)] string Parameters,
    [property: Id(6)] string Direction,
    [property: Id(7)] string Metric,
    [property: Id(8)] double Penalty,
    [property: Id(9)] string InitialStates,
    [property: Id(10)] string FinalStateGradients);

/// <summary>A shard's terms or a job's result; where they are too long, the key and the number of their pieces. With
/// what is missing, if the worker has not what the task names; with what went wrong in a job.</summary>
[GenerateSerializer, Immutable]
internal sealed record Terms(
    [property: Id(0)] byte[]? Bytes,
    [property: Id(1)] string Key,
    [property: Id(2)] int Pieces,
    [property: Id(3)] string? Missing,
    [property: Id(4)] string? Fault = null);
