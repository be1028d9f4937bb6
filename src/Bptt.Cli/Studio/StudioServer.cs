// A server for one person at this machine: on the loopback address and a free port, behind a token in the address. What
// it answers is mapped by others; nothing is kept on disc.

using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Bptt.Cli.Studio;

internal sealed class StudioServer : IAsyncDisposable
{
    /// <summary>A scene is a few hundred bytes.</summary>
    private const int LargestBody = 64 * 1024;

    private const int MostConnections = 64;
    private const int TokenBytes = 16;
    private static readonly TimeSpan TimeToEnd = TimeSpan.FromSeconds(2);

    private readonly WebApplication _application;

    private StudioServer(WebApplication application, Uri address)
    {
        _application = application;
        Address = address;
    }

    /// <summary>Of the page, the token included: http://127.0.0.1:port/token/.</summary>
    public Uri Address { get; }

    /// <summary>Starts one.</summary>
    /// <param name="map">Adds what is answered, below the token. What it is given is cancelled when the server
    /// ends, and ends what still flows.</param>
    public static async Task<StudioServer> StartAsync(Action<IEndpointRouteBuilder, CancellationToken> map)
    {
        string token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TokenBytes));
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(Bound);
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, CallersLifetime>();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeToEnd);
        builder.Services.ConfigureHttpJsonOptions(options =>
        {
            options.SerializerOptions.PropertyNamingPolicy = null; // names as they are in the code
            options.SerializerOptions.NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals;
        });
        WebApplication application = builder.Build();
        application.Use(new StudioGuard(token).Admit);
        application.UseRouting();
        map(application, application.Lifetime.ApplicationStopping);
        await application.StartAsync();
        string address = application.Services.GetRequiredService<IServer>().Features
            .Get<IServerAddressesFeature>()!.Addresses.Single();
        return new StudioServer(application, new Uri($"{address}/{token}/"));
    }

    /// <summary>Ends it, with what still flows.</summary>
    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync();
        await _application.DisposeAsync();
    }

    private static void Bound(KestrelServerOptions options)
    {
        options.Listen(IPAddress.Loopback, 0);
        options.AddServerHeader = false;
        options.Limits.MaxRequestBodySize = LargestBody;
        options.Limits.MaxConcurrentConnections = MostConnections;
    }

    /// <summary>Ctrl-C is heard by the command, which ends the server.</summary>
    private sealed class CallersLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
