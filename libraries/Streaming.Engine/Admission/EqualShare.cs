namespace Streaming.Admission;

/// <summary>Shares a limit among clients: between the limit and twice the limit, only clients with at most an equal
/// share get more. So one client alone may use the whole limit, and a newcomer still finds room.</summary>
internal static class EqualShare
{
    /// <summary>Judges a request. The total, the client's own part and the number of clients include the
    /// request.</summary>
    public static ShareVerdict Of(long limit, long total, long mine, int clients)
    {
        if (total <= limit)
            return ShareVerdict.Admitted;

        if (mine > Math.Max(1, limit / clients))
            return ShareVerdict.OwnExcess;

        return total <= 2 * limit ? ShareVerdict.Admitted : ShareVerdict.Full;
    }
}
