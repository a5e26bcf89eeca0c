using System.Globalization;
using EventStore;
using Microsoft.Extensions.Options;
using StreamApi.Connections;

namespace StreamApi.Events;

/// <summary><c>GET /v1/topics?prefix=…&amp;limit=…&amp;after=…</c>: the topics of the log, in order, with their events and subscribers.</summary>
internal static class TopicsEndpoint
{
    public static async Task<IResult> ListAsync(string? prefix, string? limit, string? after, TopicReader topics, ConnectionDirectory connections, IOptions<EventsOptions> options, CancellationToken cancellationToken)
    {
        var most = options.Value.DefaultPage;
        if (limit is { Length: > 0 } && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out most) || most == 0)) return Problems.Field("limit", "must be a whole number from 1.");
        if (after is { Length: > 0 } && !TopicPattern.IsTopic(after)) return Problems.Field("after", "must be a topic, the last one of the page before.");
        if (prefix is { Length: > 0 } && !TopicPattern.IsTopic(prefix.TrimEnd('.'))) return Problems.Field("prefix", "must be the beginning of a topic.");
        most = Math.Min(most, options.Value.MaxPage);

        var (epoch, found) = await topics.ListAsync(prefix ?? "", after ?? "", most + 1, cancellationToken);
        var (open, _) = await connections.AllAsync(null, cancellationToken);
        // A few filters stand for many connections: each is matched once.
        var subscriptions = open.GroupBy(c => string.Join(' ', c.Topics)).Select(g => (g.First().Topics, Count: g.Count())).ToList();
        var rows = found.Take(most).Select(t => new TopicRow(t.Topic, t.Count, new StreamId(epoch, t.Head).ToString(),
            subscriptions.Where(s => s.Topics.Any(p => TopicPattern.IsTopicOrPattern(p) && TopicPattern.Matches(p, t.Topic))).Sum(s => s.Count))).ToList();
        return TypedResults.Ok(new TopicPage(rows, found.Count > most ? rows[^1].Topic : null));
    }

    private sealed record TopicPage(IReadOnlyList<TopicRow> Topics, string? Next);

    private sealed record TopicRow(string Topic, long Count, string Head, int Subscribers);
}
