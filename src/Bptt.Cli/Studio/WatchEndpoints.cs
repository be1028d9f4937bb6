// What the page of a watched fit asks for: itself, what flows, and the two buttons.

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Bptt.Cli.Studio;

internal static class WatchEndpoints
{
    private static readonly StudioPage Page = new(
        "watch.html",
        ["text.js", "marks.js", "plane.js", "charts.js", "traces.js", "watch.js"],
        [("texts", "watch-texts.json")]);

    /// <param name="routes">What it is added to.</param>
    /// <param name="hub">What flows.</param>
    /// <param name="stop">Ends the fit with what it has.</param>
    /// <param name="askForCheckpoint">Saves the training at its next update.</param>
    /// <param name="ending">When the server ends.</param>
    public static void Map(
        IEndpointRouteBuilder routes, WatchHub hub, Action stop, Action askForCheckpoint, CancellationToken ending)
    {
        routes.MapGet("/", (HttpContext context) => Page.Answer(context));
        routes.MapGet("/flow", () => TypedResults.ServerSentEvents(hub.Follow(ending)));
        routes.MapPost("/stop", () => Done(stop));
        routes.MapPost("/checkpoint", () => Done(askForCheckpoint));
    }

    private static NoContent Done(Action action)
    {
        action();
        return TypedResults.NoContent();
    }
}
