using EventStore;

namespace Integration.Delivery;

/// <summary>The store's treatment of a run's events and end when requests or answers were lost.</summary>
public sealed class RunAppendTests
{
    private const string Will = """[{"type":"error","data":"{}"}]""";
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_late_append_is_refused_after_its_retry_was_decided()
    {
        await using var log = await OpenLog.NewAsync();
        var writer = await BeginAsync(log, "g.1");
        var (lost, retry) = (Event("g.1", writer, "1"), Event("g.1", writer, "1"));
        Assert.True(await log.Runs.RefuseAppendAsync("g.1", lost.Id!.Value));
        await log.Appender.AppendAsync([retry], Stop);

        // As a part of other requests' batch.
        var late = log.Appender.AppendAsync([lost, Event("g.1", writer, "2")], Stop);
        await log.Appender.AppendAsync([new NewEvent("t.1", "n", "1")], Stop);
        await Assert.ThrowsAsync<RunFencedException>(() => late);
        // The lost request is refused, not the run.
        await log.Appender.AppendAsync([Event("g.1", writer, "3")], Stop);
        Assert.Equal(["1", "3"], await DataAsync(log, "g.1"));

        Assert.False(await log.Runs.RefuseAppendAsync("g.1", retry.Id!.Value));
        Assert.Equal(["1", "3"], await DataAsync(log, "g.1"));
    }

    [Fact]
    public async Task An_event_of_another_writer_is_refused_also_while_lost_requests_are_remembered()
    {
        await using var log = await OpenLog.NewAsync();
        var writer = await BeginAsync(log, "g.1");
        var other = await BeginAsync(log, "g.2");

        await Assert.ThrowsAsync<RunFencedException>(() => log.Appender.AppendAsync([Event("g.1", other, "0")], Stop));

        Assert.True(await log.Runs.RefuseAppendAsync("g.1", Guid.CreateVersion7()));
        await Assert.ThrowsAsync<RunFencedException>(() => log.Appender.AppendAsync([Event("g.1", other, "0")], Stop));

        await log.Appender.AppendAsync([Event("g.1", writer, "1")], Stop);
        Assert.Equal(["1"], await DataAsync(log, "g.1"));
    }

    [Fact]
    public async Task A_refused_request_does_not_end_its_run()
    {
        await using var log = await OpenLog.NewAsync();
        var writer = await BeginAsync(log, "g.1");
        var end = Event("g.1", writer, "1") with { Run = new RunMark(writer, Ends: true) };

        Assert.True(await log.Runs.RefuseAppendAsync("g.1", end.Id!.Value));
        await Assert.ThrowsAsync<RunFencedException>(() => log.Appender.AppendAsync([end], Stop));

        await log.Appender.AppendAsync([Event("g.1", writer, "2")], Stop);
        Assert.Equal(["2"], await DataAsync(log, "g.1"));
    }

    [Fact]
    public async Task A_turn_that_has_just_begun_is_not_abandoned_for_the_one_before_it()
    {
        await using var log = await OpenLog.NewAsync();
        var writer = await BeginAsync(log, "sessions.1");
        Assert.Empty(await log.Writers.AbandonAsync(["sessions.1"], writer, TimeSpan.FromHours(1), Stop));
        await log.Appender.AppendAsync([Event("sessions.1", writer, "1")], Stop);
        Assert.Equal(["sessions.1"], await log.Writers.AbandonAsync(["sessions.1"], writer, TimeSpan.Zero, Stop));
        Assert.Equal(["1", "{}"], await DataAsync(log, "sessions.1"));
    }

    [Fact]
    public async Task Only_a_run_that_is_abandoned_with_its_announcement_gives_its_idempotency_key_back()
    {
        await using var log = await OpenLog.NewAsync();
        var writer = await BeginAsync(log, "g.1");
        await log.ScalarAsync(
            "insert into eventstore.idempotency_keys (owner, key, digest, answer) values ('o', 'a', '', 'begun'), "
                + "('o', 'b', '', 'created')"
        );

        foreach (var run in (string[])["sessions.begun", "sessions.created"])
            Assert.NotNull(await log.Runs.BeginAnnouncedAsync(run, writer, Will, "{}", null));

        await log.Runs.ReleaseAsync("sessions.created", writer);
        Assert.True(await log.Runs.BeginAsync("sessions.created", writer, Will)); // its next turn
        string[] both = ["sessions.begun", "sessions.created"];

        Assert.Equal(both, (await log.Writers.AbandonAsync(both, writer, TimeSpan.Zero, Stop)).Order());
        Assert.Equal("b", await log.ScalarAsync("select string_agg(key, ' ') from eventstore.idempotency_keys"));
    }

    [Fact]
    public async Task A_writer_without_a_lease_is_distinguished_from_a_run_of_another_writer()
    {
        await using var log = await OpenLog.NewAsync();
        var writer = await BeginAsync(log, "sessions.1");
        Assert.False(await log.Runs.BeginAsync("sessions.1", writer, Will));
        await log.Writers.ExpireAsync(writer, Stop);
        Assert.False(await log.Runs.BeginAsync("sessions.1", writer, Will));
        Assert.Null(await log.Runs.BeginAsync("sessions.2", writer, Will));
        // It sweeps others, not itself.
        Assert.Empty(await log.Writers.SweepAsync(writer, Stop));
        Assert.Equal(["sessions.1"], await log.Writers.SweepAsync(Guid.CreateVersion7(), Stop));
    }

    /// <summary>A run would seem to have no events.</summary>
    [Fact]
    public async Task The_event_at_the_end_that_is_read_comes_whatever_its_size()
    {
        await using var log = await OpenLog.NewAsync();
        var writer = await BeginAsync(log, "g.1");
        var large = $"\"{new string('x', 2_000)}\"";

        await log.Appender.AppendAsync(
            [Event("g.1", writer, large), Event("g.1", writer, "2"), Event("g.1", writer, large)],
            Stop
        );

        var runs = new RunStore(log.Database, log.Database);
        var (oldest, newest) = (new List<long>(), new List<long>());
        var extents = (
            await runs.ReadOldestAsync("g.1", 1_000, e => oldest.Add(e.Position), Stop),
            await runs.ReadNewestAsync("g.1", 1_000, e => newest.Add(e.Position), Stop)
        );

        Assert.Equal((false, false), (extents.Item1.IsWhole, extents.Item2.IsWhole));
        Assert.Equal([1], oldest);
        Assert.Equal([3], newest);
    }

    private static async Task<Guid> BeginAsync(OpenLog log, string run)
    {
        var writer = Guid.CreateVersion7();
        await log.Writers.EnterAsync(writer, "r", TimeSpan.FromHours(1), Stop);
        Assert.True(await log.Runs.BeginAsync(run, writer, Will));
        return writer;
    }

    private static NewEvent Event(string run, Guid writer, string data) =>
        new(EventTopic.Pattern(run), "n", data, id: Guid.CreateVersion7()) { Run = new RunMark(writer) };

    private static async Task<string[]> DataAsync(OpenLog log, string run) =>
        (string[])
            (
                await log.ScalarAsync(
                    $"select array(select data from eventstore.events where topic = '{run}' order by position)"
                )
            )!;
}
