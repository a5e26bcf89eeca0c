namespace Streaming.Connections;

/// <summary>Pauses a loop after a round for as long as the round took, so that events batch into fewer writes. An idle
/// loop does not wait; when rounds keep batching events, the pause doubles.</summary>
internal sealed class WritePacing(int maxMilliseconds, TimeProvider clock)
{
    private const int AveragedRounds = 16;

    /// <summary>Mean batch size from which the pause doubles.</summary>
    private const double BatchedUnderLoad = 1.3;

    private long _until;
    private double _batchedMean;

    /// <summary>Milliseconds left of the pause; 0 or less when it is over.</summary>
    public int Milliseconds => (int)((_until - clock.GetTimestamp()) * 1_000 / clock.TimestampFrequency);

    /// <summary>Begins a pause after writes; it does not shorten the present one.</summary>
    /// <param name="worked">Time that the writes took, in ticks of the clock.</param>
    /// <param name="batched">The most events in one write of the round.</param>
    public void Begin(long worked, int batched)
    {
        _batchedMean += (batched - _batchedMean) / AveragedRounds;
        var pause = Math.Min(
            worked * (_batchedMean > BatchedUnderLoad ? 2 : 1),
            maxMilliseconds * clock.TimestampFrequency / 1_000
        );
        _until = Math.Max(_until, clock.GetTimestamp() + pause);
    }
}
