using LlmGateway;
using LlmGateway.Providers;
using Microsoft.AspNetCore.Http;
using Unit.Client;

namespace Unit.Llm;

/// <summary>The timeouts of a provider's answer, and of its errors.</summary>
public sealed class UpstreamTimeoutTests
{
    [Fact]
    public async Task A_timer_that_fires_after_its_read_has_ended_does_not_fail_the_next_read()
    {
        var read = new SemaphoreSlim(0);
        await using var server = await SseServer.StartAsync(async context =>
        {
            for (var number = 0; number < 3; number++)
            {
                await context.Response.WriteAsync("data: {}\n\n", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                // Each event is a read of its own, which waits.
                await read.WaitAsync(context.RequestAborted);
            }
        });
        using var http = new HttpClient();
        var provider = ProviderAnswers.Provider(new ProviderOptions { Retries = 0 }, new LateClock());
        var upstream = new Upstream(provider, http);
        var events = 0;
        await foreach (var _ in upstream.ReadAsync(() => new HttpRequestMessage(HttpMethod.Post, server.Url), null))
        {
            events++;
            read.Release();
        }

        Assert.Equal(3, events);
    }

    [Fact]
    public async Task A_whole_error_is_passed_on_without_waiting_for_the_end_of_its_body()
    {
        // No timer ever fires, so nothing but the end of the error's JSON can end the read.
        var failure = await RefusalAsync(
            """{"error":{"message":"no such model: }"}}""",
            new EarlyClock(upTo: TimeSpan.Zero)
        );
        Assert.Equal((404, "local answered 404: no such model: }"), (failure.Status, failure.Message));
    }

    [Fact]
    public async Task An_error_with_text_behind_its_object_is_passed_on_at_once()
    {
        var failure = await RefusalAsync(
            """{"error":{"message":"no such model"}} Request: 7""",
            new EarlyClock(upTo: TimeSpan.Zero)
        );
        Assert.Equal(404, failure.Status);
    }

    [Fact]
    public async Task An_error_that_only_strict_parsers_refuse_is_passed_on_in_its_own_words()
    {
        var failure = await RefusalAsync(
            """{"error":{"message":"no","message":"no such model","cost":NaN}}""",
            new EarlyClock(upTo: TimeSpan.Zero),
            bodyEnds: true
        );
        Assert.Equal((404, "local answered 404: no such model"), (failure.Status, failure.Message));
    }

    [Fact]
    public async Task An_error_whose_end_does_not_come_is_passed_on_within_two_seconds()
    {
        var failure = await RefusalAsync(
            """{"error":{"message":"no such""",
            new EarlyClock(upTo: TimeSpan.FromSeconds(1.5))
        );
        Assert.Equal(404, failure.Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_429_is_retried_after_the_seconds_or_at_the_date_that_it_names(bool isDate)
    {
        var retryAfter = isDate ? DateTimeOffset.UtcNow.AddSeconds(9).ToString("R") : "9";
        await using var server = await SseServer.StartAsync(
            SseServer.Status(429, retryAfter),
            SseServer.Stream("data: {}\n\n")
        );
        // The delay passes at once; the timeouts of the reads never do.
        var delays = await DelaysAsync(server, new ProviderOptions(), new EarlyClock(TimeSpan.FromSeconds(30)));

        // An HTTP date has whole seconds (RFC 9110 §5.6.7).
        Assert.InRange(Assert.Single(delays).RetryInMs!.Value, isDate ? 5_000 : 9_000, 9_250);
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task A_silent_provider_is_asked_once_more_and_then_given_up()
    {
        await using var server = await SseServer.StartAsync(context =>
            Task.Delay(Timeout.Infinite, context.RequestAborted)
        );
        var options = new ProviderOptions { FirstTokenSeconds = 1 };
        var clock = new EarlyClock(TimeSpan.FromSeconds(1));

        var delays = new List<DelayNotice>();
        var failure = await Assert.ThrowsAsync<UpstreamException>(() => DelaysAsync(server, options, clock, delays));
        Assert.Equal((504, "timeout", true), (failure.Status, failure.Reason, failure.IsStall));
        Assert.Equal(("retrying", "timeout", 2), (Assert.Single(delays).State, delays[0].Reason, delays[0].Attempt));
    }

    [Fact]
    public async Task A_provider_that_sends_only_comments_is_given_up_after_the_whole_time()
    {
        await using var server = await SseServer.StartAsync(async context =>
        {
            while (true)
            {
                await SseServer.WriteAsync(context, ": still working\n\n");
                await Task.Delay(50, context.RequestAborted);
            }
        });
        var options = new ProviderOptions { FirstTokenSeconds = 60, FirstTokenTotalSeconds = 1 };
        var failure = await Assert.ThrowsAsync<UpstreamException>(() =>
            DelaysAsync(server, options, TimeProvider.System)
        );

        Assert.Equal((504, "timeout"), (failure.Status, failure.Reason));
        Assert.Contains("AspireSse:Llm:Providers:local:FirstTokenSeconds", failure.Message, StringComparison.Ordinal);
        Assert.Single(server.Requests);
    }

    /// <summary>Reads an answer and returns the delays before its tries.</summary>
    private static async Task<List<DelayNotice>> DelaysAsync(
        SseServer server,
        ProviderOptions options,
        TimeProvider clock,
        List<DelayNotice>? delays = null
    )
    {
        delays ??= [];
        using var http = new HttpClient();
        var upstream = new Upstream(ProviderAnswers.Provider(options, clock), http);
        var request = () => new HttpRequestMessage(HttpMethod.Post, server.Url);

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await foreach (var _ in upstream.ReadAsync(request, delays.Add, cancellationToken: limit.Token)) { }

        return delays;
    }

    /// <summary>Reads a refusal of a provider that keeps the body open.</summary>
    private static async Task<UpstreamException> RefusalAsync(string error, TimeProvider clock, bool bodyEnds = false)
    {
        await using var server = await SseServer.StartAsync(async context =>
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            await context.Response.WriteAsync(error, context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            if (!bodyEnds)
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        return await Assert.ThrowsAsync<UpstreamException>(() => DelaysAsync(server, new ProviderOptions(), clock));
    }

    /// <summary>A clock whose timers up to a length fire at once, and longer ones never.</summary>
    private sealed class EarlyClock(TimeSpan upTo) : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state, dueTime <= upTo ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, period);
    }

    /// <summary>A clock whose timers fire at the moment in which they are stopped.</summary>
    private sealed class LateClock : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            new LateTimer(callback, state);

        private sealed class LateTimer(TimerCallback callback, object? state) : ITimer
        {
            private bool _fired;

            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                if (dueTime == Timeout.InfiniteTimeSpan)
                    Fire();
                return true;
            }

            public void Dispose() => Fire();

            public ValueTask DisposeAsync()
            {
                Fire();
                return default;
            }

            private void Fire()
            {
                if (!_fired)
                    callback(state);
                _fired = true;
            }
        }
    }
}
