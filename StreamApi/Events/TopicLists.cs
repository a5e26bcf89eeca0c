using System.Text.Json;
using EventStore;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;
using StreamApi.Connections;
using StreamApi.Requests;
using StreamApi.Security;

namespace StreamApi.Events;

/// <summary>Reads lists of topics, each once for all of a client's requests for it that wait meanwhile. An answer is
/// never older than its request. Thread-safe.</summary>
internal sealed class TopicLists(
    TopicReader topics,
    ConnectionDirectory connections,
    StoreReads reads,
    IOptions<JsonOptions> json
)
{
    /// <summary>Pages read below one grant for a page of what it lets through: a star in the middle may let through
    /// little.</summary>
    private const int MaxPages = 20;

    private readonly Lock _gate = new();
    private readonly Dictionary<TopicListRequest, Task<byte[]>> _waiting = [];

    /// <summary>Reads a list, as JSON.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer, or too many reads of this client
    /// wait.</exception>
    public Task<byte[]> ReadAsync(TopicListRequest request, TopicGrants grants, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!_waiting.TryGetValue(request, out var answer))
                _waiting[request] = answer = AnswerAsync(request, grants);
            return answer.WaitAsync(cancellationToken);
        }
    }

    private async Task<byte[]> AnswerAsync(TopicListRequest request, TopicGrants grants)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        SubscriberCounts subscribers;
        IDisposable turn;
        try
        {
            // Before the turn: it waits for the other replicas.
            subscribers = (await connections.RecentAsync(CancellationToken.None)).Subscribers;
            turn = await reads.EnterAsync(request.Client, CancellationToken.None);
        }
        finally
        {
            lock (_gate)
                _waiting.Remove(request);
        }
        using (turn)
            return await ReadAsync(request, grants, subscribers);
    }

    private async Task<byte[]> ReadAsync(TopicListRequest request, TopicGrants grants, SubscriberCounts subscribers)
    {
        var (epoch, found) = await ReadableAsync(request, grants);
        var rows = found
            .Take(request.Most)
            .Select(t => new TopicRow(
                t.Topic,
                t.Count,
                new StreamId(epoch, t.Head).ToString(),
                subscribers.Of(t.Topic)
            ))
            .ToList();
        var page = new TopicPage(rows, found.Count > request.Most ? rows[^1].Topic : null);
        return JsonSerializer.SerializeToUtf8Bytes(page, json.Value.SerializerOptions);
    }

    /// <summary>
    /// Reads the first topics of those that the caller may read: below the first tokens of each grant, so that a narrow
    /// grant costs no walk through what others have.
    /// </summary>
    private async Task<(string Epoch, IReadOnlyList<TopicSummary> Topics)> ReadableAsync(
        TopicListRequest request,
        TopicGrants grants
    )
    {
        var (prefix, after, limit) = (request.Prefix, request.After, request.Most + 1);
        if (grants.ReadsEverything)
            return await topics.ListAsync(prefix, after, limit, CancellationToken.None);
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
                    CancellationToken.None
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
        return (epoch, [.. found.Values.Take(request.Most + 1)]);

        static string Literal(string pattern) =>
            pattern.IndexOfAny(['*', '>']) is >= 0 and var wild ? pattern[..wild] : pattern;
    }

    private sealed record TopicPage(IReadOnlyList<TopicRow> Topics, string? Next);

    private sealed record TopicRow(string Topic, long Count, string Head, int Subscribers);
}

/// <summary>A list of topics as it is asked for.</summary>
/// <param name="Client">The client's key.</param>
/// <param name="Grants">The patterns that it may read, in one string.</param>
/// <param name="Prefix">The beginning of each topic.</param>
/// <param name="After">The last topic of the page before.</param>
/// <param name="Most">Most topics of the answer.</param>
internal sealed record TopicListRequest(string Client, string Grants, string Prefix, string After, int Most);
