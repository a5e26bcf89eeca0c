using System.Globalization;
using Stack;

namespace Integration.Delivery;

/// <summary>Each kind of work has connections of its own: what hangs in one takes nothing from the others.</summary>
public sealed class BulkheadTests(StackFixture stack)
{
    [Fact]
    public async Task Searches_that_hang_take_nothing_from_publishing_and_live_streams_and_end_with_their_clients()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var system = await DeliverySystem.StartAsync(stack, settings: new() { ["EventStore__CommandTimeoutSeconds"] = "300" });
        var replica = system.Replicas[0];
        var positions = await DeliverySystem.PublishNumbersAsync(replica, "t.1", 1, 10);
        await using (var slow = system.Database.CreateCommand("""
            create or replace function eventstore.epoch() returns text language plpgsql stable as $$
            begin
                if current_query() like '%as bytes,%' then perform pg_sleep(300); end if;
                return (select substr(md5(concat_ws('/', s.id, c.system_identifier, d.oid, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))), 1, 10)
                    from eventstore.store s, pg_control_system() c, pg_database d where d.datname = current_database());
            end $$
            """)) await slow.ExecuteNonQueryAsync(cancellationToken);

        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(10) };
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var hanging = Enumerable.Range(0, 50).Select(_ => http.GetAsync(new Uri(replica.Url, "/v1/events?type=n"), leave.Token)).ToList();
        var stalled = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => SseReader.OpenAtAsync(replica.Url, "/v1/events/stream?type=none", positions[0])));
        await DeliverySystem.EventuallyAsync(async () => await HangingAsync() > 3, "searches hang");

        await using var live = await SseReader.OpenAsync(replica.Url, "/v1/events/stream?topic=live");
        foreach (var n in Enumerable.Range(1, 50)) await DeliverySystem.PublishAsync(replica, new { topic = "live", type = "n", data = n });
        await live.WaitForEventsAsync(50);
        Assert.Equal(Enumerable.Range(1, 50), live.Events.Select(e => int.Parse(e.Data!, CultureInfo.InvariantCulture)));
        Assert.All(hanging, request => Assert.False(request.IsCompleted));

        await leave.CancelAsync();
        foreach (var reader in stalled) await reader.DisposeAsync();
        await DeliverySystem.EventuallyAsync(async () => await HangingAsync() == 0, "Postgres runs nothing for clients that have gone");

        async Task<long> HangingAsync()
        {
            await using var ask = system.Database.CreateCommand(
                "select count(*) from pg_stat_activity where datname = current_database() and state = 'active' and pid <> pg_backend_pid() and query like '%as bytes,%'");
            return (long)(await ask.ExecuteScalarAsync(cancellationToken))!;
        }
    }

    [Fact]
    public async Task The_server_gives_up_a_statement_whose_client_does_not()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var system = await DeliverySystem.StartAsync(stack, settings: new() { ["EventStore__CommandTimeoutSeconds"] = "7" });
        await DeliverySystem.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 1);
        await using (var hang = system.Database.CreateCommand("""
            create or replace function eventstore.epoch() returns text language plpgsql stable as $$
            begin
                perform pg_sleep(300);
                return 'never';
            end $$
            """)) await hang.ExecuteNonQueryAsync(cancellationToken);
        await DeliverySystem.EventuallyAsync(async () => await RunningAsync() > 0, "a read of the replica hangs");
        system.Postgres.Freeze();       // its client neither cancels nor closes
        await DeliverySystem.EventuallyAsync(async () => await RunningAsync() == 0, "Postgres has given it up");

        async Task<long> RunningAsync()
        {
            await using var ask = system.Database.CreateCommand(
                "select count(*) from pg_stat_activity where datname = current_database() and state = 'active' and wait_event = 'PgSleep'");
            return (long)(await ask.ExecuteScalarAsync(cancellationToken))!;
        }
    }
}
