using System.Net;

namespace Integration.Seeds;

/// <summary>HEAD gets the head of the GET's response (RFC 9110 §9.3.2).</summary>
[Collection(SeedSystem.Collection)]
public sealed class HeadTests(SeedSystem seeds)
{
    [Theory]
    [InlineData("/")]
    [InlineData("/v1/events?limit=1000")]
    [InlineData("/v1/topics")]
    [InlineData("/v1/connections")]
    [InlineData("/v1/replicas")]
    [InlineData("/tasks")]
    [InlineData("/v1/pets")]
    [InlineData("/v1/models")]
    [InlineData("/openapi/v1.json")]
    [InlineData("/health")]
    [InlineData("/alive")]
    [InlineData("/v1/orders/nothing")]
    [InlineData("/no/such/thing")]
    [InlineData("/v1/stream-tickets")]
    public async Task Reads_answer_it_as_they_answer_GET_without_a_body(string path)
    {
        using var get = await Requests.SendAsync(seeds.A, HttpMethod.Get, path);
        using var head = await Requests.SendAsync(seeds.A, HttpMethod.Head, path);
        Assert.Equal(
            (get.StatusCode, get.Content.Headers.ContentType?.ToString(), get.Content.Headers.Allow.ToString()),
            (head.StatusCode, head.Content.Headers.ContentType?.ToString(), head.Content.Headers.Allow.ToString())
        );
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("/v1/events/stream")]
    [InlineData("/sse/events")]
    [InlineData("/items/stream")]
    [InlineData("/stream?prompt=x")]
    [InlineData("/v1/connections/stream")]
    [InlineData("/sse/resilient/head")]
    public async Task Streams_answer_it_with_their_head_and_start_nothing(string path)
    {
        var before = await RunsAsync();
        using var head = await Requests.SendAsync(seeds.A, HttpMethod.Head, path);
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.Equal("text/event-stream", head.Content.Headers.ContentType?.ToString());
        Assert.Equal("no-cache", head.Headers.CacheControl?.ToString());
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Equal(before, await RunsAsync());
    }

    private async Task<int> RunsAsync() =>
        (await Requests.GetAsync(seeds.A, "/v1/topics?prefix=agents.&limit=1000"))
            .GetProperty("topics")
            .GetArrayLength();
}
