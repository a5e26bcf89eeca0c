using Harness;

namespace Integration.Delivery;

/// <summary>Clients of npm, at the versions of <c>Npm/package.json</c>, read the product's streams through a front that
/// breaks them.</summary>
public sealed class NpmClientTests
{
    private static readonly NpmScripts Scripts = new("Delivery/Npm");

    /// <summary>A cell that is not "ok" is the client's own rule, and has a row in docs/troubleshooting.md: a status
    /// other than 200 ends most, fetch-event-source takes every regular end for the last one, and
    /// reconnecting-eventsource forgets its id with <c>onmessage</c>.</summary>
    [Fact]
    public async Task What_the_server_can_make_whole_is_whole_for_each_client_of_npm()
    {
        await using var world = await World.Start(o =>
            o.Replicas(2)
                .Set("Limits:NewStreamsPerMinute", 10_000)
                .Set("AspireSse:Streaming:MaxConnectionsPerClient", 0)
        );
        var address = world.Replicas[0].Url.ToString().TrimEnd('/');

        await Scripts.RunAsync(
            "clients.mjs",
            [address],
            """
            client | cut | half | delete | 503 | 429 | down
            eventsource | ok | ok | ok | stops | stops | ok
            undici | ok | ok | ok | stops | stops | ok
            extended-eventsource | ok | ok | ok | stops | stops | ok
            event-source-polyfill | ok | ok | ok | stops | stops | ok
            launchdarkly-eventsource | ok | ok | ok | ok | stops | ok
            launchdarkly-eventsource, errorFilter | ok | ok | ok | ok | ok | ok
            reconnecting-eventsource | ok | ok | ok | loses | loses | ok
            reconnecting-eventsource, addEventListener | ok | ok | ok | ok | ok | ok
            eventsource-client | ok | ok | ok | ok | ok | ok
            fetch-event-source | ok | ok | stops | ok | ok | ok
            fetch-event-source, throw in onclose | ok | ok | ok | ok | ok | ok
            """
        );
    }
}
