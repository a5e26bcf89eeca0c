using System.Net;
using Microsoft.AspNetCore.Builder;
using StreamApi.Security;
using Unit.ServiceDefaults;

namespace Unit.Security;

/// <summary>Requests that pages of other sites make a visitor's browser send.</summary>
public sealed class CrossSiteRefusalTests : IAsyncLifetime
{
    private const string Allowed = "https://app.example.com";
    private Service _service = null!;

    public async ValueTask InitializeAsync() =>
        _service = await Service.StartAsync(
            builder => builder.AddCors(),
            app =>
            {
                app.UseCors();
                var endpoints = app.MapGroup("").RefusesCrossSite();
                endpoints.MapMethods("/read", ["GET", "HEAD", "OPTIONS"], () => "read");
                endpoints.MapMethods("/change", ["POST", "PUT", "PATCH", "DELETE"], () => "changed");
                endpoints.MapGet("/start", () => "started").StartsWork();
            },
            ("Cors:AllowedOrigins:100", Allowed)
        );

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    /// <summary>A page of the same site is another origin: another port of this machine, or a sibling's name.</summary>
    public static TheoryData<string> Others => ["cross-site", "same-site", "a value of a later standard"];

    [Theory]
    [MemberData(nameof(Others))]
    public async Task A_page_of_another_origin_may_read_and_neither_change_nor_start_anything(string site)
    {
        foreach (var method in (string[])["GET", "HEAD", "OPTIONS"])
            Assert.Equal(HttpStatusCode.OK, (await SendAsync(method, "/read", site, origin: null)).Status);
        foreach (var method in (string[])["POST", "PUT", "PATCH", "DELETE"])
            Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(method, "/change", site, origin: null)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync("GET", "/start", site, origin: null)).Status);
    }

    [Theory]
    [MemberData(nameof(Others))]
    public async Task A_page_of_an_allowed_origin_may(string site)
    {
        foreach (var (method, path) in ((string, string)[])[("POST", "/change"), ("GET", "/start")])
        {
            Assert.Equal(HttpStatusCode.OK, (await SendAsync(method, path, site, Allowed)).Status);
            var (status, refusal) = await SendAsync(method, path, site, "https://evil.example");
            Assert.Equal(HttpStatusCode.Forbidden, status);
            Assert.Contains("RequireCors", refusal, StringComparison.Ordinal);
            Assert.Contains("Cross-site request refused", refusal, StringComparison.Ordinal);
        }
    }

    /// <summary>Clients that are no browsers send no <c>Sec-Fetch-Site</c>.</summary>
    [Theory]
    [InlineData("same-origin")]
    [InlineData("none")]
    [InlineData(null)]
    public async Task The_visitor_and_other_clients_may(string? site)
    {
        Assert.Equal("changed", (await SendAsync("POST", "/change", site, origin: null)).Body);
        Assert.Equal("started", (await SendAsync("GET", "/start", site, origin: null)).Body);
    }

    private async Task<(HttpStatusCode Status, string Body)> SendAsync(
        string method,
        string path,
        string? site,
        string? origin
    )
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        if (site is not null)
            request.Headers.Add("Sec-Fetch-Site", site);
        if (origin is not null)
            request.Headers.Add("Origin", origin);

        using var answer = await _service.Outside.SendAsync(request, TestContext.Current.CancellationToken);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
