using AspireSse.Client;
using AspireSse.Client.Publishing;
using Microsoft.AspNetCore.Http;
using static Unit.Client.SseServer;

namespace Unit.Client;

/// <summary>Redirects, to the same origin and to another one.</summary>
public sealed class RedirectTests
{
    private static readonly Func<HttpContext, Task> End = Status(204);
    private static readonly SseClientOptions Once = new() { MaxRetries = 0 };

    /// <summary>The caller's headers, as an API key of its own may be one of them.</summary>
    private static readonly Dictionary<string, string> Keys = new()
    {
        ["X-Api-Key"] = "secret",
        ["X-Tenant"] = "a",
        ["Cookie"] = "session=1",
    };

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_redirect_to_another_origin_gets_none_of_the_callers_headers(int status)
    {
        await using var other = await StartAsync(End);
        await using var server = await StartAsync(Redirect(status, other.Url));
        await ReadAsync(
            new SseRequest(server.Url)
            {
                Headers = Keys,
                BearerToken = _ => new("token"),
                LastEventId = "e-1",
            }
        );
        AssertKeys(server.Requests[0], areSent: true);

        var redirected = Assert.Single(other.Requests);
        AssertKeys(redirected, areSent: false);
        Assert.Equal(("text/event-stream", "e-1"), (redirected.Headers["Accept"], redirected.LastEventId));
    }

    [Fact]
    public async Task A_redirect_to_the_same_origin_keeps_the_callers_headers_and_the_last_id()
    {
        await using var server = await StartAsync(Redirect(307, "/there"), End);
        await ReadAsync(new SseRequest(server.Url) { Headers = Keys, LastEventId = "e-1" });
        Assert.Equal([("/", "e-1"), ("/there", "e-1")], server.Requests.Select(r => (r.Target, r.LastEventId)));
        Assert.All(server.Requests, r => AssertKeys(r, areSent: true));
    }

    [Fact]
    public async Task A_way_back_from_another_origin_gets_no_header_either()
    {
        SseServer? server = null;
        await using var other = await StartAsync(context => Redirect(307, server!.Url + "/back")(context));
        await using (server = await StartAsync(Redirect(307, other.Url), End))
        {
            await ReadAsync(new SseRequest(server.Url) { Headers = Keys });
            Assert.Equal("/back", server.Requests[1].Target);
            AssertKeys(server.Requests[1], areSent: false);
        }
    }

    [Fact]
    public async Task The_default_headers_of_the_callers_HttpClient_stay_at_their_origin_too()
    {
        await using var other = await StartAsync(End);
        await using var server = await StartAsync(Redirect(307, other.Url));
        using var http = Client();
        using var client = new SseClient(http);

        await Reading.ReadAsync(client.Open(server.Url, Once));
        AssertKeys(Assert.Single(server.Requests), areSent: true);
        AssertKeys(Assert.Single(other.Requests), areSent: false);
    }

    [Theory]
    [InlineData(307, "POST", "{}")]
    [InlineData(308, "POST", "{}")]
    [InlineData(302, "GET", "")]
    [InlineData(303, "GET", "")]
    public async Task A_redirect_changes_the_method_as_in_browsers(int status, string method, string body)
    {
        await using var server = await StartAsync(Redirect(status, "/there"), End);
        await ReadAsync(
            new SseRequest(server.Url) { Method = HttpMethod.Post, Content = () => new StringContent("{}") }
        );
        Assert.Equal((method, body), (server.Requests[1].Method, server.Requests[1].Body));
    }

    [Fact]
    public async Task Redirects_in_a_circle_end()
    {
        await using var server = await StartAsync(Redirect(302, "/stream"));
        var failure = await Assert.ThrowsAsync<SseException>(() => ReadAsync(new SseRequest(server.Url)));
        Assert.Equal(302, (int?)failure.StatusCode);
        Assert.InRange(server.Requests.Count, 10, 51);
    }

    [Fact]
    public async Task A_publish_that_is_redirected_to_another_origin_takes_no_key_there()
    {
        await using var other = await StartAsync(Status(400));
        await using var server = await StartAsync(Redirect(307, other.Url + "/v1/events"));
        using var http = Client();

        http.BaseAddress = new Uri(server.Url);
        var publisher = new EventPublisher(http, new PublisherOptions { BearerToken = _ => new("token") });
        await Assert.ThrowsAsync<PublishException>(() =>
            publisher.PublishAsync(OutgoingEvent.Create("a", "b", 1), TestContext.Current.CancellationToken)
        );
        AssertKeys(Assert.Single(server.Requests), areSent: true);

        var redirected = Assert.Single(other.Requests);
        AssertKeys(redirected, areSent: false);
        Assert.Equal(("POST", server.Requests[0].Body), (redirected.Method, redirected.Body));
    }

    private static void AssertKeys(Received request, bool areSent)
    {
        foreach (var (name, value) in Keys)
            if (areSent)
                Assert.Equal(value, request.Headers.GetValueOrDefault(name));
            else
                Assert.Equal("", request.Headers.GetValueOrDefault(name, ""));
        if (!areSent)
            Assert.Equal("", request.Headers.GetValueOrDefault("Authorization", ""));
    }

    /// <summary>A client of the caller's own, with default headers.</summary>
    private static HttpClient Client()
    {
        var http = new HttpClient(SseClient.CreateHandler()) { Timeout = Timeout.InfiniteTimeSpan };
        foreach (var (name, value) in Keys)
            http.DefaultRequestHeaders.Add(name, value);
        return http;
    }

    private static async Task ReadAsync(SseRequest request) => await Reading.ReadAsync(request, Once);
}
