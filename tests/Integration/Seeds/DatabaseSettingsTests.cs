using System.Net;
using System.Text.Json;
using Npgsql;

namespace Integration.Seeds;

/// <summary>The articles' tables and the list of replicas under settings that the database or its connection string
/// has.</summary>
public sealed class DatabaseSettingsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("lock_timeout", "1")]
    [InlineData("idle_session_timeout", "100")]
    [InlineData("search_path", "misleading, pg_catalog")]
    public async Task Tables_and_replicas_are_the_same_with_any_setting_of_the_database(string setting, string value)
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        await using var own = Own(database);
        // A function of the name of Postgres's, in a schema that sessions see first.
        await own.ExecuteAsync(
            $"""
            create schema misleading;
            create function misleading.clock_timestamp() returns timestamptz language sql as 'select null::timestamptz';
            alter database {database.Database} set {setting} = {value}
            """
        );

        await AssertWorksAsync(database, own);
    }

    [Theory]
    [InlineData("Client Encoding=LATIN1")]
    [InlineData("Multiplexing=true")]
    public async Task Tables_and_replicas_are_the_same_with_any_option_of_the_connection_string(string option)
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        await using var own = Own(database);

        await AssertWorksAsync(new NpgsqlConnectionStringBuilder($"{database.ConnectionString};{option}"), own);
    }

    [Fact]
    public async Task A_database_that_only_reads_is_an_outage_from_which_every_pool_recovers()
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        await using var own = Own(database);
        await using var world = await World.Start(o => o.Database(database).Replicas(2).Broadcasters(0));
        var server = world.Replicas[0].Url;
        await SeedRequests.PostAsync(server, "/tasks", new { title = "before" });
        await ListsAsync(world, replicas: 2);

        await own.ExecuteAsync($"alter database {database.Database} set default_transaction_read_only = on");
        // Sessions keep the setting that they began with.
        await own.ExecuteAsync(
            "select pg_terminate_backend(pid) from pg_stat_activity "
                + "where datname = current_database() and pid <> pg_backend_pid()"
        );
        await ListsAsync(world, replicas: 1);
        for (var n = 0; n < 3; n++)
        {
            using var refused = await ChangeAsync();
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        await own.ExecuteAsync($"alter database {database.Database} reset default_transaction_read_only");
        await Eventually.HoldsAsync(
            async () =>
            {
                using var accepted = await ChangeAsync();
                return accepted.StatusCode == HttpStatusCode.Created;
            },
            "a task is stored again",
            within: TimeSpan.FromSeconds(30)
        );
        await ListsAsync(world, replicas: 2);

        Task<HttpResponseMessage> ChangeAsync() =>
            SeedRequests.SendAsync(
                server,
                HttpMethod.Post,
                "/tasks",
                SeedRequests.ContentOf(new { title = "meanwhile" })
            );
    }

    private static async Task AssertWorksAsync(NpgsqlConnectionStringBuilder database, NpgsqlDataSource own)
    {
        await using var world = await World.Start(o => o.Database(database).Replicas(2).Broadcasters(0));
        var server = world.Replicas[0].Url;
        var id = (await SeedRequests.PostAsync(server, "/tasks", new { title = "日本é" })).Text("id");
        await SeedRequests.GetAsync(server, "/tasks");
        // Sessions of each pool are idle.
        await Task.Delay(500, Stop);

        Task<JsonElement> waiting;
        await using (var connection = await own.OpenConnectionAsync(Stop))
        {
            await using var transaction = await connection.BeginTransactionAsync(Stop);
            await using var change = connection.CreateCommand();
            change.CommandText = $"update seeds.tasks set status = 'done' where id = '{id}'";
            await change.ExecuteNonQueryAsync(Stop);
            waiting = SeedRequests.JsonAsync(server, HttpMethod.Put, $"/tasks/status/{id}?new_status=in_progress");
            await Eventually.HoldsAsync(
                async () =>
                    waiting.IsCompleted
                    || await own.AskAsync<bool>(
                        "select exists (select from pg_stat_activity where datname = current_database() "
                            + "and wait_event_type = 'Lock' and query ilike '%update seeds.tasks%')"
                    ),
                "the change waits for the one before"
            );
            await transaction.CommitAsync(Stop);
        }

        await waiting;
        var stored = Assert.Single((await SeedRequests.GetAsync(server, "/tasks")).EnumerateArray());
        Assert.Equal(("日本é", "in_progress"), (stored.Text("title"), stored.Text("status")));
        Assert.Equal("日本é", await own.AskAsync<string>("select title from seeds.tasks"));

        await ListsAsync(world, replicas: 2);
        Assert.DoesNotContain("Other replicas cannot see this one", world.Replicas[0].Output, StringComparison.Ordinal);
    }

    private static Task ListsAsync(World world, int replicas) =>
        Eventually.HoldsAsync(
            async () =>
            {
                foreach (var replica in world.Replicas)
                    if ((await SeedRequests.GetAsync(replica.Url, "/v1/replicas")).GetArrayLength() != replicas)
                        return false;
                return true;
            },
            $"each replica lists {replicas}",
            within: TimeSpan.FromSeconds(30)
        );

    /// <summary>Opens the test's own sessions, which have none of these settings.</summary>
    private static NpgsqlDataSource Own(NpgsqlConnectionStringBuilder database) =>
        NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(database.ConnectionString)
            {
                Options = "-c default_transaction_read_only=off -c idle_session_timeout=0",
            }
        );
}
