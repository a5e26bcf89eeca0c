using System.Net;
using System.Text;
using EventStore;
using Harness;
using Npgsql;

namespace Integration.Delivery;

/// <summary>A commit waits for its synchronous standby, even if its client disconnects.</summary>
public sealed class UncancelledCommitTests(PromotionRig rig) : IClassFixture<PromotionRig>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Each with the statement that waits for the standby, and the table that it changes.</summary>
    private static readonly Change[] Changes =
    [
        new("/tasks", """{"title":"a"}""", "commit", "seeds.tasks"),
        new(
            "/v1/generations",
            """{"model":"demo","messages":[{"role":"user","content":"Hello."}]}""",
            "%claim_key%",
            "eventstore.idempotency_keys"
        ),
        new("/sse/resilient/{0}/failure", """{"times":1}""", "commit", "seeds.sessions"),
    ];

    private sealed record Change(string Path, string Body, string Statement, string Table);

    [Fact]
    public async Task No_hang_up_and_no_timeout_commits_a_change_without_the_standby()
    {
        var database = await rig.CreateDatabaseAsync();
        var server = await rig.PromoteAsync(rig.Origin);
        await using var system = await World.Start(o =>
            o.Broadcasters(0)
                .Set("AspireSse:EventStore:CommandTimeoutSeconds", 8)
                .Set("Logging:LogLevel:EventStore.StoreContact", "Debug")
                .Database(server.At(database.Database!))
        );
        var replica = system.Replicas[0];

        await server.SetStandbysAsync("absent");

        using (var hangUp = new CancellationTokenSource())
        {
            var hungUp = Changes.Select(change => PostAsync(replica, change, 1, hangUp.Token)).ToList();
            foreach (var change in Changes)
                await WaitForAsync(system, change, 1);
            await hangUp.CancelAsync();
            foreach (var post in hungUp)
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => post);
        }

        // Answered after the timeout; by then the server knows that the first clients are gone.
        var statuses = await Task.WhenAll(Changes.Select(change => PostAsync(replica, change, 2, Stop)));
        Assert.All(statuses, status => Assert.Equal(HttpStatusCode.ServiceUnavailable, status));
        var looks = Looks(system);

        await Eventually.HoldsAsync(() => Looks(system) > looks, "the server looks whether Postgres still runs them");

        foreach (var change in Changes)
        {
            await WaitForAsync(system, change, 2);
            Assert.Equal((change.Table, 0), (change.Table, await CountAsync(system, change.Table)));
        }

        await server.SetStandbysAsync("");

        foreach (var change in Changes)
            await Eventually.HoldsAsync(
                async () => await CountAsync(system, change.Table) == 2,
                $"both changes of {change.Table} are valid when they are as safe as the settings demand"
            );
    }

    /// <summary>Postgres then answers as if it had committed as the settings demand, with a warning.</summary>
    [Fact]
    public async Task A_commit_whose_wait_for_the_standby_an_administrator_cancels_is_not_acknowledged()
    {
        var database = await rig.CreateDatabaseAsync();
        var server = await rig.PromoteAsync(rig.Origin);
        await using var connection = new NpgsqlConnection(server.At(database.Database!).ConnectionString);

        await connection.OpenAsync(Stop);
        await using var transaction = await connection.BeginTransactionAsync(Stop);
        await using (var change = new NpgsqlCommand("create table changed ()", connection, transaction))
            await change.ExecuteNonQueryAsync(Stop);

        await server.SetStandbysAsync("absent");

        var committing = StoreTransactions.CommitAsync(transaction);

        await using var administrator = NpgsqlDataSource.Create(server.At("postgres").ConnectionString);
        var cancel =
            "select case when wait_event = 'SyncRep' then pg_cancel_backend(pid) else false end "
            + $"from pg_stat_activity where pid = {connection.ProcessID}";
        await Eventually.HoldsAsync(() => administrator.AskAsync<bool>(cancel), "the commit waits, and is cancelled");
        await Assert.ThrowsAsync<StoreUnavailableException>(() => committing);
    }

    /// <summary>Sends a request, the path and the idempotency key with its number, and returns the status.</summary>
    private static async Task<HttpStatusCode> PostAsync(
        RunningService replica,
        Change change,
        int number,
        CancellationToken hangUp
    )
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(
            HttpMethod.Post,
            new Uri(replica.Url, change.Path.Replace("{0}", $"s{number}", StringComparison.Ordinal))
        )
        {
            Content = new StringContent(change.Body, Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("Idempotency-Key", $"key-{number}");

        using var response = await http.SendAsync(request, hangUp);
        return response.StatusCode;
    }

    /// <summary>Number of times that the server found late commands that Postgres still runs.</summary>
    private static int Looks(World system) => system.Replicas[0].Output.Split("Postgres still runs").Length;

    // Not 'object': a commit with a notification would make all others wait for the standby, appends too.
    private static Task WaitForAsync(World system, Change change, int ofEach)
    {
        var count = ofEach * Changes.Count(other => other.Statement == change.Statement);
        return Eventually.HoldsAsync(
            async () =>
                await CountAsync(
                    system,
                    "pg_stat_activity where wait_event = 'SyncRep' "
                        + $"and datname = current_database() and query like '{change.Statement}'"
                ) == count,
            $"{count} of '{change.Statement}' wait for the standby"
        );
    }

    private static async Task<int> CountAsync(World system, string rows) =>
        (int)await system.Database.AskAsync<long>($"select count(*) from {rows}");
}
