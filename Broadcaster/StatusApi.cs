using EventStore;

namespace Broadcaster;

/// <summary><c>/status</c>: the leader and the relay's progress, which a dashboard reads from each replica.</summary>
internal static class StatusApi
{
    public static void MapStatus(this WebApplication app)
    {
        app.MapGet("/", () => TypedResults.Redirect("/status")); // the dashboard's link
        app.MapGet(
            "/status",
            (Leadership leadership, Relay relay) =>
                TypedResults.Ok(
                    new RelayStatus(
                        leadership.Name,
                        leadership.Fence is not null,
                        leadership.Fence,
                        relay.Relayed,
                        relay.Lag
                    )
                )
        );
    }
}

internal sealed record RelayStatus(string Name, bool Leader, long? Fence, long Relayed, long Lag);
