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

/// <summary>Asks every replica for its open streams, and closes one wherever it is. A replica that does not answer
/// makes the answer partial.</summary>
internal sealed class ConnectionDirectory(
    ConnectionRegistry registry,
    IOptions<StreamingOptions> streaming,
    ReplicaDirectory replicas,
    StreamTickets tickets,
    IHttpClientFactory http,
    TimeProvider clock
)
{
    /// <summary>Tells a replica to speak only for itself.</summary>
    public const string LocalScope = "replica";

    /// <summary>After a listing comes a rest of so many times its length, so that asking again and again takes little
    /// of every replica.</summary>
    private const int PacingFactor = 9;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2),
        Recent = TimeSpan.FromMilliseconds(800);

    private readonly Lock _gate = new();
    private Task<ConnectionListing>? _latest,
        _next;
    private Task _listing = Task.CompletedTask;
    private TimeSpan _took;
    private long _listedAt;

    public IEnumerable<ConnectionRow> Local() =>
        registry.Open.Select(open => ConnectionRow.Of(open, streaming.Value.Replica));

    /// <summary>All of them, read after this was asked: one listing at a time, that all share who asked before it
    /// began.</summary>
    public Task<ConnectionListing> AllAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_next is null)
            {
                _next = ListAfterAsync(_listing);
                _listing = _next;
            }
            return _next.WaitAsync(cancellationToken);
        }
    }

    private async Task<ConnectionListing> ListAfterAsync(Task before)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        lock (_gate)
            _next = null;
        var start = clock.GetTimestamp();
        try
        {
            return await ListAsync(CancellationToken.None);
        }
        finally
        {
            lock (_gate)
                (_took, _listedAt) = (clock.GetElapsedTime(start), clock.GetTimestamp());
        }
    }

    private async Task<ConnectionListing> ListAsync(CancellationToken cancellationToken)
    {
        var asked = (await OthersAsync(cancellationToken))
            .Select(async r => (r.Name, Rows: await AskAsync(r, cancellationToken)))
            .ToList();
        var rows = Local().ToList();
        var silent = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, answer) in await Task.WhenAll(asked))
        {
            if (answer is null)
                silent.Add(name);
            else
                rows.AddRange(answer);
        }
        return new ConnectionListing(rows, silent);
    }

    /// <summary>
    /// All of them as of a moment ago, read once for all who ask meanwhile: less than a second, and more where a
    /// listing takes long, for every
    /// replica lists every stream for it.
    /// </summary>
    public Task<ConnectionListing> RecentAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            var rest = TimeSpan.FromTicks(Math.Max(Recent.Ticks, PacingFactor * _took.Ticks));
            var isOver =
                _latest is null
                || _latest.IsFaulted
                || (_latest.IsCompleted && clock.GetElapsedTime(_listedAt) >= rest);
            if (isOver)
                _latest = AllAsync(CancellationToken.None);
            return _latest!.WaitAsync(cancellationToken);
        }
    }

    /// <summary>True where it was closed, false where no replica has it, null where one that may have it does not
    /// answer.</summary>
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
            // At an address that leads elsewhere somebody else has answered.
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
                or EventStore.StoreUnavailableException
        && !cancellationToken.IsCancellationRequested;
}

/// <summary>The open streams of all replicas but of those that did not answer.</summary>
/// <param name="Rows">In no order.</param>
/// <param name="Silent">The replicas that did not answer.</param>
internal sealed record ConnectionListing(IReadOnlyList<ConnectionRow> Rows, IReadOnlySet<string> Silent)
{
    private readonly Lazy<SubscriberCounts> _subscribers = new(() =>
        new SubscriberCounts(Rows.GroupBy(r => string.Join(' ', r.Topics)).Select(g => (g.First().Topics, g.Count())))
    );

    public bool IsPartial => Silent.Count > 0;

    /// <summary>The streams of each topic, counted when they are asked for first.</summary>
    public SubscriberCounts Subscribers => _subscribers.Value;
}
