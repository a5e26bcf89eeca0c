using Harness;
using Npgsql;

namespace Integration.Delivery;

/// <summary>A consumer follows the log through outages, promotions and retention.</summary>
public sealed class FollowTests(PromotionRig rig) : IClassFixture<PromotionRig>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_promotion_that_lost_events_tells_the_consumer_that_had_them_where_the_new_history_begins()
    {
        var database = await rig.CreateDatabaseAsync();
        await using var link = FaultyLink.To(database.ConnectionString, out var through);
        await using var log = await OpenLog.OpenAsync(new NpgsqlConnectionStringBuilder(through));
        await log.AppendAsync(8);
        var standby = await rig.CopyAsync(rig.Origin);
        var lost = await log.AppendAsync(60);

        await using var events = log.Log.FollowAsync(after: null, cancellationToken: Stop).GetAsyncEnumerator(Stop);
        await NextAsync(events, 68);
        Assert.Equal(lost[^1], events.Current.At);

        await standby.PromoteAsync();
        await using var promoted = await OpenLog.OpenAsync(standby.At(database.Database!));
        var kept = await promoted.AppendAsync(70);
        link.Redirect(standby.Port);

        var resync = await Assert.ThrowsAsync<ResyncException>(async () => await events.MoveNextAsync());
        Assert.Equal(
            (ResyncReason.Epoch, lost[^1], kept[0] with { Position = 8 }),
            (resync.Reason, resync.Requested, resync.ResumeFrom)
        );

        var followed = await log.Log.FollowAsync(resync.ResumeFrom).Take(70).ToArrayAsync(Stop);
        Assert.Equal(kept, followed.Select(e => e.At));
        await Assert.ThrowsAsync<ResyncException>(() => log.Log.ReadAsync(new() { After = lost[^1] }, Stop));
    }

    [Fact]
    public async Task A_consumer_does_not_notice_a_promotion_that_lost_nothing_nor_a_former_primary()
    {
        var database = await rig.CreateDatabaseAsync();
        await using var link = FaultyLink.To(database.ConnectionString, out var through);
        await using var log = await OpenLog.OpenAsync(new NpgsqlConnectionStringBuilder(through));
        await log.AppendAsync(5);
        await using var events = log.Log.FollowAsync(after: null, cancellationToken: Stop).GetAsyncEnumerator(Stop);
        await NextAsync(events, 5);

        link.Cut();
        var next = events.MoveNextAsync().AsTask();
        var server = await rig.PromoteAsync(rig.Origin);
        await using var promoted = await OpenLog.OpenAsync(server.At(database.Database!));
        var appended = await promoted.AppendAsync(3);
        link.Redirect(server.Port);

        Assert.True(await next);
        Assert.Equal(appended[0], events.Current.At);
        await NextAsync(events, 2);

        // A connection from before the promotion still leads to the former primary.
        link.Redirect(rig.Origin.Port);
        next = events.MoveNextAsync().AsTask();
        var received = link.Received;
        await Eventually.HoldsAsync(() => link.Received > received + 5_000, "the former primary has answered");
        Assert.False(next.IsCompleted);

        var last = await promoted.AppendAsync(1);
        link.Redirect(server.Port);
        Assert.True(await next);
        Assert.Equal(last[0], events.Current.At);
    }

    [Fact]
    public async Task Followers_are_woken_by_one_connection_that_listens()
    {
        await using var log = await OpenLog.NewAsync(("AspireSse:EventStore:PollMilliseconds", "600000"));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var following = Enumerable.Range(0, 5).Select(_ => CountAsync()).ToArray();
        await Eventually.HoldsAsync(async () => await ListenersAsync() == 1, "the followers listen");

        for (var n = 0; n < 3; n++)
            await log.AppendAsync(1);
        await Task.WhenAll(following);
        await Eventually.HoldsAsync(async () => await ListenersAsync() == 0, "nobody listens any more");

        async Task CountAsync() => await log.Log.FollowAsync(after: null).Take(3).ToArrayAsync(stop.Token);

        async Task<long> ListenersAsync() =>
            (long)
                (
                    await log.ScalarAsync(
                        """
                        select count(*) from pg_stat_activity
                        where datname = current_database() and query = 'listen eventstore'
                        """
                    )
                )!;
    }

    [Fact]
    public async Task A_consumer_that_retention_has_overtaken_is_told_where_the_log_begins()
    {
        await using var log = await OpenLog.NewAsync();
        var appended = await log.AppendAsync(5);
        await log.Database.ExecuteAsync("update eventstore.store set dropped_through = 3");

        var expired = await Assert.ThrowsAsync<ResyncException>(() =>
            log.Log.ReadAsync(new() { After = appended[1] }, Stop)
        );
        Assert.Equal((ResyncReason.Expired, appended[2]), (expired.Reason, expired.ResumeFrom));
        Assert.Equal(appended[4], (await log.Log.ReadAsync(new() { After = appended[2] }, Stop)).Next);
    }

    private static async Task NextAsync(IAsyncEnumerator<EventRecord> events, int count)
    {
        for (var n = 0; n < count; n++)
            Assert.True(await events.MoveNextAsync());
    }
}
