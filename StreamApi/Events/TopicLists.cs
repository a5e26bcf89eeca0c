using System.Text.Json;
using EventStore;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;
using StreamApi.Connections;
using StreamApi.Security;
using StreamApi.Security.Limits;

namespace StreamApi.Events;

/// <summary>
/// Reads lists of topics. Identical requests of a client that wait share one read, and an answer is never older than
/// its request. Thread-safe.
/// </summary>
internal sealed class TopicLists(
    TopicReader topics,
    ConnectionDirectory connections,
    StoreReads reads,
    IOptions<JsonOptions> json
)
{
    /// <summary>
    /// Maximum pages read per grant, because a pattern with a wildcard in the middle may match few topics.
    /// </summary>
    private const int MaxPages = 20;

    private readonly Lock _gate = new();
    private readonly Dictionary<TopicListRequest, Task<byte[]>> _waiting = [];

    /// <summary>Reads a list as JSON.</summary>
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
            // Before the turn, because it waits for other replicas.
            subscribers = (await connections.RecentAsync(CancellationToken.None)).Subscribers;
            turn = await reads.EnterInTimeAsync(request.Client, CancellationToken.None);
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
    /// Reads the first topics that the caller may read. Starts at the literal prefix of each grant, so that a narrow
    /// grant does not scan other topics.
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

/// <summary>A request for a list of topics.</summary>
/// <param name="Client">Key of the client.</param>
/// <param name="Grants">Patterns that the client may read, joined.</param>
/// <param name="Prefix">Prefix of the topics.</param>
/// <param name="After">Last topic of the previous page.</param>
/// <param name="Most">Maximum topics of the page.</param>
internal sealed record TopicListRequest(string Client, string Grants, string Prefix, string After, int Most);
