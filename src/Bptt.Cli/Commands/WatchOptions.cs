// The options of a fit that is watched in a browser.

using System.CommandLine;
using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Cli.Studio;

namespace Bptt.Cli.Commands;

internal sealed class WatchOptions
{
    private readonly Option<bool> _isWatched = new("--watch")
    {
        Description = "Show the fit in a browser while it runs, with a button that ends it and keeps the best.",
    };

    private readonly Option<bool> _withoutBrowser = new("--no-browser")
    {
        Description = "With --watch: open no browser, print the address alone.",
    };

    public void AddTo(DetailedCommand command)
    {
        command.Add(_isWatched);
        command.Add(_withoutBrowser);
        command.AddRule(parsed => parsed.GetValue(_withoutBrowser) && !parsed.GetValue(_isWatched)
            ? ["Expected --no-browser with --watch alone."] : []);
    }

    /// <summary>Starts the page, where it is asked for; null where not.</summary>
    public FitWatch? Start(ParseResult parsed, Terminal terminal, Dataset data, CancellationToken cancellation) =>
        parsed.GetValue(_isWatched)
            ? FitWatch.Start(terminal, data, !parsed.GetValue(_withoutBrowser), cancellation) : null;
}
