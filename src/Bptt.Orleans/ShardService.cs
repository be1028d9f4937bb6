// The service on each worker, and how a coordinator calls the one on a given worker. Decides nothing.

using Bptt.Orleans.Data;
using Bptt.Sharding;
using Microsoft.Extensions.Logging;
using Orleans.Runtime.Services;

namespace Bptt.Orleans;

internal sealed class ShardService(
    GrainId id, Silo silo, ILoggerFactory loggers, WorkerMemory memory, WorkerLife life)
    : GrainService(id, silo, loggers), IShardService
{
    public Task<WorkerHello> Hello() => Task.FromResult(new WorkerHello(
        EngineIdentity.Library,
        EngineIdentity.Arithmetic,
        Environment.MachineName,
        Environment.ProcessId,
        memory.Threads,
        memory.TakesJobs,
        memory.MaxMessageBytes));

    public Task Heed(string verdict)
    {
        life.Heed(verdict);
        return Task.CompletedTask;
    }

    public Task Put(Piece piece)
    {
        memory.Put(piece);
        return Task.CompletedTask;
    }

    public Task<string> Load(Guid run, int shard, string key) => Task.Run(() => memory.Load(run, shard, key));

    public Task<string?> LoadFile(Guid run, FileShard shard) => memory.LoadFileAsync(run, shard);

    public Task<Terms> Compute(TaskMessage task, int shard) => memory.ComputeAsync(task, shard);

    public Task<Terms> Work(Guid run, string shared, string job) => memory.WorkAsync(run, shared, job);

    public Task Cancel(Guid run)
    {
        memory.Cancel(run);
        return Task.CompletedTask;
    }

    public Task<byte[]> Take(string key, int piece) => Task.FromResult(memory.Take(key, piece));

    public Task Forget(Guid run)
    {
        memory.Forget(run);
        return Task.CompletedTask;
    }
}

/// <summary>Calls the service of a worker by its address, without a directory that would have to heal first when a
/// worker dies.</summary>
internal sealed class ShardServiceClient(IServiceProvider services) : GrainServiceClient<IShardService>(services)
{
    public IShardService At(SiloAddress worker) => GetGrainService(worker);
}
