using System.Text.RegularExpressions;
using Unit.Build;
using WebFrontend.Languages;

namespace Unit.WebFrontend;

public partial class LanguageTests
{
    [Fact]
    public void Every_language_has_every_text_with_the_same_places_to_fill_in()
    {
        foreach (var language in Language.All)
        {
            SourceFiles.AssertNone([
                .. Language.English.Keys.Except(language.Keys).Select(key => Missing(language, key)),
                .. language.Keys.Except(Language.English.Keys).Select(key => Missing(Language.English, key)),
            ]);
            Assert.All(language.Keys, key => Assert.Equal(Places(Language.English[key]), Places(language[key])));
        }
    }

    [Fact]
    public void A_text_that_is_missing_is_named() =>
        Assert.Contains(
            "no.such.text",
            Assert.Throws<KeyNotFoundException>(() => Language.Japanese["no.such.text"]).Message,
            StringComparison.Ordinal
        );

    private static string Missing(Language language, string key) =>
        $"WebFrontend/Languages/{language.Code}.json has no text for {key}";

    private static IEnumerable<string> Places(string text) =>
        Place().Matches(text).Select(m => m.Value).Order(StringComparer.Ordinal);

    [GeneratedRegex(@"\{\w+\}")]
    private static partial Regex Place();
}
