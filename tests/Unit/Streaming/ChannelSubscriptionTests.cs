using System.Collections.Concurrent;
using EventStore;
using Microsoft.Extensions.Logging.Abstractions;
using Streaming.Feed;

namespace Unit.Streaming;

public sealed class ChannelSubscriptionTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_change_that_failed_is_made_again_whether_or_not_the_channel_is_needed_then(bool isNeeded)
    {
        var failures = new ConcurrentQueue<Exception?>();
        var server = new RedisServer(
            "redis",
            () => throw new TimeoutException("It is slow."),
            TimeProvider.System,
            NullLogger.Instance
        );
        var subscription = new ChannelSubscription(
            server,
            "channel",
            _ => { },
            (_, failure) => failures.Enqueue(failure),
            TimeProvider.System
        );

        subscription.Want(needed: true, TestContext.Current.CancellationToken);
        await Eventually.HoldsAsync(() => failures.Count == 1);
        // The server may yet confirm it.
        Assert.False(subscription.IsEnded);

        subscription.Want(isNeeded, TestContext.Current.CancellationToken);
        await Eventually.HoldsAsync(() => failures.Count == 2);
    }

    [Fact]
    public async Task A_subscription_is_repeated_whatever_made_it_fail()
    {
        var opened = 0;
        var failures = new ConcurrentQueue<Exception?>();
        var server = new RedisServer(
            "redis",
            () =>
                Interlocked.Increment(ref opened) == 1
                    ? throw new InvalidOperationException("The address is not one.")
                    : throw new TimeoutException("It is away."),
            TimeProvider.System,
            NullLogger.Instance
        );
        var subscription = new ChannelSubscription(
            server,
            "channel",
            _ => { },
            (_, failure) => failures.Enqueue(failure),
            TimeProvider.System
        );

        for (var n = 1; n <= 2; n++)
        {
            subscription.Want(needed: true, TestContext.Current.CancellationToken);
            await Eventually.HoldsAsync(() => failures.Count == n);
        }
        Assert.Equal([typeof(TimeoutException), typeof(TimeoutException)], failures.Select(Kind));

        static Type? Kind(Exception? failure) => failure?.GetType();
    }
}
