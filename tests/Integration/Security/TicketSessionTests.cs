using System.Diagnostics.CodeAnalysis;
using EventStore;
using Harness;
using Integration.Delivery;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Streaming.Access;
using Streaming.Connections;
using Streaming.Fanout;

namespace Integration.Security;

/// <summary>The connection that was opened last with a ticket stays, even if notes are lost or late.</summary>
public sealed class TicketSessionTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_replacement_that_was_lost_with_the_server_is_stored_again(bool isNewEpoch)
    {
        await using var log = await OpenAsync();
        var clock = new ShiftedClock(TimeSpan.Zero);
        var left = Replica.Of(log, clock);
        var right = Replica.Of(log, clock);
        var ticket = Guid.NewGuid();

        var first = left.Open(ticket);
        await left.Sessions.ExchangeAsync(Stop);
        // In a new epoch the connections' ages tell which is newer.
        clock.By += TimeSpan.FromMinutes(1);

        var second = right.Open(ticket);
        await right.Sessions.ExchangeAsync(Stop);

        if (isNewEpoch)
            foreach (var replica in (Replica[])[left, right])
                replica.Rings.Reset(Lineage.Alone("promoted"), 0);
        else
        {
            await log.ScalarAsync("alter table eventstore.ticket_holders rename to away");
            foreach (var replica in (Replica[])[left, right])
                await replica.Sessions.ExchangeAsync(Stop);
            await log.ScalarAsync("alter table eventstore.away rename to ticket_holders");
        }

        await log.ScalarAsync("truncate eventstore.ticket_holders");

        // The note of the first one is there before that of the second one.
        foreach (var replica in (Replica[])[left, right, left])
            await replica.Sessions.ExchangeAsync(Stop);

        Assert.Equal((EndReason.Replaced, null), (first.StopReason, second.StopReason));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(-10)]
    public async Task The_newest_connection_stays_although_the_replicas_clocks_differ(int seconds)
    {
        await using var log = await OpenAsync();
        var (left, right) = (Replica.Of(log, new ShiftedClock(TimeSpan.FromSeconds(seconds))), Replica.Of(log));
        var ticket = Guid.NewGuid();
        var first = left.Open(ticket);

        await left.Sessions.ExchangeAsync(Stop);
        var second = right.Open(ticket);

        foreach (var replica in (Replica[])[right, left, right])
            await replica.Sessions.ExchangeAsync(Stop);

        Assert.Equal((EndReason.Replaced, null), (first.StopReason, second.StopReason));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(-10)]
    public async Task The_newest_connection_stays_although_the_note_of_the_other_one_is_slow(int seconds)
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        await using var link = new FaultyLink(database.Host!, database.Port);
        await using var log = await OpenLog.OpenAsync(database);
        await using var linked = await OpenLog.OpenAsync(
            new(database.ConnectionString) { Host = "127.0.0.1", Port = link.Port }
        );

        var (left, right) = (Replica.Of(linked, new ShiftedClock(TimeSpan.FromSeconds(seconds))), Replica.Of(log));
        var ticket = Guid.NewGuid();
        left.StoreClock.Note(left.StoreClock.Local.GetUtcNow(), TimeSpan.FromMilliseconds(1), DateTimeOffset.UtcNow);
        left.Open(Guid.NewGuid());
        await left.Sessions.ExchangeAsync(Stop); // connects

        var first = left.Open(ticket);
        link.HoldRequests();
        var noting = left.Sessions.ExchangeAsync(Stop);

        // The offset is known to within the shortest round trip, which is long on a busy machine.
        await Task.Delay(500, Stop);
        var second = right.Open(ticket);
        await right.Sessions.ExchangeAsync(Stop);
        link.Heal();
        await noting;

        foreach (var replica in (Replica[])[left, right, left])
            await replica.Sessions.ExchangeAsync(Stop);

        Assert.Equal((EndReason.Replaced, null), (first.StopReason, second.StopReason));
    }

    [Fact]
    public async Task The_newest_connection_on_one_replica_stays_although_the_note_of_the_one_before_was_slow()
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        await using var link = new FaultyLink(database.Host!, database.Port);
        await using var linked = await OpenLog.OpenAsync(
            new(database.ConnectionString) { Host = "127.0.0.1", Port = link.Port }
        );

        // Its clock seems to be ahead, so that a slow answer decides.
        var replica = Replica.Of(linked, new ShiftedClock(TimeSpan.FromSeconds(10)));
        var ticket = Guid.NewGuid();
        replica.Open(Guid.NewGuid());
        await replica.Sessions.ExchangeAsync(Stop); // connects

        var first = replica.Open(ticket);
        link.HoldRequests();
        var noting = replica.Sessions.ExchangeAsync(Stop);
        var second = replica.Open(ticket);

        link.Heal();
        await noting;
        await replica.Sessions.ExchangeAsync(Stop);
        await replica.Sessions.ExchangeAsync(Stop);
        Assert.Equal((EndReason.Replaced, null), (first.StopReason, second.StopReason));
    }

    [Fact]
    public async Task A_connection_is_not_ended_by_the_record_of_the_one_that_it_replaced()
    {
        await using var log = await OpenAsync();
        var replica = Replica.Of(log);
        var ticket = Guid.NewGuid();
        var first = replica.Open(ticket);

        await replica.Sessions.ExchangeAsync(Stop);
        first.Stopping = () => replica.Sessions.ExchangeAsync(Stop).Wait(Stop);
        var second = replica.Open(ticket);

        await replica.Sessions.ExchangeAsync(Stop);
        Assert.Equal((EndReason.Replaced, null), (first.StopReason, second.StopReason));
    }

    [Fact]
    public async Task Notes_from_before_a_replicas_first_connection_are_not_read()
    {
        await using var log = await OpenAsync();
        var replica = Replica.Of(log);
        var ticket = Guid.NewGuid();
        await log.ScalarAsync(
            $"""
            insert into eventstore.ticket_holders
            values ('{ticket}', 'other', clock_timestamp() + interval '1 day', clock_timestamp() - interval '1 hour')
            """
        );
        await replica.Sessions.ExchangeAsync(Stop);

        var stream = replica.Open(ticket);
        await replica.Sessions.ExchangeAsync(Stop);
        Assert.Null(stream.StopReason);
    }

    [Fact]
    public async Task The_use_of_a_ticket_is_reported_even_if_the_new_servers_clock_is_behind()
    {
        await using var log = await OpenAsync();
        var now = (await log.Tickets.NowAsync(TimeProvider.System, Stop)).Now;
        var used = new TicketConnection(Guid.NewGuid(), "c", now);
        await log.Tickets.NoteAsync([used], Stop);
        var (noted, _) = Assert.Single(await log.Tickets.NotedAfterAsync(DateTimeOffset.UtcNow.AddHours(1), Stop));
        Assert.Equal((used.Ticket, "c"), (noted.Ticket, noted.Connection));
    }

    private static async Task<OpenLog> OpenAsync() =>
        await OpenLog.OpenAsync(await Stores.Shared.CreateMigratedAsync(Stop));

    /// <summary>The tickets of a replica, without the replica.</summary>
    private sealed record Replica(OneStreamPerTicket Sessions, FilterRingRegistry Rings, StoreClock StoreClock)
    {
        public static Replica Of(OpenLog log, TimeProvider? clock = null)
        {
            clock ??= TimeProvider.System;
            var rings = new FilterRingRegistry(Options.Create(new SseOptions { Writers = 1 }), clock);
            var storeClock = new StoreClock(clock);

            return new(
                new(log.Tickets, rings, storeClock, clock, NullLogger<OneStreamPerTicket>.Instance),
                rings,
                storeClock
            );
        }

        public Stream Open(Guid ticket)
        {
            var stream = new Stream();
            Sessions.SessionOf(ticket).Enter(stream);
            return stream;
        }
    }

    private sealed class Stream : OpenStream
    {
        [SetsRequiredMembers]
        public Stream()
            : base(Guid.NewGuid().ToString("N"), new("", null, "", "")) =>
            Deadlines = new(ExpiryTimes.Endless, begunAt: 0, long.MaxValue, heartbeatSeconds: 15);

        public EndReason? StopReason { get; private set; }
        public Action? Stopping { get; set; }
        public override IReadOnlyList<string> Topics => [];
        public override string State => "live";
        public override long Lag => 0;

        public override void RequestEnd(EndReason reason)
        {
            StopReason = reason;
            Stopping?.Invoke();
        }
    }
}
