using EventStore;
using Npgsql;

namespace AspireSse;

/// <summary>Postgres does not answer, is overloaded or only reads. Try again later (HTTP 503 with
/// <c>Retry-After</c>).</summary>
/// <remarks>Needed to answer requests during an outage of Postgres, such as by 503.</remarks>
public class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Returns true for an error that means the same, such as a driver's error within one of Entity Framework.
    /// A request to another service that took too long does not count: it is cancelled, with a timeout
    /// inside.</summary>
    public static bool Is(Exception exception) =>
        exception is StoreUnavailableException or TimeoutException or NpgsqlException { IsTransient: true }
        || (exception is PostgresException && StoreError.IsOutage(exception))
        || (exception is not OperationCanceledException && exception.InnerException is { } inner && Is(inner));
}
