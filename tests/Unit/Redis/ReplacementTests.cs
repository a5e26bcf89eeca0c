using System.Text;
using System.Threading.Channels;
using Harness;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Unit.ServiceDefaults;

namespace Unit.Redis;

/// <summary>Connections to Redis that are dead without an error: the client makes new ones.</summary>
public class ReplacementTests(RedisProgram program) : IClassFixture<RedisProgram>
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(500);

    /// <summary>For calls that must succeed: a busy machine may need longer for the first one.</summary>
    private static readonly TimeSpan Patient = TimeSpan.FromSeconds(20);

    [Fact(Timeout = 60_000)]
    public async Task A_dead_connection_is_replaced_and_publishing_continues()
    {
        await using var redis = program.Start();
        await using var link = new FaultyLink("127.0.0.1", redis.Port);
        await using Service publisher = await StartAsync(link.Port),
            receiver = await StartAsync(redis.Port);
        var received = await SubscribeAsync(Link(receiver));

        // Again if Redis or this machine paused for longer than the client waits.
        await Eventually.HoldsAsync(() => PublishAsync(Link(publisher), "1", Patient));

        link.Swallow();
        Assert.False(await PublishAsync(Link(publisher), "2"));
        await Eventually.HoldsAsync(() => PublishAsync(Link(publisher), "3"));
        Assert.Equal(["1", "3"], (await UntilAsync(received, "3")).Distinct());
        // Two seconds for an answer may be too few on a busy machine.
        await Eventually.HoldsAsync(async () =>
            (await HealthAsync(publisher)).StartsWith("{\"status\":\"Healthy\"", StringComparison.Ordinal)
        );
    }

    /// <summary>Nobody asks for it again: an idle connection notices by its own keep-alives.</summary>
    [Fact(Timeout = 60_000)]
    public async Task A_subscription_whose_connection_is_dead_is_repeated_on_the_next_one()
    {
        await using var redis = program.Start();
        await using var link = new FaultyLink("127.0.0.1", redis.Port);
        await using Service publisher = await StartAsync(redis.PatientAddress),
            receiver = await StartAsync(link.Port);
        var received = await SubscribeAsync(Link(receiver));

        link.Swallow();
        Assert.True(await PublishAsync(Link(publisher), "lost", Patient));
        string? message = null;

        await Eventually.HoldsAsync(async () =>
        {
            Assert.True(await PublishAsync(Link(publisher), "1", Patient));
            return received.TryRead(out message);
        });
        Assert.Equal("1", message);
    }

    /// <summary>Redis is slow, and a new connection would not help.</summary>
    [Fact(Timeout = 60_000)]
    public async Task A_connection_with_late_answers_is_kept()
    {
        await using var redis = program.Start();
        await using Service publisher = await StartAsync(redis.Port),
            receiver = await StartAsync(redis.Port);
        var received = await SubscribeAsync(Link(receiver));

        await Eventually.HoldsAsync(() => PublishAsync(Link(publisher), "1", Patient));
        await UntilAsync(received, "1");
        var failures = 0;

        (await Link(publisher).OpenAsync()).ConnectionFailed += (_, _) => Interlocked.Increment(ref failures);

        // Each pause is shorter than four timeouts, on a busy machine too; together they are longer.
        for (var i = 0; i < 8; i++)
        {
            redis.Freeze();
            Assert.False(await PublishAsync(Link(publisher), $"late {i}"));
            redis.Thaw();
            await Eventually.HoldsAsync(() => PublishAsync(Link(publisher), "again", Patient));

            await UntilAsync(received, $"late {i}");
        }

        Assert.Equal(0, failures);
    }

    private static RedisLink Link(Service service) => service.Services.GetRequiredService<RedisLink>();

    /// <summary>Subscribes, again if Redis or this machine paused for longer than the client waits.</summary>
    private static async Task<ChannelReader<string>> SubscribeAsync(RedisLink link)
    {
        var received = System.Threading.Channels.Channel.CreateUnbounded<string>();
        await Eventually.HoldsAsync(async () =>
        {
            try
            {
                await link.SubscribeAsync(
                    "log",
                    message => received.Writer.TryWrite(Encoding.UTF8.GetString(message)),
                    Patient,
                    TestContext.Current.CancellationToken
                );
                return true;
            }
            catch (TimeoutException)
            {
                return false;
            }
        });
        return received.Reader;
    }

    /// <summary>Reads messages, up to this one.</summary>
    private static async Task<List<string>> UntilAsync(ChannelReader<string> received, string last)
    {
        var read = new List<string>();
        do read.Add(await received.ReadAsync(TestContext.Current.CancellationToken));
        while (read[^1] != last);
        return read;
    }

    private static Task<bool> PublishAsync(RedisLink link, string message, TimeSpan? timeout = null) =>
        LogMessages.PublishAsync(link, message, timeout ?? Timeout);

    private static async Task<string> HealthAsync(Service service)
    {
        using var response = await service.Outside.GetAsync("/health", TestContext.Current.CancellationToken);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    private static Task<Service> StartAsync(int port) => StartAsync($"127.0.0.1:{port}");

    private static Task<Service> StartAsync(string address) =>
        Service.StartAsync(builder => builder.AddRelayRedis(), null, ("ConnectionStrings:redis", address));
}
