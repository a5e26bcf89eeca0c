using System.Data;
using Adopter.Databases;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Adopter.Schema;

/// <summary>Applications whose role may not change the schema, which somebody else creates by a script.</summary>
public sealed class RightsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_role_with_the_rights_of_the_script_does_all_that_an_application_does()
    {
        await using var role = await Role.CreateAsync();
        await role.DoAsync(EventStoreSchema.Script(role.Name));
        // Small partitions, so that the log begins several.
        await role.DoAsync(
            """
            update eventstore.store set partition_span = 10;
            drop table eventstore.events_000000000;
            select eventstore.ensure_partition(0)
            """
        );

        await using (var app = await StartAsync(role.Text))
        {
            await using var stream = await SseReader.OpenAsync(app.Server, "/orders/7");
            for (var n = 0; n < 25; n++)
                await app.AppendAsync("7");
            await PublishAsync(app);
            await stream.WaitForEventsAsync(26);

            await app
                .Services.GetRequiredService<IRuns>()
                .StartAsync("answers.7", async (run, _) => await run.AppendAsync("update", "tea"));
            await using var run = await SseReader.OpenAsync(app.Server, "/answers/7");
            await run.WaitForEndAsync();
            Assert.Equal(["update", "end"], run.Events.Select(e => e.Event));
        }

        Assert.NotEqual("1", await PartitionsAsync(role));
        Assert.Equal(
            "False",
            await role.DoAsync(
                $"""
                select bool_or(pg_has_role('{role.Name}', relowner, 'usage')) from pg_class
                where relnamespace = 'eventstore'::regnamespace
                """
            )
        );

        await using var later = await StartAsync(role.Text, "--AspireSse:EventStore:MaxAge", "00:00:00.001");
        await Eventually.HoldsAsync(
            async () => await PartitionsAsync(role) == "1",
            "the leader drops the partitions that are too old"
        );
        await later.AppendAsync("7");
    }

    [Fact]
    public async Task A_role_that_may_not_create_the_schema_is_told_the_right_and_the_script()
    {
        await using var role = await Role.CreateAsync();
        await RefusedAsync(role, "lacks the right CREATE on the database");
    }

    [Fact]
    public async Task A_role_without_rights_on_the_schema_is_told_so()
    {
        await using var role = await Role.CreateAsync();
        await role.DoAsync(EventStoreSchema.Script());
        await RefusedAsync(role, "lacks the right USAGE on the schema");
    }

    [Theory]
    [InlineData("delete from eventstore.migrations where name like 'functions %'")]
    [InlineData("delete from eventstore.migrations where name like '0001%'")]
    public async Task A_role_that_owns_nothing_is_told_that_the_schema_is_older_than_the_application(string change)
    {
        await using var role = await Role.CreateAsync();
        await role.DoAsync(EventStoreSchema.Script(role.Name));
        await EnsureAsync(role.Text);

        await role.DoAsync(change);

        await RefusedAsync(role, "lacks the ownership of the schema's tables and functions");
    }

    /// <summary>Also what happens if the script runs without the role, and makes a new table.</summary>
    [Theory]
    [InlineData("insert on eventstore.events", "INSERT on eventstore.events")]
    [InlineData("usage on sequence eventstore.position", "USAGE on eventstore.\"position\"")]
    [InlineData("all on eventstore.leases", "DELETE on eventstore.leases")]
    [InlineData("execute on all functions in schema eventstore", "EXECUTE on eventstore.abandon_runs(")]
    public async Task A_role_that_may_not_use_what_is_up_to_date_is_told_the_right(string right, string lacking)
    {
        await using var role = await Role.CreateAsync();
        await role.DoAsync(EventStoreSchema.Script(role.Name));
        await EnsureAsync(role.Text);

        await role.DoAsync($"revoke {right} from {role.Name}, public");

        await RefusedAsync(role, $"lacks the right {lacking}");
        await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(role.Text, ensuresSchema: false));
    }

    [Fact]
    public async Task A_right_that_is_withdrawn_later_is_no_outage()
    {
        await using var role = await Role.CreateAsync();
        await role.DoAsync(EventStoreSchema.Script(role.Name));
        await using var app = await StartAsync(role.Text);
        var log = app.Services.GetRequiredService<IEventLog>();
        await app.AppendAsync("7");

        await role.DoAsync($"revoke select, insert on eventstore.events from {role.Name}");

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => app.AppendAsync("7"));
        Assert.Contains("permission denied for table events", refused.Message, StringComparison.Ordinal);
        Assert.Contains("EventStoreSchema.Script", refused.Message, StringComparison.Ordinal);
        refused = await Assert.ThrowsAsync<InvalidOperationException>(() => log.ReadAsync(new(), Stop));
        Assert.Contains("permission denied for table events", refused.Message, StringComparison.Ordinal);

        await role.DoAsync($"grant select, insert on eventstore.events to {role.Name}");
        await app.AppendAsync("7");
    }

    [Fact]
    public async Task A_context_whose_role_lacks_a_right_says_so()
    {
        await using var role = await Role.CreateAsync();
        await role.DoAsync(EventStoreSchema.Script());
        await using var db = new EmptyDb(new DbContextOptionsBuilder<EmptyDb>().UseNpgsql(role.Text).UseSse().Options);
        db.Publish($"orders.{7}", "shipped", 7);

        await RefusedAsync(() => db.SaveChangesAsync(Stop));
        // ReSharper disable once MethodHasAsyncOverload
        await RefusedAsync(() => Task.FromResult(db.SaveChanges()));
        await using var transaction = await db.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, Stop);
        await RefusedAsync(() => db.SsePositionAsync());

        static async Task RefusedAsync(Func<Task> ask)
        {
            var refused = await Assert.ThrowsAsync<InvalidOperationException>(ask);
            Assert.Contains("permission denied for schema eventstore", refused.Message, StringComparison.Ordinal);
            Assert.Contains("EventStoreSchema.Script", refused.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>The names of Entity Framework's schemas are as the application writes them.</summary>
    [Theory]
    [InlineData("orders")]
    [InlineData("Orders")]
    [InlineData("Mein \"Schema\"")]
    public async Task Grants_are_of_the_schema_with_exactly_that_name(string schema)
    {
        await using var role = await Role.CreateAsync();
        var quoted = new NpgsqlCommandBuilder().QuoteIdentifier(schema);
        await role.DoAsync($"create schema {quoted}; create table {quoted}.items (name text)");

        await role.DoAsync(EventStoreSchema.Grants(schema, role.Name));

        await DatabaseQuestions.AskAsync(role.Text, $"insert into {quoted}.items values ('tea')");
    }

    [Theory]
    [InlineData("select")]
    [InlineData("create schema eventstore")]
    [InlineData("create schema eventstore; create table eventstore.events (position bigint)")]
    public async Task A_log_without_its_schema_says_what_to_call(string schema)
    {
        var database = await DatabaseQuestions.CreateDatabaseAsync();
        await DatabaseQuestions.AskAsync(database, schema);
        var builder = LogApp.Builder(database);
        builder.AddEventStore("log");
        await using var app = builder.Build();
        var log = app.Services.GetRequiredService<IEventLog>();

        foreach (var ask in (Func<Task>[])[() => log.AppendAsync("t.1", "n", 1), () => log.ReadAsync(new(), Stop)])
        {
            var refused = await Assert.ThrowsAsync<InvalidOperationException>(ask);
            Assert.Contains("EnsureSchemaAsync", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_database_that_cannot_hold_every_text_is_refused()
    {
        var owner = await DatabaseQuestions.CreateDatabaseAsync();
        var name = $"latin_{Guid.NewGuid():N}";
        await DatabaseQuestions.AskAsync(
            owner,
            $"create database {name} encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0"
        );
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            EnsureAsync(new NpgsqlConnectionStringBuilder(owner) { Database = name }.ConnectionString)
        );
        Assert.Contains("UTF8", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_role_whose_sessions_only_read_is_told_so()
    {
        await using var role = await Role.CreateAsync();
        await role.DoAsync($"grant create on database {role.Database} to {role.Name}");
        await role.DoAsync($"alter role {role.Name} set default_transaction_read_only = on");
        await RefusedAsync(role, "default_transaction_read_only is on");
    }

    [Fact]
    public async Task A_role_that_owns_an_empty_schema_needs_no_right_on_the_database()
    {
        await using var role = await Role.CreateAsync();
        await role.DoAsync($"create schema eventstore authorization {role.Name}");
        await using var app = await StartAsync(role.Text);
        await app.AppendAsync("7");
    }

    private static async Task RefusedAsync(Role role, string lacking)
    {
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => EnsureAsync(role.Text));
        Assert.Contains($"'{role.Name}'", refused.Message, StringComparison.Ordinal);
        Assert.True(refused.Message.Contains(lacking, StringComparison.Ordinal), refused.Message);
        Assert.Contains($"EventStoreSchema.Script(\"{role.Name}\")", refused.Message, StringComparison.Ordinal);
    }

    private static async Task EnsureAsync(string text)
    {
        var builder = LogApp.Builder(text);
        builder.AddEventStore("log");
        await using var app = builder.Build();
        await app.EnsureSchemaAsync(Stop);
    }

    private static Task<LogApp> StartAsync(string text, params string[] settings) => StartAsync(text, true, settings);

    private static Task<LogApp> StartAsync(string text, bool ensuresSchema, params string[] settings)
    {
        var builder = LogApp.Builder(text, settings);
        builder.AddEventStore("log");
        builder.AddSse();
        builder.AddSseRuns();
        builder.Services.AddDbContext<EmptyDb>(options => options.UseNpgsql(text).UseSse());
        return LogApp.StartAsync(
            builder,
            app =>
            {
                app.MapGet("/orders/{id}", (string id) => TypedResults.EventStream($"orders.{id}")).AllowAnonymous();
                app.MapGet("/answers/{id}", (string id) => TypedResults.RunStream($"answers.{id}")).AllowAnonymous();
            },
            ensuresSchema
        );
    }

    private static async Task PublishAsync(LogApp app)
    {
        await using var scope = app.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<EmptyDb>();
        db.Publish($"orders.{7}", "shipped", 7);
        await db.SaveChangesAsync(Stop);
    }

    private static Task<string?> PartitionsAsync(Role role) =>
        role.DoAsync("select count(*) from pg_inherits where inhparent = 'eventstore.events'::regclass");

    private sealed class EmptyDb(DbContextOptions<EmptyDb> options) : DbContext(options);
}
