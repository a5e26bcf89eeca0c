namespace EventStore;

/// <summary>The error of a connection that leads to a pooler. Waiting does not mend it: the connection string must
/// change.</summary>
internal sealed class PoolerException(string message) : InvalidOperationException(message);
