using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Transactions;
using EventStore;
using EventStore.EntityFrameworkCore;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using IsolationLevel = System.Data.IsolationLevel;

namespace Microsoft.EntityFrameworkCore;

/// <summary>Publishes events together with the changes of a <see cref="DbContext"/>, and lets a stream continue after
/// its reads.</summary>
/// <remarks>Needed to commit events together with changes of the application's own tables.</remarks>
public static class OutboxExtensions
{
    /// <summary>Members of a context's class that a trimmed program keeps for Entity Framework.</summary>
    private const DynamicallyAccessedMemberTypes OfContext =
        DynamicallyAccessedMemberTypes.PublicConstructors
        | DynamicallyAccessedMemberTypes.NonPublicConstructors
        | DynamicallyAccessedMemberTypes.PublicProperties;

    /// <summary>Lets the context <see cref="Publish{T}(DbContext, EventTopic, string, T, string?)"/> events. Its
    /// database must be the event log's.</summary>
    public static DbContextOptionsBuilder UseSse(this DbContextOptionsBuilder options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ((IDbContextOptionsBuilderInfrastructure)options).AddOrUpdateExtension(new OutboxOptions());
        return options;
    }

    /// <inheritdoc cref="UseSse(DbContextOptionsBuilder)"/>
    public static DbContextOptionsBuilder<TContext> UseSse<TContext>(this DbContextOptionsBuilder<TContext> options)
        where TContext : DbContext
    {
        UseSse((DbContextOptionsBuilder)options);
        return options;
    }

#pragma warning disable RS0026 // A token and a key are optional everywhere.
    /// <summary>Adds an event to the next <see cref="DbContext.SaveChangesAsync(CancellationToken)"/>: the event and
    /// the changes both commit, or neither does. Events enter the log some milliseconds later, in the order of the
    /// calls.</summary>
    /// <param name="context">A context whose options have <see cref="UseSse(DbContextOptionsBuilder)"/>.</param>
    /// <param name="topic">A topic without wildcards; each hole of an interpolated string is one token.</param>
    /// <param name="type">The SSE event name, without CR and LF.</param>
    /// <param name="data">Any value; it is written now, as the application's endpoints write JSON. See the other
    /// overload for values that the database generates.</param>
    /// <param name="key">The key by which a slow reader keeps only the newest event, or null without one.</param>
    /// <exception cref="ArgumentException">A member is invalid (see <see cref="NewEvent"/>), or the data has more than
    /// 1,048,576 bytes.</exception>
    /// <exception cref="InvalidOperationException">The context's options lack
    /// <see cref="UseSse(DbContextOptionsBuilder)"/>. Or the data has a tracked entity whose key the database has not
    /// generated yet.</exception>
    public static void Publish<T>(this DbContext context, EventTopic topic, string type, T data, string? key = null)
    {
        var (waiting, json) = OutboxOf(context);
        var published = Checked(NewEvent.Of(topic, type, data, key, Guid.CreateVersion7(), json));
        new UnknownKeys(context, json ?? ReadableJsonEncoder.Web).Refuse(data);
        waiting.Add(new OutboxEvent(() => published));
    }

    /// <summary>Adds an event that tells of values which the database generates. It is made by the next
    /// <see cref="DbContext.SaveChangesAsync(CancellationToken)"/>, after the changes and in their transaction, and
    /// once more if the save is repeated.</summary>
    /// <param name="context">A context whose options have <see cref="UseSse(DbContextOptionsBuilder)"/>.</param>
    /// <param name="topic">Returns a topic without wildcards.</param>
    /// <param name="type">The SSE event name, without CR and LF.</param>
    /// <param name="data">Returns any value. It reads the saved entities, and does not use the context.</param>
    /// <param name="key">Returns the key by which a slow reader keeps only the newest event, or null without
    /// one.</param>
    /// <exception cref="InvalidOperationException">The context's options lack
    /// <see cref="UseSse(DbContextOptionsBuilder)"/>.</exception>
    public static void Publish<T>(
        this DbContext context,
        Func<EventTopic> topic,
        string type,
        Func<T> data,
        Func<string?>? key = null
    )
    {
        ArgumentNullException.ThrowIfNull(topic);
        ArgumentNullException.ThrowIfNull(data);
        var (waiting, json) = OutboxOf(context);
        waiting.Add(new OutboxEvent(() => Checked(NewEvent.Of(topic(), type, data(), key?.Invoke(), json: json))));
    }

    private static NewEvent Checked(NewEvent published) =>
        Encoding.UTF8.GetByteCount(published.Data) <= Outbox.MaxDataBytes
            ? published
            : throw new ArgumentException($"The data of a published event has at most {Outbox.MaxDataBytes} bytes.");

    private static (WaitingEvents Waiting, JsonSerializerOptions? Json) OutboxOf(DbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var name = context.GetType().Name;
        if (context.GetService<IDbContextOptions>().FindExtension<OutboxOptions>() is null)
            throw new InvalidOperationException(
                $"{name} cannot publish: call UseSse() on its options, where UseNpgsql is called."
            );
        if (context.Model.FindEntityType(typeof(OutboxEvent)) is null)
            throw new InvalidOperationException(
                $"{name} cannot publish: its compiled model was made without UseSse(). Make it again."
            );

        var waiting = context.GetService<WaitingEvents>();
        if (!context.Database.IsRelational() || (waiting.MemoryLog is null && !context.Database.IsNpgsql()))
            throw new InvalidOperationException(
                $"{name} cannot publish: its database must be that of AddEventStore. With AddInMemoryEventLog it may "
                    + "be any relational one."
            );
        return (waiting, JsonOf(context));
    }

    /// <summary>Makes a change in a transaction of a new context, saves and commits it, and disposes the context. A
    /// client that hangs up ends the wait, but not the change: a commit that is cancelled while it waits for a
    /// synchronous standby would be valid without that standby.</summary>
    /// <remarks>A failed save undoes only itself, and the change may go on. A context whose strategy retries makes the
    /// change once: <paramref name="change"/> may have effects of its own.</remarks>
    /// <param name="contexts">A singleton, as <c>AddDbContextFactory</c> adds it. A context of a request would be
    /// disposed with the request, or be used by the next request, while the change goes on. Its options have
    /// <see cref="UseSse(DbContextOptionsBuilder)"/>.</param>
    /// <param name="change">Reads and changes, without a cancellation token and without other services of the request;
    /// its changes and events are saved after it returns. It may take any time.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The result of <paramref name="change"/>.</returns>
    /// <exception cref="DbUpdateException">Postgres refuses the changes or their commit, and stores nothing of
    /// them.</exception>
    /// <exception cref="StoreUnavailableException">Postgres did not confirm the commit.</exception>
    /// <exception cref="TimeoutException">Postgres has not answered the save and the commit within the context's
    /// command timeout, but may still commit.</exception>
    public static Task<T> ChangeAsync<[DynamicallyAccessedMembers(OfContext)] TContext, T>(
        this IDbContextFactory<TContext> contexts,
        Func<TContext, Task<T>> change,
        CancellationToken cancellationToken = default
    )
        where TContext : DbContext => contexts.ChangeAsync(change, IsolationLevel.Unspecified, cancellationToken);

    /// <inheritdoc cref="ChangeAsync{TContext, T}(IDbContextFactory{TContext}, Func{TContext, Task{T}},
    /// CancellationToken)"/>
    /// <param name="isolation">The isolation level of the change's transaction.</param>
    public static Task<T> ChangeAsync<[DynamicallyAccessedMembers(OfContext)] TContext, T>(
        this IDbContextFactory<TContext> contexts,
        Func<TContext, Task<T>> change,
        IsolationLevel isolation,
        CancellationToken cancellationToken = default
    )
        where TContext : DbContext
    {
        ArgumentNullException.ThrowIfNull(contexts);
        ArgumentNullException.ThrowIfNull(change);
        var context = contexts.CreateDbContext();
        return StoreAccess.WaitAsync(
            new ChangeAttempt(context).ExecuteAsync(() => ChangeCommit.RunAsync(context, change, isolation)),
            Timeout.InfiniteTimeSpan,
            cancellationToken
        );
    }

    /// <inheritdoc cref="ChangeAsync{TContext, T}(IDbContextFactory{TContext}, Func{TContext, Task{T}},
    /// CancellationToken)"/>
    public static Task ChangeAsync<[DynamicallyAccessedMembers(OfContext)] TContext>(
        this IDbContextFactory<TContext> contexts,
        Func<TContext, Task> change,
        CancellationToken cancellationToken = default
    )
        where TContext : DbContext
    {
        ArgumentNullException.ThrowIfNull(change);
        return contexts.ChangeAsync(RunAsync, cancellationToken);

        async Task<bool> RunAsync(TContext context)
        {
            await change(context);
            return true;
        }
    }

#pragma warning restore RS0026
    /// <summary>Waits until the events that were committed before are in the log, so that an event which is appended
    /// afterwards follows them.</summary>
    /// <remarks>Needed to call <see cref="IEventLog.AppendAsync(IReadOnlyList{NewEvent}, AppendOptions?,
    /// CancellationToken)"/> after a save. It waits as long as no process moves the outbox.</remarks>
    /// <exception cref="InvalidOperationException">The context's transaction has not committed.</exception>
    public static async Task WaitUntilPublishedAsync(
        this DbContext context,
        CancellationToken cancellationToken = default
    )
    {
        var (waiting, _) = OutboxOf(context);
        var database = context.Database;
        if (database.CurrentTransaction is not null || Transaction.Current is not null)
            throw new InvalidOperationException("Events are published after the commit: call this after it.");
        if (waiting.MemoryLog is not null)
            return;

        await database.OpenConnectionAsync(cancellationToken);
        try
        {
            await Outbox.WaitAsync((NpgsqlConnection)database.GetDbConnection(), cancellationToken);
        }
        finally
        {
            await database.CloseConnectionAsync();
        }
    }

    /// <summary>Returns how the context's application writes JSON, or null for a context that no web application
    /// made.</summary>
    private static JsonSerializerOptions? JsonOf(DbContext context) =>
        context.GetService<IDbContextOptions>().FindExtension<CoreOptionsExtension>()?.ApplicationServiceProvider
            is { } services
        && services.GetService<IOptions<JsonOptions>>() is not null
            ? ApplicationJson.Of(services)
            : null;

    /// <summary>Returns the place of the newest event, as the context's transaction sees the log. A stream that starts
    /// after that place misses no change of the data that the transaction reads.</summary>
    /// <param name="context">A context that has begun a transaction in the event log's database, or works in an
    /// ambient one.</param>
    /// <param name="cancellationToken">Cancels the call before it reads.</param>
    /// <exception cref="InvalidOperationException">There is no transaction, or it is not a repeatable read or
    /// serializable: a change that commits between a read and this call would be missed. Or the context's role lacks a
    /// right on the log.</exception>
    /// <exception cref="StoreUnavailableException">Postgres has just been promoted or restored.</exception>
    public static async Task<StreamPosition> SsePositionAsync(
        this DbContext context,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(context);
        var database = context.Database;
        var begun = database.CurrentTransaction?.GetDbTransaction();
        if (begun is null && (database.GetEnlistedTransaction() ?? Transaction.Current) is null)
            throw new InvalidOperationException(
                "The place belongs to the reads of a transaction: call "
                    + "Database.BeginTransactionAsync(IsolationLevel.RepeatableRead) before."
            );

        await database.OpenConnectionAsync(cancellationToken);
        try
        {
            return await LogSnapshot.HeadAsync((NpgsqlConnection)database.GetDbConnection(), (NpgsqlTransaction?)begun);
        }
        finally
        {
            await database.CloseConnectionAsync();
        }
    }
}
