using Microsoft.Extensions.Options;
using StreamApi.Connections;
using StreamApi.Security.Tickets;

namespace StreamApi.Events;

/// <summary>Reads pages of the topics that a client may read. Thread-safe.</summary>
internal sealed class TopicPageReader(TopicReader topics, SharedSecret secret, IOptions<EventsOptions> options)
{
    private const string Purpose = "topic list";

    /// <summary>Topics read by one statement, unless the page itself is longer.</summary>
    private const int StatementTopics = 1_000;

    /// <summary>Returns the topic after which a list goes on, or null if <paramref name="next"/> is not one of a
    /// list.</summary>
    public async ValueTask<string?> AfterAsync(string next, CancellationToken cancellationToken) =>
        next is not ['~', ..] ? next
        : await secret.OpenAsync(Purpose, next[1..], SealedJson.Default.String, cancellationToken) is { } topic ? topic
        : null;

    /// <param name="subscribers">The streams to count for each topic.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public async Task<TopicPage> ReadAsync(
        TopicGrants grants,
        TopicRequest request,
        SubscriberCounts subscribers,
        CancellationToken cancellationToken
    )
    {
        // One more than the page has tells whether another one follows.
        var (found, scanned) = await topics.ListAsync(
            request.Prefix,
            pages => ReadableAsync(pages, grants, request, request.Limit + 1),
            cancellationToken
        );

        var rows = found
            .Take(request.Limit)
            .Select(t => new TopicRow(t.Topic, t.Count, t.Head.ToString(), subscribers.Of(t.Topic)))
            .ToList();
        if (found.Count > request.Limit)
            return new TopicPage(rows, rows[^1].Topic);

        // Sealed, because the client may not be allowed to know this topic.
        return new TopicPage(
            rows,
            scanned is null
                ? null
                : $"~{await secret.SealAsync(Purpose, scanned, SealedJson.Default.String, cancellationToken)}"
        );
    }

    /// <summary>Reads the first topics that the caller may read, range by range of the grants, so that a narrow grant
    /// does not scan other topics. A pattern with a wildcard in the middle may match few of those it scans.</summary>
    /// <returns>The topics, and the last one scanned if <see cref="EventsOptions.MaxScannedTopics"/> ended the
    /// scan.</returns>
    private async Task<(IReadOnlyList<TopicSummary> Topics, string? Scanned)> ReadableAsync(
        TopicPager pages,
        TopicGrants grants,
        TopicRequest request,
        int limit
    )
    {
        var after = request.After;
        if (grants.ReadsEverything)
            return (await pages.ReadAsync(request.Prefix, after, limit), null);

        var budget = options.Value.MaxScannedTopics;
        var readable = new PatternMap<string>();
        foreach (var pattern in grants.Readable.Distinct())
            readable.Add(pattern, pattern);

        var found = new List<TopicSummary>();
        foreach (var range in TopicRange.Of(grants.Readable, request.Prefix))
            for (var isMore = range.GoesBeyond(after); isMore && found.Count < limit; )
            {
                if (budget == 0)
                    return (found, after);

                var size = range.IsTopic ? 1 : Math.Min(budget, Math.Max(limit, StatementTopics));
                var page = await pages.ReadAsync(range.Start, after, size);
                found.AddRange(page.Where(t => readable.Matches(t.Topic)));
                budget -= page.Count;
                isMore = !range.IsTopic && page.Count == size;

                if (page.Count > 0)
                    after = page[^1].Topic;
            }

        return ([.. found.Take(limit)], null);
    }
}

/// <summary>A request for a page of topics: those with the prefix, after a topic.</summary>
internal sealed record TopicRequest(string Prefix, string After, int Limit);

/// <summary>A page of topics; <c>next</c> is null at the end.</summary>
internal sealed record TopicPage(IReadOnlyList<TopicRow> Topics, string? Next);

internal sealed record TopicRow(string Topic, long Count, string Head, int Subscribers);
