using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Stack;

namespace Browser;

/// <summary>HTTP/1.1 gives a page six connections to an origin; HTTP/2 carries its streams in one (RFC 9113).</summary>
public class Http2Tests(StackFixture stack, BrowserFixture browser) : PageTests(stack, browser)
{
    private const int Count = 20;

    private readonly StackFixture _stack = stack;

    [Fact]
    public async Task Twenty_EventSources_of_one_page_are_open_at_once_and_each_receives()
    {
        var topic = Api.Topic();
        var page = await (await ContextAsync(ignoreHttpsErrors: true)).NewPageAsync();
        // A page of the API's own origin: nothing stands between the EventSources and the server.
        var response = await page.GotoAsync(new Uri(_stack.Address("streamapi", "https"), "/alive").ToString());
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
        await Api.PublishAsync(topic, new { n = -1 });
        for (var n = 0; n < Count; n++)
            await Api.PublishAsync($"{topic}.only.{n}", new { n });
        await page.WaitForFunctionAsync("() => got.every(g => g.length === 2)");
        for (var n = 0; n < Count; n++)
            Assert.Equal([-1, n], await page.EvaluateAsync<int[]>($"got[{n}]"));
        Assert.True(await page.EvaluateAsync<bool>("sources.every(s => s.readyState === EventSource.OPEN)"));
    }

    [Fact]
    public async Task The_certificate_is_the_development_certificate_of_this_machine()
    {
        X509Certificate2? served = null;
        using var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                    (served = certificate as X509Certificate2) is not null,
            },
        };
        using var http = new HttpClient(handler);
        using var answer = await http.GetAsync(new Uri(_stack.Address("streamapi", "https"), "/alive"), Cancelled);
        Assert.True(answer.IsSuccessStatusCode);
        using var store = new X509Store(StoreName.My, StoreLocation.CurrentUser, OpenFlags.ReadOnly);
        Assert.Contains(served!.Thumbprint, store.Certificates.Select(c => c.Thumbprint));
    }
}
