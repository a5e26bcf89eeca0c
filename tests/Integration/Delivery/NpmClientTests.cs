using Harness;

namespace Integration.Delivery;

/// <summary>Clients of npm, at the versions of <c>Npm/package.json</c>, and Debian's browsers read the product's
/// streams through a front that breaks them.</summary>
public sealed class NpmClientTests
{
    private static readonly NpmScripts Scripts = new("Delivery/Npm");

    /// <summary>The script, and its table. A cell that is not "ok" is the client's own rule, and has a row in
    /// docs/troubleshooting.md: a status other than 200 ends most, fetch-event-source takes every regular end for the
    /// last one, reconnecting-eventsource forgets its id with <c>onmessage</c>, and an attempt that is refused ends
    /// Firefox.</summary>
    public static TheoryData<string, string> Tables
    {
        get
        {
            var tables = new TheoryData<string, string>
            {
                {
                    "clients.mjs",
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
                },
            };
            // By hand, since it installs them, as root: BROWSER_CLIENTS=1.
            if (Environment.GetEnvironmentVariable("BROWSER_CLIENTS") == "1")
                tables.Add(
                    "browsers.mjs",
                    """
                    client | cut | half | delete | 503 | 429 | down
                    Firefox | ok | ok | ok | stops | stops | stops
                    WebKitGTK | ok | ok | ok | stops | stops | ok
                    """
                );
            return tables;
        }
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public async Task What_the_server_can_make_whole_is_whole_for_each_client(string script, string table)
    {
        await using var world = await World.Start(o =>
            o.Replicas(2)
                .Set("Limits:NewStreamsPerMinute", 10_000)
                .Set("AspireSse:Streaming:MaxConnectionsPerClient", 0)
        );
        var address = world.Replicas[0].Url.ToString().TrimEnd('/');

        await Scripts.RunAsync(script, [address], table);
    }
}
