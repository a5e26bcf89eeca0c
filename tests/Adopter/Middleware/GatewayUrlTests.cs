using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.HttpOverrides;

namespace Adopter.Middleware;

/// <summary>The addresses that the gateway writes, where an application puts it somewhere else than at its
/// root.</summary>
public sealed class GatewayUrlTests : IAsyncLifetime
{
    private static readonly object Question = new
    {
        model = "demo",
        messages = new[] { new { role = "user", content = "Where?" } },
    };

    private WebApplication _app = null!;
    private HttpClient _client = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = await OrdersBuilder.CreateAsync(LogLevel.Warning);
        builder.AddSse();
        builder.AddLlmGateway();
        builder.Services.Configure<ForwardedHeadersOptions>(options =>
            options.ForwardedHeaders = ForwardedHeaders.XForwardedPrefix
        );

        _app = builder.Build();
        _app.UseForwardedHeaders();
        _app.UsePathBase("/shop");
        _app.UseRouting();
        _app.UseAuthorization();
        _app.MapLlmGateway().AllowAnonymous();
        _app.MapGroup("/tenants/{tenant}").MapLlmGateway().AllowAnonymous();

        await _app.StartAsync(Stop);
        _client = new HttpClient { BaseAddress = new Uri(_app.Urls.First()) };
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("/shop", "")]
    [InlineData("/tenants/7", "")]
    [InlineData("/tenants/a%20b", "")]
    [InlineData("/shop/tenants/7", "")]
    [InlineData("", "/outside")]
    [InlineData("/tenants/7", "/out/side")]
    public async Task A_generations_addresses_are_those_of_the_request(string prefix, string forwarded)
    {
        using var begun = await SendAsync(HttpMethod.Post, $"{prefix}/v1/generations", forwarded, Question);
        Assert.Equal(HttpStatusCode.Created, begun.StatusCode);
        var started = (await begun.Content.ReadFromJsonAsync<JsonObject>(Stop))!;
        var address = $"{prefix}/v1/generations/{started["id"]}";
        Assert.Equal(forwarded + address, begun.Headers.Location?.OriginalString);
        Assert.Equal($"{forwarded}{address}/stream", started["stream"]!.GetValue<string>());

        using var stream = await SendAsync(HttpMethod.Get, $"{address}/stream", forwarded);
        Assert.Contains("event: done", await stream.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);

        foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Delete])
        {
            using var answer = await SendAsync(method, address, forwarded);
            var state = (await answer.Content.ReadFromJsonAsync<JsonObject>(Stop))!;
            Assert.Equal($"{forwarded}{address}/stream", state["stream"]!.GetValue<string>());
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("/shop")]
    [InlineData("/tenants/7")]
    public async Task A_vendors_client_is_told_the_methods_of_its_path(string prefix)
    {
        using var known = await SendAsync(HttpMethod.Get, $"{prefix}/v1/chat/completions", forwarded: "");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, known.StatusCode);
        Assert.Equal("POST", Assert.Single(known.Content.Headers.Allow));
        using var unknown = await SendAsync(HttpMethod.Get, $"{prefix}/v1/chat/others", forwarded: "");
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        string forwarded,
        object? body = null
    )
    {
        using var request = new HttpRequestMessage(method, path);
        if (forwarded.Length > 0)
            request.Headers.Add("X-Forwarded-Prefix", forwarded);
        if (body is not null)
            request.Content = JsonContent.Create(body);
        return await _client.SendAsync(request, Stop);
    }
}
