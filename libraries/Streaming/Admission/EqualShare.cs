namespace Streaming.Admission;

/// <summary>
/// Says who may take more of something that all clients share: up to the limit everybody; above it only a client with
/// at most an equal share of it, up to twice the limit in all. So one client alone may have all of it, and a newcomer
/// still finds room.
/// </summary>
internal static class EqualShare
{
    /// <param name="limit">What all clients together should hold.</param>
    /// <param name="total">What they hold, with what is asked for.</param>
    /// <param name="mine">What the asking client holds, with what it asks for.</param>
    /// <param name="clients">Number of clients that hold something, with the asking one.</param>
    public static ShareVerdict Of(long limit, long total, long mine, int clients)
    {
        if (total <= limit)
            return ShareVerdict.Admitted;

        if (mine > Math.Max(1, limit / clients))
            return ShareVerdict.OwnExcess;

        return total <= 2 * limit ? ShareVerdict.Admitted : ShareVerdict.Full;
    }
}

internal enum ShareVerdict
{
    Admitted,

    /// <summary>The client has more than an equal share: 429.</summary>
    OwnExcess,

    /// <summary>All clients together have too much: 503.</summary>
    Full,
}
