using System.Text;
using Npgsql;

namespace EventStore;

/// <summary>The one rule for errors of Postgres. Those of an outage are listed; those that no waiting mends are about
/// the log's own schema; any other error is of the data that was sent, whatever an operator's constraint or trigger
/// raises.</summary>
internal static class StoreError
{
    /// <summary>Returns true if the same command may succeed later: the connection, the resources or a lock failed, the
    /// server shuts down or only reads. The SQLSTATEs are those of <c>eventstore.is_of_data</c>.</summary>
    public static bool IsOutage(Exception error) =>
        error switch
        {
            // A session that ends has no verdict on the data.
            PostgresException { InvariantSeverity: "FATAL" or "PANIC" } => true,
            PostgresException { SqlState: var state } => state[..2]
                is "08"
                    or "26"
                    or "40"
                    or "53"
                    or "57"
                    or "58"
                    or "XX"
                || state[..3] == OwnClass
                || state is PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.LockNotAvailable,
            _ => error is NpgsqlException or TimeoutException,
        };

    /// <summary>Returns true if Postgres has refused the data of the caller, and has stored nothing of them.</summary>
    public static bool IsOfData(Exception error) =>
        error is EncoderFallbackException
        || (error is PostgresException refusal && !IsOutage(error) && !IsOfSchema(refusal) && !IsOfOtherTable(refusal));

    /// <summary>Returns a sentence with the mistake and the way out if the schema is missing, old or emptied, or the
    /// role lacks a right on it. Null for any other error.</summary>
    public static string? Mistake(Exception error) =>
        error is not PostgresException { MessageText: var text } refusal ? null
        : IsEmptied(refusal) ? Emptied(text)
        : !IsOfSchema(refusal) ? null
        : refusal.SqlState is PostgresErrorCodes.InsufficientPrivilege
            ? $"The connection's role lacks a right on the event log ({text}): let the schema's owner run the script "
                + "that EventStoreSchema.Script(role) returns."
        : $"The database has no event log, or an older one ({text}): call EnsureSchemaAsync first, and check which "
            + "database the connection string names.";

    /// <summary>Returns the way out of emptied tables.</summary>
    public static string Emptied(string text) =>
        $"The tables of the event log were emptied ({text}), with rows that it needs: run 'drop schema eventstore "
        + "cascade' and call EnsureSchemaAsync. What empties the application's tables must leave out the schema "
        + "eventstore; 'select eventstore.reset()' empties the log.";

    /// <summary>Class of the SQLSTATEs that the log's own functions raise.</summary>
    private const string OwnClass = "SSE";

    /// <summary>Returns true if a name or a right is missing in the log's own statements. In a trigger it is the
    /// operator's, and so is a policy that refuses a row.</summary>
    private static bool IsOfSchema(PostgresException error) =>
        error.SqlState[..2] is "42" or "3F"
        && error.Routine is not "ExecWithCheckOptions"
        && InnermostFunction(error).Contains("eventstore.", StringComparison.Ordinal);

    /// <summary>Returns the line of the context with the function that failed, whatever the server's language, or the
    /// log's schema if the statement itself did.</summary>
    private static ReadOnlySpan<char> InnermostFunction(PostgresException error)
    {
        foreach (var line in error.Where.AsSpan().EnumerateLines())
            if (line.Contains("PL/pgSQL", StringComparison.Ordinal))
                return line;
        return "eventstore.";
    }

    /// <summary>Returns true for a constraint of a table without callers' data, and for a missing partition, which is a
    /// check violation without a constraint's name.</summary>
    private static bool IsOfOtherTable(PostgresException error) =>
        error is { SqlState: PostgresErrorCodes.CheckViolation, ConstraintName: null }
        || error is { SchemaName: "eventstore", TableName: { } table }
            && table is not "recent_ids"
            && !table.StartsWith("events", StringComparison.Ordinal);

    /// <summary>Returns true if the log lacks the rows that its schema begins with. An append or a read then tries to
    /// record an epoch that has no earlier one.</summary>
    private static bool IsEmptied(PostgresException error) =>
        error is { SqlState: PostgresErrorCodes.NotNullViolation, SchemaName: "eventstore", TableName: "lineage" };
}
