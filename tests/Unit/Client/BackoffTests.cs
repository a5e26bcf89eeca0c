using AspireSse.Client;
using AspireSse.Client.Connecting;
using Harness;
using static Unit.Client.Reading;
using static Unit.Client.SseServer;

namespace Unit.Client;

public class BackoffTests
{
    private const double AlmostOne = 1 - 1e-9;
    private static readonly SseClientOptions Options = new();

    [Fact]
    public void Without_a_retry_the_delay_is_random_below_a_bound_that_doubles_up_to_the_cap()
    {
        double[] bounds = [1, 2, 4, 8, 16, 30, 30, 30];
        for (var failures = 1; failures <= bounds.Length; failures++)
        {
            Assert.Equal(0, Delay(failures, 0));
            Assert.Equal(bounds[failures - 1], Delay(failures, AlmostOne), 3);
        }

        Assert.Equal(30, Delay(int.MaxValue, AlmostOne), 3);
    }

    [Fact]
    public void A_retry_is_the_least_and_the_base()
    {
        double[] bounds = [3, 4, 8, 16, 30, 30];
        for (var failures = 1; failures <= bounds.Length; failures++)
        {
            Assert.Equal(2, Delay(failures, 0, retry: 2));
            Assert.Equal(bounds[failures - 1], Delay(failures, AlmostOne, retry: 2), 3);
        }
    }

    [Fact]
    public void A_retry_of_zero_returns_at_once_but_does_not_hammer()
    {
        Assert.InRange(Delay(1, AlmostOne, retry: 0), 0, 0.002);
        Assert.Equal(2, Delay(2, AlmostOne, retry: 0), 3);
    }

    [Fact]
    public void A_delay_is_rounded_up_to_milliseconds_so_that_the_clock_is_asked_for_each()
    {
        Assert.Equal(0.001, Delay(1, 0.000_1));
        Assert.Equal(2.001, Delay(1, 0.000_1, retry: 2));
    }

    [Fact]
    public void No_delay_overflows()
    {
        var day = new SseClientOptions
        {
            InitialDelay = TimeSpan.FromDays(1),
            MaxDelay = TimeSpan.FromDays(1),
            MaxServerDelay = TimeSpan.FromDays(1),
        };
        foreach (var retry in new TimeSpan?[] { null, TimeSpan.FromDays(1), TimeSpan.MaxValue })
            Assert.InRange(
                ReconnectDelay.Next(day, int.MaxValue, retry, retry, AlmostOne),
                TimeSpan.FromHours(23),
                TimeSpan.FromHours(37)
            );
    }

    [Fact]
    public void The_servers_retry_time_is_capped()
    {
        Assert.Equal(300, Delay(1, 0, retry: 86_400));
        Assert.Equal(300, Delay(1, 0, retryAfter: 86_400));
        Assert.Equal(7, Delay(1, 0, retry: 2, retryAfter: 7));
    }

    [Fact]
    public async Task The_delay_grows_without_events_and_is_reset_by_one()
    {
        await using var server = await StartAsync(
            Status(503),
            Status(503),
            Status(503),
            Stream("data: a\n\n"),
            Stream(": nothing\n\n"),
            Stream("retry: 5000\n\ndata: b\n\n"),
            Status(204)
        );
        var time = new ManualTime();
        var waits = new List<SseReconnect>();
        using var client = new SseClient(time);
        var reading = ReadAsync(client.Open(server.Url, new SseClientOptions { OnReconnecting = waits.Add }));

        for (var i = 0; i < 6; i++)
            await time.PassDelayAsync();

        Assert.Equal(["a", "b"], (await reading).Select(e => e.Data));
        Assert.Equal([1, 2, 3, 1, 2, 1], waits.Select(w => w.Attempt));
        Assert.InRange(waits[5].Delay, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(7.5));
        Assert.Null(waits[3].Reason);
        Assert.Equal(SseError.Unavailable, Assert.IsType<SseException>(waits[0].Reason).Error);
    }

    [Fact]
    public async Task A_connection_of_five_seconds_counts_as_successful_without_an_event()
    {
        using var end = new SemaphoreSlim(0);
        await using var server = await StartAsync(
            Status(503),
            Status(503),
            async context =>
            {
                await WriteAsync(context, "event: connected\ndata: {}\n\n");
                await end.WaitAsync(context.RequestAborted);
            },
            Status(204)
        );
        var time = new ManualTime();
        var waits = new List<SseReconnect>();
        using var client = new SseClient(time);
        var stream = client.Open(server.Url, new SseClientOptions { OnReconnecting = waits.Add });
        var reading = ReadAsync(stream);

        for (var i = 0; i < 2; i++)
            await time.PassDelayAsync();

        await Eventually.HoldsAsync(() => stream.State == SseStreamState.Open);
        time.Advance(TimeSpan.FromSeconds(6));
        end.Release();
        await time.PassDelayAsync();
        await reading;
        Assert.Equal([1, 2, 1], waits.Select(w => w.Attempt));
    }

    [Theory]
    [InlineData(429, "7", 7)]
    [InlineData(503, "7", 7)]
    [InlineData(503, "Thu, 01 Jan 1970 00:00:09 GMT", 9)]
    public async Task Retry_After_is_waited_for(int status, string retryAfter, int seconds)
    {
        await using var server = await StartAsync(Status(status, retryAfter), Status(204));
        var time = new ManualTime();
        using var client = new SseClient(time);
        var reading = ReadAsync(client.Open(server.Url));
        Assert.InRange(await time.PassDelayAsync(), TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(seconds * 1.5));
        Assert.Empty(await reading);
    }

    [Fact]
    public async Task The_wait_is_really_waited()
    {
        await using var server = await StartAsync(Stream("retry: 4000\n\ndata: a\n\n"), Status(204));
        var time = new ManualTime();
        using var client = new SseClient(time);
        var stream = client.Open(server.Url);
        var reading = ReadAsync(stream);

        await time.WaitForDelayAsync();
        Assert.Equal(SseStreamState.Waiting, stream.State);
        time.Advance(TimeSpan.FromSeconds(3.9));
        Assert.Single(time.Delays);
        Assert.Single(server.Requests);
        time.Advance(TimeSpan.FromSeconds(2.1));
        await reading;
        Assert.Equal(2, server.Requests.Count);
    }

    private static double Delay(int failures, double random, double? retry = null, double? retryAfter = null) =>
        ReconnectDelay.Next(Options, failures, Seconds(retry), Seconds(retryAfter), random).TotalSeconds;

    private static TimeSpan? Seconds(double? value) => value is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
}
