using Adopter.Databases;

namespace Adopter.Schema;

/// <summary>Two versions of an application on one log, as while an upgrade rolls.</summary>
public sealed class VersionTests
{
    /// <summary>Everything that makes up the schema, and which versions it has.</summary>
    private const string Schema = """
        select string_agg(line, e'\n' order by line) from (
            select pg_get_functiondef(oid) from pg_proc where pronamespace = 'eventstore'::regnamespace
            union all select format('%s %s %s', attrelid::regclass, attname, atttypid::regtype) from pg_attribute
                join pg_class c on c.oid = attrelid
                where attnum > 0 and relnamespace = 'eventstore'::regnamespace
            union all select format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) from pg_constraint
                where connamespace = 'eventstore'::regnamespace
            union all select indexdef from pg_indexes where schemaname = 'eventstore'
            union all select name from eventstore.migrations
        ) as parts(line)
        """;

    private const string OtherHead =
        "create or replace function eventstore.head() returns bigint language sql as 'select 7::bigint'; ";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Sets of functions that this version does not know: a higher number, or another form of name.</summary>
    [Theory]
    [InlineData("functions 2 0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("functions 41 0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("functions of-a-newer-version")]
    public async Task An_older_version_that_starts_again_leaves_the_functions_of_a_newer_one(string newer)
    {
        var database = await DatabaseQuestions.CreateDatabaseAsync();
        await EnsureAsync(database);
        await DatabaseQuestions.AskAsync(
            database,
            $"{OtherHead} insert into eventstore.migrations (name) values ('{newer}')"
        );
        var schema = await DatabaseQuestions.AskAsync(database, Schema);

        await Task.WhenAll(EnsureAsync(database), EnsureAsync(database));

        Assert.Equal(schema, await DatabaseQuestions.AskAsync(database, Schema));
        await using var app = await StartAsync(database);
    }

    [Theory]
    [InlineData("functions 0 0000000000000000000000000000000000000000000000000000000000000000")]
    public async Task A_version_replaces_the_functions_of_an_older_one(string older)
    {
        var database = await DatabaseQuestions.CreateDatabaseAsync();
        await EnsureAsync(database);
        await DatabaseQuestions.AskAsync(
            database,
            $"{OtherHead} insert into eventstore.migrations (name) values ('{older}')"
        );

        await EnsureAsync(database);

        Assert.Equal("0", await DatabaseQuestions.AskAsync(database, "select eventstore.head()"));
    }

    [Fact]
    public async Task The_script_undoes_an_upgrade_which_then_can_be_made_again()
    {
        var database = await DatabaseQuestions.CreateDatabaseAsync();
        await EnsureAsync(database);
        var schema = await DatabaseQuestions.AskAsync(database, Schema);
        await DatabaseQuestions.AskAsync(
            database,
            $"{OtherHead} insert into eventstore.migrations (name) values ('functions 3 {new string('0', 64)}')"
        );

        await DatabaseQuestions.AskAsync(database, EventStoreSchema.Script());

        // The newer version now knows that its functions are missing.
        Assert.Equal(schema, await DatabaseQuestions.AskAsync(database, Schema));
        await using var app = await StartAsync(database);
        await app.AppendAsync("7");
    }

    [Fact]
    public async Task The_script_makes_what_EnsureSchemaAsync_makes_and_can_run_again()
    {
        var (ensured, scripted) = (
            await DatabaseQuestions.CreateDatabaseAsync(),
            await DatabaseQuestions.CreateDatabaseAsync()
        );
        await EnsureAsync(ensured);
        var schema = await DatabaseQuestions.AskAsync(ensured, Schema);

        await DatabaseQuestions.AskAsync(scripted, EventStoreSchema.Script());
        Assert.Equal(schema, await DatabaseQuestions.AskAsync(scripted, Schema));
        await DatabaseQuestions.AskAsync(scripted, EventStoreSchema.Script());
        Assert.Equal(schema, await DatabaseQuestions.AskAsync(scripted, Schema));

        await EnsureAsync(scripted);
        Assert.Equal(schema, await DatabaseQuestions.AskAsync(scripted, Schema));
    }

    private static async Task EnsureAsync(string database)
    {
        var builder = LogApp.Builder(database);
        builder.AddEventStore("log");
        await using var app = builder.Build();
        await app.EnsureSchemaAsync(Stop);
    }

    private static Task<LogApp> StartAsync(string database)
    {
        var builder = LogApp.Builder(database);
        builder.AddEventStore("log");
        builder.AddSse();
        return LogApp.StartAsync(builder);
    }
}
