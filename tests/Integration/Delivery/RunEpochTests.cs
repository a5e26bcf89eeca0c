namespace Integration.Delivery;

/// <summary>A run goes on after a promotion with its writer, if the new server has all of its events.</summary>
public sealed class RunEpochTests(PromotionRig rig) : IClassFixture<PromotionRig>
{
    private const string Will = """[{"type":"error","data":"{}"}]""";
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task After_a_promotion_a_writer_confirms_each_run_and_runs_that_lost_an_event_end()
    {
        var database = await rig.CreateDatabaseAsync();
        var writer = Guid.CreateVersion7();
        await using var log = await OpenLog.OpenAsync(database);

        await log.Writers.EnterAsync(writer, "r", TimeSpan.FromHours(1), Stop);

        foreach (var run in (string[])["g.kept", "g.cut", "g.new"])
            Assert.True(await log.Runs.BeginAsync(run, writer, Will) is true);

        var kept = await WriteAsync(log, "g.kept", writer);
        await WriteAsync(log, "g.cut", writer);
        await log.Writers.ExpireAsync(writer, Stop);

        var server = await rig.PromoteAsync(rig.Origin);
        var lost = await WriteAsync(log, "g.cut", writer);

        await using var promoted = await OpenLog.OpenAsync(server.At(database.Database!));
        await Eventually.HoldsAsync(
            async () => await promoted.ScalarAsync("select expires_at < now() from eventstore.run_writers") is true,
            "the lease has expired by the new server's clock"
        );
        // The first call there is another replica's sweep, which leaves living writers time to renew.
        Assert.Empty(await promoted.Writers.SweepAsync(Guid.CreateVersion7(), Stop));

        foreach (var run in (string[])["g.kept", "g.cut", "g.new"])
            await Assert.ThrowsAsync<RunFencedException>(() => WriteAsync(promoted, run, writer));

        Assert.False(await promoted.Runs.ConfirmAsync("g.kept", Guid.CreateVersion7(), kept));
        Assert.False(await promoted.Runs.ConfirmAsync("g.cut", writer, lost));
        await Assert.ThrowsAsync<RunFencedException>(() => WriteAsync(promoted, "g.cut", writer));
        Assert.Equal(["n", "error"], await TypesAsync(promoted, "g.cut"));

        Assert.True(await promoted.Runs.ConfirmAsync("g.kept", writer, kept));
        Assert.True(await promoted.Runs.ConfirmAsync("g.new", writer, null));

        foreach (var run in (string[])["g.kept", "g.new"])
            await WriteAsync(promoted, run, writer);

        Assert.Equal(["n", "n"], await TypesAsync(promoted, "g.kept"));
        Assert.Equal(["n"], await TypesAsync(promoted, "g.new"));
    }

    /// <summary>Appends an event of the run and returns its id.</summary>
    private static async Task<Guid> WriteAsync(OpenLog log, string run, Guid writer) =>
        (await log.Appender.AppendAsync([new NewEvent(run, "n", "1") { Run = new RunMark(writer) }], Stop))[0].Id;

    private static async Task<string[]> TypesAsync(OpenLog log, string run) =>
        (string[])
            (
                await log.ScalarAsync(
                    $"select array(select type from eventstore.events where topic = '{run}' order by position)"
                )
            )!;
}
