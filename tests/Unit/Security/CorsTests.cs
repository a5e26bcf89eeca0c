using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StreamApi.Security;

namespace Unit.Security;

public sealed class CorsTests
{
    /// <summary>Browsers omit a default port and the slash, so an origin that is configured with one would allow
    /// nobody.</summary>
    [Theory]
    [InlineData("https://sse.example.com:443", "https://sse.example.com", true)]
    [InlineData("http://localhost:5090", "http://127.0.0.1:5090", false)]
    [InlineData("http://sse.example.com:80", "http://sse.example.com", true)]
    [InlineData("https://sse.example.com:9443", "https://sse.example.com:9443", true)]
    [InlineData("https://sse.example.com:9443", "https://sse.example.com", false)]
    [InlineData("http://sse.example.com:443", "http://sse.example.com", false)]
    [InlineData("https://sse.example.com:9443/", "https://sse.example.com:9443", true)]
    [InlineData("https://SSE.example.com:9443", "https://sse.example.com:9443", true)]
    [InlineData("https://b\u00fccher.example:9443", "https://xn--bcher-kva.example:9443", true)]
    [InlineData("http://[2001:DB8::1]:9443", "http://[2001:db8::1]:9443", true)]
    [InlineData("capacitor://localhost", "capacitor://localhost", true)] // an app's own
    public async Task An_origin_allows_the_origin_that_browsers_send(string configured, string sent, bool isAllowed)
    {
        var policy = await PolicyAsync("Production", configured);

        Assert.Equal(isAllowed, policy.IsOriginAllowed(sent));
    }

    [Theory]
    [InlineData("http://localhost:5090")]
    [InlineData("http://127.0.0.1:5090")]
    [InlineData("http://[::1]:5090")]
    [InlineData("http://[::1]:5090/")]
    public async Task In_Development_a_page_of_this_machine_may_be_opened_at_each_of_its_names(string configured)
    {
        var policy = await PolicyAsync("Development", configured);

        Assert.All(
            ["http://localhost:5090", "http://127.0.0.1:5090", "http://[::1]:5090"],
            origin => Assert.True(policy.IsOriginAllowed(origin))
        );
        Assert.False(policy.IsOriginAllowed("http://127.0.0.1:5091"));
        Assert.False(policy.IsOriginAllowed("https://localhost:5090"));
    }

    /// <summary>Started with it, the server would allow nobody, and say nothing.</summary>
    [Theory]
    [InlineData("*")]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("app.example.com")]
    [InlineData("app.example.com:8443")]
    [InlineData("https://*.example.com")]
    [InlineData("https://a.example,https://b.example")]
    [InlineData("https://app.example.com/chat")]
    [InlineData("https://app.example.com?a=1")]
    [InlineData("https://app.example.com#a")]
    [InlineData("https://ann@app.example.com")]
    [InlineData("file:///srv/app")]
    public async Task What_is_no_origin_is_refused_by_the_settings_name(string configured)
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => PolicyAsync("Production", configured));

        Assert.Contains("Cors:AllowedOrigins:100", error.Message, StringComparison.Ordinal);
        Assert.Contains($"'{configured}'", error.Message, StringComparison.Ordinal);
    }

    private static async Task<CorsPolicy> PolicyAsync(string environment, string configured)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Environment.EnvironmentName = environment;
        builder.Configuration["Cors:AllowedOrigins:100"] = configured;
        builder.AddCors();

        await using var app = builder.Build();
        var options = app.Services.GetRequiredService<IOptions<CorsOptions>>().Value;
        return options.GetPolicy(options.DefaultPolicyName)!;
    }

    /// <summary>The vendors' clients send headers of their own in browsers too, more with each version.</summary>
    [Fact]
    public async Task A_page_of_an_allowed_origin_may_send_any_header_and_read_the_answers_own()
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Configuration["Cors:AllowedOrigins:100"] = "https://app.example.com";
        builder.AddCors();

        await using var app = builder.Build();
        app.UseCors();
        app.MapGet("/", () => "");
        await app.StartAsync(TestContext.Current.CancellationToken);

        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };

        const string Headers = "anthropic-version,last-event-id,traceparent,x-api-key,x-stainless-runtime";
        Assert.Equal(Headers, await AnswerAsync(http, HttpMethod.Options, "Access-Control-Allow-Headers", Headers));
        var exposed = await AnswerAsync(http, HttpMethod.Get, "Access-Control-Expose-Headers");

        Assert.Equal(
            ["X-Sse-Position", "Retry-After", "Link", "Location", "X-Request-Id", "Request-Id"],
            exposed!.Split(',')
        );
    }

    private static async Task<string?> AnswerAsync(
        HttpClient http,
        HttpMethod method,
        string name,
        string? asked = null
    )
    {
        using var request = new HttpRequestMessage(method, "/");
        request.Headers.Add("Origin", "https://app.example.com");

        if (asked is not null)
        {
            request.Headers.Add("Access-Control-Request-Method", "GET");
            request.Headers.Add("Access-Control-Request-Headers", asked);
        }

        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        return response.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;
    }
}
