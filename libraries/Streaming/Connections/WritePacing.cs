namespace Streaming.Connections;

/// <summary>
/// Pauses a writer loop after a round of writes for as long as the round took, so that events batch into fewer writes.
/// An idle loop does not wait, and a busy one writes half of the time; when rounds keep batching events, the pause
/// doubles.
/// </summary>
internal sealed class WritePacing(int maxMilliseconds, TimeProvider clock)
{
    /// <summary>Number of rounds over which the batch size is averaged.</summary>
    private const int AveragedRounds = 16;

    /// <summary>Mean batch size from which the pause doubles.</summary>
    private const double BatchedUnderLoad = 1.3;

    private long _until;
    private double _batchedMean;

    /// <summary>Milliseconds left of the pause; 0 or less when it is over.</summary>
    public int Milliseconds => (int)((_until - clock.GetTimestamp()) * 1_000 / clock.TimestampFrequency);

    /// <summary>Begins a pause after a round.</summary>
    /// <param name="begun">Timestamp of the start of the round.</param>
    /// <param name="batched">The most events in one write of the round.</param>
    public void Begin(long begun, int batched)
    {
        _batchedMean += (batched - _batchedMean) / AveragedRounds;
        var now = clock.GetTimestamp();
        _until =
            now
            + Math.Min(
                (now - begun) * (_batchedMean > BatchedUnderLoad ? 2 : 1),
                maxMilliseconds * clock.TimestampFrequency / 1_000
            );
    }
}
