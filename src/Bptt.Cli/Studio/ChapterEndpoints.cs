// What the page of the chapter asks for: itself, the numbers of a scene, the formula of an arrow, a training.

using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Bptt.Cli.Studio;

internal static class ChapterEndpoints
{
    private const int MostTrainings = 4;

    /// <summary>Between two updates that are shown: the eye follows.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(40);

    private static readonly StudioPage Page = new(
        "chapter.html",
        ["text.js", "marks.js", "plane.js", "charts.js", "ribbon.js", "graph.js", "formula.js", "training.js",
            "lessons.js", "chapter.js", "controls.js"],
        [("texts", "texts.json"), ("lessons", "lessons.json")]);

    public static void Map(IEndpointRouteBuilder routes, CancellationToken ending)
    {
        var trainings = new SemaphoreSlim(MostTrainings);
        _ = Task.Run(() => SceneNumbers.Of(new Scene()), ending); // compiled before the first page asks
        routes.MapGet("/", (HttpContext context) => Checked(() =>
        {
            _ = Scene.Parse(Words(context.Request));
            return Page.Answer(context);
        }));
        routes.MapPost("/scene", (Dictionary<string, string> words) =>
            Checked(() => TypedResults.Json(SceneNumbers.Of(Scene.Parse(words)))));
        routes.MapPost("/formula", (Dictionary<string, string> words) =>
            Checked(() => TypedResults.Json(Formula(Scene.Parse(words), words))));
        routes.MapGet("/train", (HttpRequest request) =>
            Checked(() => Train(Words(request), trainings, request.HttpContext.RequestAborted, ending)));
    }

    /// <summary>An answer, or what is wrong with what was asked.</summary>
    private static IResult Checked(Func<IResult> answer)
    {
        try
        {
            return answer();
        }
        catch (FormatException e)
        {
            return TypedResults.Text($"{e.Message}.\n", statusCode: StatusCodes.Status400BadRequest);
        }
        catch (ArithmeticException e)
        {
            return TypedResults.Text($"{e.Message}\n", statusCode: StatusCodes.Status422UnprocessableEntity);
        }
    }

    private static Dictionary<string, string> Words(HttpRequest request) =>
        request.Query.ToDictionary(q => q.Key, q => q.Value.ToString());

    private static StepFormula Formula(Scene scene, Dictionary<string, string> words)
    {
        bool isWeight = Scene.OneOf("arrow", words.GetValueOrDefault("arrow", ""), StepFormula.Arrows) == 1;
        int t = Scene.Whole("t", words.GetValueOrDefault("t", ""), isWeight ? 1 : 0, scene.Steps);
        var pass = ScenePass.Of(scene);
        BackwardThroughTime backward = pass.Run(pass.Start);
        return isWeight ? StepFormula.OfWeight(backward, t) : StepFormula.OfState(backward, t);
    }

    private static ServerSentEventsResult<TrainingMoment> Train(
        Dictionary<string, string> words,
        SemaphoreSlim trainings,
        CancellationToken aborted,
        CancellationToken ending)
    {
        var scene = Scene.Parse(words);
        int last = Scene.Whole("to", words.GetValueOrDefault("to", "50"), 1, Scene.MostTrainingSteps);
        int first = Scene.Whole("from", words.GetValueOrDefault("from", "0"), 0, last);
        bool isPaced = Scene.OneOf("pace", words.GetValueOrDefault("pace", "on"), "off", "on") == 1;
        return TypedResults.ServerSentEvents(Moments(scene, first, last, isPaced, trainings, aborted, ending));
    }

    /// <summary>The moments from one update to another; those before are trained again, which takes no time.</summary>
    private static async IAsyncEnumerable<SseItem<TrainingMoment>> Moments(
        Scene scene,
        int first,
        int last,
        bool isPaced,
        SemaphoreSlim trainings,
        CancellationToken aborted,
        [EnumeratorCancellation] CancellationToken ending)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(aborted, ending);
        await trainings.WaitAsync(end.Token);
        try
        {
            foreach (TrainingMoment moment in SceneTraining.Run(scene, last))
            {
                end.Token.ThrowIfCancellationRequested();
                if (moment.Update < first)
                {
                    continue;
                }
                yield return new SseItem<TrainingMoment>(moment, moment.Update == last ? "last" : "moment");
                if (isPaced && moment.Update < last)
                {
                    await Task.Delay(Pace, end.Token);
                }
            }
        }
        finally
        {
            trainings.Release();
        }
    }
}
