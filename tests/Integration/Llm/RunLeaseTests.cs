using Integration.Seeds;

namespace Integration.Llm;

/// <summary>A replica whose lease on runs has expired, although it lives.</summary>
public sealed class RunLeaseTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    [Fact]
    public async Task A_replica_whose_renewals_wait_too_long_does_not_end_its_own_runs()
    {
        await using var system = await StartAsync(o => o.Set("AspireSse:Runs:LeaseSeconds", 3));
        var replica = system.Replicas[0];
        var finish = new TaskCompletionSource();
        var prompt = Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("before ");
            await finish.Task;
            await request.TokenAsync("after");
            await request.EndAsync(2);
        });
        var id = await LlmSystem.GenerateAsync(replica, prompt, "openai");
        await using var reader = await SseReader.OpenAsync(replica.Url, LlmSystem.Stream(id)).ToEventsAsync(1);

        await using (var other = await system.Database.OpenConnectionAsync(Stop))
        await using (await other.BeginTransactionAsync(Stop))
        {
            await using var hold = other.CreateCommand();
            hold.CommandText = "select from eventstore.run_writers for update";
            await hold.ExecuteNonQueryAsync(Stop);
            // The waiting renewal sets a time that is past when it is stored.
            await IsTrueAsync(
                "select exists (select from pg_stat_activity where datname = current_database() "
                    + "and wait_event_type = 'Lock' and query like '%update eventstore.run_writers%' "
                    + "and query_start < clock_timestamp() - interval '3.2 s')",
                "a renewal has waited for longer than the lease"
            );
        }

        await IsTrueAsync(
            "select bool_or(expires_at > clock_timestamp()) from eventstore.run_writers",
            "the replica has a lease again"
        );
        Assert.Equal("running", (await LlmSystem.StateAsync(replica, id)).Text("status"));
        finish.SetResult();
        await reader.WaitForEndAsync();
        Assert.Equal(("before after", "done"), (LlmSystem.Text(reader.Events, "text"), reader.Events.Last().Event));

        Task IsTrueAsync(string sql, string what) =>
            Eventually.HoldsAsync(() => system.Database.AskAsync<bool>(sql), what);
    }

    [Fact]
    public async Task A_message_that_a_replica_acknowledges_without_a_lease_is_answered_once_it_has_one()
    {
        // The replica does not renew within the test: the test does.
        await using var system = await StartAsync(o =>
            o.Set("AspireSse:Runs:RenewSeconds", 60).Set("AspireSse:Runs:LeaseSeconds", 121)
        );
        var replica = system.Replicas[0];
        var session = await LlmSystem.SessionAsync(replica);
        // Open before the message: a stream that opens asks for an answer too.
        await using var reader = await SseReader.OpenAtAsync(replica.Url, $"/stream/{session}");

        await SetLeaseAsync("clock_timestamp() - interval '1 second'");
        await LlmSystem.SendAsync(replica, session, Upstream.Saying("answer"));
        await Eventually.HoldsAsync(
            () => replica.Output.Contains("lost its lease", StringComparison.Ordinal),
            "the replica has tried to answer"
        );
        await SetLeaseAsync("clock_timestamp() + interval '1 hour'");
        await LlmSystem.AnsweredAsync(reader);
        Assert.Equal("answer", LlmSystem.Text(reader.Events, "data"));

        async Task SetLeaseAsync(string time) =>
            Assert.Equal(
                1,
                await system.Database.ExecuteAsync($"update eventstore.run_writers set expires_at = {time}")
            );
    }

    private Task<World> StartAsync(Action<WorldOptions> more) =>
        World.Start(o => more(o.Broadcasters(0).Set(LlmSystem.Settings(Upstream))));
}
