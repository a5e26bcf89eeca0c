using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Logging.Console;

namespace Adopter.Middleware;

/// <summary>Endpoints whose declaration, an <c>IResult</c>, does not say that they stream.</summary>
public sealed class UndeclaredTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<string> _lines = [];
    private WebApplication _app = null!;
    private HttpClient _client = null!;
    private LogLines _log = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = await OrdersBuilder.CreateAsync(LogLevel.Warning, "--Logging:LogLevel:Streaming=Information");
        builder.AddSse(sse => sse.MaxConnections = 1);
        builder.Services.AddAuthentication("cookie").AddCookie("cookie");
        builder.Services.AddAuthorization();
        builder.Services.AddOutputCache(options =>
            options.AddBasePolicy(policy => policy.Expire(TimeSpan.FromHours(1)))
        );

        _app = builder.Build();
        _log = new LogLines(_app.Services.GetServices<ConsoleFormatter>().First(), _lines.Enqueue);
        _app.Services.GetRequiredService<ILoggerFactory>().AddProvider(_log);

        _app.UseWhen(context => context.Request.Path.StartsWithSegments("/cached"), branch => branch.UseOutputCache());
        _app.Map(
            "/early",
            branch =>
            {
                branch.UseOutputCache();
                branch.UseRouting();
                branch.UseEndpoints(early => early.MapGet("/typed", Typed).AllowAnonymous());
            }
        );
        _app.MapPost("/sign-in", () => TypedResults.SignIn(Users.Named("ann")));
        _app.MapSseTickets();

        _app.MapGet("/cached/result", Result).AllowAnonymous();
        _app.MapGet("/cached/typed", Typed).AllowAnonymous().CacheOutput();
        _app.MapGet("/cached/marked", Result).AllowAnonymous().CacheOutput().WithEventStream();
        _app.MapGet("/result", Result).AllowAnonymous();
        _app.MapGet("/guarded", Result).RequireAuthorization();
        _app.MapGet("/marked", Result).RequireAuthorization().WithEventStream();
        _app.MapGroup("/group").RequireAuthorization().WithEventStream().MapGet("/result", Result);

        await _app.StartAsync(Stop);
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false };
        _client = new HttpClient(handler) { BaseAddress = new Uri(_app.Urls.First()) };

        static IResult Result() => Typed();
        static EventStreamResult Typed() => TypedResults.EventStream(EventTopic.Pattern("orders.>"));
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _log.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task One_that_somebody_must_sign_in_for_answers_500_and_says_what_to_declare()
    {
        await SignInAsync();
        using var answer = await GetAsync("/guarded");
        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);

        var text = await answer.Content.ReadAsStringAsync(Stop);
        string[] hints = ["GET /guarded", "EventStreamResult", "WithEventStream()"];
        Assert.All(hints, hint => Assert.Contains(hint, text, StringComparison.Ordinal));
        Assert.Contains(_lines, line => hints.All(hint => line.Contains(hint, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("/marked")]
    [InlineData("/group/result")]
    public async Task One_that_is_marked_is_opened_by_a_ticket_and_redirects_nobody_to_a_page(string path)
    {
        using (var stranger = await GetAsync(path))
            Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);

        using var opened = await OpenAsync(path, await TicketAsync());
        Assert.Equal(HttpStatusCode.OK, opened.StatusCode);
    }

    /// <summary>Whoever comes with a ticket may not know that the endpoint streams, but its developer does.</summary>
    [Fact]
    public async Task One_that_a_ticket_should_have_opened_is_named_in_the_log()
    {
        (await OpenAsync("/guarded", "a.parameter.of.the.application")).Dispose();
        Assert.DoesNotContain(_lines, IsNamed);

        using var refused = await OpenAsync("/guarded", await TicketAsync());
        Assert.NotEqual(HttpStatusCode.OK, refused.StatusCode);
        Assert.Contains(_lines, IsNamed);

        static bool IsNamed(string line) =>
            ((string[])["GET /guarded", "EventStreamResult", "WithEventStream()"]).All(hint =>
                line.Contains(hint, StringComparison.Ordinal)
            );
    }

    [Fact]
    public async Task One_for_everybody_asks_a_client_that_resumes_to_come_again_if_there_is_no_place()
    {
        using var other = await GetAsync("/result");
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        var head = new StreamReader(await other.Content.ReadAsStreamAsync(Stop));
        string? id;
        do id = await head.ReadLineAsync(Stop);
        while (id?.StartsWith("id: ", StringComparison.Ordinal) == false);

        // Resumes have a tenth more, at least one place.
        var answers = new List<HttpResponseMessage>();
        for (var i = 0; i < 3; i++)
            answers.Add(await GetAsync("/result", id!["id: ".Length..]));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Contains("Reconnect", await answers[^1].Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
        answers.ForEach(answer => answer.Dispose());
    }

    [Theory]
    [InlineData("/cached/result", "WithEventStream()")]
    [InlineData("/cached/typed", "CacheOutput")]
    public async Task One_whose_readers_a_cache_would_make_wait_answers_500_and_says_why(string path, string hint)
    {
        for (var i = 0; i < 2; i++)
        {
            using var answer = await GetAsync(path);
            Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
            Assert.Contains(hint, await answer.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
        }
    }

    /// <summary>The cache runs before it is known which endpoint it is.</summary>
    [Fact]
    public async Task One_that_a_cache_holds_before_the_routing_is_told_to_change_their_order()
    {
        using var answer = await GetAsync("/early/typed");
        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        var text = await answer.Content.ReadAsStringAsync(Stop);
        Assert.Contains("UseOutputCache() after UseRouting()", text, StringComparison.Ordinal);
        Assert.DoesNotContain("CacheOutput() or", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mark_keeps_a_stream_out_of_the_cache_that_the_endpoint_asks_for()
    {
        using var answer = await GetAsync("/cached/marked");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private async Task<string> TicketAsync()
    {
        await SignInAsync();
        using var issued = await _client.PostAsJsonAsync(
            "/stream-tickets",
            new { topics = new[] { "orders.>" } },
            Stop
        );
        return (await issued.Content.ReadFromJsonAsync<Dictionary<string, string>>(Stop))!["ticket"];
    }

    /// <summary>Opens a stream with nothing but a ticket.</summary>
    private async Task<HttpResponseMessage> OpenAsync(string path, string ticket)
    {
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false };
        using var nobody = new HttpClient(handler, disposeHandler: false) { BaseAddress = _client.BaseAddress };
        return await nobody.GetAsync($"{path}?ticket={ticket}", HttpCompletionOption.ResponseHeadersRead, Stop);
    }

    private async Task SignInAsync()
    {
        using var signedIn = await _client.PostAsync("/sign-in", content: null, Stop);
        signedIn.EnsureSuccessStatusCode();
    }

    private async Task<HttpResponseMessage> GetAsync(string path, string? lastId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastId is not null)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", lastId);
        return await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
    }
}
