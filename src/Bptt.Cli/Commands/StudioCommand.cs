// `bptt studio`: serves the chapter as a page to play with, to this machine alone, until Ctrl-C.

using System.CommandLine;
using Bptt.Cli.Console;
using Bptt.Cli.Studio;

namespace Bptt.Cli.Commands;

internal static class StudioCommand
{
    private const string Details = """
    The page: the eigenvalues of W_hh in the complex plane, to be dragged; the unrolled graph with the gradient on its
    way back, and the formula of each arrow with its numbers; how far a gradient reaches, what truncation loses, what
    clipping does; and a training with and without clipping. Twelve lessons, in English and Chinese. The address of the
    page holds what is set, so that it can be kept and opened again in a running studio with --state.

    The server listens on 127.0.0.1 alone, on a free port, and answers only to the address that it prints. Nothing is
    written, and nothing is loaded from elsewhere. Ctrl-C ends it.

    Examples:
      bptt studio
      bptt studio --lesson 8 --language zh
      bptt studio --state 'e=0.95~0.3&T=80&loss=all'
    """;

    private const int Lessons = 12;

    public static Command Create(Terminal terminal)
    {
        Option<int> lesson = OptionRules.WholeNumber(
            "--lesson", atLeast: 1, byDefault: 1, $"The lesson to begin with, at most {Lessons}.", "n", Lessons);
        Option<string> language = OptionRules.OneOf("--language", ["en", "zh"], "en", "The language of the page.");
        Option<string> state = OptionRules.Text(
            "--state",
            byDefault: "",
            IsState,
            "the address of a page, or its part after '?', with settings within their bounds",
            "What to begin with instead of a lesson: the address of a page, or its part after '?'.",
            "ADDRESS");
        Option<bool> withoutBrowser = new("--no-browser") { Description = "Do not open a browser; print the address." };
        var command = new DetailedCommand(
            "studio", "Play with the chapter in a browser: drag eigenvalues, see gradients vanish or explode.", Details)
        {
            lesson,
            language,
            state,
            withoutBrowser,
        };
        command.SetAction((parsed, cancellation) =>
        {
            string words = QueryOf(parsed.GetValue(state)!);
            words = words.Length > 0 ? words : $"lesson={parsed.GetValue(lesson)}";
            words = words.Contains("lang=", StringComparison.Ordinal)
                ? words : $"{words}&lang={parsed.GetValue(language)}";
            return RunAsync(terminal, words, !parsed.GetValue(withoutBrowser), cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        Terminal terminal, string words, bool opensBrowser, CancellationToken cancellation)
    {
        await using StudioServer server = await StudioServer.StartAsync(ChapterEndpoints.Map);
        var address = new Uri(server.Address, $"?{words}");
        terminal.Output.WriteLine($"studio: {address.AbsoluteUri}");
        terminal.Output.WriteLine("Ctrl-C ends it.");
        terminal.Output.Flush();
        if (opensBrowser)
        {
            Browser.Open(address);
        }
        try
        {
            await Task.Delay(Timeout.Infinite, cancellation);
        }
        catch (OperationCanceledException)
        {
            terminal.Output.WriteLine("ended");
        }
        return ExitCode.Done;
    }

    /// <summary>The settings in an address.</summary>
    private static string QueryOf(string address) => address[(address.IndexOf('?', StringComparison.Ordinal) + 1)..];

    private static bool IsState(string text)
    {
        try
        {
            _ = Scene.Parse(QueryOf(text).Split('&', StringSplitOptions.RemoveEmptyEntries).Select(part =>
            {
                string[] pair = part.Split('=', 2);
                return KeyValuePair.Create(pair[0], Uri.UnescapeDataString(pair.Length > 1 ? pair[1] : ""));
            }));
            return text.Length <= 2000;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
