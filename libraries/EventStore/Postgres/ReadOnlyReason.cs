namespace EventStore;

/// <summary>The reason for which Postgres answers and stores nothing.</summary>
internal enum ReadOnlyReason
{
    /// <summary>It is a standby.</summary>
    Standby,

    /// <summary>The role, the database or the server has <c>default_transaction_read_only</c>, such as a managed one
    /// whose disk is full.</summary>
    Setting,
}
