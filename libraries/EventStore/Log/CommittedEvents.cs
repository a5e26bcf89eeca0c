namespace EventStore;

/// <summary>Events that a commit added: at least one, in order, and every event of the log after
/// <paramref name="Previous"/> and up to the last.</summary>
internal sealed record CommittedEvents(string Epoch, long Previous, IReadOnlyList<EventRecord> Events)
{
    public long Last => Events[^1].Position;
}

/// <summary>Sends the commits of this process to others, which then need not read them.</summary>
internal interface ICommitPublisher
{
    /// <summary>True unless the last commit was refused, so that the next ones only probe the way.</summary>
    bool IsHeard { get; }

    /// <summary>Returns true if a commit with this number of bytes can be sent now.</summary>
    bool Takes(long bytes);

    /// <summary>Sends a commit, and does not wait until it has arrived.</summary>
    void Publish(CommittedEvents commit);
}
