namespace Streaming.Requests;

/// <summary>Refuses names of a query or a body that an endpoint does not know. The error lists the known
/// names.</summary>
internal static class UnknownNames
{
    private const int MaxEchoed = 64;

    /// <exception cref="InvalidRequestException">A name is unknown.</exception>
    public static void Refuse(string[] known, IEnumerable<string> names, StringComparer comparer)
    {
        var unknown = names.FirstOrDefault(name => !known.Contains(name, comparer) && !IsIgnored(name, known));
        if (unknown is null)
            return;

        var meant =
            Array.Find(known, name => Letters(name) == Letters(unknown))
            ?? Array.Find(known, name => IsMeant(unknown, name));
        throw new InvalidRequestException(
            unknown.Length > MaxEchoed ? unknown[..MaxEchoed] + "…" : unknown,
            "is not known here"
                + (meant is null ? "." : $"; did you mean {meant}?")
                + $" Known are {string.Join(", ", known.Distinct())}."
        );
    }

    /// <summary>Returns true for a name with the letters of a known name, and for an added name that contains these
    /// letters.</summary>
    public static bool IsMeant(string name, string known) =>
        Letters(name) == Letters(known) || IsAdded(name) && Has(name, known);

    /// <summary>Returns true for names that browsers' libraries and campaigns add, unless such a name contains a known
    /// one.</summary>
    private static bool IsIgnored(string name, string[] known) =>
        IsAdded(name) && !Array.Exists(known, one => Has(name, one));

    private static bool IsAdded(string name) =>
        name.StartsWith('_') || name.StartsWith("utm_", StringComparison.OrdinalIgnoreCase);

    private static bool Has(string name, string known) =>
        Letters(name).Contains(Letters(known), StringComparison.Ordinal);

    /// <summary>Returns the letters in lower case, without a plural's end, so that <c>topic[]</c> and <c>Topics</c>
    /// equal <c>topic</c>.</summary>
    private static string Letters(string name) =>
        string.Concat(name.Where(char.IsAsciiLetter).Select(char.ToLowerInvariant)).TrimEnd('s');
}
