using System.Data;
using Microsoft.EntityFrameworkCore;

namespace StreamApi.Seeds.Storage;

/// <summary>A database schema beside the log. <c>StreamApi migrate</c> updates all that are registered.</summary>
internal interface ISchema
{
    Task MigrateAsync(CancellationToken cancellationToken);

    /// <summary>Returns the names of the migrations that the database lacks.</summary>
    Task<IEnumerable<string>> MissingAsync(CancellationToken cancellationToken);
}

/// <summary>The schema of a database context.</summary>
internal sealed class EventSchema<T>(IDbContextFactory<T> contexts) : ISchema
    where T : EventContext
{
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        // An index of a large table takes longer than a statement may.
        context.Database.SetCommandTimeout(TimeSpan.Zero);
        await context.Database.OpenConnectionAsync(cancellationToken);
        await context.Database.ExecuteSqlRawAsync("set statement_timeout = 0", cancellationToken);
        try
        {
            await context.Database.MigrateAsync(cancellationToken);
        }
        finally
        {
            // The pool does not reset connections.
            if (context.Database.GetDbConnection().State == ConnectionState.Open)
                await context.Database.ExecuteSqlRawAsync("reset statement_timeout", CancellationToken.None);
        }
    }

    public async Task<IEnumerable<string>> MissingAsync(CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        return await context.Database.GetPendingMigrationsAsync(cancellationToken);
    }
}
