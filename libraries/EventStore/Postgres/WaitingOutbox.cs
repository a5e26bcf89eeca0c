namespace EventStore;

/// <summary>The row that has waited longest in the outbox.</summary>
/// <param name="Ordinal">Its number.</param>
/// <param name="IsLed">True if a process leads, so that the row should be moved.</param>
internal sealed record WaitingOutbox(long Ordinal, bool IsLed)
{
    /// <summary>The reason why the row waits, and the way out.</summary>
    public string Reason =>
        IsLed
            ? $"Events wait in the outbox behind row {Ordinal}, which the leading process cannot move into the log. "
                + "Its own log says why."
            : "Events wait in the outbox, and no process moves them into the log. Start one that calls AddSse without "
                + "Redis, or AddSseBroadcaster.";
}
