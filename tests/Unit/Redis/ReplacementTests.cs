using System.Text;
using System.Threading.Channels;
using EventStore;
using Harness;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Unit.Client;
using Unit.ServiceDefaults;

namespace Unit.Redis;

/// <summary>Connections to Redis that are dead without an error: they are replaced.</summary>
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
        var received = await SubscribeAsync(Server(receiver), Patient);
        Assert.True(await PublishAsync(Server(publisher), "1", Patient));
        link.Swallow();
        Assert.False(await PublishAsync(Server(publisher), "2"));
        while (!await PublishAsync(Server(publisher), "3")) { }
        Assert.NotEqual(0, Server(publisher).Replacements);
        Assert.Equal("1", await received.ReadAsync(TestContext.Current.CancellationToken));
        Assert.Equal("3", await received.ReadAsync(TestContext.Current.CancellationToken));
        // Two seconds for an answer may be too few on a busy machine.
        while (!(await HealthAsync(publisher)).StartsWith("{\"status\":\"Healthy\"", StringComparison.Ordinal))
            await Task.Delay(50, TestContext.Current.CancellationToken);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_connection_that_loses_subscriptions_is_replaced_and_delivers_again()
    {
        await using var redis = program.Start();
        await using var link = new FaultyLink("127.0.0.1", redis.Port);
        await using Service publisher = await StartAsync(redis.Port),
            receiver = await StartAsync(link.Port);
        var received = await SubscribeAsync(Server(receiver), Patient);
        link.Swallow();
        ChannelReader<string>? again = null;
        while (again is null)
        {
            try
            {
                again = await SubscribeAsync(Server(receiver));
            }
            catch (TimeoutException)
            {
                Assert.True(await PublishAsync(Server(publisher), "lost", Patient));
            }
        }
        Assert.NotEqual(0, Server(receiver).Replacements);
        Assert.True(await PublishAsync(Server(publisher), "1", Patient));
        Assert.Equal("1", await again.ReadAsync(TestContext.Current.CancellationToken));
        Assert.False(received.TryRead(out _));
    }

    /// <summary>One node of a cluster may freeze while the client keeps its socket.</summary>
    [Fact(Timeout = 60_000)]
    public async Task A_silent_part_is_noticed_although_the_other_parts_answer()
    {
        await using var redis = program.Start();
        var clock = new ManualTime();
        using var connection = new RedisConnection(
            redis.Address,
            _ => StackExchange.Redis.ConnectionMultiplexer.Connect(redis.Address),
            TimeSpan.FromSeconds(5),
            clock,
            NullLogger.Instance
        );
        await connection.OpenAsync();
        clock.Advance(TimeSpan.FromSeconds(1));
        FailsFor(TimeSpan.FromSeconds(4));
        Assert.Equal(0, connection.Replacements);
        FailsFor(TimeSpan.FromSeconds(2));
        Assert.Equal(1, connection.Replacements);
        // The new connection has the same silence: the next one comes later.
        FailsFor(TimeSpan.FromSeconds(9));
        Assert.Equal(1, connection.Replacements);
        FailsFor(TimeSpan.FromSeconds(3));
        Assert.Equal(2, connection.Replacements);
        connection.Answered(Begin(1));
        FailsFor(TimeSpan.FromSeconds(4));
        Assert.Equal(2, connection.Replacements);

        void FailsFor(TimeSpan time)
        {
            for (var end = clock.GetUtcNow() + time; clock.GetUtcNow() < end; clock.Advance(TimeSpan.FromSeconds(1)))
            {
                connection.Answered(Begin(0));
                connection.Failed(Begin(1));
            }
        }

        RedisConnection.Request Begin(int part) => connection.Begin(RedisConnection.Use.Commands, part);
    }

    /// <summary>Redis is slow, and a new connection would not help.</summary>
    [Fact(Timeout = 60_000)]
    public async Task A_connection_with_late_answers_is_kept()
    {
        await using var redis = program.Start();
        // Each pause is shorter than this time, on a busy machine too; together they are longer.
        const int seconds = 3;
        await using Service publisher = await StartAsync(redis.Port, seconds),
            receiver = await StartAsync(redis.Port, seconds);
        var received = await SubscribeAsync(Server(receiver), Patient);
        Assert.True(await PublishAsync(Server(publisher), "1", Patient));
        Assert.Equal("1", await received.ReadAsync(TestContext.Current.CancellationToken));
        for (var i = 0; i < 8; i++)
        {
            redis.Freeze();
            Assert.False(await PublishAsync(Server(publisher), "late"));
            redis.Thaw();
            Assert.Equal("late", await received.ReadAsync(TestContext.Current.CancellationToken));
        }
        Assert.Equal(0, Server(publisher).Replacements);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_probe_that_finds_too_much_under_way_is_followed_by_another()
    {
        await using var redis = program.Start();
        await using var service = await StartAsync(redis.Port);
        var server = Server(service);
        Assert.True(await PublishAsync(server, "1", Patient));
        redis.Freeze();
        var first = PublishAsync(server, "2");
        var large = new byte[3 * 1024 * 1024];
        var sent = Enumerable
            .Range(0, 20)
            .Select(_ => server.PublishAsync("log", large, 3 * Timeout, TestContext.Current.CancellationToken))
            .ToList();
        Assert.False(await first);
        Assert.False(await PublishAsync(server, "3"));
        Assert.DoesNotContain(true, await Task.WhenAll(sent));
        redis.Thaw();
        while (!await PublishAsync(server, "4")) { }
    }

    private static RedisServer Server(Service service) => service.Services.GetRequiredService<RedisServers>().All[0];

    private static async Task<ChannelReader<string>> SubscribeAsync(RedisServer server, TimeSpan? timeout = null)
    {
        var received = System.Threading.Channels.Channel.CreateUnbounded<string>();
        await server.SubscribeAsync(
            "log",
            message => received.Writer.TryWrite(Encoding.UTF8.GetString(message)),
            timeout ?? Timeout,
            TestContext.Current.CancellationToken
        );
        return received.Reader;
    }

    private static Task<bool> PublishAsync(RedisServer server, string message, TimeSpan? timeout = null) =>
        LogMessages.PublishAsync(server, message, timeout ?? Timeout);

    private static async Task<string> HealthAsync(Service service)
    {
        using var response = await service.Outside.GetAsync("/health", TestContext.Current.CancellationToken);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    private static Task<Service> StartAsync(int port, int replaceSeconds = 1) =>
        Service.StartAsync(
            builder =>
            {
                builder.AddRelayRedis();
                builder.Services.Configure<EventStoreOptions>(options => options.RedisReplaceSeconds = replaceSeconds);
            },
            null,
            ("ConnectionStrings:redis", $"127.0.0.1:{port}")
        );
}
