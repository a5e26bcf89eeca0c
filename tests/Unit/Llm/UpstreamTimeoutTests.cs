using LlmGateway.Providers;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Unit.Client;

namespace Unit.Llm;

/// <summary>The timeouts of a provider's answer.</summary>
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
