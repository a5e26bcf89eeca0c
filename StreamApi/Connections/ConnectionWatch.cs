using Streaming.Connections;
using Streaming.Frames;

namespace StreamApi.Connections;

/// <summary>
/// Streams the open connections: <c>event: snapshot {"connections":[…]}</c>, then once per second <c>event: update
/// {"upserted":[…],"removed":[ids],"partial":bool}</c> with the changed rows. It has no ids; every connect starts with
/// a snapshot.
/// </summary>
/// <param name="directory">The connections of all replicas.</param>
/// <param name="filter">See <see cref="ConnectionListing.With"/>.</param>
/// <param name="order">The order of the rows of each event.</param>
/// <param name="clock">The clock.</param>
internal sealed class ConnectionWatch(
    ConnectionDirectory directory,
    string? filter,
    ConnectionOrder? order,
    TimeProvider clock
)
{
    public async Task RunAsync(PushStream push, CancellationToken stopped)
    {
        var listing = await directory.RecentAsync(stopped);
        var rows = listing.With(filter, order);
        await push.WriteAsync(
            ControlFrames.Named(null, "snapshot", new { connections = rows, partial = listing.IsPartial })
        );
        var known = rows.ToDictionary(r => r.Id, StringComparer.Ordinal);
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), clock);
        while (await timer.WaitForNextTickAsync(stopped))
        {
            listing = await directory.RecentAsync(stopped);
            rows = listing.With(filter, order);
            var upserted = rows.Where(r => !known.TryGetValue(r.Id, out var before) || Differs(before, r)).ToList();
            var open = rows.Select(r => r.Id).ToHashSet(StringComparer.Ordinal);
            // An unanswered replica has not closed its streams.
            string[] removed =
            [
                .. known
                    .Values.Where(r => !open.Contains(r.Id) && !listing.Silent.Contains(r.Replica))
                    .Select(r => r.Id),
            ];
            foreach (var row in upserted)
                known[row.Id] = row;
            foreach (var id in removed)
                known.Remove(id);
            if (upserted.Count + removed.Length > 0 || listing.IsPartial)
                await push.WriteAsync(
                    ControlFrames.Named(
                        null,
                        "update",
                        new
                        {
                            upserted,
                            removed,
                            partial = listing.IsPartial,
                        }
                    )
                );
        }
    }

    /// <summary>Ignores the round trip time, which changes all the time.</summary>
    private static bool Differs(ConnectionRow a, ConnectionRow b) =>
        a with { RttMs = null, Topics = b.Topics } != b with { RttMs = null };
}
