using System.Globalization;
using EventStore;
using Microsoft.Extensions.Options;
using StreamApi.Connections;
using StreamApi.Security;
using Streaming.Requests;

namespace StreamApi.Events;

/// <summary><c>GET /v1/topics?prefix=…&amp;limit=…&amp;after=…</c>: the topics of the log, in order, with their events
/// and subscribers.</summary>
internal static class TopicsEndpoint
{
    /// <summary>Pages read below one grant for a page of what it lets through: a star in the middle may let through
    /// little.</summary>
    private const int MaxPages = 20;

    public static async Task<IResult> ListAsync(
        string? prefix,
        string? limit,
        string? after,
        HttpContext context,
        TopicReader topics,
        ConnectionDirectory connections,
        IOptions<EventsOptions> options,
        CancellationToken cancellationToken
    )
    {
        var most = options.Value.DefaultPage;
        if (
            limit is { Length: > 0 }
            && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out most) || most == 0)
        )
            return InvalidRequestException.ProblemOf("limit", "must be a whole number from 1.");
        if (after is { Length: > 0 } && !TopicPattern.IsTopic(after))
            return InvalidRequestException.ProblemOf("after", "must be a topic, the last one of the page before.");
        if (prefix is { Length: > 0 } && !TopicPattern.IsTopic(prefix.TrimEnd('.')))
            return InvalidRequestException.ProblemOf("prefix", "must be the beginning of a topic.");
        most = Math.Min(most, options.Value.MaxPage);

        var (epoch, found) = await ReadableAsync(
            topics,
            Caller.Of(context).Grants,
            prefix ?? "",
            after ?? "",
            most + 1,
            cancellationToken
        );
        var open = (await connections.RecentAsync(cancellationToken)).Rows;
        // A few filters stand for many connections: each is matched once.
        var subscriptions = open.GroupBy(c => string.Join(' ', c.Topics))
            .Select(g => (g.First().Topics, Count: g.Count()))
            .ToList();
        var rows = found
            .Take(most)
            .Select(t => new TopicRow(
                t.Topic,
                t.Count,
                new StreamId(epoch, t.Head).ToString(),
                subscriptions
                    .Where(s => s.Topics.Any(p => TopicPattern.IsTopicOrPattern(p) && TopicPattern.Matches(p, t.Topic)))
                    .Sum(s => s.Count)
            ))
            .ToList();
        return TypedResults.Ok(new TopicPage(rows, found.Count > most ? rows[^1].Topic : null));
    }

    /// <summary>
    /// The first topics of those that the caller may read: below each of his grants' first tokens, so that a narrow
    /// grant costs no walk
    /// through what others have.
    /// </summary>
    private static async Task<(string Epoch, IReadOnlyList<TopicSummary> Topics)> ReadableAsync(
        TopicReader topics,
        TopicGrants grants,
        string prefix,
        string after,
        int limit,
        CancellationToken cancellationToken
    )
    {
        if (grants.ReadsEverything)
            return await topics.ListAsync(prefix, after, limit, cancellationToken);
        var epoch = "";
        var found = new SortedDictionary<string, TopicSummary>(StringComparer.Ordinal);
        foreach (var below in grants.Readable.Select(Literal).Distinct(StringComparer.Ordinal))
        {
            if (
                !below.StartsWith(prefix, StringComparison.Ordinal)
                && !prefix.StartsWith(below, StringComparison.Ordinal)
            )
                continue;
            var (from, taken) = (after, 0);
            for (var pages = 0; pages < MaxPages && taken < limit; pages++)
            {
                (epoch, var page) = await topics.ListAsync(
                    below.Length > prefix.Length ? below : prefix,
                    from,
                    limit,
                    cancellationToken
                );
                foreach (var topic in page.Where(t => grants.MayRead(t.Topic)))
                {
                    found[topic.Topic] = topic;
                    taken++;
                }
                if (page.Count < limit)
                    break;
                from = page[^1].Topic;
            }
        }
        return (epoch, [.. found.Values.Take(limit)]);

        static string Literal(string pattern) =>
            pattern.IndexOfAny(['*', '>']) is >= 0 and var wild ? pattern[..wild] : pattern;
    }

    private sealed record TopicPage(IReadOnlyList<TopicRow> Topics, string? Next);

    private sealed record TopicRow(string Topic, long Count, string Head, int Subscribers);
}
