using Npgsql;

namespace AspireSse;

/// <summary>Postgres does not answer, is overloaded or only reads. Try again later (HTTP 503 with
/// <c>Retry-After</c>).</summary>
public class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Returns true for an error that means the same. Entity Framework wraps the driver's; a request to
    /// another service that took too long is cancelled, and has a timeout of its own inside.</summary>
    public static bool Is(Exception exception) =>
        exception
            is StoreUnavailableException
                or TimeoutException
                or NpgsqlException { IsTransient: true }
                // A standby, or a managed server whose disk is full.
                or PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction }
        || (exception is not OperationCanceledException && exception.InnerException is { } inner && Is(inner));
}
