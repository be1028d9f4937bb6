// The server of the studio as an HTTP client meets it: who is let in, what is bounded, and that the numbers are the
// library's.

using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Bptt.Cli.Studio;
using Bptt.Diagnostics;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Cli.Tests.Studio;

public sealed class StudioServerTests : IAsyncLifetime, IDisposable
{
    private static readonly JsonSerializerOptions Named = new()
    {
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private readonly HttpClient _client = new();
    private StudioServer _server = null!;

    public async Task InitializeAsync() => _server = await StudioServer.StartAsync(ChapterEndpoints.Map);

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _client.Dispose();

    [Fact]
    public async Task The_page_comes_whole_and_may_load_nothing()
    {
        HttpResponseMessage answer = await _client.GetAsync(_server.Address);
        string page = await answer.Content.ReadAsStringAsync();

        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        page.Should().EndWith("</html>\n");
        Regex.Matches(page.Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal),
            @"\{\{|\ssrc=|@import|url\(|[a-z]+://").Select(m => m.Value).Should().BeEmpty();
        answer.Headers.GetValues("Content-Security-Policy").Single()
            .Should().Contain("default-src 'none'").And.Contain("connect-src 'self'");
        _server.Address.Host.Should().Be("127.0.0.1");
    }

    [Theory]
    [InlineData("no token", "/", null, null, null)]
    [InlineData("no token and a path", "/scene", null, null, null)]
    [InlineData("a wrong token", "/0123456789abcdef0123456789abcdef/", null, null, null)]
    [InlineData("a part of the token", "{half}/", null, null, null)]
    [InlineData("another origin", "{token}", "https://example.org", null, null)]
    [InlineData("another port's origin", "{token}", "http://127.0.0.1:1", null, null)]
    [InlineData("no origin to speak of", "{token}", "null", null, null)]
    [InlineData("another name for this machine", "{token}", null, "rebound.example.org", null)]
    [InlineData("a link on another page", "{token}", null, null, "cross-site")]
    [InlineData("a page of another port", "{token}", null, null, "same-site")]
    public async Task A_stranger_is_refused_and_the_server_goes_on(
        string who, string path, string? origin, string? host, string? site)
    {
        string token = _server.Address.AbsolutePath;
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(
            _server.Address,
            path.Replace("{token}", token, StringComparison.Ordinal)
                .Replace("{half}", token[..17], StringComparison.Ordinal)));
        Add("Origin", origin);
        Add("Host", host);
        Add("Sec-Fetch-Site", site);

        HttpResponseMessage answer = await _client.SendAsync(request);

        answer.StatusCode.Should().Be(HttpStatusCode.Forbidden, who);
        (await answer.Content.ReadAsStringAsync()).Should().NotContain(token.Trim('/'));
        await ShouldGoOn();

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }
    }

    [Theory]
    [InlineData("h=1000000", "h: expected a whole number from 2 to 16, got '1000000'")]
    [InlineData("h=3", "h: expected 2, as many as eigenvalues, got 3")]
    [InlineData("T=201", "T: expected a whole number from 2 to 200")]
    [InlineData("T=1e2", "T: expected a whole number")]
    [InlineData("e=0.9,NaN", "e: expected a number from -1.6 to 1.6")]
    [InlineData("e=1.2~1.2", "of magnitude 1.6 at most")]
    [InlineData("e=0.5", "e: expected from 2 to 16 eigenvalues, got 1")]
    [InlineData("e=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "e: expected from 2 to 16 eigenvalues, got 17")]
    [InlineData("clip=0", "clip: expected a number")]
    [InlineData("loss=first", "loss: expected last or all, got 'first'")]
    public async Task A_scene_outside_its_bounds_is_refused_and_the_server_goes_on(string words, string fault)
    {
        HttpResponseMessage answer = await _client.GetAsync(new Uri(_server.Address, $"?{words}"));
        string[] pair = words.Split('=');
        HttpResponseMessage posted = await Post("scene", new() { [pair[0]] = pair[1] });

        answer.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        posted.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        (await answer.Content.ReadAsStringAsync()).Should().Contain(fault);
        (await posted.Content.ReadAsStringAsync()).Should().Contain(fault);
        await ShouldGoOn();
    }

    [Fact]
    public async Task A_body_of_10_MB_is_refused_and_the_server_goes_on()
    {
        using var body = new ByteArrayContent(new byte[10_000_000]);
        body.Headers.ContentType = new("application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_server.Address, "scene"))
        {
            Content = body,
        };
        request.Headers.ExpectContinue = true; // so that the answer is read before the body is sent

        HttpResponseMessage answer = await _client.SendAsync(request);

        answer.StatusCode.Should().Be(HttpStatusCode.RequestEntityTooLarge);
        await ShouldGoOn();
    }

    [Theory]
    [InlineData("no json")]
    [InlineData("[1,2]")]
    [InlineData("{\"T\":null}")]
    [InlineData("{\"T\":{\"a\":1}}")]
    public async Task A_body_of_another_kind_is_refused_and_the_server_goes_on(string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");

        HttpResponseMessage answer = await _client.PostAsync(new Uri(_server.Address, "scene"), content);

        answer.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        await ShouldGoOn();
    }

    [Fact]
    public async Task The_numbers_of_a_scene_are_those_of_the_library()
    {
        const int Steps = 40;
        SceneNumbers numbers = await Scene(("e", "1.2,0.3"), ("T", $"{Steps}"), ("loss", "last"));

        // The same system by hand: what enters at the last step only scales the flow.
        double share = 1 / Math.Sqrt(2);
        var model = new LinearRnn(
            Matrix<double>.Build.Dense(2, 1, share),
            Matrix<double>.Build.DenseOfDiagonalArray([1.2, 0.3]),
            Matrix<double>.Build.Dense(1, 2, share));
        var gradients = Matrix<double>.Build.Dense(1, Steps);
        gradients[0, Steps - 1] = 1;
        var flow = GradientFlow.Of(BackwardThroughTime.Run(
            ForwardPass.Run(model, Matrix<double>.Build.Dense(1, Steps, 1)), gradients));

        numbers.Flow.Verdict.Should().Be("exploding");
        numbers.Flow.Factor.Should().BeApproximately(flow.Factor, 1e-12 * flow.Factor);
        numbers.SourceFlow.Factor.Should().BeApproximately(flow.Factor, 1e-12 * flow.Factor);
        numbers.SpectralRadius.Should().BeApproximately(1.2, 1e-15);
        numbers.StateGradients.Should().HaveCount(Steps + 1);
        numbers.Lags!.Parts.Should().HaveCount(Steps);
    }

    [Fact]
    public async Task The_eigenvalues_are_those_given_however_far_from_normal()
    {
        SceneNumbers numbers = await Scene(("e", "0.9~0.3,0.5,-0.4"), ("g", "3"));

        numbers.Modes.Select(m => (Math.Round(m.Re, 9), Math.Round(m.Im, 9))).Should().BeEquivalentTo(
            [(0.9, 0.3), (0.9, -0.3), (0.5, 0.0), (-0.4, 0.0)]);
        numbers.TransientGrowth.Should().BeGreaterThan(3);
    }

    [Theory]
    [InlineData("state", 30, 2)]
    [InlineData("state", 12, 3)]
    [InlineData("state", 0, 3)]
    [InlineData("weight", 12, 5)]
    public async Task The_formula_of_an_arrow_holds_in_its_numbers(string arrow, int t, int number)
    {
        HttpResponseMessage answer = await Post("formula", new()
        {
            ["e"] = "0.9~0.3,0.5",
            ["T"] = "30",
            ["loss"] = "all",
            ["arrow"] = arrow,
            ["t"] = $"{t}",
        });
        StepFormula formula = (await answer.Content.ReadFromJsonAsync<StepFormula>(Named))!;

        formula.Number.Should().Be(number);
        Matrix<double>[] values = [.. formula.Parts.Where(p => p.Rows is not null).Select(
            p => Matrix<double>.Build.DenseOfRows(p.Rows))];
        Matrix<double> right = values[1] * values[2]
            + (values.Length == 5 ? values[3] * values[4] : 0.0 * values[0]);
        (right - values[0]).FrobeniusNorm().Should().BeLessThan(1e-12 * (1 + values[0].FrobeniusNorm()));
        formula.Norm.Should().BeApproximately(values[0].FrobeniusNorm(), 1e-12);
    }

    [Fact]
    public async Task A_training_flows_to_its_end_and_clipping_saves_it()
    {
        string stream = await _client.GetStringAsync(new Uri(
            _server.Address, "train?e=1.1~0.2,0.5&T=60&loss=all&rate=0.05&clip=1&to=100&pace=off"));

        TrainingMoment[] moments = [.. stream.Split('\n').Where(l => l.StartsWith("data: ", StringComparison.Ordinal))
            .Select(l => JsonSerializer.Deserialize<TrainingMoment>(l[6..], Named)!)];
        moments.Select(m => m.Update).Should().Equal(Enumerable.Range(0, 101));
        stream.Should().Contain("event: last");
        moments[^1].Plain.HasDiverged.Should().BeTrue();
        moments[^1].Clipped.HasDiverged.Should().BeFalse();
        moments[^1].Clipped.Loss.Should().BeLessThan(1e-3 * moments[0].Clipped.Loss!.Value);
        moments[^1].Clipped.Poles.Should().HaveCount(3);
    }

    [Fact]
    public async Task A_second_studio_takes_another_port_and_another_token()
    {
        await using StudioServer second = await StudioServer.StartAsync(ChapterEndpoints.Map);

        second.Address.Port.Should().NotBe(_server.Address.Port);
        second.Address.AbsolutePath.Should().NotBe(_server.Address.AbsolutePath);
        await ShouldGoOn();
    }

    private async Task ShouldGoOn() => (await Scene(("T", "5"))).Steps.Should().Be(5);

    private async Task<SceneNumbers> Scene(params (string Name, string Value)[] words)
    {
        HttpResponseMessage answer = await Post("scene", words.ToDictionary(w => w.Name, w => w.Value));
        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        return (await answer.Content.ReadFromJsonAsync<SceneNumbers>(Named))!;
    }

    private Task<HttpResponseMessage> Post(string what, Dictionary<string, string> words) =>
        _client.PostAsJsonAsync(new Uri(_server.Address, what), words);
}
