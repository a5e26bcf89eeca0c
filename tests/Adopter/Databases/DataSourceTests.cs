using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Adopter.Databases;

/// <summary>The application's own data sources beside the log's, in each order and by each way to add them.</summary>
public sealed class DataSourceTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static readonly Dictionary<string, Action<WebApplicationBuilder>> Ways = new()
    {
        ["Aspire's data source"] = builder => builder.AddNpgsqlDataSource("app"),
        ["Aspire's context"] = builder => builder.AddNpgsqlDbContext<AppDb>("app"),
        ["Npgsql's data source"] = builder => builder.Services.AddNpgsqlDataSource(AppText(builder)),
        ["an instance"] = builder => builder.Services.AddSingleton(NpgsqlDataSource.Create(AppText(builder))),
    };

    public static TheoryData<string, bool> WaysAndOrders =>
        [.. from way in Ways.Keys from first in new[] { true, false } select (way, first)];

    [Theory]
    [MemberData(nameof(WaysAndOrders))]
    public async Task The_data_source_without_a_key_is_the_applications(string way, bool first)
    {
        var (log, own) = (await DatabaseQuestions.CreateDatabaseAsync(), await DatabaseQuestions.CreateDatabaseAsync());
        var builder = LogApp.Builder(log, "--ConnectionStrings:app", own + ";Maximum Pool Size=1");
        if (first)
            Ways[way](builder);
        builder.AddEventStore("log");
        builder.AddSse();
        builder.AddSseRuns();
        if (!first)
            Ways[way](builder);
        builder.Services.AddDbContext<PlainDb>(options => options.UseNpgsql());

        await using var app = await LogApp.StartAsync(builder);
        await app.AppendAsync("7");

        Assert.Equal("1", await DatabaseQuestions.AskAsync(log, "select count(*) from eventstore.events"));
        Assert.Null(await DatabaseQuestions.AskAsync(own, "select to_regnamespace('eventstore')::text"));
        Assert.Equal(DatabaseOf(own), await DatabaseOfContextAsync<PlainDb>(app));
        if (app.Services.GetService<DbContextOptions<AppDb>>() is not null)
            Assert.Equal(DatabaseOf(own), await DatabaseOfContextAsync<AppDb>(app));
        if (app.Services.GetService<NpgsqlDataSource>() is not { } injected)
            return;

        // What one request sets is not there in the next one's session.
        Assert.Equal(DatabaseOf(own), await injected.AskAsync("select current_database()"));
        await injected.AskAsync("set search_path = tenant_a; set statement_timeout = 7777");
        Assert.NotEqual("tenant_a", await injected.AskAsync("show search_path"));
        Assert.Equal("0", await injected.AskAsync("show statement_timeout"));
    }

    /// <summary>The names are those of the log's own pools.</summary>
    [Theory]
    [InlineData("appends")]
    [InlineData("feed")]
    [InlineData("replays")]
    [InlineData("reads")]
    [InlineData("work")]
    public async Task A_data_source_with_a_key_is_the_applications_whatever_the_key(string key)
    {
        var (log, own) = (await DatabaseQuestions.CreateDatabaseAsync(), await DatabaseQuestions.CreateDatabaseAsync());
        var builder = LogApp.Builder(log, $"--ConnectionStrings:{key}", own);
        builder.AddEventStore("log");
        builder.AddSse();
        builder.AddKeyedNpgsqlDataSource(key);

        await using var app = await LogApp.StartAsync(builder);
        await app.AppendAsync("7");

        Assert.Equal("1", await DatabaseQuestions.AskAsync(log, "select count(*) from eventstore.events"));
        var injected = app.Services.GetRequiredKeyedService<NpgsqlDataSource>(key);
        Assert.Equal(DatabaseOf(own), await injected.AskAsync("select current_database()"));
        Assert.Null(app.Services.GetService<NpgsqlDataSource>());
    }

    private static async Task<string> DatabaseOfContextAsync<T>(LogApp app)
        where T : DbContext
    {
        await using var scope = app.Services.CreateAsyncScope();
        var context = scope.ServiceProvider.GetRequiredService<T>();
        try
        {
            await context.Database.OpenConnectionAsync(Stop);
        }
        // A context without a text takes the application's data source; here it has none, and must not get the log's.
        catch (InvalidOperationException) when (scope.ServiceProvider.GetService<NpgsqlDataSource>() is null)
        {
            return DatabaseOf(app.Services.GetRequiredService<IConfiguration>().GetConnectionString("app")!);
        }

        return context.Database.GetDbConnection().Database;
    }

    private static string AppText(WebApplicationBuilder builder) => builder.Configuration.GetConnectionString("app")!;

    private static string DatabaseOf(string text) => new NpgsqlConnectionStringBuilder(text).Database!;

    private sealed class AppDb(DbContextOptions<AppDb> options) : DbContext(options);

    private sealed class PlainDb(DbContextOptions<PlainDb> options) : DbContext(options);
}
