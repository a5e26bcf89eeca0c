using System.Net.Sockets;
using System.Text;
using Adopter.Showing;

namespace Adopter.Orders;

/// <summary>A stream's promises, kept over Kestrel's response (the default) and over a connection that it took
/// over.</summary>
public sealed class TakeoverTests
{
    private const string Stream = "/public/7";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stream_resumes_after_its_last_id_without_a_gap(bool takesOver)
    {
        await using var orders = await StartAsync(takesOver);
        string last;
        await using (var first = await OpenAsync(orders, takesOver))
        {
            await orders.ChangeAsync("7", "placed");
            await first.WaitForEventsAsync(1);
            last = first.LastId!;
        }

        await orders.ChangeAsync("7", "paid");

        await using var second = await SseReader.OpenAtAsync(orders.Server, Stream, last);
        await orders.ChangeAsync("7", "shipped");
        await second.WaitForEventsAsync(2);
        Assert.Equal(["paid", "shipped"], second.Events.Select(e => e.Event));
        Assert.Empty(second.Resyncs);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_quiet_stream_gets_heartbeats(bool takesOver)
    {
        await using var orders = await StartAsync(takesOver);
        await using var stream = await OpenAsync(orders, takesOver);
        await stream.WaitAsync(s => s.Frames.Count(f => f.Comment == "heartbeat") >= 2);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reader_that_stalls_holds_up_no_other_and_gets_everything_in_order(bool takesOver)
    {
        // Twenty megabytes: more than sockets and pipes hold.
        const int Events = 100;
        var pad = new string('x', 200_000);

        await using var orders = await StartAsync(takesOver);
        await using var stalled = await OpenAsync(orders, takesOver);
        stalled.Stall();

        await using var other = await SseReader.OpenAtAsync(orders.Server, Stream);

        var log = orders.App.Services.GetRequiredService<IEventLog>();

        for (var i = 0; i < Events; i++)
            await log.AppendAsync([NewEvent.Of("orders.7.paid", "paid", $"{i} {pad}")], Stop);

        await other.WaitForEventsAsync(Events);
        Assert.True(stalled.Events.Count() < Events);

        stalled.ReadOn();
        await stalled.WaitForEventsAsync(Events);
        Assert.Equal(other.Events.Select(e => (e.Id, e.Data)), stalled.Events.Select(e => (e.Id, e.Data)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_shutdown_sends_a_reconnection_time_and_ends_the_body(bool takesOver)
    {
        await using var orders = await StartAsync(takesOver);
        await using var stream = await OpenAsync(orders, takesOver);

        orders.App.Lifetime.StopApplication();
        await stream.WaitForEndAsync();
        Assert.True(stream.EndedProperly);
        Assert.Equal(2, stream.Frames.Count(f => f.Retry is not null));
    }

    /// <summary>No request waits for the end of a stream that took its connection over: a failure there would be one
    /// of the process.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stream_whose_end_cannot_be_logged_leaves_like_any_other(bool takesOver)
    {
        await using var app = await SmallApp.StartAsync(
            app => app.MapGet("/news", () => TypedResults.EventStream("news")).AllowAnonymous(),
            builder =>
                builder.Logging.SetMinimumLevel(LogLevel.Information).AddProvider(new FullDisk(LogLevel.Information)),
            settings: ["--Sse:TakeOverConnections", $"{takesOver}"]
        );
        await using (await SseReader.OpenAtAsync(app.Server, "/news"))
            Assert.Single(await app.OpenStreamsAsync());
        await Eventually.HoldsAsync(async () => await app.OpenStreamsAsync() is []);

        await using var next = await SseReader.OpenAtAsync(app.Server, "/news");
        await app.Log.AppendAsync("news", "text", 1, cancellationToken: Stop);
        await next.WaitForEventsAsync(1);
    }

    /// <summary>Kestrel does not give a connection away before the body of its request has ended, and resets it after
    /// some seconds.</summary>
    [Theory]
    [InlineData("Content-Length: 10", "", false)]
    [InlineData("Content-Length: 10", "half", false)]
    [InlineData("Transfer-Encoding: chunked", "", false)]
    [InlineData("Transfer-Encoding: chunked", "4\r\nhalf\r\n", false)]
    [InlineData("Content-Length: 4", "full", true)]
    [InlineData("Transfer-Encoding: chunked", "0\r\n\r\n", true)]
    public async Task A_stream_takes_its_connection_over_if_no_body_is_to_come(
        string length,
        string body,
        bool takesOver
    )
    {
        await using var orders = await StartAsync(takesOver: true);
        using var client = new TcpClient();
        await client.ConnectAsync(orders.Server.Host, orders.Server.Port, Stop);
        var request = $"GET {Stream} HTTP/1.1\r\nHost: a\r\n{length}\r\n\r\n{body}";
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), Stop);

        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        Assert.Equal("HTTP/1.1 200 OK", await reader.ReadLineAsync(Stop));
        var requests = orders.App.Services.GetRequiredService<OpenRequests>();
        await Eventually.HoldsAsync(() => requests.Count == (takesOver ? 0 : 1));

        await orders.ChangeAsync("7", "placed");
        while (await reader.ReadLineAsync(Stop) is var line && line != "event: placed")
            Assert.NotNull(line);
    }

    /// <summary>Kestrel itself forgets such connections.</summary>
    [Fact]
    public async Task A_limit_of_connections_counts_streams_that_took_theirs_over_until_they_end()
    {
        var builder = WebApplication.CreateBuilder(["--urls", "http://127.0.0.1:0"]);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxConcurrentConnections = 1);
        builder.AddInMemoryEventLog();
        builder.AddSse(sse => sse.TakeOverConnections = true);

        await using var app = builder.Build();
        app.MapGet("/all", () => TypedResults.EventStream(EventTopic.Pattern(">"))).AllowAnonymous();
        await app.StartAsync(Stop);

        var server = new Uri(app.Urls.First());
        await using (await SseReader.OpenAtAsync(server, "/all"))
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => SseReader.OpenAtAsync(server, "/all"));

        await Eventually.HoldsAsync(async () =>
        {
            try
            {
                await using var next = await SseReader.OpenAtAsync(server, "/all");
                return true;
            }
            catch (HttpRequestException)
            {
                return false; // the first has not ended yet
            }
        });
    }

    /// <summary>Kestrel keeps one, the last that was set.</summary>
    [Fact]
    public async Task An_application_that_has_endpoint_defaults_of_its_own_keeps_them()
    {
        var used = false;
        var builder = WebApplication.CreateBuilder(["--urls", "http://127.0.0.1:0"]);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(_ => used = true));
        builder.AddInMemoryEventLog();
        builder.AddSse(sse => sse.TakeOverConnections = true);

        await using var app = builder.Build();
        await app.StartAsync(Stop);
        await app.StopAsync(Stop);
        Assert.True(used);
    }

    private static Task<RunningOrders> StartAsync(bool takesOver) =>
        RunningOrders.StartAsync(
            settings:
            [
                .. takesOver ? (string[])["--Sse:TakeOverConnections", "true"] : [],
                "--Sse:HeartbeatSeconds",
                "1",
            ]
        );

    /// <summary>Opens the only stream, which has the writer that this test is about.</summary>
    private static async Task<SseReader> OpenAsync(RunningOrders orders, bool takesOver)
    {
        var reader = await SseReader.OpenAtAsync(orders.Server, Stream);
        var requests = orders.App.Services.GetRequiredService<OpenRequests>();
        await Eventually.HoldsAsync(() => requests.Count == (takesOver ? 0 : 1));
        return reader;
    }
}
