using Npgsql;

namespace EventStore;

/// <summary>Errors of Postgres that waiting does not mend: the schema is missing, old or emptied, or the role lacks a
/// right.</summary>
internal static class StoreMistake
{
    /// <summary>Returns a sentence with the mistake and the way out, or null if the error is another one.</summary>
    public static string? In(Exception error) =>
        error is not PostgresException { SqlState: var state, MessageText: var text } ? null
        : state is PostgresErrorCodes.InsufficientPrivilege
            ? $"The connection's role lacks a right on the event log ({text}): let the schema's owner run the script "
                + "that EventStoreSchema.Script(role) returns."
        : state
            is PostgresErrorCodes.InvalidSchemaName
                or PostgresErrorCodes.UndefinedTable
                or PostgresErrorCodes.UndefinedFunction
            ? $"The database has no event log, or an older one ({text}): call EnsureSchemaAsync first, and check which "
                + "database the connection string names."
        : IsEmptied(error) ? Emptied(text)
        : null;

    /// <summary>Returns true if the log lacks the rows that its schema begins with. An append or a read then tries to
    /// record an epoch that has no earlier one.</summary>
    private static bool IsEmptied(Exception error) =>
        error
            is PostgresException
            {
                SqlState: PostgresErrorCodes.NotNullViolation,
                SchemaName: "eventstore",
                TableName: "lineage",
            };

    /// <summary>Returns the way out of emptied tables.</summary>
    public static string Emptied(string text) =>
        $"The tables of the event log were emptied ({text}), with rows that it needs: run 'drop schema eventstore "
        + "cascade' and call EnsureSchemaAsync. What empties the application's tables must leave out the schema "
        + "eventstore; 'select eventstore.reset()' empties the log.";
}
