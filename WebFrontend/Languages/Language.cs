using System.Collections.Frozen;
using System.Text.Json;

namespace WebFrontend.Languages;

/// <summary>
/// One language's texts, from <c>Languages/&lt;code&gt;.json</c>. A key that is missing is an error, not an empty place on a page.
/// </summary>
internal sealed class Language
{
    public static readonly Language English = new("en", "English");
    public static readonly Language Japanese = new("ja", "日本語");

    private readonly FrozenDictionary<string, string> texts;

    private Language(string code, string name)
    {
        using var file = typeof(Language).Assembly.GetManifestResourceStream($"{code}.json")
            ?? throw new InvalidOperationException($"Languages/{code}.json is not part of the assembly.");
        texts = JsonSerializer.Deserialize<Dictionary<string, string>>(file)!.ToFrozenDictionary();
        (Code, Name) = (code, name);
    }

    public static IReadOnlyList<Language> All { get; } = [English, Japanese];

    /// <summary>The language's tag (BCP 47), as in <c>lang="ja"</c>.</summary>
    public string Code { get; }

    /// <summary>Its name in itself.</summary>
    public string Name { get; }

    public IEnumerable<string> Keys => texts.Keys;

    public string this[string key] => texts.TryGetValue(key, out var text)
        ? text
        : throw new KeyNotFoundException($"Languages/{Code}.json has no '{key}'.");

    /// <summary>The texts under a prefix as JSON, for the scripts: <c>{"live":"Live",…}</c>.</summary>
    public string Json(string prefix) => JsonSerializer.Serialize(
        texts.Where(t => t.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(t => t.Key[prefix.Length..], t => t.Value));
}
