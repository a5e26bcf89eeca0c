using System.Net;
using Microsoft.AspNetCore.Http.Timeouts;

namespace Adopter.Middleware;

/// <summary>Streams that controllers return.</summary>
public sealed class ControllerTests : IAsyncLifetime
{
    private WebApplication _app = null!;
    private HttpClient _client = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<string> Declared =>
        ["/api/typed", "/api/task", "/api/either", "/pages/typed", "/pages/task", "/pages/either"];

    public async ValueTask InitializeAsync()
    {
        var builder = await OrdersBuilder.CreateAsync(LogLevel.None);
        builder.AddSse();
        builder.Services.AddControllersWithViews().AddApplicationPart(typeof(ControllerTests).Assembly);
        builder.Services.AddAuthentication("cookie").AddCookie("cookie");
        builder.Services.AddAuthorization();
        builder.Services.AddRequestTimeouts(options =>
            options.DefaultPolicy = new RequestTimeoutPolicy { Timeout = MiddlewareTable.Timeout }
        );

        _app = builder.Build();
        _app.UseRequestTimeouts();
        _app.UseStatusCodePagesWithRedirects("/error");
        _app.MapPost("/sign-in", () => TypedResults.SignIn(Users.Named("ann")));
        _app.MapGet("/slow", (HttpContext context) => Task.Delay(Timeout.Infinite, context.RequestAborted));
        _app.MapSseTickets();
        _app.MapControllers();

        await _app.StartAsync(Stop);
        _client = NewClient();
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Declared))]
    public async Task A_stranger_gets_a_status_and_a_ticket_opens_the_stream(string path)
    {
        using (var stranger = await _client.GetAsync(path, Stop))
            Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);

        await SignInAsync();
        using var issued = await _client.PostAsJsonAsync(
            "/stream-tickets",
            new { topics = new[] { "orders.>" } },
            Stop
        );
        var ticket = (await issued.Content.ReadFromJsonAsync<Dictionary<string, string>>(Stop))!["ticket"];

        using var nobody = NewClient();
        await using var stream = await SseReader.OpenAsync(
            nobody.BaseAddress!,
            $"{path}?ticket={ticket}",
            client: nobody
        );
        await stream.WaitAsync(s => s.Frames.Any(f => f.Id is not null));
    }

    [Theory]
    [MemberData(nameof(Declared))]
    [InlineData("/api/open")]
    [InlineData("/pages/open")]
    public async Task A_stream_outlives_request_timeouts_and_is_not_stored(string path)
    {
        await SignInAsync();
        await using var stream = await SseReader.OpenAsync(_client.BaseAddress!, path, client: _client);
        Assert.Equal("no-cache", stream.Response.Headers.CacheControl?.ToString());

        using var slow = await _client.GetAsync("/slow", Stop);
        await _app.Services.GetRequiredService<IEventLog>().AppendAsync("orders.7", "paid", 7, cancellationToken: Stop);
        await stream.WaitForEventsAsync(1);
    }

    [Theory]
    [InlineData("/api/result")]
    [InlineData("/pages/result")]
    public async Task One_that_hides_its_stream_in_an_IResult_answers_500_and_says_what_to_declare(string path)
    {
        await SignInAsync();
        using var answer = await _client.GetAsync(path, Stop);
        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        var text = await answer.Content.ReadAsStringAsync(Stop);
        Assert.Contains("StreamsController.Result", text, StringComparison.Ordinal);
        Assert.Contains("EventStreamResult", text, StringComparison.Ordinal);
    }

    private async Task SignInAsync()
    {
        using var signedIn = await _client.PostAsync("/sign-in", content: null, Stop);
        signedIn.EnsureSuccessStatusCode();
    }

    private HttpClient NewClient() =>
        new(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(_app.Urls.First()) };
}
