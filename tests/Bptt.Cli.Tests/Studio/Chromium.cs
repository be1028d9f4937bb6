// The installed Chromium without a window, for tests of pages. Tests that need it are skipped, by name, where there is
// none.

using System.Reflection;
using Deque.AxeCore.Commons;
using PuppeteerSharp;

namespace Bptt.Cli.Tests.Studio;

/// <summary>A test that needs the browser.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute()
    {
        if (Chromium.Path is null)
        {
            Skip = "needs Chromium: apt-get install chromium";
        }
    }
}

/// <summary>The browser, with a profile of its own that goes with it.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private readonly DirectoryInfo _profile = Directory.CreateTempSubdirectory("bptt-chromium");
    private IBrowser? _browser;

    /// <summary>The program; null where it is not installed.</summary>
    public static string? Path { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .SelectMany(folder => new[] { "chromium", "chromium-browser", "google-chrome" }
            .Select(name => System.IO.Path.Combine(folder, name)))
        .FirstOrDefault(File.Exists);

    public async Task InitializeAsync()
    {
        if (Path is not null)
        {
            _browser = await Puppeteer.LaunchAsync(new LaunchOptions
            {
                ExecutablePath = Path,
                Headless = true,
                UserDataDir = _profile.FullName,
                Args =
                [
                    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                    "--disable-background-networking", "--disable-component-update", "--disable-sync",
                ],
            });
        }
    }

    /// <summary>A new page on an address, with all that it asks for.</summary>
    public async Task<(IPage Page, List<string> Requests)> OpenAsync(Uri address, int width = 1400, bool isDark = false)
    {
        IPage page = await _browser!.NewPageAsync();
        page.DefaultTimeout = 60_000;
        var requests = new List<string>();
        page.Request += (_, e) =>
        {
            lock (requests)
            {
                requests.Add(e.Request.Url);
            }
        };
        await page.SetViewportAsync(new ViewPortOptions { Width = width, Height = 900 });
        await page.EmulateMediaFeaturesAsync(
        [
            new MediaFeatureValue
            {
                MediaFeature = MediaFeature.PrefersColorScheme, Value = isDark ? "dark" : "light",
            },
        ]);
        await page.GoToAsync(address.AbsoluteUri);
        return (page, requests);
    }

    /// <summary>What axe-core finds that keeps people from using a page, and where.</summary>
    public static async Task<string[]> BarriersAsync(IPage page)
    {
        Assembly axe = typeof(AxeResult).Assembly;
        string name = axe.GetManifestResourceNames().Single(n => n.EndsWith("axe.min.js", StringComparison.Ordinal));
        using var reader = new StreamReader(axe.GetManifestResourceStream(name)!);
        await page.EvaluateExpressionAsync(await reader.ReadToEndAsync());
        return await page.EvaluateExpressionAsync<string[]>(
            "axe.run().then(r => r.violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.target.join(' ')}`)))");
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.CloseAsync();
            await _browser.DisposeAsync();
        }
        _profile.Delete(recursive: true);
    }
}
