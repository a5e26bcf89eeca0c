using System.Diagnostics;
using System.Text.Json;
using EventStore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;
using Streaming.Frames;

namespace StreamApi.Seeds.Storage;

/// <summary>Base of database contexts beside the log: a change and its event commit together.</summary>
internal abstract class EventContext(DbContextOptions options, string schema) : DbContext(options)
{
    public string Schema => schema;

    protected override void OnModelCreating(ModelBuilder model) => model.HasDefaultSchema(schema);

    /// <summary>
    /// Writes an event into the open transaction. It enters the log some milliseconds after the commit.
    /// </summary>
    public Task PublishAsync(
        string topic,
        string type,
        object data,
        string? key,
        string? traceParent,
        CancellationToken cancellationToken
    ) =>
        Outbox.AddAsync(
            (NpgsqlConnection)Database.GetDbConnection(),
            (NpgsqlTransaction?)Database.CurrentTransaction?.GetDbTransaction(),
            new NewEvent(
                topic,
                type,
                JsonSerializer.Serialize(data, ControlFrames.Json),
                key,
                TraceParent: traceParent ?? Activity.Current?.Id
            ),
            cancellationToken
        );

    /// <summary>Returns the time by Postgres's clock, which all replicas share, in whole milliseconds.</summary>
    public async Task<DateTimeOffset> NowAsync() =>
        (
            await Database
                .SqlQuery<DateTimeOffset>($"""select clock_timestamp() as "Value" """)
                .SingleAsync(CancellationToken.None)
        ).WholeMilliseconds();

    /// <summary>Commits the open transaction, and wakes the Broadcaster. Nothing cancels the commit.</summary>
    public async Task CommitAsync()
    {
        await StoreTransactions.CommitAsync((NpgsqlTransaction)Database.CurrentTransaction!.GetDbTransaction());
        await Outbox.WakeAsync((NpgsqlConnection)Database.GetDbConnection());
    }
}

internal static class EventContextExtensions
{
    /// <summary>
    /// Runs <paramref name="change"/> in a transaction, which is rolled back unless it calls
    /// <see cref="EventContext.CommitAsync"/>. A client that hangs up ends the wait, not the transaction.
    /// </summary>
    /// <param name="contexts">Creates the context.</param>
    /// <param name="change">Makes the changes and commits them.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="turn">The turn of the row that is changed (<see cref="RowTurns"/>); returned with the
    /// connection.</param>
    public static async Task<TResult> ChangeAsync<T, TResult>(
        this IDbContextFactory<T> contexts,
        Func<T, Task<TResult>> change,
        CancellationToken cancellationToken,
        IDisposable? turn = null
    )
        where T : EventContext
    {
        T context;
        try
        {
            context = await contexts.CreateDbContextAsync(cancellationToken);
        }
        catch
        {
            turn?.Dispose();
            throw;
        }
        return await StoreTransactions.RunAsync(
            (NpgsqlConnection)context.Database.GetDbConnection(),
            RunAsync,
            cancellationToken
        );

        async Task<TResult> RunAsync()
        {
            using var returned = turn;
            await using var owned = context;
            await using var transaction = await context.Database.BeginTransactionAsync(CancellationToken.None);
            return await change(context);
        }
    }

    /// <summary>
    /// Registers the context on the log's data source. Migrations are handwritten SQL, so there is no model snapshot.
    /// </summary>
    public static void AddEventContext<T>(this IServiceCollection services, string schema)
        where T : EventContext
    {
        services.TryAddSingleton<RowTurns>();
        services.TryAddSingleton<ReadContexts<T>>();
        services.AddSingleton<ISchema, EventSchema<T>>();
        services.AddDbContextFactory<T>(
            (provider, options) =>
                options
                    .UseNpgsql(
                        provider.GetRequiredService<NpgsqlDataSource>(),
                        npgsql => npgsql.MigrationsHistoryTable("migrations", schema)
                    )
                    .ConfigureWarnings(warnings =>
                        warnings.Ignore(
                            RelationalEventId.PendingModelChangesWarning,
                            // Intended for indexes: they are created and dropped concurrently.
                            RelationalEventId.NonTransactionalMigrationOperationWarning
                        )
                    )
        );
    }
}
