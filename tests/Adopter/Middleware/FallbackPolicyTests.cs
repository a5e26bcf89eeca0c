using System.Net;
using Adopter.Callers;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace Adopter.Middleware;

/// <summary>A policy that no endpoint names decides over streams as over other endpoints.</summary>
public sealed class FallbackPolicyTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static AuthorizationPolicy SignedIn => new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build();

    /// <summary>Places that a fallback policy comes from.</summary>
    private static readonly Dictionary<string, Action<IServiceCollection>> Sources = new()
    {
        ["options"] = services => services.AddAuthorizationBuilder().SetFallbackPolicy(SignedIn),
        ["provider"] = services => services.AddSingleton<IAuthorizationPolicyProvider, OwnPolicies>(),
    };

    public static TheoryData<string> Names => [.. Sources.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Who_meets_it_may_read_and_nobody_else(string source)
    {
        await using var app = await StartAsync(Sources[source]);
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };

        foreach (var path in (string[])["/plain", "/stream"])
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(path, user: null));
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(path, "alice"));
        }

        async Task<HttpStatusCode> StatusAsync(string path, string? user)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Add(Schemes.Header, ApiKeyHandler.Name);
            if (user is not null)
                request.Headers.Add(ApiKeyHandler.Header, $"sub={user}");

            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task Without_any_a_stream_is_refused()
    {
        await using var app = await StartAsync(_ => { });
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };

        using var refused = await client.GetAsync("/stream", Stop);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Contains("RequireAuthorization", await refused.Content.ReadAsStringAsync(Stop));
    }

    private static async Task<WebApplication> StartAsync(Action<IServiceCollection> addPolicies)
    {
        var builder = WebApplication.CreateBuilder([
            "--urls=http://127.0.0.1:0",
            "--environment=Production",
            "--Logging:LogLevel:Default=Critical",
        ]);
        builder.Services.AddSchemes();
        builder.Services.AddAuthorization();
        addPolicies(builder.Services);
        builder.AddInMemoryEventLog();
        builder.AddSse();

        var app = builder.Build();
        app.MapGet("/plain", () => "plain");
        app.MapGet("/stream", () => TypedResults.EventStream("a.1"));
        await app.StartAsync(Stop);
        return app;
    }

    /// <summary>Policies that no options name.</summary>
    private sealed class OwnPolicies(IOptions<AuthorizationOptions> options)
        : DefaultAuthorizationPolicyProvider(options),
            IAuthorizationPolicyProvider
    {
        Task<AuthorizationPolicy?> IAuthorizationPolicyProvider.GetFallbackPolicyAsync() =>
            Task.FromResult<AuthorizationPolicy?>(SignedIn);
    }
}
