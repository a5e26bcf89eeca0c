using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using StreamApi.Security;

namespace Unit.Security;

public sealed class CorsTests
{
    /// <summary>Browsers omit a default port, so an origin that is configured with one would allow nobody.</summary>
    [Theory]
    [InlineData("https://sse.example.com:443", "https://sse.example.com", true)]
    [InlineData("http://sse.example.com:80", "http://sse.example.com", true)]
    [InlineData("https://sse.example.com:9443", "https://sse.example.com:9443", true)]
    [InlineData("https://sse.example.com:9443", "https://sse.example.com", false)]
    [InlineData("http://sse.example.com:443", "http://sse.example.com", false)]
    public async Task An_origin_with_a_default_port_allows_the_origin_that_browsers_send(
        string configured,
        string sent,
        bool isAllowed
    )
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Environment.EnvironmentName = "Production";
        builder.Configuration["Cors:AllowedOrigins:100"] = configured;
        builder.AddCors();
        await using var app = builder.Build();
        var options = app.Services.GetRequiredService<IOptions<CorsOptions>>().Value;
        Assert.Equal(isAllowed, options.GetPolicy(options.DefaultPolicyName)!.IsOriginAllowed(sent));
    }
}
