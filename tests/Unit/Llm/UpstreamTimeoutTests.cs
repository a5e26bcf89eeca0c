using LlmGateway;
using LlmGateway.Providers;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
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
        var upstream = new Upstream(
            "local",
            http,
            new ProviderOptions { Retries = 0 },
            new LateClock(),
            NullLogger.Instance
        );
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
    public async Task An_error_whose_end_does_not_come_is_passed_on_within_two_seconds()
    {
        var failure = await RefusalAsync(
            """{"error":{"message":"no such""",
            new EarlyClock(upTo: TimeSpan.FromSeconds(1.5))
        );
        Assert.Equal(404, failure.Status);
    }

    /// <summary>Reads a refusal of a provider that keeps the body open.</summary>
    private static async Task<UpstreamException> RefusalAsync(string error, TimeProvider clock)
    {
        await using var server = await SseServer.StartAsync(async context =>
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            await context.Response.WriteAsync(error, context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        using var http = new HttpClient();
        var upstream = new Upstream("local", http, new ProviderOptions(), clock, NullLogger.Instance);
        var request = () => new HttpRequestMessage(HttpMethod.Post, server.Url);

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await Assert.ThrowsAsync<UpstreamException>(async () =>
        {
            await foreach (var _ in upstream.ReadAsync(request, null, cancellationToken: limit.Token)) { }
        });
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
