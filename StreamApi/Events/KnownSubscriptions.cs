using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http.HttpResults;

namespace StreamApi.Events;

/// <summary>The streams that queries describe, by the query's text, so that a crowd of clients with one query has it
/// parsed once. It keeps nothing of a caller: no query with a ticket or an id, no grants, no refusal. Thread-safe.
/// </summary>
internal sealed class KnownSubscriptions
{
    /// <summary>Longest text kept, in characters. With what is parsed from it, which is a few times as long, it takes
    /// at most 8 kB.</summary>
    internal const int MaxLength = 512;

    /// <summary>Maximum texts kept: 8 MB of the longest. When it is reached all are dropped, so that queries that never
    /// come again cost no more than parsing them does.</summary>
    internal const int MaxTexts = 1_024;

    /// <summary>The parameters that describe a stream, and two that the stream reads from each request.</summary>
    private static readonly string[] Names =
    [
        "topic",
        "topics",
        "type",
        "types",
        "key",
        "keys",
        "envelope",
        "from",
        "slow",
    ];

    private readonly ConcurrentDictionary<string, Subscription> _known = new(StringComparer.Ordinal);
    private readonly Lock _adding = new();

    public int Count => _known.Count;

    /// <summary>Returns the stream of a request's query, or null if it is not known. The caller checks the rights.
    /// </summary>
    public Subscription? Find(HttpRequest request) =>
        TextOf(request) is { } text ? _known.GetValueOrDefault(text) : null;

    /// <summary>Keeps a stream whose topics the query names, unless the query also has what belongs to its
    /// caller.</summary>
    public void Keep(HttpRequest request, Subscription subscription)
    {
        if (TextOf(request) is not { } text || !HasOnlyKnownNames(request.Query))
            return;

        lock (_adding)
        {
            if (_known.Count >= MaxTexts)
                _known.Clear();
            _known[text] = subscription;
        }
    }

    /// <summary>Returns the text that decides on the stream, or null if there is none: a body decides, too.</summary>
    private static string? TextOf(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) && request.QueryString.Value is { Length: > 0 and <= MaxLength } text
            ? text
            : null;

    private static bool HasOnlyKnownNames(IQueryCollection query) =>
        query.Keys.All(name => Names.Contains(name, StringComparer.OrdinalIgnoreCase));

    /// <summary>The topics that a query names, and their stream.</summary>
    internal sealed record Subscription(string[] Topics, EventStreamResult Stream);
}
