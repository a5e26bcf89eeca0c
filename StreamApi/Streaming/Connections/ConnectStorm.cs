namespace StreamApi.Streaming.Connections;

/// <summary>
/// Notices the end of a storm of connects. A request through the whole pipeline leaves about 17 kB of garbage, which the heap keeps for the next
/// one; 5,000 idle streams would weigh twice what they need.
/// </summary>
/// <param name="streams">New streams that make a storm; 0: there is none.</param>
internal sealed class ConnectStorm(int streams)
{
    private const int QuietTicks = 2;

    private long _before, _last;
    private int _quiet;

    /// <summary>To be asked every few seconds. True once after each storm.</summary>
    /// <param name="opened">Streams opened since the start.</param>
    public bool HasSettled(long opened)
    {
        _quiet = opened == _last ? _quiet + 1 : 0;
        _last = opened;
        if (streams == 0 || _quiet < QuietTicks || opened - _before < streams) return false;
        _before = opened;
        return true;
    }
}
