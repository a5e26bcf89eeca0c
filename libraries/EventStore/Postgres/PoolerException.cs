namespace EventStore;

/// <summary>A mistake in the connection string: waiting does not mend it.</summary>
internal sealed class PoolerException(string message) : InvalidOperationException(message);
