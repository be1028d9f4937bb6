// The lessons and the words of the pages: complete in both languages, and each begins with a scene that can be drawn.

using System.Text.Json;
using System.Text.RegularExpressions;
using Bptt.Cli.Studio;

namespace Bptt.Cli.Tests.Studio;

public class LessonTests
{
    [Fact]
    public void A_dozen_lessons_stand_in_both_languages()
    {
        JsonElement[] lessons = [.. JsonDocument.Parse(StudioPage.Part("lessons.json")).RootElement.EnumerateArray()];

        lessons.Should().HaveCount(12);
        foreach (JsonElement lesson in lessons)
        {
            foreach (string language in new[] { "en", "zh" })
            {
                JsonElement words = lesson.GetProperty(language);
                words.GetProperty("title").GetString().Should().NotBeNullOrEmpty();
                words.GetProperty("text").GetArrayLength().Should().BeGreaterThan(0);
                words.GetProperty("try").GetArrayLength().Should().BeGreaterThan(1);
            }
            var numbers = SceneNumbers.Of(Scene.Parse(SceneOf(lesson.GetProperty("scene").GetString()!)));
            numbers.Flow.Verdict.Should().NotBe("none");
            numbers.LagsFault.Should().BeNull();
        }
    }

    [Theory]
    [InlineData("texts.json")]
    [InlineData("watch-texts.json")]
    public void Every_text_stands_in_both_languages(string part) =>
        Keys(part, "zh").Where(k => !k.StartsWith("sentence.", StringComparison.Ordinal))
            .Should().BeEquivalentTo(Keys(part, "en").Where(k => !k.StartsWith("sentence.", StringComparison.Ordinal)));

    [Theory]
    [InlineData("chapter.html", "texts.json", 50)]
    [InlineData("watch.html", "watch-texts.json", 10)]
    public void Every_text_that_a_page_names_exists(string page, string texts, int atLeast)
    {
        string[] named = [.. Regex.Matches(StudioPage.Part(page), "data-(?:text|label)=\"([^\"]+)\"")
            .Select(m => m.Groups[1].Value)];

        named.Should().HaveCountGreaterThan(atLeast).And.BeSubsetOf(Keys(texts, "en"));
    }

    private static string[] Keys(string part, string language)
    {
        using var texts = JsonDocument.Parse(StudioPage.Part(part));
        return [.. texts.RootElement.GetProperty(language).EnumerateObject().Select(p => p.Name)];
    }

    private static IEnumerable<KeyValuePair<string, string>> SceneOf(string words) =>
        words.Split('&').Select(w => KeyValuePair.Create(w.Split('=')[0], w.Split('=')[1]));
}
