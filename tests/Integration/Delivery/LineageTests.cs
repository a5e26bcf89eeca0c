using EventStore;
using LocalServices;
using Npgsql;

namespace Integration.Delivery;

/// <summary>An id stays good in every epoch whose log has the event, and in no other.</summary>
public sealed class LineageTests(PromotionRig rig) : IClassFixture<PromotionRig>
{
    [Fact]
    public async Task After_promotions_an_id_is_valid_up_to_the_last_shared_event()
    {
        var database = await rig.CreateDatabaseAsync();
        await using var first = await OpenLog.OpenAsync(database);
        var kept = await first.AppendAsync(5);
        var second = await rig.PromoteAsync(rig.Origin);
        var lost = await first.AppendAsync(3);
        await using var log2 = await OpenLog.OpenAsync(second.At(database.Database!));
        // The first read, before any write.
        var head2 = await log2.HeadAsync();

        Assert.Equal(kept[^1].Position, head2.Position);
        Assert.NotEqual(kept[0].Epoch, head2.Epoch);
        Assert.Equal(head2 with { Position = kept[^1].Position }, await log2.HonouredAsync(kept[^1]));
        Assert.Null(await log2.HonouredAsync(lost[0]));

        var kept2 = await log2.AppendAsync(20);
        Assert.All(kept2, id => Assert.Equal(head2.Epoch, id.Epoch));
        // Beyond its own fork, although the new log has got further meanwhile.
        Assert.Null(await log2.HonouredAsync(lost[^1]));

        var third = await rig.PromoteAsync(second);
        var lost2 = await log2.AppendAsync(4);
        await using var log3 = await OpenLog.OpenAsync(third.At(database.Database!));
        // The first write, before any read.
        var kept3 = await log3.AppendAsync(2);
        var fourth = await rig.PromoteAsync(third);
        await using var log4 = await OpenLog.OpenAsync(fourth.At(database.Database!));

        foreach (var id in (StreamPosition[])[.. kept, .. kept2, .. kept3])
            Assert.Equal(id.Position, (await log4.HonouredAsync(id))?.Position);

        foreach (var id in (StreamPosition[])[.. lost, .. lost2])
            Assert.Null(await log4.HonouredAsync(id));

        Assert.Equal(4L, await log4.ScalarAsync("select count(distinct epoch) from eventstore.lineage"));
    }

    [Fact]
    public async Task A_former_primary_does_not_decide_about_an_epoch_that_it_missed()
    {
        var database = await rig.CreateDatabaseAsync();
        await using var former = await OpenLog.OpenAsync(database);
        var kept = await former.AppendAsync(2);
        var server = await rig.PromoteAsync(rig.Origin);
        await using var promoted = await OpenLog.OpenAsync(server.At(database.Database!));
        var epoch = (await promoted.AppendAsync(1))[0].Epoch;

        // A connection to it is still open, and another one has named the epoch.
        Assert.Null(await former.Lineages.FindAsync(epoch, TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () =>
            await former.Lineages.TranslateAsync(kept[0], epoch, TestContext.Current.CancellationToken)
        );
        Assert.Equal(kept[0] with { Epoch = epoch }, await promoted.HonouredAsync(kept[0]));
    }

    [Fact]
    public async Task Two_forks_of_one_backup_accept_its_ids_but_not_each_others()
    {
        var database = await rig.CreateDatabaseAsync();
        await using var origin = await OpenLog.OpenAsync(database);
        var common = await origin.AppendAsync(5);
        var forks = new List<(OpenLog Log, StreamPosition[] Ids)>();
        foreach (var server in new[] { await rig.PromoteAsync(rig.Origin), await rig.PromoteAsync(rig.Origin) })
        {
            var log = await OpenLog.OpenAsync(server.At(database.Database!));
            Assert.Equal(
                "00000002",
                await log.ScalarAsync("select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)")
            );
            forks.Add((log, await log.AppendAsync(5)));
        }

        foreach (var (log, ids) in forks)
        {
            Assert.NotNull(await log.HonouredAsync(common[^1]));
            Assert.NotNull(await log.HonouredAsync(ids[^1]));
        }

        Assert.Null(await forks[0].Log.HonouredAsync(forks[1].Ids[0]));
        Assert.Null(await forks[1].Log.HonouredAsync(forks[0].Ids[0]));
        Assert.Null(await origin.HonouredAsync(forks[0].Ids[0]));

        foreach (var (log, _) in forks)
            await log.DisposeAsync();
    }

    [Theory]
    [InlineData("reset")]
    [InlineData("new_epoch")]
    public async Task A_history_that_is_declared_honours_nothing_that_was_before_it(string how)
    {
        await using var log = await NewAsync();
        var before = await log.AppendAsync(5);
        await log.ScalarAsync($"select eventstore.{how}()");

        var after = await log.AppendAsync(1);
        Assert.Null(await log.HonouredAsync(before[0]));
        Assert.Equal(after[0], await log.HonouredAsync(after[0]));
        Assert.Equal(1L, await log.ScalarAsync("select count(*) from eventstore.lineage"));

        var page = await log.Reader.ReadAsync(0, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(how == "reset" ? 1 : 6, page.Events.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_restored_dump_accepts_its_own_ids_but_no_later_ones(bool intoTheSameDatabase)
    {
        var database = await rig.CreateDatabaseAsync();
        var dump = Path.Combine(Path.GetTempPath(), $"{database.Database}.dump");
        var origin = await OpenLog.OpenAsync(database);
        var kept = await origin.AppendAsync(5);

        Run("pg_dump", database, "-Fc", "-f", dump, database.Database!);
        var later = await origin.AppendAsync(3);
        var target = database;

        if (!intoTheSameDatabase)
        {
            target = new(database.ConnectionString) { Database = database.Database + "_restored" };
            await origin.ScalarAsync($"create database {target.Database}");
        }

        await using (var place = NpgsqlDataSource.Create(target.ConnectionString))
            await place.ExecuteAsync("drop schema if exists eventstore cascade; create schema eventstore");

        Run("pg_restore", target, "-n", "eventstore", "-d", target.Database!, dump);
        File.Delete(dump);
        await using var restored = intoTheSameDatabase ? origin : await OpenLog.OpenAsync(target);
        // Positions are given again, so the ids of these must not be taken for the new ones.
        var after = await restored.AppendAsync(3);

        Assert.Equal(later[0].Position, after[0].Position);
        Assert.NotEqual(later[0].Epoch, after[0].Epoch);
        Assert.Equal(kept[^1].Position, (await restored.HonouredAsync(kept[^1]))?.Position);
        Assert.Null(await restored.HonouredAsync(later[0]));

        if (!intoTheSameDatabase)
            await origin.DisposeAsync();
    }

    [Fact]
    public async Task After_retention_an_id_of_an_early_epoch_is_still_known_and_gets_the_oldest_event()
    {
        await using var log = await NewAsync();
        var kept = await log.AppendAsync(20);
        await PromoteAsync();
        await log.AppendAsync(1);
        await log.ScalarAsync("update eventstore.store set dropped_through = 21");
        await PromoteAsync();

        var last = await PromoteAsync();
        Assert.Equal(4L, await log.ScalarAsync("select count(*) from eventstore.lineage"));
        Assert.Equal(kept[5] with { Epoch = last }, await log.HonouredAsync(kept[5]));
        Assert.Null(await log.HonouredAsync(kept[^1] with { Position = 21 })); // lost at the first fork

        async Task<string> PromoteAsync()
        {
            await log.ScalarAsync("update eventstore.lineage set fingerprint = 'former'");
            return (await log.HeadAsync()).Epoch;
        }
    }

    /// <summary>Streams go on in the new epoch from where such a page ends. A read has two statements: one finds the
    /// events, the next one fetches them.</summary>
    [Fact]
    public async Task A_page_read_across_a_change_of_epoch_is_empty()
    {
        await using var log = await NewAsync();
        await log.AppendAsync(20);
        // Another epoch for the statement that reads the data, which follows the one that seeks the events.
        await log.Database.ExecuteAsync(
            """
            create or replace function eventstore.epoch() returns text language plpgsql stable as $$
            begin
                return case when current_query() like '%e.data%' then 'after' else 'before' end;
            end $$
            """
        );

        var filter = EventFilter.Of(["t.1"], [], []);

        var page = await log.Reader.ReadAsync(7, filter, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(("after", 7L, 20L), (page.Epoch, page.Through, page.Head));
        Assert.Empty(page.Events);

        var newest = await log.Reader.ReadNewestAsync(
            7,
            filter,
            cancellationToken: TestContext.Current.CancellationToken
        );
        Assert.Equal((7L, 7L, null), (newest.Page.Through, newest.Through, newest.Skipped));
    }

    [Fact]
    public async Task After_a_promotion_a_fence_is_higher_than_any_that_the_lost_server_gave()
    {
        var database = await rig.CreateDatabaseAsync();
        await using var log = await OpenLog.OpenAsync(database);
        await HoldAsync(log, "copied", "first");

        var standby = await rig.PromoteAsync(rig.Origin);
        // Not on the standby.
        var lost = 0L;
        foreach (var holder in (string[])["a", "b", "c"])
        foreach (var lease in (string[])["copied", "new"])
            lost = Math.Max(lost, await HoldAsync(log, lease, holder));

        await using var promoted = await OpenLog.OpenAsync(standby.At(database.Database!));

        foreach (var lease in (string[])["copied", "new"])
        {
            var given = await HoldAsync(promoted, lease, "d");
            Assert.True(given > lost, $"{given} after {lost}");
        }

        static async Task<long> HoldAsync(OpenLog log, string lease, string holder)
        {
            var fence = await log.ScalarAsync(
                $"select eventstore.hold_lease('{lease}', '{holder}', interval '1 hour')"
            );
            await log.ScalarAsync("update eventstore.leases set expires_at = clock_timestamp() - interval '1 second'");
            return (long)fence!;
        }
    }

    [Fact]
    public async Task A_copy_within_the_cluster_accepts_its_own_ids_but_no_later_ones()
    {
        var database = await rig.CreateDatabaseAsync();
        StreamPosition[] kept;
        await using (var origin = await OpenLog.OpenAsync(database))
            kept = await origin.AppendAsync(5);

        // Possible once every connection to it is gone.
        await Eventually.HoldsAsync(
            async () =>
            {
                var copy = $"create database {database.Database}_copy template {database.Database}";
                await rig.Origin.AskAsync<object>(copy);
                return true;
            },
            "the database is copied"
        );

        await using var log = await OpenLog.OpenAsync(database);
        await using var copied = await OpenLog.OpenAsync(rig.Origin.At($"{database.Database}_copy"));
        var later = await log.AppendAsync(3);
        var other = await copied.AppendAsync(3);
        Assert.NotNull(await copied.HonouredAsync(kept[^1]));
        Assert.Null(await copied.HonouredAsync(later[0]));
        Assert.Null(await log.HonouredAsync(other[0]));
    }

    [Fact]
    public async Task Two_that_record_a_new_place_at_once_record_one_epoch()
    {
        await using var log = await NewAsync();
        await log.AppendAsync(3);
        await log.ScalarAsync("update eventstore.lineage set fingerprint = 'the former server'");

        Task<object?>[] recording;
        await using (var connection = await log.Database.OpenConnectionAsync(TestContext.Current.CancellationToken))
        {
            await using var writing = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
            await using var locks = new NpgsqlCommand("select eventstore.lock_log()", connection, writing);
            await locks.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            // Both have seen that the newest epoch is of another place.
            recording = [.. Enumerable.Range(0, 2).Select(_ => log.ScalarAsync("select eventstore.begin_epoch()"))];
            await Eventually.HoldsAsync(
                async () =>
                    await log.ScalarAsync(
                        "select count(*) from pg_stat_activity where datname = current_database() "
                            + "and wait_event = 'advisory'"
                    )
                        is 2L,
                "both wait for the log"
            );
            await writing.CommitAsync(TestContext.Current.CancellationToken);
        }

        var recorded = await Task.WhenAll(recording);
        Assert.Equal(recorded[0], recorded[1]);
        Assert.Equal(2L, await log.ScalarAsync("select count(*) from eventstore.lineage"));
    }

    /// <summary>A cluster that was set up by the same commands has the same oids.</summary>
    [Fact]
    public async Task The_fingerprint_has_the_cluster()
    {
        await using var log = await NewAsync();
        var cluster = await log.Database.AskAsync<long>("select system_identifier from pg_control_system()");
        var fingerprint = await log.Database.AskAsync<string>("select eventstore.fingerprint()");
        Assert.StartsWith($"{cluster}/", fingerprint, StringComparison.Ordinal);
    }

    /// <summary>Covers functions that may be the first write after a promotion, such as a sweep.</summary>
    [Fact]
    public async Task Every_function_that_writes_records_the_epoch_first()
    {
        await using var log = await NewAsync();
        await log.AppendAsync(3);
        await log.ScalarAsync(
            """
            insert into eventstore.run_writers values (gen_random_uuid(), 'r', clock_timestamp() + interval '1 hour');
            insert into eventstore.leases select 'held', 'h', 7, clock_timestamp() + interval '1 hour';
            insert into eventstore.runs (run, writer, will)
            select run, id, '[{"type":"error","data":"1"}]'
            from eventstore.run_writers, unnest(array['g.1', 'g.2']) run;
            insert into eventstore.outbox (id, topic, type, data) values (gen_random_uuid(), 't.1', 'n', '1')
            """
        );

        foreach (
            var call in (string[])
                [
                    "take_positions(1)",
                    "move_outbox('held', 7, 10)",
                    "sweep_runs()",
                    "hold_lease('other', 'h', interval '1 hour')",
                    "begin_run('g.3', (select id from eventstore.run_writers), '[]')",
                    "begin_announced_run('g.4', (select id from eventstore.run_writers), '[]', '{}', null)",
                    "confirm_run('g.1', (select id from eventstore.run_writers), null)",
                    "abandon_runs(array['g.2'], (select id from eventstore.run_writers))",
                ]
        )
        {
            var head = await log.HeadAsync();
            var epochs = await CountAsync();
            await log.ScalarAsync("update eventstore.lineage set fingerprint = 'the former server'");
            await log.ScalarAsync($"select count(*) from eventstore.{call}");
            Assert.Equal((call, epochs + 1), (call, await CountAsync()));
            var common = "select common from eventstore.lineage order by number desc limit 1";
            Assert.Equal((call, head.Position), (call, await log.ScalarAsync(common)));
        }

        async Task<long> CountAsync() => (long)(await log.ScalarAsync("select count(*) from eventstore.lineage"))!;
    }

    /// <summary>Opens a log that no copy of the server has to have.</summary>
    private static async Task<OpenLog> NewAsync()
    {
        var log = await OpenLog.NewAsync();
        // A history of its own, and not one that continues that of the migrated database.
        await log.ScalarAsync("select eventstore.new_epoch()");
        return log;
    }

    private static void Run(string program, NpgsqlConnectionStringBuilder at, params string[] arguments)
    {
        var result = Command.Run(program, ["-h", at.Host!, "-p", $"{at.Port}", "-U", at.Username!, .. arguments]);
        Assert.SkipWhen(result is null, $"There is no {program} here.");
        Assert.True(result.ExitCode == 0, result.Output);
    }
}
