// A process as a member of a cluster: the settings of Orleans, in one place. Knows nothing of shards.

using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;

namespace Bptt.Orleans;

internal static class SiloHost
{
    public const string WorkerName = "bptt-worker";
    public const string CoordinatorName = "bptt-coordinator";

    /// <summary>Probes that may be missed.</summary>
    private const int MissedProbes = 3;

    /// <summary>Beside the numbers, what a message holds.</summary>
    private const int MessageOverhead = 1 << 16;

    /// <summary>A member that is not started yet.</summary>
    /// <param name="options">The options.</param>
    /// <param name="name">What kind of member it is.</param>
    /// <param name="configure">Its services.</param>
    /// <returns>The member, and the port that it will listen on.</returns>
    public static (IHost Host, int Port) Create(
        BpttClusterOptions options, string name, Action<IServiceCollection> configure)
    {
        int port = options.Port == 0 ? FreePort(options.Listen) : options.Port;
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>(); // signals are the program's own
        builder.Services.AddSingleton<ShardServiceClient>();
        builder.UseOrleans(silo =>
        {
            silo.Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (options.ClusterId, "bptt"));
            silo.Configure<SiloOptions>(o => o.SiloName = $"{name}-{Guid.NewGuid():N}");
            silo.ConfigureEndpoints(options.Listen, port, gatewayPort: 0);
            silo.Configure<ClusterMembershipOptions>(o =>
            {
                o.ProbeTimeout = options.DeadAfter / MissedProbes;
                o.MaxProbeTimeout = o.ProbeTimeout;
                o.NumMissedProbesLimit = MissedProbes;
                o.NumVotesForDeathDeclaration = 1;
                o.NumProbedSilos = 10;
                o.TableRefreshTimeout = TimeSpan.FromSeconds(5.0);
                o.DefunctSiloExpiration = TimeSpan.FromHours(1.0);
            });
            silo.Configure<SiloMessagingOptions>(o =>
                o.MaxMessageBodySize = options.MaxMessageBytes + MessageOverhead);
            UseMembership(silo, options, port);
            options.Configure?.Invoke(silo);
            configure(silo.Services);
        });
        return (builder.Build(), port);
    }

    /// <summary>An address as HOST:PORT.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static IPEndPoint EndPointOf(string address, string name)
    {
        int colon = address.LastIndexOf(':');
        if (colon < 1
            || !int.TryParse(address.AsSpan(colon + 1), out int port)
            || port is < 1 or > ushort.MaxValue)
        {
            throw new ArgumentException($"{name}: expected HOST:PORT, got '{address}'.", name);
        }
        string host = address[..colon];
        IPAddress ip = IPAddress.TryParse(host, out IPAddress? given)
            ? given
            : Dns.GetHostAddresses(host, AddressFamily.InterNetwork) is [IPAddress first, ..]
                ? first
                : throw new ArgumentException($"{name}: expected a host that has an address, got '{host}'.", name);
        return new IPEndPoint(ip, port);
    }

    private static void UseMembership(ISiloBuilder silo, BpttClusterOptions options, int port)
    {
        if (options.Redis is string redis)
        {
            silo.UseRedisClustering(redis);
        }
        else if (options.AdoNet is (string invariant, string connection))
        {
            silo.UseAdoNetClustering(o => (o.Invariant, o.ConnectionString) = (invariant, connection));
        }
        else
        {
            silo.UseDevelopmentClustering(options.Join is string coordinator
                ? EndPointOf(coordinator, nameof(options.Join)) : new IPEndPoint(options.Listen, port));
        }
    }

    /// <summary>A port of an address at which nobody listens at this moment.</summary>
    public static int FreePort(IPAddress address)
    {
        using var listener = new TcpListener(address, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
