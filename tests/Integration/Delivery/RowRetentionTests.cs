using System.Globalization;

namespace Integration.Delivery;

/// <summary>Rows beside the log are kept for no longer than its events, or for its own time, which is
/// shorter.</summary>
public sealed class RowRetentionTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Two rows, of which the second is younger than its limit by a minute.</summary>
    [Theory]
    [InlineData(192, 24, "recent_ids (id, digest, position, time) select gen_random_uuid(), '', n, at")]
    [InlineData(1, 1, "recent_ids (id, digest, position, time) select gen_random_uuid(), '', n, at")]
    [InlineData(192, 24, "idempotency_keys (owner, key, digest, answer, created_at) select 'u', n, '', 'a', at")]
    [InlineData(1, 1, "idempotency_keys (owner, key, digest, answer, created_at) select 'u', n, '', 'a', at")]
    [InlineData(
        192,
        192,
        "outbox_refused (ordinal, id, topic, type, data, reason, refused_at) "
            + "select n, gen_random_uuid(), 'users.' || n, 'n', '1', 'r', at"
    )]
    [InlineData(
        1,
        1,
        "outbox_refused (ordinal, id, topic, type, data, reason, refused_at) "
            + "select n, gen_random_uuid(), 'users.' || n, 'n', '1', 'r', at"
    )]
    [InlineData(192, 192, "readers (topic, seen_at) select 'users.' || n, at")]
    // Without data of persons, and needed for their time however short the log is.
    [InlineData(1, 24, "ticket_holders (ticket, connection, opened_at, told_at) select gen_random_uuid(), 'c', at, at")]
    [InlineData(1, 24, "lost_appends (id, refused_at) select gen_random_uuid(), at")]
    public async Task A_row_beside_the_log_is_deleted_at_its_age(int maxAge, int hours, string row)
    {
        await using var log = await OpenLog.NewAsync(
            ("AspireSse:EventStore:MaxAge", TimeSpan.FromHours(maxAge).ToString("c", CultureInfo.InvariantCulture))
        );
        await log.ScalarAsync(
            $"""
            insert into eventstore.{row} from (values
                (1, clock_timestamp() - interval '{hours} hours 1 minute'),
                (2, clock_timestamp() - interval '{hours} hours' + interval '1 minute')) as r(n, at)
            """
        );

        await log.Retention.DropAsync(Stop);

        Assert.Equal(1L, await log.ScalarAsync($"select count(*) from eventstore.{row[..row.IndexOf(' ')]}"));
    }

    [Fact]
    public async Task A_run_is_ended_with_its_closing_events_when_it_is_older_than_the_log()
    {
        await using var log = await OpenLog.NewAsync(("AspireSse:EventStore:MaxAge", "8.00:00:00"));
        var writer = Guid.CreateVersion7();
        await log.Writers.EnterAsync(writer, "r", TimeSpan.FromHours(1), Stop);
        foreach (var (run, age) in new[] { ("g.old", "8 days 1 minute"), ("g.young", "7 days 23 hours") })
        {
            Assert.True(await log.Runs.BeginAsync(run, writer, """[{"type":"error","data":"{}"}]"""));
            await log.ScalarAsync(
                $"""
                update eventstore.runs set begun_at = begun_at - interval '{age}', handler = 'h'
                where run = '{run}'
                """
            );
        }

        // Restarted just now, each has a new attempt.
        await log.ScalarAsync("update eventstore.runs set writer = '00000000-0000-0000-0000-000000000000'");
        Assert.Equal(2, await log.ScalarAsync($"select cardinality(eventstore.take_over_runs('{writer}', '{{h}}'))"));

        await log.Retention.DropAsync(Stop);

        Assert.Equal("g.young", await log.ScalarAsync("select string_agg(run, ' ') from eventstore.runs"));
        await Assert.ThrowsAsync<RunFencedException>(() => log.Appender.AppendAsync([Event("g.old", writer)], Stop));
        await log.Appender.AppendAsync([Event("g.young", writer)], Stop);
        Assert.Equal(
            "g.old error, g.young n",
            await log.ScalarAsync(
                """
                select string_agg(topic || ' ' || type, ', ' order by position) from eventstore.events
                where type <> 'restarted'
                """
            )
        );
    }

    private static NewEvent Event(string run, Guid writer) =>
        new(EventTopic.Pattern(run), "n", "1", id: Guid.CreateVersion7()) { Run = new RunMark(writer) };
}
