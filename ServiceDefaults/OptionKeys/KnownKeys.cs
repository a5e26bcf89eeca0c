using Microsoft.Extensions.Configuration;

namespace ServiceDefaults.OptionKeys;

/// <summary>The keys that a service reads. Names ignore case, as the configuration does.</summary>
/// <remarks><c>BinderOptions.ErrorOnUnknownConfiguration</c> does not serve: it refuses keys of a section that belong
/// to another class (<c>AspireSse:Llm</c>), overlooks keys below a value and single keys
/// (<c>AspireSse:Pools:Sse</c>), and its message names neither the section nor the name that was meant.</remarks>
internal sealed class KnownKeys(IEnumerable<string> keys)
{
    private readonly string[][] _keys = [.. keys.Select(Parts)];

    /// <summary>Returns a sentence for each unknown key in the sections that the service reads.</summary>
    public IEnumerable<string> Unknown(IConfiguration configuration) =>
        configuration
            .AsEnumerable()
            .Where(setting => setting.Value is not null && HasSectionOf(setting.Key) && !Has(setting.Key))
            // An empty list or object of a JSON file is a key with an empty value.
            .Where(setting => setting.Value!.Length > 0 || !HasBelow(setting.Key))
            .Select(setting => $"{setting.Key} is no option; the nearest name is {Nearest(setting.Key)}.");

    /// <summary>Returns false for sections of the framework, or of another service with the same
    /// environment.</summary>
    private bool HasSectionOf(string key)
    {
        var parts = Parts(key);
        var section = SectionOf(parts);
        return parts.Length > section.Length && _keys.Any(known => StartsWith(known, section));
    }

    /// <summary>Returns the first part of a key, and two for the sections of the libraries, which are below
    /// <c>AspireSse</c>.</summary>
    private static string[] SectionOf(string[] parts) =>
        parts[..Math.Min(parts.Length, Same(parts[0], "AspireSse") ? 2 : 1)];

    private bool Has(string key)
    {
        var parts = Parts(key);
        return _keys.Any(known => known.Length == parts.Length && StartsWith(known, parts));
    }

    private bool HasBelow(string key)
    {
        var parts = Parts(key);
        return _keys.Any(known => known.Length > parts.Length && StartsWith(known, parts));
    }

    private string Nearest(string key)
    {
        var parts = Parts(key);
        return _keys
            .Where(known => StartsWith(known, SectionOf(parts)))
            .Select(known => Named(known, parts))
            .MinBy(known => Distance(known, key))!;
    }

    /// <summary>Fills the names of entries in from the unknown key.</summary>
    private static string Named(string[] known, string[] parts) =>
        string.Join(':', known.Select((part, i) => part == OptionSection.Any && i < parts.Length ? parts[i] : part));

    private static bool StartsWith(string[] known, string[] parts) =>
        known.Zip(parts).All(pair => pair.First == OptionSection.Any || Same(pair.First, pair.Second));

    private static bool Same(string first, string second) =>
        string.Equals(first, second, StringComparison.OrdinalIgnoreCase);

    private static string[] Parts(string key) => key.Split(':');

    /// <summary>The number of letters to insert, remove or replace (Levenshtein).</summary>
    private static int Distance(string first, string second)
    {
        var row = Enumerable.Range(0, second.Length + 1).ToArray();

        for (var i = 0; i < first.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i + 1;

            for (var j = 0; j < second.Length; j++)
            {
                var replaced = diagonal + (char.ToUpperInvariant(first[i]) == char.ToUpperInvariant(second[j]) ? 0 : 1);
                diagonal = row[j + 1];
                row[j + 1] = Math.Min(replaced, 1 + Math.Min(row[j], diagonal));
            }
        }

        return row[^1];
    }
}
