using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Integration.Llm;

/// <summary>A replica whose lease on runs has expired, although it lives.</summary>
public sealed class RunLeaseTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_replica_whose_renewals_wait_too_long_does_not_end_its_own_runs()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        await using var system = await StartAsync(upstream, ("Runs__LeaseSeconds", "3"));
        var finish = new TaskCompletionSource();
        var prompt = upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("before ");
            await finish.Task;
            await request.TokenAsync("after");
            await request.EndAsync(2);
        });
        var id = await LlmSystem.GenerateAsync(system.Replicas[0], prompt, "openai");
        await using var reader = await SseReader.OpenAsync(system.Replicas[0].Url, LlmSystem.Stream(id));
        await reader.WaitForEventsAsync(1);
        await using (var other = await system.Database.OpenConnectionAsync(Stop))
        await using (var transaction = await other.BeginTransactionAsync(Stop))
        {
            await using var hold = other.CreateCommand();
            hold.CommandText = "select from eventstore.run_writers for update";
            await hold.ExecuteNonQueryAsync(Stop);
            // The waiting renewal sets a time that is past when it is stored.
            await WaitForAsync(
                system,
                "select exists (select from pg_stat_activity where datname = current_database() "
                    + "and wait_event_type = 'Lock' and query like '%update eventstore.run_writers%' "
                    + "and query_start < clock_timestamp() - interval '3.2 s')",
                "a renewal has waited for longer than the lease"
            );
        }
        await WaitForAsync(
            system,
            "select bool_or(expires_at > clock_timestamp()) from eventstore.run_writers",
            "the replica has a lease again"
        );
        Assert.Equal("running", (await LlmSystem.StateAsync(system.Replicas[0], id)).GetProperty("status").GetString());
        finish.SetResult();
        await reader.WaitForEndAsync();
        Assert.Equal(("before after", "done"), (LlmSystem.Text(reader.Events, "text"), reader.Events.Last().Event));
    }

    [Fact]
    public async Task A_message_that_a_replica_acknowledges_without_a_lease_is_answered_once_it_has_one()
    {
        await using var upstream = await FakeUpstream.StartAsync();
        // The replica does not renew within the test: the test does.
        await using var system = await StartAsync(
            upstream,
            ("Runs__RenewSeconds", "60"),
            ("Runs__LeaseSeconds", "121")
        );
        var replica = system.Replicas[0];
        var prompt = upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("answer");
            await request.EndAsync(1);
        });
        using var made = await LlmSystem.PostAsync(replica, "/session", new { provider = "openai" });
        var session = (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("session_id").GetString();
        // Open before the message: a stream that opens asks for an answer too.
        await using var reader = await SseReader.OpenAsync(replica.Url, $"/stream/{session}");
        await reader.WaitAsync(r => r.LastId is not null);
        await SetLeaseAsync("clock_timestamp() - interval '1 second'");
        using (var sent = await LlmSystem.PostAsync(replica, $"/message/{session}", new { content = prompt }))
            Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
        await Eventually.HoldsAsync(
            () => replica.Output.Contains("lost its lease", StringComparison.Ordinal),
            "the replica has tried to answer"
        );
        await SetLeaseAsync("clock_timestamp() + interval '1 hour'");
        await reader.WaitAsync(r => r.Events.Any(e => e.Data == """{"type":"message_end"}"""));
        Assert.Equal("answer", LlmSystem.Text(reader.Events, "data"));

        async Task SetLeaseAsync(string time)
        {
            await using var command = system.Database.CreateCommand(
                $"update eventstore.run_writers set expires_at = {time}"
            );
            Assert.Equal(1, await command.ExecuteNonQueryAsync(Stop));
        }
    }

    private static Task<World> StartAsync(FakeUpstream upstream, params (string Name, string Value)[] more)
    {
        var settings = LlmSystem.Settings(upstream);
        foreach (var (name, value) in more)
            settings[name] = value;
        return World.Start(o => o.Broadcasters(0).Set(settings));
    }

    private static Task WaitForAsync(World system, string sql, string what) =>
        Eventually.HoldsAsync(
            async () =>
            {
                await using var command = system.Database.CreateCommand(sql);
                return await command.ExecuteScalarAsync(Stop) is true;
            },
            what
        );
}
