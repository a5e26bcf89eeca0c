using Streaming.Admission;

namespace StreamApi.Seeds.Storage;

/// <summary>Lets the changes of one row follow one another before they take a connection, in fair turns of the clients.
/// Thread-safe.</summary>
/// <remarks>Otherwise the changes of one busy row, waiting for its lock in Postgres, would use every connection of the
/// pool.</remarks>
internal sealed class RowTurns(TimeProvider clock)
{
    /// <summary>Gates that all rows share by their hash: so many that two busy rows rarely meet at one.</summary>
    private const int Count = 256;

    /// <summary>Changes that should wait at a gate: as many as are done within the longest wait, at some 10 ms
    /// each.</summary>
    private const int MaxWaiting = 500;

    /// <summary>Longest wait for a turn, as long as for a connection.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private readonly FairGate[] _gates =
    [
        .. Enumerable.Range(0, Count).Select(_ => new FairGate("changes of the same row", seats: 1, MaxWaiting, clock)),
    ];

    /// <summary>Waits for the row's turn; dispose it when the change is committed.</summary>
    /// <exception cref="RefusedException">Too many changes of this row wait.</exception>
    public ValueTask<IDisposable> EnterAsync(string row, string client, CancellationToken cancellationToken) =>
        _gates[(uint)row.GetHashCode(StringComparison.Ordinal) % Count].EnterAsync(client, Longest, cancellationToken);
}
