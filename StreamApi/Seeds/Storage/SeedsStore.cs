using System.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql;
using Npgsql.EntityFrameworkCore.PostgreSQL.Infrastructure;

namespace StreamApi.Seeds.Storage;

/// <summary>Changes and reads the seeds' tables, under the rules of the log: no client's hang-up cancels a commit, and
/// a read takes no connection from changes.</summary>
internal sealed class SeedsStore(
    IDbContextFactory<SeedsContext> contexts,
    [FromKeyedServices(SeedsPool.Reads)] NpgsqlDataSource reads,
    ReadTurns turns
)
{
    /// <summary>Makes a change in a transaction, and saves and commits what it has added to the context: rows and the
    /// events that it publishes.</summary>
    /// <param name="change">Makes the change; it may read and lock rows before.</param>
    /// <param name="cancellationToken">Ends the wait, not the transaction.</param>
    /// <param name="turn">The turn of the row that is changed (<see cref="RowTurns"/>); returned with the
    /// connection.</param>
    public Task<T> ChangeAsync<T>(
        Func<SeedsContext, Task<T>> change,
        CancellationToken cancellationToken,
        IDisposable? turn = null
    ) => new TurnContexts(contexts, turn).ChangeAsync(change, cancellationToken);

    /// <summary>Reads state and the head of the log in one snapshot, and sends the head as <c>X-Sse-Position</c>: a
    /// stream from there misses no change, but may repeat one that the state already contains.</summary>
    /// <exception cref="BusyException">Too many reads wait.</exception>
    public async Task<T> ReadAsync<T>(HttpContext http, Func<SeedsContext, Task<T>> read)
    {
        using var turn = await turns.EnterAsync(http);
        await using var context = CreateReader();
        await using var snapshot = await context.Database.BeginTransactionAsync(
            IsolationLevel.RepeatableRead,
            CancellationToken.None
        );
        var position = await context.SsePositionAsync();

        var state = await read(context);

        await snapshot.CommitAsync(CancellationToken.None);
        http.Response.Headers["X-Sse-Position"] = position.ToString();
        return state;
    }

    /// <summary>Creates a context for reads on the connections of clients' reads (<see cref="SeedsPool.Reads"/>): rows
    /// come by an index, whatever the statistics.</summary>
    public SeedsContext CreateReader()
    {
        var context = contexts.CreateDbContext();
        context.Database.SetDbConnection(reads.CreateConnection(), contextOwnsConnection: true);
        context.ChangeTracker.QueryTrackingBehavior = QueryTrackingBehavior.NoTracking;
        return context;
    }

    /// <summary>Returns the migrations as SQL for any state of the database, with a role's rights.</summary>
    public static string Script(string? role)
    {
        using var context = new SeedsContext(new DbContextOptionsBuilder<SeedsContext>().UseNpgsql(Keep).Options);
        var script = context.GetService<IMigrator>().GenerateScript(options: MigrationsSqlGenerationOptions.Idempotent);
        return role is null
            ? script
            : script + EventStoreSchema.Grants(SeedsContext.Schema, role) + EventStoreSchema.Grants("streamapi", role);
    }

    /// <summary>Applies the missing migrations.</summary>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        // Entity Framework asks for the right to create tables even if it creates none.
        if (!(await MissingAsync(cancellationToken)).Any())
            return;

        await using var context = contexts.CreateDbContext();
        await context.Database.MigrateAsync(cancellationToken);
    }

    /// <summary>Keeps the list of applied migrations in the seeds' schema.</summary>
    internal static void Keep(NpgsqlDbContextOptionsBuilder npgsql) =>
        npgsql.MigrationsHistoryTable("migrations", SeedsContext.Schema);

    /// <summary>Returns the names of the migrations that the database lacks.</summary>
    public async Task<IEnumerable<string>> MissingAsync(CancellationToken cancellationToken)
    {
        await using var context = contexts.CreateDbContext();
        return await context.Database.GetPendingMigrationsAsync(cancellationToken);
    }

    private sealed class TurnContexts(IDbContextFactory<SeedsContext> contexts, IDisposable? turn)
        : IDbContextFactory<SeedsContext>
    {
        public SeedsContext CreateDbContext()
        {
            var context = contexts.CreateDbContext();
            context.Turn = turn;
            return context;
        }
    }
}

internal static class SeedsStoreExtensions
{
    /// <summary>Adds the seeds' tables to the log's database. Their migration is handwritten SQL, so there is no model
    /// snapshot.</summary>
    public static void AddSeedsStore(this IHostApplicationBuilder builder)
    {
        builder.AddSeedsPools();
        builder.Services.AddSingleton<RowTurns>();
        builder.Services.AddSingleton<ReadTurns>();
        builder.Services.AddSingleton<SeedsStore>();
        builder.Services.AddDbContextFactory<SeedsContext>(
            (provider, options) =>
                options
                    .UseNpgsql(provider.GetRequiredKeyedService<NpgsqlDataSource>(SeedsPool.Work), SeedsStore.Keep)
                    .UseSse()
                    .ConfigureWarnings(warnings => warnings.Ignore(RelationalEventId.PendingModelChangesWarning))
        );
    }
}
