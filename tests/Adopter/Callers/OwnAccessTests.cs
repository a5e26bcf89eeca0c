using System.Net;
using Adopter.Showing;
using AspireSse.Server;

namespace Adopter.Callers;

/// <summary>An application that says itself who a caller is, and may have nothing to say.</summary>
public sealed class OwnAccessTests : IAsyncLifetime
{
    private const int Places = 4;

    private SmallApp _app = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _app = await SmallApp.StartAsync(
            app => app.MapGet("/news", () => TypedResults.EventStream("news.all")).AllowAnonymous(),
            builder => builder.Services.AddSingleton<IStreamAccess, TenantAccess>(),
            settings: ["--Sse:MaxConnections", $"{Places}"]
        );

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    [Fact]
    public async Task A_caller_without_an_account_keeps_no_place_and_the_log_says_what_is_missing()
    {
        for (var request = 0; request < 2 * Places; request++)
        {
            using var answer = await _app.Client.GetAsync("/news?as=nothing", Stop);
            Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        }

        await using var other = await SseReader.OpenAtAsync(_app.Server, "/news?as=tenant");
        Assert.All(
            _app.Lines.Where(line => line.Level == LogLevel.Error),
            line =>
                Assert.Contains("a client's account is null", line.Error!.Message, StringComparison.OrdinalIgnoreCase)
        );
    }

    [Fact]
    public async Task A_caller_of_whom_nothing_is_said_is_one_of_those_without_an_address()
    {
        Assert.Equal(("", ""), (default(ClientKey).Person, default(ClientKey).Account));

        for (var request = 0; request < 2 * Places; request++)
            await using (await SseReader.OpenAtAsync(_app.Server, "/news"))
                // The one before may end a moment after its client has left.
                await Eventually.HoldsAsync(async () => (await _app.OpenStreamsAsync()).Length == 1);
    }

    /// <summary>Its compiler is content: a header's value has no annotation.</summary>
    private sealed class TenantAccess : IStreamAccess
    {
        public ClientKey ClientOf(HttpContext context) =>
            context.Request.Query["as"].ToString() switch
            {
                "tenant" => new("someone", "tenant"),
                "nothing" => new("someone", context.Request.Headers["X-Tenant"]!),
                _ => default,
            };

        public StreamCaller CallerOf(HttpContext context) => new();

        public bool MayRead(HttpContext context, string topic) => true;

        public string? OwnerOf(HttpContext context) => null;
    }
}
