using System.Net;
using System.Text;
using EventStore;
using Harness;
using Npgsql;

namespace Integration.Delivery;

/// <summary>A commit waits for its synchronous standby, even if its client disconnects.</summary>
public sealed class UncancelledCommitTests(PromotionRig rig) : IClassFixture<PromotionRig>
{
    private const string Generation = """{"model":"demo","messages":[{"role":"user","content":"Hello."}]}""";
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/tasks", """{"title":"a"}""", "commit", "tasks.tasks")]
    [InlineData("/v1/generations", Generation, "%claim_key%", "eventstore.idempotency_keys")]
    [InlineData("/sse/resilient/{0}/failure", """{"times":1}""", "%resilient.sessions%", "resilient.sessions")]
    public async Task No_hang_up_and_no_timeout_commits_a_change_without_the_standby(
        string path,
        string body,
        string commit,
        string table
    )
    {
        await using var system = await StartAsync();
        await rig.Origin.SetStandbysAsync("absent", Stop);
        try
        {
            using (var hangUp = new CancellationTokenSource())
            {
                var hungUp = PostAsync(system.Replicas[0], path, 1, body, hangUp.Token);
                await WaitForAsync(system, commit, 1);
                await hangUp.CancelAsync();
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hungUp);
            }
            // Answered after the timeout; by then the server knows that the first client is gone.
            Assert.Equal(HttpStatusCode.ServiceUnavailable, await PostAsync(system.Replicas[0], path, 2, body, Stop));
            var looks = Looks(system);
            await Eventually.HoldsAsync(
                () => Looks(system) > looks,
                "the server looks whether Postgres still runs both"
            );
            await WaitForAsync(system, commit, 2);
            Assert.Equal(0, await CountAsync(system, table));
        }
        finally
        {
            await rig.Origin.SetStandbysAsync("", Stop);
        }
        await Eventually.HoldsAsync(
            async () => await CountAsync(system, table) == 2,
            "both changes are valid when they are as safe as the settings demand"
        );
        var database = await rig.CreateDatabaseAsync();
    }

    /// <summary>Postgres then answers as if it had committed as the settings demand, with a warning.</summary>
    [Fact]
    public async Task A_commit_whose_wait_for_the_standby_an_administrator_cancels_is_not_acknowledged()
    {
        await using var connection = new NpgsqlConnection((await rig.CreateDatabaseAsync()).ConnectionString);
        await connection.OpenAsync(Stop);
        await using var transaction = await connection.BeginTransactionAsync(Stop);
        await using (var change = new NpgsqlCommand("create table changed ()", connection, transaction))
            await change.ExecuteNonQueryAsync(Stop);
        var cancel =
            "select case when wait_event = 'SyncRep' then pg_cancel_backend(pid) else false end "
            + $"from pg_stat_activity where pid = {connection.ProcessID}";

        await rig.Origin.SetStandbysAsync("absent", Stop);
        try
        {
            var committing = StoreTransactions.CommitAsync(transaction);
            await Eventually.HoldsAsync(
                () => rig.Origin.AskAsync<bool>(cancel, Stop),
                "the commit waits, and is cancelled"
            );
            await Assert.ThrowsAsync<StoreUnavailableException>(() => committing);
        }
        finally
        {
            await rig.Origin.SetStandbysAsync("", Stop);
        }
    }

    private async Task<World> StartAsync()
    {
        var database = await rig.CreateDatabaseAsync();
        return await World.Start(o =>
            o.Broadcasters(0)
                .Set("EventStore:CommandTimeoutSeconds", 8)
                .Set("Logging:LogLevel:EventStore.StoreContact", "Debug")
                .Database(database)
                .AsProcesses()
        );
    }

    /// <summary>Sends a request, the path and the idempotency key with its number, and returns the status.</summary>
    private static async Task<HttpStatusCode> PostAsync(
        RunningService replica,
        string path,
        int number,
        string body,
        CancellationToken hangUp
    )
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(
            HttpMethod.Post,
            new Uri(replica.Url, path.Replace("{0}", $"s{number}", StringComparison.Ordinal))
        )
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("Idempotency-Key", $"key-{number}");
        using var response = await http.SendAsync(request, hangUp);
        return response.StatusCode;
    }

    /// <summary>Number of times that the server found late commands that Postgres still runs.</summary>
    private static int Looks(World system) => system.Replicas[0].Output.Split("Postgres still runs").Length;

    private static Task WaitForAsync(World system, string commit, int count) =>
        Eventually.HoldsAsync(
            async () => await WaitingAsync(system, commit) == count,
            $"{count} of '{commit}' wait for the standby"
        );

    private static Task<int> WaitingAsync(World system, string commit) =>
        AskAsync(
            system,
            // Not 'object': a commit with a notification would make all others wait for the standby, appends too.
            "select count(*) from pg_stat_activity where wait_event = 'SyncRep' "
                + $"and datname = current_database() and query like '{commit}'"
        );

    private static Task<int> CountAsync(World system, string table) =>
        AskAsync(system, $"select count(*) from {table}");

    private static async Task<int> AskAsync(World system, string sql)
    {
        await using var command = system.Database.CreateCommand(sql);
        return (int)(long)(await command.ExecuteScalarAsync(Stop))!;
    }
}
