using StreamApi.Replicas;
using Streaming.Connections;
using Streaming.Frames;

namespace StreamApi.Connections;

/// <summary>
/// The open streams as they change: <c>event: snapshot {"connections":[…]}</c> at the start, then once a second
/// <c>event: update {"upserted":[…],"removed":[ids],"partial":bool}</c> with the rows that differ. Ephemeral: no ids,
/// each connect starts
/// with a snapshot. The replicas are asked only while somebody watches.
/// </summary>
internal sealed class ConnectionWatch(ConnectionDirectory directory, TimeProvider clock)
{
    public async Task RunAsync(PushStream push, CancellationToken stopped)
    {
        var listing = await directory.RecentAsync(stopped);
        await push.WriteAsync(
            ControlFrames.Named(null, "snapshot", new { connections = listing.Rows, partial = listing.IsPartial })
        );
        var known = listing.Rows.ToDictionary(r => r.Id, StringComparer.Ordinal);
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), clock);
        while (await timer.WaitForNextTickAsync(stopped))
        {
            listing = await directory.RecentAsync(stopped);
            var upserted = listing
                .Rows.Where(r => !known.TryGetValue(r.Id, out var before) || Differs(before, r))
                .ToList();
            var open = listing.Rows.Select(r => r.Id).ToHashSet(StringComparer.Ordinal);
            // A replica that did not answer has not closed its streams.
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

    /// <summary>The round trip wanders all the time; alone it is no news.</summary>
    private static bool Differs(ConnectionRow a, ConnectionRow b) =>
        a with { RttMs = null, Topics = b.Topics } != b with { RttMs = null };
}
