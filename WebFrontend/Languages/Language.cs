using System.Collections.Frozen;
using System.Text.Json;

namespace WebFrontend.Languages;

/// <summary>
/// The texts of one language, from <c>Languages/&lt;code&gt;.json</c>. A missing key is an error, not an empty place on
/// a page.
/// </summary>
internal sealed class Language
{
    public static readonly Language English = new("en", "English");
    public static readonly Language Japanese = new("ja", "日本語");

    private readonly FrozenDictionary<string, string> texts;

    private Language(string code, string name)
    {
        using var file =
            typeof(Language).Assembly.GetManifestResourceStream($"{code}.json")
            ?? throw new InvalidOperationException($"Languages/{code}.json is not part of the assembly.");
        texts = JsonSerializer.Deserialize<Dictionary<string, string>>(file)!.ToFrozenDictionary();
        Code = code;
        Name = name;
    }

    /// <summary>Returns the language of a request.</summary>
    public static Language Of(HttpContext context) => context.RequestServices.GetRequiredService<Language>();

    public static IReadOnlyList<Language> All { get; } = [English, Japanese];

    /// <summary>The language's tag (BCP 47), as in <c>lang="ja"</c>.</summary>
    public string Code { get; }

    /// <summary>The language's own name for itself.</summary>
    public string Name { get; }

    public IEnumerable<string> Keys => texts.Keys;

    public string this[string key] =>
        texts.TryGetValue(key, out var text)
            ? text
            : throw new KeyNotFoundException($"Languages/{Code}.json has no '{key}'.");

    /// <summary>
    /// Returns a page's texts as JSON for its scripts (<c>{"pause":"Pause",…}</c>). Keys lose the page's prefix; shared
    /// keys keep theirs.
    /// </summary>
    public string Json(string prefix, string shared = "stream.") =>
        JsonSerializer.Serialize(
            texts
                .Where(t =>
                    t.Key.StartsWith(prefix, StringComparison.Ordinal)
                    || t.Key.StartsWith(shared, StringComparison.Ordinal)
                )
                .ToDictionary(
                    t => t.Key.StartsWith(prefix, StringComparison.Ordinal) ? t.Key[prefix.Length..] : t.Key,
                    t => t.Value
                )
        );
}
