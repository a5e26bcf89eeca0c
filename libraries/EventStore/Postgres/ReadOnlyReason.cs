namespace EventStore;

/// <summary>The reason why Postgres answers but stores nothing.</summary>
internal enum ReadOnlyReason
{
    /// <summary>The server is a standby.</summary>
    Standby,

    /// <summary>The role, the database or the server has <c>default_transaction_read_only</c>, such as a managed server
    /// whose disk is full.</summary>
    Setting,
}
