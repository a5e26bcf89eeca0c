using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using EventStore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using Streaming;
using Streaming.Feed;

namespace Integration.Delivery;

/// <summary>A replica whose clock differs from Postgres's: its delivery times must not contain the
/// difference.</summary>
public sealed class StoreClockTests
{
    [Theory]
    [InlineData(-90), InlineData(-3), InlineData(3), InlineData(90)]
    public async Task A_replica_with_a_wrong_clock_uses_the_clock_that_stamps_the_events(int secondsAhead)
    {
        await using var store = NpgsqlDataSource.Create(Stores.Shared.EventStore);
        using var clock = await StartAsync(store, new OffClock(TimeSpan.FromSeconds(secondsAhead)));
        // Compared every second: a slow round trip on a busy machine is followed by a faster one.
        await Eventually.HoldsAsync(
            () =>
                Math.Abs(clock.Ahead.TotalSeconds + secondsAhead) < 1
                && Math.Abs(DateTime.UtcNow.Ticks - clock.NowTicks) < TimeSpan.TicksPerSecond,
            "the replica uses the store's clock"
        );
        await clock.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Without_the_store_a_replica_uses_its_own_clock()
    {
        using var closing = new TcpListener(IPAddress.Loopback, 0);
        closing.Start();
        await using var nowhere = NpgsqlDataSource.Create(
            $"Host=127.0.0.1;Port={((IPEndPoint)closing.LocalEndpoint).Port};Username=nobody;Timeout=1;SSL Mode=Disable"
        );
        using var clock = await StartAsync(nowhere, new OffClock(TimeSpan.FromSeconds(3)));
        // Two attempts: the first one has failed by then.
        for (var attempt = 0; attempt < 2; attempt++)
            (await closing.AcceptTcpClientAsync(TestContext.Current.CancellationToken)).Dispose();
        Assert.Equal(TimeSpan.Zero, clock.Ahead);
        await clock.StopAsync(TestContext.Current.CancellationToken);
        Assert.True(clock.ExecuteTask is { IsFaulted: false }, clock.ExecuteTask?.Exception?.Message);
    }

    [Fact]
    public async Task The_use_of_a_ticket_is_reported_even_if_the_new_servers_clock_is_behind()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var log = await OpenLog.NewAsync();
        var now = (await log.Tickets.NowAsync(TimeProvider.System, stop)).Now;
        var used = new TicketConnection(Guid.NewGuid(), "c", now);
        await log.Tickets.NoteAsync([used], stop);
        var (noted, _) = Assert.Single(await log.Tickets.NotedAfterAsync(DateTimeOffset.UtcNow.AddHours(1), stop));
        Assert.Equal((used.Ticket, "c"), (noted.Ticket, noted.Connection));
    }

    private static async Task<StoreClock> StartAsync(NpgsqlDataSource store, TimeProvider time)
    {
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var clock = new StoreClock(
            store,
            Options.Create(new StreamingOptions { StoreClockSeconds = 1 }),
            time,
            services.GetRequiredService<IMeterFactory>(),
            Microsoft.Extensions.Logging.Abstractions.NullLogger<StoreClock>.Instance
        );
        await clock.StartAsync(TestContext.Current.CancellationToken);
        return clock;
    }

    private sealed class OffClock(TimeSpan ahead) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + ahead;
    }
}
