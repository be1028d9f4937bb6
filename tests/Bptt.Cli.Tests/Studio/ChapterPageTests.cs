// The page of the chapter in a browser, as a student uses it: by pointer and by keyboard.

using System.Globalization;
using Bptt.Cli.Studio;
using PuppeteerSharp;
using PuppeteerSharp.Input;
using Xunit.Abstractions;

namespace Bptt.Cli.Tests.Studio;

public sealed class ChapterPageTests(Chromium browser, ITestOutputHelper output)
    : IClassFixture<Chromium>, IAsyncLifetime
{
    private const string Words = "e=0.8,0.4&T=50&loss=last";
    private StudioServer _server = null!;

    public async Task InitializeAsync() => _server = await StudioServer.StartAsync(ChapterEndpoints.Map);

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [BrowserFact]
    public async Task An_eigenvalue_dragged_across_the_unit_circle_makes_the_gradient_explode()
    {
        (IPage page, List<string> requests) = await OpenAsync(Words);
        await page.WaitForExpressionAsync("document.body.dataset.verdict === 'vanishing'");

        await DragAsync(page, 0, from: 0.8, to: 1.2, steps: 20);

        await page.WaitForExpressionAsync(
            "document.body.dataset.verdict === 'exploding' && document.getElementById('re-0').value === '1.2'");
        (await TextAsync(page, "verdict")).Should().Be("exploding");
        FlowNumbers flow = NumbersOf("e=1.2,0.4&T=50&loss=last").Flow;
        await page.WaitForExpressionAsync($"document.getElementById('factor').dataset.value === "
            + $"'{flow.Factor.ToString("R", CultureInfo.InvariantCulture)}'");
        (await TextAsync(page, "summary")).Should().Be($"{flow.Summary}.");
        await page.WaitForExpressionAsync("location.search.includes('e=1.2,0.4')");
        await ShouldStayHere(page, requests);
    }

    [BrowserFact]
    public async Task A_pair_moves_together_and_by_the_arrow_keys()
    {
        (IPage page, List<string> requests) = await OpenAsync("e=0.7~0.5,0.2&T=20");
        await page.FocusAsync("[data-pole='0']");

        await page.Keyboard.PressAsync("ArrowUp");
        await page.Keyboard.DownAsync("Shift");
        await page.Keyboard.PressAsync("ArrowRight");
        await page.Keyboard.UpAsync("Shift");

        await page.WaitForExpressionAsync("document.getElementById('magnitude-0').textContent === '0.949'");
        string[] places = await page.EvaluateExpressionAsync<string[]>(
            "[...document.querySelectorAll('.pole')].slice(0, 2).map(p => p.getAttribute('transform'))");
        double[] across = [.. places.Select(p => double.Parse(p.Split('(', ' ')[1], CultureInfo.InvariantCulture))];
        across[0].Should().Be(across[1], "both of a pair have one real part");
        (await page.EvaluateExpressionAsync<string>("document.activeElement.getAttribute('aria-valuetext')"))
            .Should().Be("0.800 ± 0.510 i");
        await ShouldStayHere(page, requests);
    }

    [BrowserFact]
    public async Task Every_arrow_shows_its_formula_with_the_numbers_of_its_step()
    {
        (IPage page, List<string> requests) = await OpenAsync("e=0.7~0.5,0.2&T=6&loss=all");
        await page.WaitForSelectorAsync(".formula .matrix");
        foreach ((string arrow, int t, string number) in new[]
        {
            ("state", 6, "(2)"), ("state", 3, "(3)"), ("weight", 4, "(5)"),
        })
        {
            await page.FocusAsync($"[data-arrow='{arrow}'][data-t='{t}']");
            await page.Keyboard.PressAsync("Enter");

            await page.WaitForExpressionAsync(
                $"document.querySelector('.formula .number')?.textContent === '{number}' && document"
                + $".querySelector('.formula .numbers').getAttribute('aria-label').includes('step {t} ')");
        }
        await ShouldStayHere(page, requests);
    }

    [BrowserFact]
    public async Task A_training_with_clipping_learns_where_that_without_diverges()
    {
        (IPage page, List<string> requests) = await OpenAsync("e=1.1~0.2,0.5&T=60&loss=all&rate=0.05&clip=1");
        await page.EmulateMediaFeaturesAsync(
        [
            new MediaFeatureValue
            {
                MediaFeature = MediaFeature.PrefersReducedMotion, Value = "reduce",
            },
        ]);

        await page.ClickAsync("#train");
        await page.WaitForExpressionAsync("training.moments.length === 51");

        double[] losses = await page.EvaluateExpressionAsync<double[]>("training.moments.map(m => m.Clipped.Loss)");
        losses[^1].Should().BeLessThan(0.01 * losses[0]);
        (await TextAsync(page, "training-status")).Should().Contain("diverged after").And.Contain("after 50 updates");
        (await page.EvaluateExpressionAsync<int>("document.querySelectorAll('.trail.clipped.last').length"))
            .Should().Be(3);
        await ShouldStayHere(page, requests);
    }

    [BrowserFact]
    public async Task A_link_is_a_lesson_in_either_language()
    {
        (IPage page, List<string> requests) = await OpenAsync("lesson=8&lang=zh");
        await page.WaitForExpressionAsync("document.body.dataset.verdict === 'vanishing'");

        (await TextAsync(page, "verdict")).Should().Be("梯度消失");
        await page.ClickAsync("[data-language=en]");
        await page.WaitForExpressionAsync("document.getElementById('verdict').textContent === 'vanishing'");
        await page.ClickAsync("#lesson-next");
        await page.WaitForExpressionAsync("document.body.dataset.verdict === 'exploding'");
        await page.WaitForExpressionAsync("location.search.includes('lesson=9')");
        await page.ReloadAsync();
        await page.WaitForExpressionAsync("document.body.dataset.verdict === 'exploding'");
        await ShouldStayHere(page, requests);
    }

    [BrowserFact]
    public async Task Nothing_is_wider_than_a_phone()
    {
        (IPage page, List<string> requests) = await OpenAsync("lesson=10", width: 390);
        await page.WaitForSelectorAsync(".formula .matrix");

        (await page.EvaluateExpressionAsync<int>("document.documentElement.scrollWidth")).Should().Be(390);
        await ShouldStayHere(page, requests);
    }

    [BrowserFact]
    public async Task Nothing_keeps_anybody_from_using_the_page()
    {
        foreach ((int width, bool isDark, string words) in new[]
        {
            (1400, false, "lesson=3"),
            (390, true, "lesson=9&lang=zh"),
            (1400, true, "lesson=12"),
            (390, false, "lesson=2"),
        })
        {
            (IPage page, _) = await browser.OpenAsync(new Uri(_server.Address, $"?{words}"), width, isDark);
            await page.WaitForSelectorAsync(".formula .matrix");

            (await Chromium.BarriersAsync(page)).Should().BeEmpty("of {0}, {1} pixels, dark {2}", words, width, isDark);
            await page.CloseAsync();
        }
    }

    /// <summary>Tells a time, and demands none: at h = 8 and T = 100, from a move of the pointer to the redrawn page,
    /// by the browser's own clock.</summary>
    [BrowserFact]
    public async Task A_hundred_moves_are_redrawn()
    {
        (IPage page, _) = await OpenAsync("e=0.8,0.7~0.3,0.5~0.6,0.3,-0.2,-0.4&T=100&loss=all");
        await page.WaitForExpressionAsync("timings.length > 0 && !isAsking");
        await page.EvaluateExpressionAsync("timings.length = 0");

        double[] timings = await page.EvaluateFunctionAsync<double[]>(
            """
            async () => {
              for (let i = 0; i < 100; i++) {
                plane.move(0, 0.8 + 0.004 * i, 0);
                await new Promise(done => {
                  const look = () => timings.length > i ? done() : requestAnimationFrame(look);
                  look();
                });
              }
              return timings;
            }
            """);

        timings.Should().HaveCount(100);
        Array.Sort(timings);
        output.WriteLine(FormattableString.Invariant(
            $"redraw at h = 8, T = 100: median {timings[50]:F1} ms, 90 % within {timings[90]:F1} ms"));
    }

    private Task<(IPage Page, List<string> Requests)> OpenAsync(string words, int width = 1400) =>
        browser.OpenAsync(new Uri(_server.Address, $"?{words}"), width);

    private static SceneNumbers NumbersOf(string words) => SceneNumbers.Of(Scene.Parse(
        words.Split('&').Select(w => KeyValuePair.Create(w.Split('=')[0], w.Split('=')[1]))));

    private static Task<string> TextAsync(IPage page, string id) =>
        page.EvaluateExpressionAsync<string>($"document.getElementById('{id}').textContent.trim()");

    /// <summary>Takes a real eigenvalue with the mouse and puts it down elsewhere on the axis.</summary>
    private static async Task DragAsync(IPage page, int pole, double from, double to, int steps)
    {
        double[] box = await page.EvaluateExpressionAsync<double[]>(
            "(b => [b.left, b.top, b.width, b.height])(document.getElementById('plane').getBoundingClientRect())");
        decimal Across(double re) => (decimal)(box[0] + (re / 1.72 + 1) * box[2] / 2);
        decimal middle = (decimal)(box[1] + box[3] / 2);
        (await page.QuerySelectorAsync($"[data-pole='{pole}']")).Should().NotBeNull();
        await page.Mouse.MoveAsync(Across(from), middle);
        await page.Mouse.DownAsync();
        await page.Mouse.MoveAsync(Across(to), middle, new MoveOptions { Steps = steps });
        await page.Mouse.UpAsync();
    }

    private async Task ShouldStayHere(IPage page, List<string> requests)
    {
        lock (requests)
        {
            requests.Should().NotBeEmpty().And.OnlyContain(url => url.StartsWith(
                _server.Address.AbsoluteUri, StringComparison.Ordinal)
                || url.StartsWith("data:", StringComparison.Ordinal));
        }
        await page.CloseAsync();
    }
}
