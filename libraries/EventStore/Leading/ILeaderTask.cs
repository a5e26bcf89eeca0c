namespace EventStore;

/// <summary>Work that one process at a time does, under the lease.</summary>
internal interface ILeaderTask
{
    /// <summary>Works until cancelled, or until the term is over.</summary>
    Task RunAsync(Term term, CancellationToken stopped);
}
