using System.Net;
using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;

namespace Adopter.Middleware;

/// <summary>Tickets are looked at beside whatever decides over the application's policies.</summary>
public sealed class OwnEvaluatorTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_application_s_own_evaluator_decides_whenever_it_was_added(bool isFirst)
    {
        await using var app = await StartAsync<Nobody>(isFirst);
        using var handler = new HttpClientHandler { AllowAutoRedirect = false };
        using var client = new HttpClient(handler) { BaseAddress = new Uri(app.Urls.Single()) };

        using var secret = await client.GetAsync("/secret", Stop);
        using var stream = await client.GetAsync("/stream", HttpCompletionOption.ResponseHeadersRead, Stop);

        // The cookies' scheme leads a page to its own.
        Assert.Equal(HttpStatusCode.Redirect, secret.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, stream.StatusCode);
    }

    [Fact]
    public async Task Whoever_it_takes_for_signed_in_gets_a_ticket_that_opens_the_stream()
    {
        await using var app = await StartAsync<Tester>(isFirst: true);
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };

        using var bought = await client.PostAsJsonAsync("/stream-tickets", new { topics = new[] { "a.>" } }, Stop);
        var ticket = (await bought.Content.ReadFromJsonAsync<JsonElement>(Stop)).GetProperty("ticket").GetString();

        using var stream = await client.GetAsync(
            $"/stream?ticket={ticket}",
            HttpCompletionOption.ResponseHeadersRead,
            Stop
        );
        Assert.Equal("text/event-stream", stream.Content.Headers.ContentType?.MediaType);
    }

    private static async Task<WebApplication> StartAsync<TEvaluator>(bool isFirst)
        where TEvaluator : class, IPolicyEvaluator
    {
        var log = await Stores.Shared.CreateMigratedAsync(Stop);
        var builder = WebApplication.CreateBuilder([
            "--urls=http://127.0.0.1:0",
            "--environment=Production",
            "--Logging:LogLevel:Default=Critical",
            $"--ConnectionStrings:log={log.ConnectionString}",
        ]);
        builder.Services.AddAuthentication("none").AddCookie("none");
        builder.Services.AddAuthorization();
        if (isFirst)
            builder.Services.AddTransient<IPolicyEvaluator, TEvaluator>();
        builder.AddEventStore("log");
        builder.AddSse();
        if (!isFirst)
            builder.Services.AddTransient<IPolicyEvaluator, TEvaluator>();

        var app = builder.Build();
        app.MapGet("/secret", () => "secret").RequireAuthorization();
        app.MapGet("/stream", () => TypedResults.EventStream("a.1")).RequireAuthorization();
        app.MapSseTickets();
        await app.StartAsync(Stop);
        return app;
    }

    /// <summary>Lets nobody in.</summary>
    private sealed class Nobody : IPolicyEvaluator
    {
        public Task<AuthenticateResult> AuthenticateAsync(AuthorizationPolicy policy, HttpContext context) =>
            Task.FromResult(AuthenticateResult.NoResult());

        public Task<PolicyAuthorizationResult> AuthorizeAsync(
            AuthorizationPolicy policy,
            AuthenticateResult authenticationResult,
            HttpContext context,
            object? resource
        ) => Task.FromResult(PolicyAuthorizationResult.Forbid());
    }

    /// <summary>Takes everybody for a tester, as integration tests do.</summary>
    private sealed class Tester : IPolicyEvaluator
    {
        public Task<AuthenticateResult> AuthenticateAsync(AuthorizationPolicy policy, HttpContext context)
        {
            context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim("sub", "tester")], "tests"));
            var ticket = new AuthenticationTicket(context.User, "tests");
            return Task.FromResult(AuthenticateResult.Success(ticket));
        }

        public Task<PolicyAuthorizationResult> AuthorizeAsync(
            AuthorizationPolicy policy,
            AuthenticateResult authenticationResult,
            HttpContext context,
            object? resource
        ) => Task.FromResult(PolicyAuthorizationResult.Success());
    }
}
