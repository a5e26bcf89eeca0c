using Npgsql;

namespace EventStore;

/// <summary>An error of Postgres that no waiting mends: the schema is missing or old, or the role lacks a
/// right.</summary>
internal static class StoreMistake
{
    /// <summary>Returns a sentence with the mistake and the way out, or null if the error is another one.</summary>
    public static string? In(Exception error) =>
        error is not PostgresException { SqlState: var state, MessageText: var text } ? null
        : state is PostgresErrorCodes.InsufficientPrivilege
            ? $"The role of the event log lacks a right ({text}): let the schema's owner run the script that "
                + "EventStoreSchema.Script(role) returns."
        : state
            is PostgresErrorCodes.InvalidSchemaName
                or PostgresErrorCodes.UndefinedTable
                or PostgresErrorCodes.UndefinedFunction
            ? $"The database has no event log, or an older one ({text}): call EnsureSchemaAsync first, and check which "
                + "database the connection string names."
        : null;
}
