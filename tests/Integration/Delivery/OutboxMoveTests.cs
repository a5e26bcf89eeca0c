namespace Integration.Delivery;

/// <summary>All publishers wait while outbox rows move into the log, so a move is as small as a group commit.</summary>
public sealed class OutboxMoveTests
{
    [Fact]
    public async Task A_move_takes_few_large_rows_and_the_first_one_whatever_its_size()
    {
        await using var log = await OpenLog.NewAsync();
        await log.ScalarAsync(
            """
            insert into eventstore.outbox (topic, type, data)
            select 't.1', 'n', to_json(repeat('x', kilobytes * 1000))::text
            from unnest(array[100, 100, 100, 100, 900, 1, 1]) as kilobytes
            """
        );

        var fence = await log.ScalarAsync("select eventstore.hold_lease('broadcaster', 'test', '1 hour')");
        var moved = new List<object?>();
        do moved.Add(await log.ScalarAsync($"select moved from eventstore.move_outbox('broadcaster', {fence}, 500)"));
        while (moved[^1] is > 0);

        Assert.Equal([3, 2, 2, 0], moved);
    }

    [Fact]
    public async Task Rows_enter_the_log_in_the_order_in_which_they_were_written()
    {
        await using var log = await OpenLog.NewAsync();
        await log.ScalarAsync(
            "insert into eventstore.outbox (topic, type, data) select 't.1', 'n', g::text from generate_series(1, 20) g"
        );

        var fence = await log.ScalarAsync("select eventstore.hold_lease('broadcaster', 'test', '1 hour')");
        await log.ScalarAsync($"select moved from eventstore.move_outbox('broadcaster', {fence}, 500)");

        Assert.Equal(
            string.Join(' ', Enumerable.Range(1, 20)),
            await log.ScalarAsync("select string_agg(data, ' ' order by position) from eventstore.events")
        );
    }
}
