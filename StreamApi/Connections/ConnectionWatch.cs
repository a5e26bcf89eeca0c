using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;

namespace StreamApi.Connections;

/// <summary>
/// Streams the open connections: <c>event: snapshot {"connections":[…]}</c>, then once per second <c>event: update
/// {"upserted":[…],"removed":[ids],"partial":bool}</c> with the changed rows. It has no ids; every connect starts with
/// a snapshot.
/// </summary>
/// <param name="directory">The connections of all replicas.</param>
/// <param name="turns">The turns to compare and encode rows.</param>
/// <param name="client">The client, for its turns.</param>
/// <param name="filter">See <see cref="ConnectionListing.With"/>.</param>
/// <param name="order">The order of the rows of each event.</param>
/// <param name="clock">The clock.</param>
internal sealed class ConnectionWatch(
    ConnectionDirectory directory,
    FairGate turns,
    string client,
    string? filter,
    ConnectionOrder? order,
    TimeProvider clock
)
{
    private readonly Dictionary<string, SseConnection> _known = new(StringComparer.Ordinal);

    public async IAsyncEnumerable<SseItem<object?>> ReadAsync(
        [EnumeratorCancellation] CancellationToken stopped = default
    )
    {
        if (await NextAsync(Snapshot, stopped) is { } snapshot)
            yield return snapshot;

        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), clock);
        while (await timer.WaitForNextTickAsync(stopped))
            if (await NextAsync(Update, stopped) is { } update)
                yield return update;
    }

    /// <summary>Makes the event of a recent listing, of a long one in a turn.</summary>
    private async Task<SseItem<object?>?> NextAsync(
        Func<ConnectionListing, SseItem<object?>?> makeEvent,
        CancellationToken stopped
    )
    {
        var listing = await directory.RecentAsync(stopped);
        using var turn = listing.IsLong ? await turns.EnterAsync(client, Timeout.InfiniteTimeSpan, stopped) : null;
        return makeEvent(listing);
    }

    private SseItem<object?>? Snapshot(ConnectionListing listing)
    {
        var rows = listing.With(filter, order);
        foreach (var row in rows)
            _known[row.Id] = row;
        return new(new { connections = rows, partial = listing.IsPartial }, "snapshot");
    }

    /// <summary>Returns null if no row has changed.</summary>
    private SseItem<object?>? Update(ConnectionListing listing)
    {
        var rows = listing.With(filter, order);
        var upserted = rows.Where(r => !_known.TryGetValue(r.Id, out var before) || Differs(before, r)).ToList();
        var open = rows.Select(r => r.Id).ToHashSet(StringComparer.Ordinal);
        // An unanswered replica has not closed its streams.
        string[] removed =
        [
            .. _known.Values.Where(r => !open.Contains(r.Id) && !listing.Silent.Contains(r.Replica)).Select(r => r.Id),
        ];

        foreach (var row in upserted)
            _known[row.Id] = row;

        foreach (var id in removed)
            _known.Remove(id);

        return upserted.Count + removed.Length > 0 || listing.IsPartial
            ? new(
                new
                {
                    upserted,
                    removed,
                    partial = listing.IsPartial,
                },
                "update"
            )
            : null;
    }

    /// <summary>Ignores the round trip time, which changes all the time.</summary>
    private static bool Differs(SseConnection first, SseConnection second) =>
        first with { RttMs = null, Topics = second.Topics } != second with { RttMs = null };
}
