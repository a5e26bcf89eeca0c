using System.Net;

namespace Integration.Seeds;

/// <summary>Requests that a page of another site makes a developer's browser send to a server that is open to its own
/// machine.</summary>
public sealed class CrossSiteTests(AssemblyWide<SeedSystem> shared) : SeedTests(shared)
{
    /// <summary>Allowed in Development, for the article's page.</summary>
    private const string Allowed = "http://localhost:3000";

    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(30) };

    /// <summary>Streams whose GET begins something.</summary>
    private static readonly string[] Working =
    [
        "/stream",
        "/stream/{sessionId}",
        "/v1/pets/recommendations/stream",
        "/sse/resilient/{session_id}",
    ];

    [Fact]
    public async Task A_page_of_another_site_can_start_and_change_nothing_by_any_endpoint()
    {
        var document = await SeedRequests.GetAsync(A, "/openapi/v1.json");
        var refused = 0;

        foreach (var path in document.GetProperty("paths").EnumerateObject())
        foreach (var operation in path.Value.EnumerateObject())
        {
            var method = new HttpMethod(operation.Name.ToUpperInvariant());
            var address =
                string.Join('/', path.Name.Split('/').Select(s => s.StartsWith('{') ? Guid.Empty.ToString() : s))
                + path.Name switch
                {
                    "/stream" => "?prompt=hello",
                    "/v1/pets/recommendations/stream" => "?userId=ann",
                    _ => "",
                };

            foreach (var origin in (string?[])[null, "https://evil.example", "null"])
            {
                using var response = await SendAsync(method, address, origin);
                if (method == HttpMethod.Get && !Working.Contains(path.Name))
                    Assert.NotEqual((path.Name, HttpStatusCode.Forbidden), (path.Name, response.StatusCode));
                else
                {
                    Assert.Equal(
                        (operation.Name, path.Name, origin, HttpStatusCode.Forbidden),
                        (operation.Name, path.Name, origin, response.StatusCode)
                    );
                    Assert.Contains("json", response.Content.Headers.ContentType?.MediaType, StringComparison.Ordinal);
                    refused++;
                }
            }
        }

        Assert.True(refused > 60, $"{refused} refused");
    }

    [Fact]
    public async Task A_page_of_an_allowed_origin_starts_an_agent_and_reads_its_run_on()
    {
        using var started = await SendAsync(HttpMethod.Get, "/stream?prompt=hello", Allowed);
        Assert.Equal(
            (HttpStatusCode.OK, Allowed),
            (started.StatusCode, Assert.Single(started.Headers.GetValues("Access-Control-Allow-Origin")))
        );

        var text = await started.TextAsync();
        var first = text.Split('\n').First(l => l.StartsWith("id: ", StringComparison.Ordinal))[4..];
        using var resumed = await SendAsync(HttpMethod.Get, "/stream?prompt=hello", Allowed, first);

        Assert.EndsWith(
            text[text.IndexOf("event: content", StringComparison.Ordinal)..],
            await resumed.TextAsync(),
            StringComparison.Ordinal
        );

        using var elsewhere = await SendAsync(HttpMethod.Get, "/stream?prompt=hello", "https://evil.example", first);
        Assert.Equal(HttpStatusCode.Forbidden, elsewhere.StatusCode);
    }

    [Theory]
    [InlineData("same-origin")]
    [InlineData("none")]
    public async Task Requests_by_the_user_or_from_the_same_origin_are_accepted(string site)
    {
        using var response = await SendAsync(HttpMethod.Get, "/stream?prompt=hello", null, site: site);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        string? origin,
        string? lastId = null,
        string site = "cross-site"
    )
    {
        var request = new HttpRequestMessage(method, new Uri(A, path));
        request.Headers.Add("Sec-Fetch-Site", site);

        if (origin is not null)
            request.Headers.Add("Origin", origin);
        if (lastId is not null)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", lastId);

        return Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }
}
