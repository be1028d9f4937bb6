// How a report looks: on paper, on a phone, by day and by night.

namespace Bptt.Cli.Report;

internal static class PageStyle
{
    /// <summary>CSS. The properties of :root give the colours of the pictures too.</summary>
    public const string Css = """

        :root {
          color-scheme: light dark;
          --paper: #ffffff; --card: #f5f6f7; --ink: #1b1d20; --note: #5f6670; --frame: #d3d6da; --grid: #e9ebee;
          --grey: #555555; --vermilion: #d55e00; --blue: #0072b2;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --paper: #14171a; --card: #1e2226; --ink: #e7e9ec; --note: #a0a7b0; --frame: #4a5058; --grid: #2a2f35;
            --grey: #c3c7cc; --vermilion: #ff8f45; --blue: #5db8f0;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 72rem;
          background: var(--paper); color: var(--ink);
          font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
          overflow-wrap: anywhere;
        }
        h1 { margin: 0 0 .5rem; font-size: 1.6rem; line-height: 1.25; }
        h2 { margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--frame); font-size: 1.25rem; }
        h3 { margin: 0 0 .25rem; font-size: 1rem; }
        p { margin: 0 0 .75rem; max-width: 46rem; }
        ul { margin: 0 0 .75rem; padding-left: 1.25rem; max-width: 46rem; }
        li { margin: .35rem 0; }
        .summary { padding: .75rem 1rem; background: var(--card); border-radius: .5rem; }
        .summary ul { margin: 0; max-width: none; }
        .pair { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.5rem; }
        @media (min-width: 60rem) { .pair { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
        .number { white-space: nowrap; }
        .scroll {
          overflow-x: auto; background:
            linear-gradient(to right, var(--paper), transparent) left / 2rem 100% no-repeat local,
            linear-gradient(to left, var(--paper), transparent) right / 2rem 100% no-repeat local,
            linear-gradient(to right, var(--frame), transparent) left / .6rem 100% no-repeat,
            linear-gradient(to left, var(--frame), transparent) right / .6rem 100% no-repeat;
        }
        .aside { display: none; }
        @media (max-width: 41rem) {
          .aside { display: block; margin: 0 0 .25rem; color: var(--note); font-size: .8rem; text-align: right; }
        }
        figure { margin: 0 0 1rem; }
        figcaption, .note { color: var(--note); font-size: .875rem; max-width: 46rem; }
        svg { display: block; width: 100%; height: auto; }
        svg.wide { min-width: 38rem; }
        svg.square { max-width: 30rem; }
        table { border-collapse: collapse; margin: 0 0 1rem; font-size: .9rem; overflow-wrap: normal; }
        th, td { padding: .3rem .9rem .3rem 0; text-align: left; vertical-align: top; }
        thead th { border-bottom: 1px solid var(--frame); color: var(--note); font-weight: 600; }
        tbody th { font-weight: 400; }
        .numbers td { text-align: right; font-variant-numeric: tabular-nums; }
        .numbers td { white-space: nowrap; }
        .numbers tbody th { white-space: pre; }
        .numbers thead th { text-align: right; }
        .numbers thead th:first-child { text-align: left; }
        dl {
          display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .5rem 1.5rem;
          margin: 0 0 1rem;
        }
        dt { color: var(--note); font-size: .8rem; }
        dd { margin: 0; }
        @media print { body { max-width: none; } svg.wide { min-width: 0; } figure, table { break-inside: avoid; } }

        """;
}
