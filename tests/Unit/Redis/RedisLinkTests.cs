using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Unit.ServiceDefaults;

namespace Unit.Redis;

/// <summary>A real Redis behind the link.</summary>
public class RedisLinkTests(RedisProgram program) : IClassFixture<RedisProgram>
{
    /// <summary>A short time, for a server that does not answer.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(500);

    /// <summary>A long time, for a busy machine.</summary>
    private static readonly TimeSpan Patient = TimeSpan.FromSeconds(20);

    [Fact(Timeout = 60_000)]
    public async Task Messages_are_handled_one_at_a_time_in_the_order_of_their_publishes()
    {
        await using var redis = program.Start();
        await using var service = await StartAsync(redis);
        var link = service.Services.GetRequiredService<RedisLink>();
        var received = System.Threading.Channels.Channel.CreateUnbounded<(string Message, int Handlers)>();
        var handlers = 0;

        // Waits for the first connection, which a subscription does not.
        Assert.True(await PublishAsync(link, "before", Patient));
        await link.SubscribeAsync("log", Handle, Patient, TestContext.Current.CancellationToken);

        // Enough at once to expose a client that handles messages on several threads.
        for (var batch = 0; batch < 10_000; batch += 1_000)
        {
            var sent = Enumerable.Range(batch, 1_000).Select(n => PublishAsync(link, $"{n}", Patient)).ToList();
            Assert.DoesNotContain(false, await Task.WhenAll(sent));
        }

        for (var n = 0; n < 10_000; n++)
            Assert.Equal(($"{n}", 1), await received.Reader.ReadAsync(TestContext.Current.CancellationToken));

        void Handle(byte[] message)
        {
            var now = Interlocked.Increment(ref handlers);
            received.Writer.TryWrite((Encoding.UTF8.GetString(message), now));
            Interlocked.Decrement(ref handlers);
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_frozen_server_is_asked_by_one_message_at_a_time_and_nobody_waits_for_it()
    {
        await using var redis = program.Start();
        await using var service = await StartAsync(redis);
        var link = service.Services.GetRequiredService<RedisLink>();

        Assert.True(await PublishAsync(link, "first", Patient));
        Assert.True(link.IsAvailable);

        redis.Freeze();
        await Eventually.HoldsAsync(async () => !await PublishAsync(link, "late") && !link.IsAvailable);

        for (var i = 0; i < 100; i++)
            Assert.True(PublishAsync(link, $"{i}") is { IsCompleted: true, Result: false });

        redis.Thaw();
        await Eventually.HoldsAsync(() => PublishAsync(link, "is it back?"));
        Assert.True(link.IsAvailable);
        Assert.True(await PublishAsync(link, "it is", Patient));
    }

    private static Task<bool> PublishAsync(RedisLink link, string message, TimeSpan? timeout = null) =>
        LogMessages.PublishAsync(link, message, timeout ?? Timeout);

    private static Task<Service> StartAsync(RedisProcess redis) =>
        Service.StartAsync(builder => builder.AddRelayRedis(), null, ("ConnectionStrings:redis", redis.PatientAddress));
}
