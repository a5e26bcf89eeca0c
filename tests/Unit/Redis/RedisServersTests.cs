using System.Net;
using System.Text;
using EventStore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Unit.Client;
using Unit.ServiceDefaults;

namespace Unit.Redis;

/// <summary>Several real Redis servers behind one connection string.</summary>
public class RedisServersTests(RedisProgram program) : IClassFixture<RedisProgram>
{
    /// <summary>A short time for a server that does not answer, and a long one for a busy machine.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(500),
        Patient = TimeSpan.FromSeconds(20);

    [Fact(Timeout = 60_000)]
    public async Task A_channels_messages_are_handled_one_at_a_time_in_the_order_of_their_publishes()
    {
        await using var redis = program.Start();
        await using var service = await StartAsync(redis.Address);
        var server = service.Services.GetRequiredService<RedisServers>().All[0];
        var received = System.Threading.Channels.Channel.CreateUnbounded<(string Message, int Handlers)>();
        var handlers = 0;
        await server.SubscribeAsync(
            "log",
            message =>
            {
                var now = Interlocked.Increment(ref handlers);
                received.Writer.TryWrite((Encoding.UTF8.GetString(message), now));
                Interlocked.Decrement(ref handlers);
            },
            Patient,
            TestContext.Current.CancellationToken
        );

        // Enough at once to expose a client that handles messages on several threads.
        for (var batch = 0; batch < 10_000; batch += 1_000)
        {
            var sent = Enumerable.Range(batch, 1_000).Select(n => PublishAsync(server, $"{n}", Patient)).ToList();
            Assert.DoesNotContain(false, await Task.WhenAll(sent));
        }
        for (var n = 0; n < 10_000; n++)
            Assert.Equal(($"{n}", 1), await received.Reader.ReadAsync(TestContext.Current.CancellationToken));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_frozen_server_is_probed_by_one_message_at_a_time_and_the_other_delivers_all_in_order()
    {
        await using RedisProcess good = program.Start(),
            bad = program.Start();
        await using var service = await StartAsync($"{good.Address};{bad.Address}");
        var servers = service.Services.GetRequiredService<RedisServers>();
        var (first, second) = (servers.All[0], servers.All[1]);
        var received = System.Threading.Channels.Channel.CreateUnbounded<string>();
        await first.SubscribeAsync("log", m => received.Writer.TryWrite(Encoding.UTF8.GetString(m)), Patient, default);
        bad.Freeze();

        for (var i = 0; i < 1_000 || !second.IsUnavailable; i++)
        {
            var both = (PublishAsync(first, $"{i}", Patient), PublishAsync(second, $"{i}"));
            Assert.True(await both.Item1);
            await both.Item2;
            Assert.Equal($"{i}", await received.Reader.ReadAsync(TestContext.Current.CancellationToken));
        }
        Assert.Equal(second.Name, servers.Unavailable);
        var refused = Enumerable
            .Range(0, 100)
            .Count(i => PublishAsync(second, $"{i}") is { IsCompleted: true, Result: false });
        Assert.InRange(refused, 99, 100);

        bad.Thaw();
        await Eventually.HoldsAsync(async () =>
        {
            await PublishAsync(second, "is it back?");
            return !second.IsUnavailable;
        });
        Assert.True(await PublishAsync(second, "it is", Patient));
    }

    [Fact]
    public async Task A_server_without_heartbeats_is_unavailable_only_while_others_deliver_some()
    {
        await using RedisProcess one = program.Start(),
            two = program.Start();
        var time = new ManualTime();
        await using var service = await StartAsync($"{one.Address};{two.Address}", time);
        var servers = service.Services.GetRequiredService<RedisServers>();
        var (first, second) = (servers.All[0], servers.All[1]);
        var silence = TimeSpan.FromMilliseconds(50);
        // After a silence of all servers, the first heartbeat does not mark the others as away.
        time.Advance(2 * silence);
        servers.HeartbeatFrom(first, silence);
        Assert.False(second.IsUnavailable);
        time.Advance(2 * silence);
        servers.HeartbeatFrom(first, silence);
        Assert.Equal(second.Name, servers.Unavailable);
        servers.HeartbeatFrom(second, silence);
        Assert.Equal("", servers.Unavailable);
    }

    [Fact(Timeout = 60_000)]
    public async Task Each_server_has_a_health_check_that_names_it()
    {
        await using RedisProcess one = program.Start(),
            two = program.Start();
        await using var service = await StartAsync($"{one.Address};{two.Address}");
        await two.StopAsync();
        // Two seconds for an answer may be too few on a busy machine.
        var health = "";
        await Eventually.HoldsAsync(async () =>
            (health = await HealthAsync()).Contains(Check(one, "Healthy"), StringComparison.Ordinal)
        );
        Assert.Contains(Check(two, "Degraded"), health, StringComparison.Ordinal);

        async Task<string> HealthAsync()
        {
            using var response = await service.Outside.GetAsync("/health", TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        }

        static string Check(RedisProcess server, string status) =>
            $"\"StackExchange.Redis_{server.Address}\":{{\"status\":\"{status}\"";
    }

    private static Task<bool> PublishAsync(RedisServer server, string message, TimeSpan? timeout = null) =>
        LogMessages.PublishAsync(server, message, timeout ?? Timeout);

    private static Task<Service> StartAsync(string address, TimeProvider? time = null) =>
        Service.StartAsync(
            builder =>
            {
                if (time is not null)
                    builder.Services.AddSingleton(time);
                builder.AddRelayRedis();
            },
            null,
            ("ConnectionStrings:redis", address)
        );
}
