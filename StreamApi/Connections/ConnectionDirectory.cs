using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Options;
using StreamApi.Replicas;
using StreamApi.Security.Credentials;
using StreamApi.Security.Tickets;

namespace StreamApi.Connections;

/// <summary>Lists and closes the open streams of all replicas. A listing that misses a replica is partial.</summary>
internal sealed class ConnectionDirectory(
    IConnectionList connections,
    IOptions<SseOptions> streaming,
    ReplicaDirectory replicas,
    StreamTickets tickets,
    IHttpClientFactory http,
    TimeProvider clock
)
{
    /// <summary>Scope of a request that asks a replica for its own streams only.</summary>
    public const string LocalScope = "replica";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private readonly SharedRead<ConnectionListing> _listing = new(clock);
    private volatile bool _isLong;

    /// <summary>The open streams of this replica.</summary>
    public IAsyncEnumerable<SseConnection> LocalAsync() => connections.ReadAsync();

    /// <summary>Lists all streams, read after this call; a long listing is a recent one.</summary>
    public Task<ConnectionListing> ListAsync(CancellationToken cancellationToken) =>
        _isLong ? RecentAsync(cancellationToken) : _listing.NextAsync(ReadAsync, cancellationToken);

    /// <summary>Lists all streams, less than a second after the listing was read.</summary>
    public Task<ConnectionListing> RecentAsync(CancellationToken cancellationToken) =>
        _listing.RecentAsync(ReadAsync, cancellationToken);

    private async Task<ConnectionListing> ReadAsync()
    {
        var others = await OthersAsync(CancellationToken.None);
        var answers = await Task.WhenAll(others.Select(async other => (other.Name, Rows: await AskAsync(other))));

        var rows = answers.SelectMany(answer => answer.Rows ?? []).ToList();

        // Last, so that the streams of this replica are not as old as the wait for the others.
        await foreach (var row in LocalAsync())
            rows.Add(row);

        var silent = answers.Where(answer => answer.Rows is null).Select(answer => answer.Name);
        var listing = new ConnectionListing(rows, silent.ToHashSet(StringComparer.Ordinal));
        _isLong = listing.IsLong;

        return listing;
    }

    /// <summary>Closes a stream. Returns false if no replica has it, and null if a replica that may have it does not
    /// answer.</summary>
    public async Task<bool?> CloseAsync(string id, bool localOnly, CancellationToken cancellationToken)
    {
        if (await connections.CloseAsync(id, cancellationToken))
            return true;

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

    /// <summary>Asks a replica for its streams. Null if it does not answer.</summary>
    private async Task<IReadOnlyList<SseConnection>?> AskAsync(Replica replica)
    {
        try
        {
            using var client = await ClientAsync(replica, CancellationToken.None);
            var page = await client.GetFromJsonAsync<ConnectionPage>(
                $"{replica.Url}/v1/connections?scope={LocalScope}"
            );
            // Another server may answer at an outdated address.
            return page?.Connections?.All(c => c.Replica == replica.Name) == true ? page.Connections : null;
        }
        catch (Exception e) when (IsNoAnswer(e, CancellationToken.None))
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

    private static bool IsNoAnswer(Exception exception, CancellationToken cancellationToken) =>
        exception
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
internal sealed record ConnectionListing(IReadOnlyList<SseConnection> Rows, IReadOnlySet<string> Silent)
{
    private readonly Lazy<SubscriberCounts> _subscribers = new(() => new SubscriberCounts(Rows.Select(r => r.Topics)));

    private readonly ConcurrentDictionary<string, IReadOnlyList<SseConnection>> _sorted = new(StringComparer.Ordinal);

    /// <summary>Rows that are listed, compared and encoded at once whenever somebody asks.</summary>
    private const int ShortRows = 100;

    public bool IsPartial => Silent.Count > 0;

    public bool IsLong => Rows.Count > ShortRows;

    /// <summary>The rows that contain a text, in an order. Each order is made once for all callers that share the
    /// listing.</summary>
    /// <param name="filter">Null or empty: all rows.</param>
    /// <param name="order">Null for any order, which costs nothing.</param>
    public IReadOnlyList<SseConnection> With(string? filter, ConnectionOrder? order)
    {
        var rows = order is null ? Rows : _sorted.GetOrAdd(order.Text, _ => [.. Rows.Order(order)]);
        return filter is { Length: > 0 } ? [.. rows.Where(row => Contains(row, filter))] : rows;
    }

    private static bool Contains(SseConnection row, string text) =>
        row.Client.Contains(text, StringComparison.OrdinalIgnoreCase)
        || (row.User?.Contains(text, StringComparison.OrdinalIgnoreCase) ?? false)
        || row.Topics.Any(t => t.Contains(text, StringComparison.OrdinalIgnoreCase));

    /// <summary>Streams per topic, counted on first use.</summary>
    public SubscriberCounts Subscribers => _subscribers.Value;
}
