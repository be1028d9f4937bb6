// Who is let in: whoever knows the token, asks for this machine by its own name, and is not sent by another page. The
// answers carry headers that keep the page to itself.

using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Bptt.Cli.Studio;

/// <param name="token">The first part of every path.</param>
internal sealed class StudioGuard(string token)
{
    private const string Hint = "Refused. Open the address that the command printed.\n";

    private readonly byte[] _token = Encoding.ASCII.GetBytes(token);

    /// <summary>Lets a request on, without the token in its path, or refuses it.</summary>
    public Task Admit(HttpContext context, RequestDelegate next)
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer"; // the token stays here
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        HttpRequest request = context.Request;
        if (!IsOfThisMachine(context) || !IsFromHere(request) || !HasToken(request, out PathString rest))
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            context.Response.ContentType = "text/plain; charset=utf-8";
            return context.Response.WriteAsync(Hint);
        }
        request.PathBase = $"/{token}";
        request.Path = rest;
        return next(context);
    }

    /// <summary>Another name may be one that somebody else has pointed at this machine.</summary>
    private static bool IsOfThisMachine(HttpContext context) =>
        context.Request.Host.Value is string host && Names(context).Contains(host, StringComparer.OrdinalIgnoreCase);

    /// <summary>Browsers tell where a request comes from; other programs tell nothing.</summary>
    private static bool IsFromHere(HttpRequest request)
    {
        string? origin = request.Headers.Origin;
        string? site = request.Headers["Sec-Fetch-Site"];
        return site is null or "same-origin" or "none"
            && (origin is null || Names(request.HttpContext).Any(name => origin == $"http://{name}"));
    }

    private bool HasToken(HttpRequest request, out PathString rest)
    {
        string path = request.Path.Value ?? "";
        int end = path.IndexOf('/', Math.Min(1, path.Length));
        string given = end < 0 ? "" : path[1..end];
        rest = end < 0 ? PathString.Empty : new PathString(path[end..]);
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), _token);
    }

    private static string[] Names(HttpContext context) =>
        [$"127.0.0.1:{context.Connection.LocalPort}", $"localhost:{context.Connection.LocalPort}"];
}
