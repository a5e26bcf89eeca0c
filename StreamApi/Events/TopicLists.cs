using System.Text.Json;
using EventStore;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;
using StreamApi.Connections;
using StreamApi.Security;
using StreamApi.Security.Tickets;
using Streaming.Admission;
using Streaming.Requests;

namespace StreamApi.Events;

/// <summary>
/// Reads lists of topics. Identical requests of a client that wait share one read, and an answer is never older than
/// its request. Thread-safe.
/// </summary>
internal sealed class TopicLists(
    TopicReader topics,
    ConnectionDirectory connections,
    ReadTurns reads,
    SharedSecret secret,
    IOptions<EventsOptions> options,
    IOptions<JsonOptions> json
)
{
    private const string Purpose = "topic list";

    /// <summary>Topics read by one statement, unless the list itself is longer.</summary>
    private const int PageTopics = 1_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<TopicListRequest, Reading> _waiting = [];

    /// <summary>Reads a list as JSON. The read ends when every request that waits for it has been cancelled.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer, or too many reads of this client
    /// wait.</exception>
    public async Task<byte[]> ReadAsync(
        TopicListRequest request,
        TopicGrants grants,
        CancellationToken cancellationToken
    )
    {
        Reading? reading;
        lock (_gate)
        {
            if (!_waiting.TryGetValue(request, out reading))
            {
                _waiting[request] = reading = new Reading();
                reading.Answer = AnswerAsync(request, grants, reading);
            }
            reading.Waiting++;
        }
        try
        {
            return await reading.Answer.WaitAsync(cancellationToken);
        }
        finally
        {
            bool isLast;
            lock (_gate)
                if (isLast = --reading.Waiting == 0)
                    Forget(request, reading);
            if (isLast)
                await reading.Stop.CancelAsync();
        }
    }

    /// <summary>Returns the topic after which a list goes on; null if <paramref name="next"/> is not one of a
    /// list.</summary>
    public async ValueTask<string?> AfterAsync(string next, CancellationToken cancellationToken) =>
        next is not ['~', ..] ? next
        : await secret.OpenAsync<string>(Purpose, next[1..], cancellationToken) is { } topic ? topic
        : null;

    private async Task<byte[]> AnswerAsync(TopicListRequest request, TopicGrants grants, Reading reading)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var left = reading.Stop.Token;
        ConnectionListing listing;
        IDisposable turn;
        try
        {
            // Before the turn, because it waits for other replicas.
            listing = await connections.RecentAsync(left);
            turn = await reads.EnterInTimeAsync(request.Client, left);
        }
        finally
        {
            lock (_gate)
                Forget(request, reading);
        }
        using (turn)
            return await ReadAsync(request, grants, listing.Subscribers, left);
    }

    /// <summary>Later requests get a read of their own, so that no answer is older than its request.</summary>
    private void Forget(TopicListRequest request, Reading reading)
    {
        if (_waiting.GetValueOrDefault(request) == reading)
            _waiting.Remove(request);
    }

    private async Task<byte[]> ReadAsync(
        TopicListRequest request,
        TopicGrants grants,
        SubscriberCounts subscribers,
        CancellationToken left
    )
    {
        var (epoch, found, scanned) = await topics.ListAsync(
            request.Prefix,
            pages => ReadableAsync(pages, request, grants),
            left
        );
        var rows = found
            .Take(request.Most)
            .Select(t => new TopicRow(
                t.Topic,
                t.Count,
                new StreamId(epoch, t.Head).ToString(),
                subscribers.Of(t.Topic)
            ))
            .ToList();
        var next =
            found.Count > request.Most ? rows[^1].Topic
            // Sealed, because the client may not be allowed to know this topic.
            : scanned is not null ? $"~{await secret.SealAsync(Purpose, scanned, left)}"
            : null;
        return JsonSerializer.SerializeToUtf8Bytes(new TopicPage(rows, next), json.Value.SerializerOptions);
    }

    /// <summary>
    /// Reads the first topics that the caller may read, range by range of the grants, so that a narrow grant does not
    /// scan other topics. A pattern with a wildcard in the middle may match few of those it scans.
    /// </summary>
    /// <returns>The topics, and the last one scanned if the limit of <see cref="EventsOptions.MaxScannedTopics"/> ended
    /// the scan.</returns>
    private async Task<(string Epoch, IReadOnlyList<TopicSummary> Topics, string? Scanned)> ReadableAsync(
        TopicPages pages,
        TopicListRequest request,
        TopicGrants grants
    )
    {
        var (after, limit) = (request.After, request.Most + 1);
        if (grants.ReadsEverything)
            return (pages.Epoch, await pages.ReadAsync(request.Prefix, after, limit), null);
        var (budget, readable) = (options.Value.MaxScannedTopics, new TopicPatternSet(grants.Readable));
        var found = new List<TopicSummary>();
        foreach (var range in TopicRange.Of(grants.Readable, request.Prefix))
            for (var isMore = range.GoesBeyond(after); isMore && found.Count < limit; )
            {
                if (budget == 0)
                    return (pages.Epoch, found, after);
                var size = range.IsTopic ? 1 : Math.Min(budget, Math.Max(limit, PageTopics));
                var page = await pages.ReadAsync(range.Start, after, size);
                found.AddRange(page.Where(t => readable.Matches(t.Topic)));
                budget -= page.Count;
                isMore = !range.IsTopic && page.Count == size;
                if (page.Count > 0)
                    after = page[^1].Topic;
            }
        return (pages.Epoch, [.. found.Take(limit)], null);
    }

    /// <summary>A read in progress and the number of requests that wait for it.</summary>
    private sealed class Reading
    {
        public Task<byte[]> Answer { get; set; } = null!;
        public int Waiting { get; set; }

        /// <summary>Not disposed, because it may be cancelled after the read has ended. It has nothing to
        /// release.</summary>
        public CancellationTokenSource Stop { get; } = new();
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
internal sealed record TopicListRequest(ClientKey Client, string Grants, string Prefix, string After, int Most);
