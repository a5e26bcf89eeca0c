using System.Runtime.CompilerServices;
using Npgsql;

namespace EventStore;

/// <summary>Tells a pooler from Postgres when a connection opens. Behind a pooler, notifications, locks and settings
/// stay with no session of ours, and <see cref="NpgsqlConnection.ProcessID"/> may name no session.</summary>
internal static class StorePooler
{
    /// <summary>A row of the session's process id, the settings that it began with, and the address of Postgres. Its
    /// lock (<c>for update</c>) locks no row; it makes pgpool-II begin a transaction, which the check finds.</summary>
    private const string Who = $"""
        select pg_backend_pid(), extract(epoch from current_setting('statement_timeout')::interval)::int,
            current_setting('default_transaction_isolation'), host(inet_server_addr()), inet_server_port(),
            ({Transaction}), {Unlimited}
        from (select $1::int) sent for update
        """;

    private const string Transaction =
        "select virtualtransaction from pg_locks where pid = pg_backend_pid() and virtualtransaction <> '' limit 1";

    /// <summary>Clears <c>transaction_timeout</c> in an open session: before version 17, Postgres refuses a session
    /// with this option. The timeouts of a statement and of an idle transaction are enough.</summary>
    private const string Unlimited = """
        case when current_setting('transaction_timeout', true) <> '0'
            then set_config('transaction_timeout', '0', false) end
        """;

    /// <summary>PgBouncer's code for everything that it refuses; Postgres has it for broken clients only.</summary>
    private const string Protocol = PostgresErrorCodes.ProtocolViolation;

    private const int Seconds = 5;

    /// <summary>Texts that say where each pool's address is set.</summary>
    private static readonly ConditionalWeakTable<NpgsqlDataSource, string> Sources = [];

    /// <summary>Refuses a pooler at each new connection. An initializer that the application sets later replaces
    /// this.</summary>
    /// <param name="builder">The pool's settings.</param>
    /// <param name="timeout">The <c>statement_timeout</c> of its sessions.</param>
    /// <param name="source">The text that says where the pool's address is set, as for
    /// <see cref="NameSource"/>.</param>
    public static void Refuse(NpgsqlDataSourceBuilder builder, TimeSpan timeout, string source) =>
        builder.UsePhysicalConnectionInitializer(
            connection => CheckAsync(connection, timeout, source).GetAwaiter().GetResult(),
            connection => CheckAsync(connection, timeout, source)
        );

    /// <summary>Notes the text that says where a pool's address is set, for the refusal of a pooler.</summary>
    public static NpgsqlDataSource NameSource(this NpgsqlDataSource store, string source)
    {
        Sources.AddOrUpdate(store, source);
        return store;
    }

    /// <summary>Opens a connection to Postgres itself.</summary>
    /// <exception cref="InvalidOperationException">The connection leads to a pooler.</exception>
    /// <exception cref="NpgsqlException">Postgres cannot be reached, or refuses.</exception>
    public static async Task<NpgsqlConnection> OpenDirectAsync(
        this NpgsqlDataSource store,
        CancellationToken cancellationToken
    )
    {
        var connection = store.CreateConnection();
        await connection.OpenDirectAsync(store, cancellationToken);
        return connection;
    }

    /// <inheritdoc cref="OpenDirectAsync(NpgsqlDataSource, CancellationToken)"/>
    public static async Task OpenDirectAsync(
        this NpgsqlConnection connection,
        NpgsqlDataSource store,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await connection.OpenAsync(cancellationToken);
        }
        catch (NpgsqlException e) when (Refusal(e, store) is { } refusal)
        {
            throw refusal;
        }
    }

    /// <summary>Returns the refusal of a pooler within an error, or null: with several hosts, Npgsql wraps the error of
    /// each.</summary>
    private static PoolerException? Refusal(Exception error, NpgsqlDataSource store) =>
        error switch
        {
            PostgresException { SqlState: Protocol } e => Refused(
                $"it answers '{e.MessageText}'",
                Sources.GetValue(store, _ => "its connection string")
            ),
            AggregateException several => several
                .InnerExceptions.Select(one => Refusal(one, store))
                .FirstOrDefault(refusal => refusal is not null),
            PoolerException refused => refused,
            { InnerException: { } inner } => Refusal(inner, store),
            _ => null,
        };

    private static async Task CheckAsync(NpgsqlConnection connection, TimeSpan timeout, string source)
    {
        string transaction;
        string? at;
        await using (var who = new NpgsqlCommand(Who, connection) { CommandTimeout = Seconds })
        {
            await using var row = await who.With(0).ExecuteReaderAsync();
            await row.ReadAsync();

            at = row.IsDBNull(3) ? null : $"Host={row.GetString(3)};Port={row.GetInt32(4)}";
            transaction = row.GetString(5);
            var pid = row.GetInt32(0);
            var seconds = row.GetInt32(1);
            var isolation = row.GetString(2);

            if (seconds != (int)timeout.TotalSeconds || isolation != "read committed")
                throw Refused("it drops the settings of a session, such as statement_timeout", source, at);
            if (pid != connection.ProcessID)
                throw Refused("it invents the numbers of processes", source, at);
        }

        await using var next = new NpgsqlCommand(Transaction, connection) { CommandTimeout = Seconds };
        if (await next.ExecuteScalarAsync() as string == transaction)
            throw Refused("it does not commit what it has acknowledged, as pgpool-II does in mode raw", source, at);
    }

    private static PoolerException Refused(string why, string source, string? at = null) =>
        new(
            $"Between the event log and Postgres stands a pooler, such as PgBouncer or pgpool-II ({why}): "
                + "notifications, locks and settings of a session do not survive it, so name Postgres itself in "
                + $"{source}, '{at ?? "Host=…;Port=5432"}'."
        );
}

/// <summary>The error of a connection that leads to a pooler. Waiting does not mend it: the connection string must
/// change.</summary>
internal sealed class PoolerException(string message) : InvalidOperationException(message);
