namespace StreamApi.Connections;

/// <summary>Turns to sort and encode pages of open connections.</summary>
internal sealed class ListingTurns(TimeProvider clock)
{
    /// <summary>Part of all processors that listings may use while the processors are busy.</summary>
    private const double Share = 0.05;

    /// <summary>Requests that should wait; each holds some 16 kB.</summary>
    private const int MaxWaiting = 1_000;

    public FairGate Gate { get; } =
        new("listings", seats: 1, MaxWaiting, clock) { BusyShare = Math.Min(1, Share * Environment.ProcessorCount) };
}
