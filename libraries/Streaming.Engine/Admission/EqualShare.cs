namespace Streaming.Admission;

/// <summary>Shares a limit among clients: above it, up to twice as much, only those with at most an equal share get
/// more. So one client alone may have all of it, and a newcomer still finds room.</summary>
internal static class EqualShare
{
    /// <summary>Judges a request; total, mine and clients (the number that hold something) include it.</summary>
    public static ShareVerdict Of(long limit, long total, long mine, int clients)
    {
        if (total <= limit)
            return ShareVerdict.Admitted;

        if (mine > Math.Max(1, limit / clients))
            return ShareVerdict.OwnExcess;

        return total <= 2 * limit ? ShareVerdict.Admitted : ShareVerdict.Full;
    }
}
