using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using EventStore;
using Microsoft.Extensions.Options;
using StreamApi.Replicas;
using StreamApi.Security.Credentials;
using StreamApi.Security.Tickets;
using Streaming;
using Streaming.Connections;

namespace StreamApi.Connections;

/// <summary>
/// Lists and closes the open streams of all replicas. A listing that misses a replica is marked as partial.
/// </summary>
internal sealed class ConnectionDirectory(
    ConnectionRegistry registry,
    IOptions<StreamingOptions> streaming,
    ReplicaDirectory replicas,
    StreamTickets tickets,
    IHttpClientFactory http,
    TimeProvider clock
)
{
    /// <summary>Scope of a request that asks a replica for its own streams only.</summary>
    public const string LocalScope = "replica";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2),
        Recent = TimeSpan.FromMilliseconds(800);

    private readonly SharedReads<ConnectionListing> _listings = new(Recent, clock);

    /// <summary>The open streams of this replica, at the pace of <see cref="PacedRows"/>.</summary>
    public IAsyncEnumerable<ConnectionRow> LocalAsync() =>
        new PacedRows(clock).ReadAsync(
            [.. registry.Open],
            open => ConnectionRow.Of(open, streaming.Value.Replica),
            CancellationToken.None
        );

    /// <summary>
    /// Lists all streams, read after this call. One listing runs at a time; callers that wait share the next one.
    /// </summary>
    public Task<ConnectionListing> AllAsync(CancellationToken cancellationToken) =>
        _listings.NewAsync(ListAsync, cancellationToken);

    /// <summary>Lists all streams.</summary>
    /// <returns>
    /// The listing, and its work: the time without pauses and without the wait for replicas that do not answer.
    /// </returns>
    private async Task<(ConnectionListing Listing, TimeSpan Worked)> ListAsync()
    {
        var start = clock.GetTimestamp();
        var peers = await OthersAsync(CancellationToken.None);
        var worked = clock.GetElapsedTime(start);
        var asked = peers.Select(async r => (r.Name, Rows: await AskAsync(r, CancellationToken.None), At: Elapsed()));
        var (rows, silent) = (new List<ConnectionRow>(), new HashSet<string>(StringComparer.Ordinal));
        foreach (var (name, answer, at) in await Task.WhenAll(asked))
            if (answer is null)
                silent.Add(name);
            else
            {
                rows.AddRange(answer);
                var work = at - PacedRows.PausesOf(answer.Count);
                worked = work > worked ? work : worked;
            }
        // Last, so that the streams of this replica are not as old as the wait for the others.
        var (answered, others) = (Elapsed(), rows.Count);
        await foreach (var row in LocalAsync())
            rows.Add(row);
        worked += Elapsed() - answered - PacedRows.PausesOf(rows.Count - others);
        return (new ConnectionListing(rows, silent), worked);

        TimeSpan Elapsed() => clock.GetElapsedTime(start);
    }

    /// <summary>
    /// Lists all streams from a recent listing that callers share. It is less than a second old, or older if a listing
    /// is much work, because every replica lists every stream.
    /// </summary>
    public Task<ConnectionListing> RecentAsync(CancellationToken cancellationToken) =>
        _listings.RecentAsync(ListAsync, cancellationToken);

    /// <summary>
    /// Closes a stream. Returns false if no replica has it, and null if a replica that may have it does not answer.
    /// </summary>
    public async Task<bool?> CloseAsync(string id, bool localOnly, CancellationToken cancellationToken)
    {
        if (registry.TryGet(id, out var here))
        {
            here.Stop(EndReason.Closed);
            await here.Ended.WaitAsync(cancellationToken);
            return true;
        }
        if (localOnly)
            return false;
        var unknown = false;
        foreach (var replica in await OthersAsync(cancellationToken))
        {
            try
            {
                using var client = await ClientAsync(replica, cancellationToken);
                using var response = await client.DeleteAsync(
                    $"{replica.Url}/v1/connections/{Uri.EscapeDataString(id)}?scope={LocalScope}",
                    cancellationToken
                );
                if (response.IsSuccessStatusCode)
                    return true;
                unknown |= response.StatusCode != HttpStatusCode.NotFound;
            }
            catch (Exception e) when (IsNoAnswer(e, cancellationToken))
            {
                unknown = true;
            }
        }
        return unknown ? null : false;
    }

    private async Task<IReadOnlyList<ConnectionRow>?> AskAsync(Replica replica, CancellationToken cancellationToken)
    {
        try
        {
            using var client = await ClientAsync(replica, cancellationToken);
            var page = await client.GetFromJsonAsync<ConnectionPage>(
                $"{replica.Url}/v1/connections?scope={LocalScope}",
                cancellationToken
            );
            // Another server may answer at an outdated address.
            return page?.Connections?.All(c => c.Replica == replica.Name) == true ? page.Connections : null;
        }
        catch (Exception e) when (IsNoAnswer(e, cancellationToken))
        {
            return null;
        }
    }

    private async Task<IEnumerable<Replica>> OthersAsync(CancellationToken cancellationToken) =>
        (await replicas.AllAsync(cancellationToken)).Where(r => r.Name != streaming.Value.Replica && r.Url.Length > 0);

    private async ValueTask<HttpClient> ClientAsync(Replica replica, CancellationToken cancellationToken)
    {
        var client = http.CreateClient("replicas");
        client.DefaultRequestHeaders.Authorization = new(
            CredentialHandler.ReplicaScheme,
            await tickets.PassAsync(replica.Name, cancellationToken)
        );
        client.Timeout = Timeout;
        return client;
    }

    private static bool IsNoAnswer(Exception e, CancellationToken cancellationToken) =>
        e
            is HttpRequestException
                or JsonException
                or OperationCanceledException
                or TimeoutException
                or StoreUnavailableException
        && !cancellationToken.IsCancellationRequested;
}

/// <summary>The open streams of all replicas that answered.</summary>
/// <param name="Rows">Rows, unordered.</param>
/// <param name="Silent">Replicas that did not answer.</param>
internal sealed record ConnectionListing(IReadOnlyList<ConnectionRow> Rows, IReadOnlySet<string> Silent)
{
    private readonly Lazy<SubscriberCounts> _subscribers = new(() =>
        new SubscriberCounts(Rows.GroupBy(r => string.Join(' ', r.Topics)).Select(g => (g.First().Topics, g.Count())))
    );

    private readonly ConcurrentDictionary<string, IReadOnlyList<ConnectionRow>> _sorted = new(StringComparer.Ordinal);

    public bool IsPartial => Silent.Count > 0;

    /// <summary>The rows that contain a text, in an order. Each order is made once for all callers that share the
    /// listing.</summary>
    /// <param name="filter">Null or empty: all rows.</param>
    /// <param name="order">Null: any order, which costs nothing.</param>
    public IReadOnlyList<ConnectionRow> With(string? filter, ConnectionOrder? order)
    {
        var rows = order is null ? Rows : _sorted.GetOrAdd(order.Text, _ => [.. Rows.Order(order)]);
        return filter is { Length: > 0 } ? [.. rows.Where(r => r.Contains(filter))] : rows;
    }

    /// <summary>Streams per topic, counted on first use.</summary>
    public SubscriberCounts Subscribers => _subscribers.Value;
}
