using System.Net;

namespace Integration.Seeds;

/// <summary>HEAD gets the head of the GET's response (RFC 9110 §9.3.2).</summary>
public sealed class HeadTests(AssemblyWide<SeedSystem> shared) : SeedTests(shared)
{
    private static readonly IEnumerable<string> Get = ["GET"];

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
        using var get = await SeedRequests.SendAsync(A, HttpMethod.Get, path);
        using var head = await SeedRequests.SendAsync(A, HttpMethod.Head, path);
        Assert.Equal(
            (get.StatusCode, get.Content.Headers.ContentType?.ToString(), get.Content.Headers.Allow.ToString()),
            (head.StatusCode, head.Content.Headers.ContentType?.ToString(), head.Content.Headers.Allow.ToString())
        );
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>RFC 9110 §10.2.1. The document has no QUERY; <c>/health</c> and <c>/alive</c> take any
    /// method.</summary>
    [Fact]
    public async Task The_Allow_of_a_405_lists_every_method_of_the_path_and_HEAD_beside_GET()
    {
        var document = await SeedRequests.GetAsync(A, "/openapi/v1.json");
        var paths = document
            .GetProperty("paths")
            .EnumerateObject()
            .Select(path =>
                (Path: path.Name, Methods: path.Value.EnumerateObject().Select(m => m.Name.ToUpperInvariant()))
            )
            .Concat(((string[])["/openapi/v1.json", "/"]).Select(path => (path, Get)))
            .ToList();
        Assert.True(paths.Count > 40);

        // Under /v1 OpenAI's own answer to what it does not have is a 404.
        foreach (
            var (path, methods) in paths.Where(p => !p.Item1.StartsWith("/v1/responses", StringComparison.Ordinal))
        )
        {
            using var refused = await SeedRequests.SendAsync(
                A,
                HttpMethod.Options,
                path.Replace('{', 'x').Replace('}', 'x')
            );
            Assert.Equal((path, HttpStatusCode.MethodNotAllowed), (path, refused.StatusCode));

            var allowed = refused.Content.Headers.Allow;
            Assert.Equal((path, ""), (path, string.Join(' ', methods.Except(allowed))));
            Assert.Equal((path, allowed.Contains("GET")), (path, allowed.Contains("HEAD")));
        }
    }

    [Fact]
    public async Task HEAD_of_a_stream_has_its_headers_and_starts_nothing()
    {
        await using var system = await World.Start(o => o.Set(SeedSystem.Quick));
        var server = system.Replicas[0].Url;

        foreach (
            var path in (string[])
                [
                    "/v1/events/stream",
                    "/sse/events",
                    "/items/stream",
                    "/stream?prompt=x",
                    "/v1/connections/stream",
                    "/sse/resilient/head",
                ]
        )
        {
            using var head = await SeedRequests.SendAsync(server, HttpMethod.Head, path);
            Assert.Equal((path, HttpStatusCode.OK), (path, head.StatusCode));
            Assert.Equal("text/event-stream", head.Content.Headers.ContentType?.ToString());
            Assert.Equal("no-cache", head.Headers.CacheControl?.ToString());
            Assert.Empty(await head.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        }

        var open = await SeedRequests.GetAsync(server, "/v1/connections");
        Assert.Empty(open.Items("connections"));

        // Two messages of a session take longer than the first of anything that a HEAD had started.
        await using var session = await SseReader.OpenAtAsync(server, "/sse/resilient/get");
        await session.WaitForEventsAsync(2);
        Assert.Equal("sse.resilient.get", await AllAsync("topic", "eventstore.events"));
        Assert.Equal("get", await AllAsync("id", "seeds.sessions"));

        Task<string?> AllAsync(string column, string table) =>
            system.Database.AskAsync<string>($"select string_agg(distinct {column}, ' ') from {table}");
    }
}
