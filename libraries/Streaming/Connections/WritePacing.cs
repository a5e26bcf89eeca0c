namespace Streaming.Connections;

/// <summary>
/// After a round of writes a writer loop rests as long from the next one: events that come meanwhile are joined into
/// one write for each connection. So a loop
/// that has little to do waits for nothing, and one that would do nothing but write does half of it. Where rounds join
/// more than one event on the average, the
/// load is there to stay, and it rests twice as long.
/// </summary>
internal sealed class WritePacing(int maxMilliseconds, TimeProvider clock)
{
    /// <summary>Over about so many rounds it is averaged how many events were joined, and from how many on the rests
    /// are longer.</summary>
    private const int AveragedRounds = 16;
    private const double JoinedUnderLoad = 1.3;

    private long _until;
    private double _joinedMean;

    /// <summary>Of the rest that is left; 0 or less where it is over.</summary>
    public int Milliseconds => (int)((_until - clock.GetTimestamp()) * 1_000 / clock.TimestampFrequency);

    /// <param name="begun">When the round began that ends now.</param>
    /// <param name="joined">The most events that one write of it contained.</param>
    public void Begin(long begun, int joined)
    {
        _joinedMean += (joined - _joinedMean) / AveragedRounds;
        var now = clock.GetTimestamp();
        _until =
            now
            + Math.Min(
                (now - begun) * (_joinedMean > JoinedUnderLoad ? 2 : 1),
                maxMilliseconds * clock.TimestampFrequency / 1_000
            );
    }
}
