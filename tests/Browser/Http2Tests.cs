using Harness;
using Harness.Worlds;

namespace Browser;

/// <summary>HTTP/1.1 gives a page six connections to an origin; HTTP/2 carries its streams in one (RFC 9113).</summary>
public sealed class Http2Tests(PagesFixture pages) : PageTests(pages)
{
    private const int Count = 20;

    [Fact]
    public async Task Twenty_EventSources_of_one_page_are_open_at_once_and_each_receives()
    {
        var secure = new Uri($"https://127.0.0.1:{FreePort.Take()}");
        using var certificate = new TemporaryCertificate();
        await using var world = await World.Start(options => options.Replicas(0));
        var replica = await world.StartReplicaAsync(certificate.Settings, $"http://127.0.0.1:0;{secure}");
        using var api = new Api(replica.Url);

        var topic = Api.Topic();
        var page = await (await ContextAsync(ignoreHttpsErrors: true)).NewPageAsync();
        // A page of the API's own origin: nothing stands between the EventSources and the server.
        var response = await page.GotoAsync(new Uri(secure, "/alive").ToString());

        Assert.Equal("localhost", (await response!.SecurityDetailsAsync())?.SubjectName);
        Assert.Equal(
            "h2",
            await page.EvaluateAsync<string>("performance.getEntriesByType('navigation')[0].nextHopProtocol")
        );

        await page.EvaluateAsync(
            """
            ([topic, count]) => {
              window.got = Array.from({ length: count }, () => []);
              window.sources = window.got.map((got, i) => {
                const source = new EventSource(`/v1/events/stream?topic=${topic}&topic=${topic}.only.${i}`);
                source.addEventListener('said', ({ data }) => got.push(JSON.parse(data).n));
                return source;
              });
            }
            """,
            new object[] { topic, Count }
        );

        await page.WaitForFunctionAsync("() => sources.every(s => s.readyState === EventSource.OPEN)");
        await api.PublishAsync(topic, new { n = -1 });

        for (var n = 0; n < Count; n++)
            await api.PublishAsync($"{topic}.only.{n}", new { n });

        await page.WaitForFunctionAsync("() => got.every(g => g.length === 2)");

        for (var n = 0; n < Count; n++)
            Assert.Equal([-1, n], await page.EvaluateAsync<int[]>($"got[{n}]"));

        Assert.True(await page.EvaluateAsync<bool>("sources.every(s => s.readyState === EventSource.OPEN)"));
    }
}
